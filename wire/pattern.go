package wire

import (
	"errors"
	"strings"
)

// pattern is a path whose segments may hold a wildcard each:
// "/models/{model}:generateContent". A wildcard stands for one or more
// characters of a segment that need no escape; see plainSegment.
type pattern struct {
	text     string
	segments []segment
	wild     bool
}

// segment is literal where name is empty, and then before is all of it.
type segment struct{ before, name, after string }

func parsePattern(text string) pattern {
	p := pattern{text: text}
	for s := range strings.SplitSeq(text, "/") {
		seg := segment{before: s}
		if before, rest, ok := strings.Cut(s, "{"); ok {
			if name, after, ok := strings.Cut(rest, "}"); ok {
				seg = segment{before, name, after}
				p.wild = true
			}
		}
		p.segments = append(p.segments, seg)
	}
	return p
}

// match gives what the wildcards stand for in an escaped path.
func (p pattern) match(escaped string) (Params, bool) {
	if !p.wild {
		return nil, p.text == escaped
	}
	if strings.Count(escaped, "/") != len(p.segments)-1 {
		return nil, false
	}
	params := Params{}
	i := 0
	for s := range strings.SplitSeq(escaped, "/") {
		seg := &p.segments[i]
		i++
		value, ok := seg.match(s)
		if !ok {
			return nil, false
		}
		if seg.name != "" {
			params[seg.name] = value
		}
	}
	return params, true
}

func (s *segment) match(text string) (value string, ok bool) {
	if s.name == "" {
		return "", text == s.before
	}
	value, ok = strings.CutPrefix(text, s.before)
	if !ok {
		return "", false
	}
	value, ok = strings.CutSuffix(value, s.after)
	return value, ok && plainSegment(value)
}

// plainSegment tells whether a text is a path segment that everybody reads
// alike: unreserved characters and sub-delimiters of RFC 3986 but ";", ":" and
// "@", and no dot segment.
func plainSegment(s string) bool {
	if s == "" || s == "." || s == ".." {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~!$&'()*+,=:@", c) >= 0:
		default:
			return false
		}
	}
	return true
}

var errSegment = errors.New("a name that cannot stand in a path")

func (p pattern) fill(params Params) (string, error) {
	segments := make([]string, len(p.segments))
	for i, s := range p.segments {
		segments[i] = s.before
		if s.name == "" {
			continue
		}
		value := params[s.name]
		if !plainSegment(value) {
			return "", errSegment
		}
		segments[i] += value + s.after
	}
	return strings.Join(segments, "/"), nil
}

// literal counts the bytes that are no wildcard.
func (p pattern) literal() int {
	n := 0
	for _, s := range p.segments {
		n += len(s.before) + len(s.after)
	}
	return n
}

// same tells whether two patterns match the same paths.
func (p pattern) same(q pattern) bool {
	if len(p.segments) != len(q.segments) {
		return false
	}
	for i, s := range p.segments {
		o := q.segments[i]
		if s.before != o.before || s.after != o.after || (s.name == "") != (o.name == "") {
			return false
		}
	}
	return true
}

// resembles is match for a path in lower case, whatever a wildcard stands for.
func (p pattern) resembles(plain string) bool {
	segments := strings.Split(plain, "/")
	if len(segments) != len(p.segments) {
		return false
	}
	for i, s := range p.segments {
		before, after := strings.ToLower(s.before), strings.ToLower(s.after)
		if s.name == "" {
			if segments[i] != before {
				return false
			}
		} else if rest, ok := strings.CutPrefix(segments[i], before); !ok || !strings.HasSuffix(rest, after) {
			return false
		}
	}
	return true
}

// begins tells whether an escaped path begins with the pattern's text.
func (p pattern) begins(escaped string) bool {
	if !p.wild {
		return strings.HasPrefix(escaped, p.text)
	}
	segments := strings.Split(escaped, "/")
	if len(segments) < len(p.segments) {
		return false
	}
	_, ok := p.match(strings.Join(segments[:len(p.segments)], "/"))
	return ok
}
