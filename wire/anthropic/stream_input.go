package anthropic

import (
	"slices"
	"strconv"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// maxStrings bounds the strings in one input.
const maxStrings = 1 << 14

// inputReader cuts the input of a tool that the provider runs, which comes as
// fragments of JSON, into its strings, so that each can be looked at and
// edited without harm to the JSON around it.
type inputReader struct {
	inside  bool
	strings int    // how many have begun
	escape  []byte // an escape that the next fragment completes
}

// segment is a part of one string in one fragment.
type segment struct {
	of       int // the number of the string
	from, to int // in the fragment
	text     []byte
	fixed    bool // cannot be edited: an escape that two fragments share
	last     bool // the string ends here
}

// read cuts a fragment.
func (r *inputReader) read(frag []byte) []segment {
	var list []segment
	both, i := slices.Concat(r.escape, frag), 0
	for i < len(r.escape) { // what is shared with the fragment before
		n := escapeLen(both[i:])
		if i+n > len(both) {
			r.escape = both[i:]
			return list
		}
		list = append(list, r.segment(both[i:i+n], 0, 0, true))
		i += n
	}
	i -= len(r.escape)
	r.escape = nil
	from := i
	for i < len(frag) {
		switch c := frag[i]; {
		case !r.inside:
			if c == '"' {
				r.inside, from = true, i+1
				r.strings++
			}
			i++
		case c == '"':
			s := r.segment(frag[from:i], from, i, false)
			s.last, r.inside = true, false
			list = append(list, s)
			i++
		case c == '\\':
			n := escapeLen(frag[i:])
			if i+n > len(frag) {
				r.escape = slices.Clone(frag[i:])
				return append(list, r.segment(frag[from:i], from, i, false))
			}
			i += n
		default:
			i++
		}
	}
	if r.inside && from < len(frag) {
		list = append(list, r.segment(frag[from:], from, len(frag), false))
	}
	return list
}

// escapeLen is the length of the escape at the start of b, which may be
// longer than b; a surrogate pair is one escape.
func escapeLen(b []byte) int {
	switch {
	case len(b) < 2 || b[1] != 'u':
		return 2
	case len(b) < 6:
		return 6
	}
	unit, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	next := string(b[6:min(len(b), 8)])
	if err == nil && unit>>10 == 0xd800>>10 && next == `\u`[:len(next)] {
		return 12
	}
	return 6
}

func (r *inputReader) segment(raw []byte, from, to int, fixed bool) segment {
	s := segment{of: r.strings, from: from, to: to, text: raw, fixed: fixed}
	if !slices.Contains(raw, '\\') {
		return s
	}
	quoted := append(append([]byte{'"'}, raw...), '"')
	doc, err := strictjson.Parse(quoted, strictjson.Limits{})
	if err != nil {
		s.fixed = true // not to be understood, and so not to be rewritten
		return s
	}
	defer doc.Release()
	s.text = doc.Root().AppendStr(nil)
	return s
}

// providerInput adds the strings in a part of an input, each with a channel of
// its own. The span of such a piece is that of the characters alone; it is
// empty where the piece cannot be edited.
func (e *eventReader) providerInput(b *block, v strictjson.Value) error {
	start, _ := v.Span()
	parts := b.input.read(v.AppendStr(nil))
	var offsets []int
	for _, s := range parts {
		offsets = append(offsets, s.from, s.to)
	}
	offsets = strictjson.RawOffsets(v.Raw(), offsets)
	for i, s := range parts {
		if s.of > maxStrings {
			return read.Wrong("delta", "an input of too many strings")
		}
		name := b.channel("input:" + strconv.Itoa(s.of))
		p := wire.Piece{Channel: wire.Channel{Name: name}, Text: s.text}
		if !s.fixed {
			p.Start, p.End = start+offsets[2*i], start+offsets[2*i+1]
		}
		e.ev.Pieces = append(e.ev.Pieces, p)
		if s.last {
			e.ev.Closed = append(e.ev.Closed, p.Channel)
			b.channels = slices.DeleteFunc(b.channels, func(n string) bool { return n == name })
		}
	}
	return nil
}
