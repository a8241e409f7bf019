package read

import (
	"slices"
	"strconv"

	"github.com/headgate/headgate/wire/strictjson"
)

// Fragments cuts JSON that comes in fragments, such as the input of a tool that
// the provider runs, into its strings, so that each can be looked at and
// edited without harm to the JSON around it.
type Fragments struct {
	inside  bool
	strings int    // how many have begun
	escape  []byte // an escape that the next fragment completes
}

// Segment is a part of one string in one fragment.
type Segment struct {
	Of       int // the number of the string
	From, To int // in the fragment
	Text     []byte
	Fixed    bool // cannot be edited: an escape that two fragments share
	Last     bool // the string ends here
}

// Read cuts a fragment.
func (r *Fragments) Read(frag []byte) []Segment {
	var list []Segment
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
			s.Last, r.inside = true, false
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

func (r *Fragments) segment(raw []byte, from, to int, fixed bool) Segment {
	s := Segment{Of: r.strings, From: from, To: to, Text: raw, Fixed: fixed}
	if !slices.Contains(raw, '\\') {
		return s
	}
	quoted := append(append([]byte{'"'}, raw...), '"')
	doc, err := strictjson.Parse(quoted, strictjson.Limits{})
	if err != nil {
		s.Fixed = true // not to be understood, and so not to be rewritten
		return s
	}
	defer doc.Release()
	s.Text = doc.Root().AppendStr(nil)
	return s
}
