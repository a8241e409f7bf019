package sandbox

import (
	"fmt"
	"net/http"
)

// completionsRequest holds the fields of a completion request that the sandbox
// looks at.
type completionsRequest struct {
	Model         string `json:"model"`
	Prompt        texts  `json:"prompt"`
	N             *int   `json:"n"`
	Echo          bool   `json:"echo"`
	Stream        bool   `json:"stream"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
}

type completion struct {
	ID      string             `json:"id"`
	Object  string             `json:"object"`
	Created int64              `json:"created"`
	Model   string             `json:"model"`
	Choices []completionChoice `json:"choices"`
	Usage   *usage             `json:"usage,omitempty"`
}

type completionChoice struct {
	Text         string    `json:"text"`
	Index        int       `json:"index"`
	Logprobs     *logprobs `json:"logprobs"`
	FinishReason *string   `json:"finish_reason"`
}

// serveCompletions answers POST /v1/completions: a prompt is read as a user
// message, and answered with text alone.
func (h *Handler) serveCompletions(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	q := completionsRequest{Prompt: texts{""}}
	if err := decode(body, &q); err != nil {
		return err
	}
	n := 1
	if q.N != nil {
		n = *q.N
	}
	switch {
	case q.Model == "":
		return invalid("model", "you must provide a model")
	case n < 1 || len(q.Prompt) == 0 || len(q.Prompt) > maxChoices || n*len(q.Prompt) > maxChoices:
		return invalid("n", fmt.Sprintf("n times the number of prompts is 1 to %d here", maxChoices))
	}
	reply := completion{ID: makeID("cmpl-", body), Object: "text_completion", Created: created, Model: q.Model, Usage: new(usage)}
	var s *script // of the first prompt: it sets the pace
	for _, prompt := range q.Prompt {
		t, err := readTurn([]line{{role: roleUser, text: prompt}}, body, "prompt")
		if err != nil {
			return err
		}
		if s == nil {
			s = t.script
		}
		reply.Usage.PromptTokens += t.prompt
		for i := range n {
			c, tokens, err := t.complete(i, &q, prompt)
			if err != nil {
				return err
			}
			c.Index = len(reply.Choices)
			reply.Choices = append(reply.Choices, c)
			reply.Usage.CompletionTokens += tokens
		}
	}
	reply.Usage.TotalTokens = reply.Usage.PromptTokens + reply.Usage.CompletionTokens
	if err := s.failure(); err != nil {
		return err
	}
	w.Header().Set("X-Request-Id", makeID("req_", body))
	if q.Stream {
		h.newStream(w, r, s).completion(&reply, q.StreamOptions.IncludeUsage)
		return nil
	}
	h.sendReply(w, r, s, reply)
	return nil
}

// complete composes choice i of a prompt.
func (t *turn) complete(i int, q *completionsRequest, prompt string) (c completionChoice, tokens int, err error) {
	a := t.say(i)
	if len(a.calls) > 0 {
		return c, 0, &failure{status: http.StatusBadRequest, param: "prompt", code: "sandbox_command", message: "/call wants an endpoint with tools"}
	}
	finish := "stop"
	if a.finish != "" {
		finish = a.finish
	}
	c = completionChoice{Text: deref(a.content) + deref(a.refusal), FinishReason: &finish}
	if q.Echo {
		c.Text = prompt + c.Text
	}
	tokens, _ = a.tokens(t.script.chunk)
	return c, tokens, nil
}

// completion sends the choices one after the other, each in pieces and then its
// end.
func (s *stream) completion(c *completion, usage bool) {
	event := *c
	event.Usage = nil
	for _, choice := range c.Choices {
		for p := range s.pieces(choice.Text) {
			event.Choices = []completionChoice{{Text: p, Index: choice.Index}}
			s.event("", event)
		}
		event.Choices = []completionChoice{{Index: choice.Index, FinishReason: choice.FinishReason}}
		s.event("", event)
	}
	if usage {
		event.Choices, event.Usage = []completionChoice{}, c.Usage
		s.event("", event)
	}
	s.write(sse("", []byte("[DONE]")))
}
