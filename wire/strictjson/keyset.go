package strictjson

import (
	"unicode"
	"unicode/utf8"
)

// KeySet is a set of known field names, for [Value.CheckKeys]. It is made once,
// by [Keys], and may be used by many goroutines.
type KeySet struct {
	exact   map[string]struct{}
	folded  map[string]struct{}
	longest int // bytes of the longest folded name
}

// Keys returns the set of the names.
func Keys(names ...string) *KeySet {
	s := &KeySet{exact: make(map[string]struct{}, len(names)), folded: make(map[string]struct{}, len(names))}
	for _, name := range names {
		s.exact[name] = struct{}{}
		f := appendFolded(nil, []byte(name))
		s.folded[string(f)] = struct{}{}
		s.longest = max(s.longest, len(f))
	}
	return s
}

// CheckKeys refuses an object that has a member whose decoded name is no known
// field but equals one under Unicode simple case folding (Model for model; U+212A
// for k, U+017F for s), which some parsers would take for the field. Objects
// inside are not looked at. On other kinds than objects it does nothing. The
// error is an [*Error] at the name.
func (v Value) CheckKeys(known *KeySet) error {
	var buf [64]byte
	for key := range v.Members() {
		raw, escaped := key.contents()
		if escaped {
			raw = Unescape(buf[:0], key.Raw())
		}
		if _, ok := known.exact[string(raw)]; ok {
			continue
		}
		if known.resembles(raw) {
			start, _ := key.Span()
			return &Error{ReasonKeyFold, int64(start)}
		}
	}
	return nil
}

// resembles reports whether a name equals a known one after folding.
func (s *KeySet) resembles(name []byte) bool {
	// No character folds to one of less than a third of its bytes.
	if len(name) > 3*s.longest {
		return false
	}
	var buf [96]byte
	_, ok := s.folded[string(appendFolded(buf[:0], name))]
	return ok
}

// appendFolded appends name with each rune replaced by the smallest one of its
// orbit under simple case folding: names that are equal under folding become equal.
func appendFolded(dst, name []byte) []byte {
	for i := 0; i < len(name); {
		if c := name[i]; c < utf8.RuneSelf {
			if 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(name[i:])
		dst = utf8.AppendRune(dst, smallestFold(r))
		i += n
	}
	return dst
}

func smallestFold(r rune) rune {
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	return least
}
