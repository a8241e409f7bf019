package redact

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// The operators that Selector.As names.
const (
	Placeholder = "placeholder" // [EMAIL]
	Mask        = "mask"        // ************.com
	Hash        = "hash"        // [EMAIL_0123456789abcdef]
	Remove      = "remove"      // nothing
	token       = "token"
)

// An operator says what takes the place of a match.
type operator struct {
	as   string
	keep int
	key  []byte
}

// replace returns what takes the place of value, which was found by a
// detector with the given label.
func (o *operator) replace(s *Set, label string, value []byte) string {
	switch o.as {
	case Mask:
		return o.mask(s, value)
	case Hash:
		return "[" + label + "_" + o.hash(label, value) + "]"
	case Remove:
		return ""
	default:
		return "[" + label + "]"
	}
}

// hash is the first half of the hexadecimal digits' worth of HMAC-SHA256 (RFC
// 2104) over the label, a zero byte and the value: 64 bits.
func (o *operator) hash(label string, value []byte) string {
	h := hmac.New(sha256.New, o.key)
	h.Write([]byte(label))
	h.Write([]byte{0})
	h.Write(value)
	return hex.EncodeToString(h.Sum(nil)[:hashDigits/2])
}

// mask writes "*" for each rune but the last keep, of which at most half of
// the value is kept; and none if s would find something in the result.
func (o *operator) mask(s *Set, value []byte) string {
	runes := utf8.RuneCount(value)
	keep := min(o.keep, runes/2)
	if keep > 0 {
		at := len(value)
		for range keep {
			_, n := utf8.DecodeLastRune(value[:at])
			at -= n
		}
		masked := strings.Repeat("*", runes-keep) + string(value[at:])
		if !s.finds([]byte(masked)) {
			return masked
		}
	}
	return strings.Repeat("*", runes)
}
