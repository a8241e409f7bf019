package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// answer is one choice before it takes a shape: what the model says.
type answer struct {
	content   *string
	reasoning string
	refusal   *string
	calls     []toolCall
	finish    string
}

// toolCall is a call in a message and in a stream's delta. Index is set in
// deltas only.
type toolCall struct {
	Index    *int          `json:"index,omitempty"`
	ID       string        `json:"id,omitempty"`
	Type     string        `json:"type,omitempty"`
	Function *functionCall `json:"function,omitempty"`
	Custom   *customCall   `json:"custom,omitempty"`
}

type functionCall struct {
	Name      string `json:"name,omitempty"`
	Arguments string `json:"arguments"`
}

type customCall struct {
	Name  string `json:"name,omitempty"`
	Input string `json:"input"`
}

// text is the call's arguments, or a custom tool's input.
func (c *toolCall) text() string {
	if c.Custom != nil {
		return c.Custom.Input
	}
	return c.Function.Arguments
}

// answer composes choice i.
func (q *chatRequest) answer(i int, body []byte) *answer {
	s := q.script
	a := &answer{reasoning: strings.Join(s.reasoning, "\n"), finish: "stop"}
	say := func(text string) *string {
		if i > 0 {
			text += fmt.Sprintf(" (choice %d)", i)
		}
		return &text
	}
	calls := s.calls
	switch {
	case len(q.last) > 0:
		lines := make([]string, len(q.last))
		for j, m := range q.last {
			lines[j] = "The tool answered: " + string(m.Content)
		}
		a.content = say(strings.Join(lines, "\n"))
	case s.answers():
		if len(s.refusal) > 0 {
			a.refusal = say(strings.Join(s.refusal, "\n"))
		} else if len(s.content) > 0 {
			a.content = say(strings.Join(s.content, "\n"))
		}
	case q.choose != nil:
		calls = []scriptCall{*q.choose}
	case strings.TrimSpace(s.rest) != "":
		a.content = say("You said: " + s.rest)
	default:
		a.content = say("Hello from the sandbox.")
	}
	for j, c := range calls {
		a.calls = append(a.calls, q.newCall(makeID("call_", body, i, j), c))
		a.finish = "tool_calls"
	}
	if s.finish != "" {
		a.finish = s.finish
	}
	return a
}

func (q *chatRequest) newCall(id string, c scriptCall) toolCall {
	if q.isCustom(c.name) {
		return toolCall{ID: id, Type: typeCustom, Custom: &customCall{Name: c.name, Input: c.args}}
	}
	return toolCall{ID: id, Type: typeFunction, Function: &functionCall{Name: c.name, Arguments: c.args}}
}

// tokens counts what the answer holds, and how much of that is reasoning.
func (a *answer) tokens(size int) (total, reasoning int) {
	reasoning = countTokens(a.reasoning, size)
	total = reasoning
	for _, t := range []*string{a.content, a.refusal} {
		if t != nil {
			total += countTokens(*t, size)
		}
	}
	for j := range a.calls {
		total += countTokens(a.calls[j].text(), size)
	}
	return total, reasoning
}

