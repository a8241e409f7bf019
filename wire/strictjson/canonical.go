package strictjson

import (
	"bytes"
	"cmp"
	"slices"
	"sync"
)

// AppendCanonical appends the canonical form of v to dst: RFC 8785, with one
// difference. RFC 8785 writes every number as the double nearest to it, so that
// 9007199254740993 and 9007199254740992 become the same text. Here a number
// whose value RFC 8785 would change keeps the digits of its literal. The
// canonical form therefore always has exactly the value of what was written.
//
// The only error is an [*Error] for a missing value.
func AppendCanonical(dst []byte, v Value) ([]byte, error) {
	if !v.Exists() {
		return dst, &Error{Reason: ReasonMissing}
	}
	s := sorters.Get().(*sorter)
	dst = s.appendValue(dst, v)
	clear(s.members[:cap(s.members)]) // they point into the body
	if s.members = s.members[:0]; cap(s.members) <= DefaultKeys {
		sorters.Put(s)
	}
	return dst, nil
}

// Canonical returns the canonical form of a JSON text, which it passes through
// [Parse] with the default limits; see [AppendCanonical].
func Canonical(json []byte) ([]byte, error) {
	d, err := Parse(json, Limits{})
	if err != nil {
		return nil, err
	}
	defer d.Release()
	return AppendCanonical(make([]byte, 0, len(json)), d.Root())
}

// sorter holds the members of all open objects, the innermost last.
type sorter struct{ members []member }

type member struct {
	key   []byte // decoded
	value Value
}

var sorters = sync.Pool{New: func() any { return new(sorter) }}

func (s *sorter) appendValue(dst []byte, v Value) []byte {
	switch v.Kind() {
	case Object:
		return s.appendObject(dst, v)
	case Array:
		dst = append(dst, '[')
		for i, e := range v.Elems() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = s.appendValue(dst, e)
		}
		return append(dst, ']')
	case String:
		raw, escaped := v.contents()
		if !escaped { // whatever must be escaped was
			return append(dst, v.Raw()...)
		}
		dst = append(dst, '"')
		dst = appendEscaped(dst, Unescape(make([]byte, 0, len(raw)), v.Raw()), false)
		return append(dst, '"')
	case Number:
		return appendNumber(dst, v.Raw())
	default:
		return append(dst, v.Raw()...)
	}
}

func (s *sorter) appendObject(dst []byte, v Value) []byte {
	base := len(s.members)
	for key, value := range v.Members() {
		name, escaped := key.contents()
		if escaped {
			name = Unescape(nil, key.Raw())
		}
		s.members = append(s.members, member{name, value})
	}
	members := s.members[base:]
	slices.SortFunc(members, func(a, b member) int { return compareUTF16(a.key, b.key) })
	dst = append(dst, '{')
	for i, m := range members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = appendEscaped(dst, m.key, false)
		dst = append(dst, '"', ':')
		dst = s.appendValue(dst, m.value)
	}
	s.members = s.members[:base]
	return append(dst, '}')
}

// compareUTF16 orders two UTF-8 strings by their UTF-16 code units (RFC 8785,
// section 3.2.3). That is the order of their bytes, except that U+E000 to U+FFFF
// (first byte 0xEE or 0xEF) come after what UTF-16 writes with surrogates (first
// byte 0xF0 or more).
func compareUTF16(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		x, y := a[i], b[i]
		if x == y {
			continue
		}
		if x >= 0xEE && y >= 0xEE && (x >= 0xF0) != (y >= 0xF0) {
			return cmp.Compare(y, x)
		}
		return cmp.Compare(x, y)
	}
	return cmp.Compare(len(a), len(b))
}

// appendNumber appends a number as ECMAScript writes the double nearest to it
// (RFC 8785, section 3.2.2.3), or the literal if that is another value.
func appendNumber(dst, literal []byte) []byte {
	if len(literal) <= 15 && isDigit(literal[0]) && digits(literal, 0) == len(literal) {
		return append(dst, literal...) // a whole number below 2^53
	}
	mark := len(dst)
	dst = appendDouble(dst, literal)
	if bytes.Equal(dst[mark:], literal) || sameDecimal(dst[mark:], literal) {
		return dst
	}
	return append(dst[:mark], literal...)
}
