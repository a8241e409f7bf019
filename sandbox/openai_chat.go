package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// answer is one choice: what the model says, with calls in the form of the
// dialect.
type answer struct {
	*said
	calls  []toolCall
	finish string
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
	a := &answer{said: q.say(i), finish: "stop"}
	for j, c := range a.said.calls {
		a.calls = append(a.calls, q.newCall(makeID("call_", body, i, j), c))
		a.finish = "tool_calls"
	}
	if a.said.finish != "" {
		a.finish = a.said.finish
	}
	return a
}

func (q *chatRequest) newCall(id string, c scriptCall) toolCall {
	if q.isCustom(c.name) {
		return toolCall{ID: id, Type: typeCustom, Custom: &customCall{Name: c.name, Input: c.args}}
	}
	return toolCall{ID: id, Type: typeFunction, Function: &functionCall{Name: c.name, Arguments: c.args}}
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
	u := &usage{PromptTokens: q.prompt}
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

// serveChat answers POST /v1/chat/completions. The error is a [failure];
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
	if err := q.script.failure(); err != nil {
		return err
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
		st := &chatStream{stream: h.newStream(w, r, q.script), q: q, id: id}
		st.run(answers, u)
		return nil
	}
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
	h.sendReply(w, r, q.script, reply)
	return nil
}
