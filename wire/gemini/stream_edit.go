package gemini

import (
	"errors"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

var errNoCall = errors.New("a call that was not read")

// Rewrite carries out, on one event, what was decided of its texts and calls,
// as [reply.Rewrite] does on a whole reply. The event stays one event: an
// array would lose a comma with it.
func (s *stream) Rewrite(ev *wire.Event, data []byte, texts []wire.PieceText, verdict func(wire.CallKey) wire.Verdict) ([]wire.Written, error) {
	delete(s.copies, ev)
	if s.array && string(data) == "]" {
		return wire.Kept(data), nil
	}
	doc, err := strictjson.Parse(data, strictjson.Limits{})
	if err != nil {
		return nil, err
	}
	defer doc.Release()
	r := &reply{body: data, root: doc.Root()}
	if err := visit(r.root, r); err != nil {
		return nil, err
	}
	if len(r.calls) != len(ev.Calls) {
		return nil, errNoCall
	}
	var e editor
	for _, t := range texts {
		p := &ev.Pieces[t.Piece]
		e.texts = append(e.texts, strictjson.Replacement{Start: p.Start, End: p.End, Text: strictjson.AppendQuoted(nil, string(t.Text))})
		if c := s.candidates[p.Channel.Choice]; c != nil {
			c.edited = true
		}
	}
	for _, c := range r.candidates {
		state := s.candidates[c.index]
		for _, i := range c.calls {
			if err := s.rewriteCall(&e, state, r.parts[i], ev.Calls[i], verdict(ev.Calls[i])); err != nil {
				return nil, err
			}
		}
		if state.edited {
			e.copies(c.v)
		}
	}
	return wire.Kept(e.splice(data)), nil
}

func (s *stream) rewriteCall(e *editor, c *streamed, part callPart, key wire.CallKey, v wire.Verdict) error {
	if v.Untouched() {
		return nil
	}
	if key.Index >= len(c.calls) {
		return errNoCall
	}
	after := c.calls[key.Index].after || c.denied
	c.edited, c.denied = true, c.denied || v.Denied
	return e.call(part, v, after)
}

// Stale tells whether an event repeats a text of which something was changed,
// be it in an earlier event.
func (s *stream) Stale(ev *wire.Event) bool {
	for _, index := range s.copies[ev] {
		if s.candidates[index].edited {
			return true
		}
	}
	delete(s.copies, ev)
	return false
}
