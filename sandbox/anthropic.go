package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
)

// Paths of the Anthropic dialect.
const (
	messagesPath    = "/v1/messages"
	countTokensPath = "/v1/messages/count_tokens"
)

// overloaded is Anthropic's own status for "not now".
const overloaded = 529

// anthropicErrors are the types of errors by their status.
// Source: https://platform.claude.com/docs/en/api/errors
var anthropicErrors = map[int]string{
	http.StatusUnauthorized:          "authentication_error",
	http.StatusForbidden:             "permission_error",
	http.StatusNotFound:              "not_found_error",
	http.StatusRequestEntityTooLarge: "request_too_large",
	http.StatusTooManyRequests:       "rate_limit_error",
	http.StatusGatewayTimeout:        "timeout_error",
	overloaded:                       "overloaded_error",
}

// writeAnthropicError sends an error in Anthropic's shape.
func writeAnthropicError(w http.ResponseWriter, e *failure) {
	kind := anthropicErrors[e.status]
	switch {
	case kind != "":
	case e.status >= http.StatusInternalServerError:
		kind = "api_error"
	default:
		kind = "invalid_request_error"
	}
	if e.status == http.StatusTooManyRequests {
		h := w.Header()
		h.Set("Retry-After", "1")
		for _, unit := range []string{"Requests", "Tokens"} {
			h.Set("Anthropic-Ratelimit-"+unit+"-Limit", "60")
			h.Set("Anthropic-Ratelimit-"+unit+"-Remaining", "0")
			h.Set("Anthropic-Ratelimit-"+unit+"-Reset", "2026-01-01T00:00:01Z")
		}
	}
	message := e.message
	if e.param != "" {
		message = e.param + ": " + message
	}
	type detail struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	}
	writeJSON(w, e.status, struct {
		Type      string `json:"type"`
		Error     detail `json:"error"`
		RequestID string `json:"request_id"`
	}{"error", detail{kind, message}, "req_sandbox"})
}

// anthropicMessage is the reply, and what a stream begins with.
type anthropicMessage struct {
	ID           string           `json:"id"`
	Type         string           `json:"type"`
	Role         string           `json:"role"`
	Model        string           `json:"model"`
	Content      []anthropicBlock `json:"content"`
	StopReason   *string          `json:"stop_reason"`
	StopSequence *string          `json:"stop_sequence"`
	Usage        anthropicUsage   `json:"usage"`
}

type anthropicUsage struct {
	InputTokens              int    `json:"input_tokens"`
	CacheCreationInputTokens int    `json:"cache_creation_input_tokens"`
	CacheReadInputTokens     int    `json:"cache_read_input_tokens"`
	OutputTokens             int    `json:"output_tokens"`
	ServiceTier              string `json:"service_tier"`
}

// anthropicBlock is one block of a reply: text, thinking or tool_use, each with
// its own fields.
type anthropicBlock struct {
	Type      string          `json:"type"`
	Thinking  *string         `json:"thinking,omitempty"`
	Signature *string         `json:"signature,omitempty"`
	Text      *string         `json:"text,omitempty"`
	ID        string          `json:"id,omitempty"`
	Name      string          `json:"name,omitempty"`
	Input     json.RawMessage `json:"input,omitempty"`

	args string // Input as /call wrote it
}

// The types of blocks.
const (
	blockText     = "text"
	blockThinking = "thinking"
	blockToolUse  = "tool_use"
)

// serveMessages answers POST /v1/messages.
func (h *Handler) serveMessages(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	q, err := parseMessages(body)
	if err != nil {
		return err
	}
	if q.MaxTokens < 1 {
		return invalid("max_tokens", "you must say how many tokens the reply may have")
	}
	if err := q.script.failure(); err != nil {
		return err
	}
	m, err := q.message(body)
	if err != nil {
		return err
	}
	w.Header().Set("Request-Id", makeID("req_", body))
	if q.Stream {
		(&messageStream{h.newStream(w, r, q.script)}).run(m)
		return nil
	}
	h.sendReply(w, r, q.script, m)
	return nil
}

// serveCountTokens answers POST /v1/messages/count_tokens.
func (h *Handler) serveCountTokens(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	q, err := parseMessages(body)
	if err != nil {
		return err
	}
	if err := q.script.failure(); err != nil {
		return err
	}
	h.sendReply(w, r, q.script, struct {
		InputTokens int `json:"input_tokens"`
	}{q.prompt})
	return nil
}

// message composes the reply. A call's arguments are an object here, so that
// others are a [failure].
func (q *messagesRequest) message(body []byte) (*anthropicMessage, error) {
	a := q.say(0)
	reason := "end_turn"
	blocks := []anthropicBlock{}
	if a.reasoning != "" {
		signature := base64.StdEncoding.EncodeToString([]byte(makeID("", body)))
		blocks = append(blocks, anthropicBlock{Type: blockThinking, Thinking: &a.reasoning, Signature: &signature})
	}
	for _, text := range []*string{a.content, a.refusal} {
		if text != nil {
			blocks = append(blocks, anthropicBlock{Type: blockText, Text: text})
		}
	}
	for j, c := range a.calls {
		if err := c.object("messages"); err != nil {
			return nil, err
		}
		blocks = append(blocks, anthropicBlock{
			Type: blockToolUse, ID: makeID("toolu_", body, j), Name: c.name, Input: json.RawMessage(c.args), args: c.args,
		})
		reason = "tool_use"
	}
	if a.refusal != nil {
		reason = "refusal"
	}
	if a.finish != "" {
		reason = a.finish
	}
	total, _ := a.tokens(q.script.chunk)
	return &anthropicMessage{
		ID: makeID("msg_", body), Type: "message", Role: "assistant", Model: q.Model, Content: blocks, StopReason: &reason,
		Usage: anthropicUsage{InputTokens: q.prompt, OutputTokens: total, ServiceTier: "standard"},
	}, nil
}
