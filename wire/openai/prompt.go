package openai

import (
	"slices"

	"github.com/headgate/headgate/wire"
)

// loosePrompt is a prompt that is no conversation and may stand in a form: the
// model, the texts, and the messages that they are.
type loosePrompt struct {
	model     string
	stream    bool
	unscanned []string
	texts     []wire.Text
	messages  []wire.Message
	refs      []string
	force     func(body []byte, model string) ([]byte, error)
	release   func()
}

func (r *loosePrompt) Model() string          { return r.model }
func (r *loosePrompt) Stream() bool           { return r.stream }
func (r *loosePrompt) Tools() []string        { return nil }
func (r *loosePrompt) Unscanned() []string    { return r.unscanned }
func (r *loosePrompt) Texts() []wire.Text     { return r.texts }
func (r *loosePrompt) Results() []wire.Result { return nil }
func (r *loosePrompt) References() []string   { return r.refs }
func (r *loosePrompt) Messages() []byte       { return wire.Conversation(r.messages) }

// fact notes what cannot be looked into.
func (r *loosePrompt) fact(name string) {
	if i, found := slices.BinarySearch(r.unscanned, name); !found {
		r.unscanned = slices.Insert(r.unscanned, i, name)
	}
}

// say adds a message that is one text, and that text's place in the body.
func (r *loosePrompt) say(role, said string, texts ...wire.Text) {
	place := wire.Place{List: "messages", Index: len(r.messages), Field: "text"}
	for _, t := range texts {
		t.Place = place
		r.texts = append(r.texts, t)
	}
	r.messages = append(r.messages, wire.Message{Role: role, Parts: []wire.Part{{Text: said}}})
}

// ForceModel names another model; a request that has no place for one stays.
func (r *loosePrompt) ForceModel(body []byte, model string) ([]byte, error) {
	if r.force == nil {
		return body, nil
	}
	return r.force(body, model)
}

// HideTools has nothing to hide.
func (r *loosePrompt) HideTools(body []byte, _ func(string) bool) ([]byte, error) { return body, nil }

func (r *loosePrompt) Release() {
	if r.release != nil {
		r.release()
	}
}

// Interface guards
var (
	_ wire.Request  = (*loosePrompt)(nil)
	_ wire.Referrer = (*loosePrompt)(nil)
)
