package anthropic

import (
	"errors"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

var (
	errNoBlock = errors.New("a part of a call without its block")
	errEscape  = errors.New("an escape that two events share cannot be edited")
)

// Rewrite carries out, on one event, what was decided of its texts and calls.
// A denied call becomes a text block that says what was denied: its first
// delta, or its start where no delta came, holds the text, the other deltas
// go. Replaced arguments stand whole in one delta, or in the start. Edits of
// thinking are refused, since its signature may be still to come.
func (s *stream) Rewrite(ev *wire.Event, data []byte, texts []wire.PieceText, verdict func(wire.CallKey) wire.Verdict) ([]wire.Written, error) {
	doc, err := strictjson.Parse(data, strictjson.Limits{})
	if err != nil {
		return nil, err
	}
	defer doc.Release()
	root := doc.Root()
	var edits []strictjson.Replacement
	for _, t := range texts {
		edit, err := pieceEdit(&ev.Pieces[t.Piece], string(t.Text))
		if err != nil {
			return nil, err
		}
		edits = append(edits, edit)
	}
	if len(ev.Calls) > 0 {
		v := verdict(ev.Calls[0])
		b := s.blocks[ev.Calls[0].Index]
		if b == nil {
			return nil, errNoBlock
		}
		edit, drop, err := b.rewrite(root, v)
		if err != nil || drop {
			return nil, err
		}
		edits = beyond(edits, edit)
	}
	if len(ev.Ended) > 0 && s.allDenied(verdict) {
		if stop := root.Get("delta").Get("stop_reason"); stop.EqualStr("tool_use") {
			edits = append(edits, read.Replace(stop, []byte(`"end_turn"`)))
		}
	}
	read.Sort(edits)
	return wire.Kept(strictjson.Splice(nil, data, edits)), nil
}

// pieceEdit is a new text in the place of a piece's.
func pieceEdit(p *wire.Piece, text string) (strictjson.Replacement, error) {
	edit := strictjson.Replacement{Start: p.Start, End: p.End}
	switch {
	case strings.HasPrefix(p.Channel.Name, "thinking:"):
		return edit, errSigned
	case !strings.HasPrefix(p.Channel.Name, "input:"):
		edit.Text = strictjson.AppendQuoted(nil, text)
	case p.End == 0:
		return edit, errEscape
	default: // JSON in a JSON string
		edit.Text = strictjson.AppendEscaped(nil, string(strictjson.AppendEscaped(nil, text)))
	}
	return edit, nil
}

// beyond adds what replaces a part of a call to edits, of which those inside
// it go.
func beyond(edits, calls []strictjson.Replacement) []strictjson.Replacement {
	out := calls
	for _, e := range edits {
		inside := false
		for _, c := range calls {
			inside = inside || e.Start >= c.Start && e.End <= c.End
		}
		if !inside {
			out = append(out, e)
		}
	}
	return out
}

// rewrite edits an event that holds a part of a call.
func (b *block) rewrite(root strictjson.Value, v wire.Verdict) (edits []strictjson.Replacement, drop bool, err error) {
	if v.Untouched() {
		return nil, false, nil
	}
	if !v.Denied && !isObject(*v.Args) {
		return nil, false, errArgs
	}
	switch root.Get("type").Str() {
	case "content_block_start":
		start := root.Get("content_block")
		switch {
		case v.Denied && b.deltas == 0:
			return []strictjson.Replacement{read.Replace(start, textBlock(v.Text))}, false, nil
		case v.Denied:
			return []strictjson.Replacement{read.Replace(start, textBlock(""))}, false, nil
		case b.deltas == 0:
			return []strictjson.Replacement{read.Replace(start.Get("input"), []byte(*v.Args))}, false, nil
		case start.Get("input").Len() > 0: // the deltas hold it from now on
			return []strictjson.Replacement{read.Replace(start.Get("input"), []byte("{}"))}, false, nil
		}
	case "content_block_delta":
		delta := root.Get("delta")
		switch {
		case b.written:
			return nil, true, nil
		case v.Denied:
			b.written = true
			text := strictjson.AppendQuoted([]byte(`{"type":"text_delta","text":`), v.Text)
			return []strictjson.Replacement{read.Replace(delta, append(text, '}'))}, false, nil
		}
		b.written = true
		return []strictjson.Replacement{read.Replace(delta.Get("partial_json"), strictjson.AppendQuoted(nil, *v.Args))}, false, nil
	}
	return nil, false, nil
}

func (s *stream) allDenied(verdict func(wire.CallKey) wire.Verdict) bool {
	some := false
	for _, b := range s.blocks {
		if b.isCall() {
			if !verdict(b.key()).Denied {
				return false
			}
			some = true
		}
	}
	return some
}
