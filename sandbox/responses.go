package sandbox

import (
	"encoding/json"
	"net/http"
)

// response is the reply, and what the first and the last events of a stream
// hold. Fields that are always null or the default here are given too: clients
// look at them. Source: Response in OpenAI's OpenAPI document.
type response struct {
	ID              string            `json:"id"`
	Object          string            `json:"object"`
	CreatedAt       int64             `json:"created_at"`
	Status          string            `json:"status"`
	Background      bool              `json:"background"`
	CompletedAt     *int64            `json:"completed_at"`
	Error           any               `json:"error"`
	Incomplete      *incompleteReason `json:"incomplete_details"`
	Instructions    *string           `json:"instructions"`
	MaxOutputTokens *int              `json:"max_output_tokens"`
	Model           string            `json:"model"`
	Output          []outputItem      `json:"output"`
	Parallel        bool              `json:"parallel_tool_calls"`
	Previous        *string           `json:"previous_response_id"`
	Reasoning       any               `json:"reasoning"`
	ServiceTier     string            `json:"service_tier"`
	Store           bool              `json:"store"`
	Temperature     float64           `json:"temperature"`
	Text            any               `json:"text"`
	ToolChoice      any               `json:"tool_choice"`
	Tools           []responsesTool   `json:"tools"`
	TopP            float64           `json:"top_p"`
	Truncation      string            `json:"truncation"`
	Usage           *responsesUsage   `json:"usage"`
	User            *string           `json:"user"`
	Metadata        any               `json:"metadata"`
}

type incompleteReason struct {
	Reason string `json:"reason"`
}

type responsesUsage struct {
	InputTokens  int `json:"input_tokens"`
	InputDetails struct {
		CachedTokens int `json:"cached_tokens"`
	} `json:"input_tokens_details"`
	OutputTokens  int `json:"output_tokens"`
	OutputDetails struct {
		ReasoningTokens int `json:"reasoning_tokens"`
	} `json:"output_tokens_details"`
	TotalTokens int `json:"total_tokens"`
}

// outputItem is one item of a reply, each type with its own fields.
type outputItem struct {
	ID        string  `json:"id"`
	Type      string  `json:"type"`
	Status    string  `json:"status,omitempty"`
	Role      string  `json:"role,omitempty"`
	Content   any     `json:"content,omitempty"` // []outputPart of a message
	Summary   any     `json:"summary,omitempty"` // []outputPart of reasoning
	CallID    string  `json:"call_id,omitempty"`
	Name      string  `json:"name,omitempty"`
	Arguments *string `json:"arguments,omitempty"`
	Input     *string `json:"input,omitempty"`

	text string // what the stream sends in pieces
	part string // the type of the part that holds it
}

// outputPart is a part of an item, each type with its own fields.
type outputPart struct {
	Type        string  `json:"type"`
	Text        *string `json:"text,omitempty"`
	Refusal     *string `json:"refusal,omitempty"`
	Annotations any     `json:"annotations,omitempty"`
	Logprobs    any     `json:"logprobs,omitempty"`
}

// The types of parts.
const (
	partText    = "output_text"
	partRefusal = "refusal"
	partSummary = "summary_text"
)

// The states of a response and of an item.
const (
	statusCompleted  = "completed"
	statusInProgress = "in_progress"
	statusIncomplete = "incomplete"
)

// newPart returns a part that holds text.
func newPart(kind, text string) outputPart {
	p := outputPart{Type: kind}
	switch kind {
	case partRefusal:
		p.Refusal = &text
	case partText:
		p.Text, p.Annotations, p.Logprobs = &text, []any{}, []any{}
	default:
		p.Text = &text
	}
	return p
}

// serveResponses answers POST /v1/responses.
func (h *Handler) serveResponses(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	q, err := parseResponses(body)
	if err != nil {
		return err
	}
	if err := q.script.failure(); err != nil {
		return err
	}
	reply := q.response(body)
	w.Header().Set("X-Request-Id", makeID("req_", body))
	if q.Stream {
		(&responsesStream{stream: h.newStream(w, r, q.script)}).run(reply)
		return nil
	}
	h.sendReply(w, r, q.script, reply)
	return nil
}

// response composes the whole reply.
func (q *responsesRequest) response(body []byte) *response {
	a := q.say(0)
	completed := int64(created)
	reply := &response{
		ID: makeID("resp_", body), Object: "response", CreatedAt: created, Status: statusCompleted, CompletedAt: &completed,
		Instructions: q.Instructions, Model: q.Model, Output: q.output(a, body), Parallel: q.Parallel == nil || *q.Parallel,
		Previous: q.Previous, Reasoning: given(q.Reasoning, `{"effort":null,"summary":null}`), ServiceTier: serviceTier,
		Store: q.Store == nil || *q.Store, Temperature: 1, Text: given(q.Text, `{"format":{"type":"text"},"verbosity":"medium"}`),
		ToolChoice: given(&q.ToolChoice.raw, `"auto"`), Tools: append([]responsesTool{}, q.Tools...), TopP: 1,
		Truncation: "disabled", Metadata: given(&q.Metadata, `{}`),
	}
	switch a.finish {
	case "", "stop", "tool_calls", statusCompleted:
	default:
		reply.Status, reply.CompletedAt, reply.Incomplete = statusIncomplete, nil, &incompleteReason{a.finish}
	}
	u := &responsesUsage{InputTokens: q.prompt}
	u.OutputTokens, u.OutputDetails.ReasoningTokens = a.tokens(q.script.chunk)
	u.TotalTokens = u.InputTokens + u.OutputTokens
	reply.Usage = u
	return reply
}

// given is what the request has, or else what the API assumes.
func given(raw *json.RawMessage, or string) any {
	if raw == nil || len(*raw) == 0 || string(*raw) == "null" {
		return json.RawMessage(or)
	}
	return *raw
}

// output gives the items: reasoning, a message, calls.
func (q *responsesRequest) output(a *said, body []byte) []outputItem {
	items := []outputItem{}
	if a.reasoning != "" {
		items = append(items, outputItem{
			ID: makeID("rs_", body), Type: itemReasoning, Summary: []outputPart{newPart(partSummary, a.reasoning)}, text: a.reasoning, part: partSummary,
		})
	}
	kind, text := partText, a.content
	if a.refusal != nil {
		kind, text = partRefusal, a.refusal
	}
	if text != nil {
		items = append(items, outputItem{
			ID: makeID("msg_", body), Type: itemMessage, Status: statusCompleted, Role: "assistant",
			Content: []outputPart{newPart(kind, *text)}, text: *text, part: kind,
		})
	}
	for j, c := range a.calls {
		item := outputItem{Status: statusCompleted, CallID: makeID("call_", body, 0, j), Name: c.name, text: c.args}
		if q.isCustom(c.name) {
			item.ID, item.Type, item.Input = makeID("ctc_", body, j), itemCustomCall, &item.text
		} else {
			item.ID, item.Type, item.Arguments = makeID("fc_", body, j), itemCall, &item.text
		}
		items = append(items, item)
	}
	return items
}