// usage is OpenAI's CompletionUsage, without the counts that are always zero
// here.
type usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
	PromptDetails    struct {
		CachedTokens int `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
	CompletionDetails struct {
		ReasoningTokens int `json:"reasoning_tokens"`
	} `json:"completion_tokens_details"`
}

func (q *chatRequest) usage(answers []*answer) *usage {
	u := new(usage)
	for _, m := range q.Messages {
		u.PromptTokens += countTokens(string(m.Content), q.script.chunk)
	}
	for _, a := range answers {
		total, reasoning := a.tokens(q.script.chunk)
		u.CompletionTokens += total
		u.CompletionDetails.ReasoningTokens += reasoning
	}
	u.TotalTokens = u.PromptTokens + u.CompletionTokens
	return u
}

// logprobs repeats the text token by token.
type logprobs struct {
	Content []tokenLogprob `json:"content"`
	Refusal []tokenLogprob `json:"refusal"`
}

type tokenLogprob struct {
	topLogprob
	Top []topLogprob `json:"top_logprobs"`
}

type topLogprob struct {
	Token   string  `json:"token"`
	Logprob float64 `json:"logprob"`
	Bytes   []int   `json:"bytes"`
}

// maxLogprobs is how many tokens with logprobs one reply may have. Each takes
// some 100 bytes, in a process that may be the gateway's own.
const maxLogprobs = 1 << 20

// tokenLogprobs returns the entries of text, or nil for a text that is absent.
func (q *chatRequest) tokenLogprobs(text *string) []tokenLogprob {
	if text == nil {
		return nil
	}
	tokens := []tokenLogprob{}
	for p := range pieces(*text, q.script.chunk) {
		tokens = append(tokens, q.tokenLogprob(p))
	}
	return tokens
}

// tokenLogprob describes one token. With top_logprobs the token itself is its
// only alternative: OpenAI too may return fewer than were asked for.
func (q *chatRequest) tokenLogprob(token string) tokenLogprob {
	t := topLogprob{Token: token, Logprob: -0.25, Bytes: make([]int, len(token))}
	for i := range len(token) {
		t.Bytes[i] = int(token[i])
	}
	top := []topLogprob{}
	if q.TopLogprobs > 0 {
		top = append(top, t)
	}
	return tokenLogprob{topLogprob: t, Top: top}
}

// chatCompletion is the reply that is no stream.
type chatCompletion struct {
	ID                string       `json:"id"`
	Object            string       `json:"object"`
	Created           int64        `json:"created"`
	Model             string       `json:"model"`
	Choices           []chatChoice `json:"choices"`
	Usage             *usage       `json:"usage"`
	ServiceTier       string       `json:"service_tier"`
	SystemFingerprint string       `json:"system_fingerprint"`
}

type chatChoice struct {
	Index        int           `json:"index"`
	Message      chatReplyText `json:"message"`
	Logprobs     *logprobs     `json:"logprobs"`
	FinishReason string        `json:"finish_reason"`
}

type chatReplyText struct {
	Role        string            `json:"role"`
	Content     *string           `json:"content"`
	Reasoning   string            `json:"reasoning_content,omitempty"`
	Refusal     *string           `json:"refusal"`
	ToolCalls   []toolCall        `json:"tool_calls,omitempty"`
	Annotations []json.RawMessage `json:"annotations"`
}

const (
	serviceTier       = "default"
	systemFingerprint = "fp_sandbox"
)

// serveChat answers POST /v1/chat/completions. The error is an [openAIError];
// nothing has been sent then.
func (h *Handler) serveChat(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	q, err := parseChat(body)
	if err != nil {
		return err
	}
	s := q.script
	if s.status != 0 {
		return statusError(s.status, s.statusText)
	}
	answers := make([]*answer, q.n())
	for i := range answers {
		answers[i] = q.answer(i, body)
	}
	u := q.usage(answers)
	if q.Logprobs && u.CompletionTokens > maxLogprobs {
		return invalid("logprobs", fmt.Sprintf("the sandbox gives logprobs for at most %d tokens", maxLogprobs))
	}

	id := makeID("chatcmpl-", body)
	w.Header().Set("X-Request-Id", makeID("req_", body))
	if q.Stream {
		st := &chatStream{w: w, q: q, id: id, left: s.cut, wait: func() { h.sleep(r.Context(), s.pause) }}
		return st.run(r.Context(), answers, u)
	}
	h.sleep(r.Context(), s.pause)
	reply := chatCompletion{
		ID: id, Object: "chat.completion", Created: created, Model: q.Model,
		Usage: u, ServiceTier: serviceTier, SystemFingerprint: systemFingerprint,
	}
	for i, a := range answers {
		c := chatChoice{Index: i, FinishReason: a.finish, Message: chatReplyText{
			Role: "assistant", Content: a.content, Reasoning: a.reasoning, Refusal: a.refusal,
			ToolCalls: a.calls, Annotations: []json.RawMessage{},
		}}
		if q.Logprobs {
			c.Logprobs = &logprobs{Content: q.tokenLogprobs(a.content), Refusal: q.tokenLogprobs(a.refusal)}
		}
		reply.Choices = append(reply.Choices, c)
	}
	return sendReply(w, encode(reply), s.cut)
}

// sendReply writes a JSON reply, or half of it when it is to be cut.
func sendReply(w http.ResponseWriter, b []byte, cut int) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	switch {
	case cut == 0:
		panic(http.ErrAbortHandler)
	case cut > 0:
		_, _ = w.Write(b[:len(b)/2])
		abort(w)
	}
	_, _ = w.Write(b) // the client is gone: nobody is left to tell
	return nil
}
