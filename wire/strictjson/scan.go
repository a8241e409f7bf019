package strictjson

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strconv"
	"unicode/utf8"
)

// Constants for the examination of eight bytes at once.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special marks, in the high bit of each byte, the first byte of x that is a
// quote, a backslash or a control character. Marks above the first are not exact.
func special(x uint64) uint64 {
	quote := x ^ ones*'"'
	slash := x ^ ones*'\\'
	return ((quote-ones)&^quote | (slash-ones)&^slash | (x-ones*0x20)&^x) & highs
}

// str reads the string whose opening quote is at i. It returns the position
// after its closing quote, or -1, and the meta of its node.
func (p *parser) str(i int) (end int, meta uint32) {
	b := p.body
	meta = uint32(String)
	var seen uint64 // all bytes so far, or'ed, and perhaps some behind the string
	for j := i + 1; ; {
		for j+8 <= len(b) {
			x := binary.LittleEndian.Uint64(b[j : j+8])
			seen |= x
			if m := special(x); m != 0 {
				j += bits.TrailingZeros64(m) >> 3
				break
			}
			j += 8
		}
		for j < len(b) && b[j] >= 0x20 && b[j] != '"' && b[j] != '\\' { // the last bytes of the body
			seen |= uint64(b[j])
			j++
		}
		switch {
		case j >= len(b):
			return p.fail(ReasonTruncated, len(b)), 0
		case b[j] == '"':
			if seen&highs != 0 && !utf8.Valid(b[i+1:j]) {
				return p.fail(ReasonInvalidUTF8, i+1+invalidUTF8(b[i+1:j])), 0
			}
			return j + 1, meta
		case b[j] != '\\':
			return p.fail(ReasonControlCharacter, j), 0
		}
		meta |= escapedBit
		if j = p.escape(j); j < 0 {
			return -1, 0
		}
	}
}

// escape checks the escape sequence whose backslash is at i, a surrogate pair
// as one, and returns the position after it.
func (p *parser) escape(i int) int {
	b := p.body
	if i+1 >= len(b) {
		return p.fail(ReasonTruncated, len(b))
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
	default:
		return p.fail(ReasonInvalidEscape, i)
	}
	r, ok := p.hex4(i)
	switch {
	case !ok:
		return -1
	case r < 0xD800 || r > 0xDFFF:
		return i + 6
	case r >= 0xDC00:
		return p.fail(ReasonLoneSurrogate, i)
	}
	// The other half must follow.
	if i+6 >= len(b) || b[i+6] == '\\' && i+7 >= len(b) {
		return p.fail(ReasonTruncated, len(b))
	}
	if b[i+6] != '\\' || b[i+7] != 'u' {
		return p.fail(ReasonLoneSurrogate, i)
	}
	low, ok := p.hex4(i + 6)
	switch {
	case !ok:
		return -1
	case low < 0xDC00 || low > 0xDFFF:
		return p.fail(ReasonLoneSurrogate, i)
	}
	return i + 12
}

// hex4 reads the four digits of the \u escape at i.
func (p *parser) hex4(i int) (rune, bool) {
	var r rune
	for j := i + 2; j < i+6; j++ {
		if j >= len(p.body) {
			p.fail(ReasonTruncated, len(p.body))
			return 0, false
		}
		d := hexDigit(p.body[j])
		if d < 0 {
			p.fail(ReasonInvalidEscape, i)
			return 0, false
		}
		r = r<<4 | d
	}
	return r, true
}

func (p *parser) literal(i int, word string, k Kind) int {
	for j := range len(word) {
		if i+j >= len(p.body) || p.body[i+j] != word[j] {
			return p.unexpected(i + j)
		}
	}
	if !p.push(uint32(k), i, i+len(word)) {
		return -1
	}
	return i + len(word)
}

// number reads a number (RFC 8259, section 6). One whose magnitude exceeds the
// largest double is refused: parsers disagree on it.
func (p *parser) number(i int) int {
	b, j := p.body, i
	if b[j] == '-' {
		j++
	}
	whole := j
	if j = digits(b, j); j == whole || b[whole] == '0' && j > whole+1 {
		return p.unexpected(min(j, whole+1))
	}
	risky := j-whole > 308
	if j < len(b) && b[j] == '.' {
		fraction := j + 1
		if j = digits(b, fraction); j == fraction {
			return p.unexpected(j)
		}
	}
	if j < len(b) && (b[j] == 'e' || b[j] == 'E') {
		j++
		if j < len(b) && (b[j] == '+' || b[j] == '-') {
			j++
		}
		exponent := j
		if j = digits(b, exponent); j == exponent {
			return p.unexpected(j)
		}
		risky = true
	}
	if risky {
		if _, err := strconv.ParseFloat(string(b[i:j]), 64); err != nil {
			return p.fail(ReasonNumberRange, i)
		}
	}
	if !p.push(uint32(Number), i, j) {
		return -1
	}
	return j
}

// digits returns the position of the first byte from i on that is no digit.
func digits(b []byte, i int) int {
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	return i
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func hexDigit(c byte) rune {
	switch {
	case isDigit(c):
		return rune(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10
	}
	return -1
}

// hasControl reports whether a decoded key has one of U+0000 to U+001F or U+007F.
func hasControl(key []byte) bool {
	for _, c := range key {
		if c < 0x20 || c == 0x7F {
			return true
		}
	}
	return false
}

// invalidUTF8 returns the position of the first byte of b that belongs to no
// well-formed sequence.
func invalidUTF8(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(b)
}

// hasByteOrderMark knows the marks of UTF-8, UTF-16 and UTF-32, either order.
func hasByteOrderMark(b []byte) bool {
	for _, mark := range []string{"\xEF\xBB\xBF", "\xFE\xFF", "\xFF\xFE", "\x00\x00\xFE\xFF"} {
		if bytes.HasPrefix(b, []byte(mark)) {
			return true
		}
	}
	return false
}
