package sandbox

import (
	"encoding/json"
	"iter"
)

// chatStream writes one reply as server-sent events.
type chatStream struct {
	*stream
	q  *chatRequest
	id string
}

// chatChunk is one event of a stream. Usage is null in all events but the last
// when the client asked for it, and absent when it did not.
// Source: CreateChatCompletionStreamResponse in OpenAI's OpenAPI document.
type chatChunk struct {
	ID                string        `json:"id"`
	Object            string        `json:"object"`
	Created           int64         `json:"created"`
	Model             string        `json:"model"`
	ServiceTier       string        `json:"service_tier"`
	SystemFingerprint string        `json:"system_fingerprint"`
	Choices           []chunkChoice `json:"choices"`
	Usage             any           `json:"usage,omitempty"`
}

type chunkChoice struct {
	Index        int       `json:"index"`
	Delta        delta     `json:"delta"`
	Logprobs     *logprobs `json:"logprobs"`
	FinishReason *string   `json:"finish_reason"`
}

// delta is what one event adds to a message. A field that is nil is absent,
// null is said by [jsonNull].
type delta struct {
	Role      string     `json:"role,omitempty"`
	Content   any        `json:"content,omitempty"`
	Reasoning string     `json:"reasoning_content,omitempty"`
	Refusal   any        `json:"refusal,omitempty"`
	ToolCalls []toolCall `json:"tool_calls,omitempty"`
}

var jsonNull = json.RawMessage("null")

// run sends the whole stream: the choices in turn, one event of each at a time.
// It ends early when the client is gone.
func (s *chatStream) run(answers []*answer, u *usage) {
	for c := range interleave(s.choices(answers)) {
		if !s.alive() {
			return
		}
		s.chunk([]chunkChoice{c}, nil)
	}
	if s.q.StreamOptions.IncludeUsage {
		s.chunk([]chunkChoice{}, u)
	}
	s.write(sse("", []byte("[DONE]")))
}

// chunk sends one event with the stream's own fields around it.
func (s *chatStream) chunk(choices []chunkChoice, u *usage) {
	c := chatChunk{
		ID: s.id, Object: "chat.completion.chunk", Created: created, Model: s.q.Model,
		ServiceTier: serviceTier, SystemFingerprint: systemFingerprint, Choices: choices,
	}
	switch {
	case u != nil:
		c.Usage = u
	case s.q.StreamOptions.IncludeUsage:
		c.Usage = jsonNull
	}
	s.event("", c)
}

// choices returns the events of each answer.
func (s *chatStream) choices(answers []*answer) []iter.Seq[chunkChoice] {
	seqs := make([]iter.Seq[chunkChoice], len(answers))
	for i, a := range answers {
		seqs[i] = func(yield func(chunkChoice) bool) {
			for c := range s.q.chunkChoices(a) {
				c.Index = i
				if !yield(c) {
					return
				}
			}
		}
	}
	return seqs
}

// chunkChoices yields the events of one answer: the role; reasoning, content,
// refusal and calls, piece by piece; the finish reason.
func (q *chatRequest) chunkChoices(a *answer) iter.Seq[chunkChoice] {
	return func(yield func(chunkChoice) bool) {
		first := delta{Role: "assistant", Content: jsonNull, Refusal: jsonNull}
		if a.content != nil {
			first.Content = ""
		}
		if !yield(chunkChoice{Delta: first}) {
			return
		}
		for p := range pieces(a.reasoning, q.script.chunk) {
			if !yield(chunkChoice{Delta: delta{Reasoning: p}}) {
				return
			}
		}
		for p := range pieces(deref(a.content), q.script.chunk) {
			if !yield(q.textEvent(p, false)) {
				return
			}
		}
		for p := range pieces(deref(a.refusal), q.script.chunk) {
			if !yield(q.textEvent(p, true)) {
				return
			}
		}
		for j := range a.calls {
			for c := range callDeltas(&a.calls[j], j, q.script.chunk) {
				if !yield(chunkChoice{Delta: delta{ToolCalls: []toolCall{c}}}) {
					return
				}
			}
		}
		yield(chunkChoice{FinishReason: &a.finish})
	}
}

// textEvent is the event of one piece of content, or of a refusal.
func (q *chatRequest) textEvent(piece string, refusal bool) chunkChoice {
	var c chunkChoice
	var l logprobs
	if refusal {
		c.Delta.Refusal = piece
		l.Refusal = []tokenLogprob{q.tokenLogprob(piece)}
	} else {
		c.Delta.Content = piece
		l.Content = []tokenLogprob{q.tokenLogprob(piece)}
	}
	if q.Logprobs {
		c.Logprobs = &l
	}
	return c
}

// callDeltas yields call j as a stream has it: id, type and name first, then
// the arguments in pieces.
func callDeltas(c *toolCall, j, size int) iter.Seq[toolCall] {
	return func(yield func(toolCall) bool) {
		first := toolCall{Index: &j, ID: c.ID, Type: c.Type}
		if c.Custom != nil {
			first.Custom = &customCall{Name: c.Custom.Name}
		} else {
			first.Function = &functionCall{Name: c.Function.Name}
		}
		if !yield(first) {
			return
		}
		for p := range pieces(c.text(), size) {
			d := toolCall{Index: &j}
			if c.Custom != nil {
				d.Custom = &customCall{Input: p}
			} else {
				d.Function = &functionCall{Arguments: p}
			}
			if !yield(d) {
				return
			}
		}
	}
}

// interleave yields one element of each sequence in turn until all have ended.
func interleave[T any](seqs []iter.Seq[T]) iter.Seq[T] {
	return func(yield func(T) bool) {
		var open []func() (T, bool)
		for _, seq := range seqs {
			next, stop := iter.Pull(seq)
			defer stop() // all of them live as long as this loop's caller
			open = append(open, next)
		}
		for len(open) > 0 {
			rest := open[:0]
			for _, next := range open {
				v, ok := next()
				if !ok {
					continue
				}
				if !yield(v) {
					return
				}
				rest = append(rest, next)
			}
			open = rest
		}
	}
}
