package redact

import (
	"unicode"
	"unicode/utf8"
)

// What a validator may look at beside the match. It is the same however the
// text was cut into writes, which is why there are bounds at all.
const (
	// leftContext is how far to the left of a match context is looked for, in
	// bytes of the redacted text (so that redacting again finds the same).
	leftContext = 64
	// leftKept is leftContext and the rune before it, to see whether a word
	// begins at the edge, or a user placeholder with its hash.
	leftKept = leftContext + 8
)

// A candidate is a match of a shape that is to be judged.
type candidate struct {
	value []byte
	left  []byte // what was put out before it, at most leftKept bytes
	right []byte // see rightContext

	// A placeholder touches the value on this side, or on the right, stands
	// behind a connector.
	placeLeft, placeRight, placeBeyond bool
}

// connectors are the bytes that tie a value to what follows: after one of
// these, validators see one rune more.
const connectors = " -.:+"

// rightContext returns the rune that text begins with, and if it is a
// connector the rune after that, too.
func rightContext(text []byte) []byte {
	_, n := utf8.DecodeRune(text)
	if n == 1 && isConnector(text[0]) {
		_, m := utf8.DecodeRune(text[1:])
		n += m
	}
	return text[:n]
}

func isConnector(b byte) bool {
	for i := range len(connectors) {
		if connectors[i] == b {
			return true
		}
	}
	return false
}

// rightAfter reports whether the right context is the byte b and then a rune
// that f accepts. A placeholder counts: it was put in for a value that did.
func (c *candidate) rightAfter(b byte, f func(rune) bool) bool {
	if c.placeBeyond {
		return c.right[0] == b
	}
	if len(c.right) < 2 || c.right[0] != b {
		return false
	}
	r, _ := utf8.DecodeRune(c.right[1:])
	return f(r)
}

// leftBefore reports whether the left context ends in a rune that f accepts
// and then the byte b.
func (c *candidate) leftBefore(b byte, f func(rune) bool) bool {
	left := c.left
	if len(left) < 2 || left[len(left)-1] != b {
		return false
	}
	r, _ := utf8.DecodeLastRune(left[:len(left)-1])
	return f(r)
}

// isWord reports whether r may not touch a value: letters and digits of any
// script, and "_".
func isWord(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 0 && wordBytes.has(byte(r))
	}
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

func isLetter(r rune) bool { return isWord(r) && !unicode.IsDigit(r) && r != '_' }

// hasContext reports whether one of words, which are lower case, stands in the
// last leftContext bytes of the left context as a whole word. A space in a
// word stands for one or more bytes that are no letters and no digits.
func (c *candidate) hasContext(words []string) bool {
	left := c.left
	for i := max(len(left)-leftContext, 0); i < len(left); i++ {
		if !wordBytes.has(left[i]) {
			continue
		}
		if i == 0 || !touchesWord(left[:i]) {
			for _, w := range words {
				if w[0] != lower(left[i]) {
					continue
				}
				if n := matchWords(left[i:], w); n > 0 && !startsWord(left[i+n:]) {
					return true
				}
			}
		}
		for i+1 < len(left) && wordBytes.has(left[i+1]) {
			i++ // to the word's end
		}
	}
	return false
}

func touchesWord(left []byte) bool {
	if n := len(left); n > 0 && left[n-1] < utf8.RuneSelf {
		return wordBytes.has(left[n-1])
	}
	r, _ := utf8.DecodeLastRune(left)
	return isWord(r)
}

func startsWord(text []byte) bool {
	if len(text) > 0 && text[0] < utf8.RuneSelf {
		return wordBytes.has(text[0])
	}
	r, _ := utf8.DecodeRune(text)
	return isWord(r)
}

// matchWords returns how much of text is phrase, without regard to ASCII case;
// 0 if it is not.
func matchWords(text []byte, phrase string) int {
	i := 0
	for k := range len(phrase) {
		if i >= len(text) {
			return 0
		}
		if phrase[k] != ' ' {
			if lower(text[i]) != phrase[k] {
				return 0
			}
			i++
			continue
		}
		if wordBytes.has(text[i]) && text[i] != '_' {
			return 0
		}
		for i < len(text) && (!wordBytes.has(text[i]) || text[i] == '_') {
			i++
		}
	}
	return i
}

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}
