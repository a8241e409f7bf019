package strictjson

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// decodeEscape decodes the escape sequence at the start of b, which passed the
// gate: its character and its length, 2, 6 or 12 bytes.
func decodeEscape(b []byte) (r rune, n int) {
	switch c := b[1]; c {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r = codeUnit(b)
		if utf16.IsSurrogate(r) {
			return utf16.DecodeRune(r, codeUnit(b[6:])), 12
		}
		return r, 6
	default: // a quote, a backslash or a slash
		return rune(c), 2
	}
}

func codeUnit(b []byte) rune {
	return hexDigit(b[2])<<12 | hexDigit(b[3])<<8 | hexDigit(b[4])<<4 | hexDigit(b[5])
}

// Unescape appends the decoded contents of a string to dst. raw is the string as
// written, quotes included, and must have passed the gate ([Value.Raw]).
func Unescape(dst, raw []byte) []byte {
	raw = raw[1 : len(raw)-1]
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		r, n := decodeEscape(raw[i:])
		dst = utf8.AppendRune(dst, r)
		raw = raw[i+n:]
	}
}

// equalUnescaped reports whether the string raw, quotes included, decodes to s.
func equalUnescaped(raw []byte, s string) bool {
	raw = raw[1 : len(raw)-1]
	var buf [utf8.UTFMax]byte
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return string(raw) == s
		}
		if len(s) < i || string(raw[:i]) != s[:i] {
			return false
		}
		r, n := decodeEscape(raw[i:])
		c := buf[:utf8.EncodeRune(buf[:], r)]
		if s = s[i:]; len(s) < len(c) || s[:len(c)] != string(c) {
			return false
		}
		raw, s = raw[i+n:], s[len(c):]
	}
}

// RawOffsets maps ascending byte offsets in a decoded string to byte offsets in
// raw, the string as written, quotes included, which must have passed the gate.
// With it a piece of a string is replaced (see [Splice]) while every other
// escape stays as it was written.
//
// Offset 0 is the byte after the opening quote; the decoded length, or anything
// greater, is the closing quote. An offset inside the bytes of one escaped
// character is the start of its escape.
func RawOffsets(raw []byte, decoded []int) []int {
	if len(decoded) == 0 {
		return nil
	}
	out := make([]int, 0, len(decoded))
	last := len(raw) - 1
	at, dec := 1, 0 // the same place in raw and in the decoded string
	for at < last {
		plain := bytes.IndexByte(raw[at:last], '\\')
		if plain < 0 {
			plain = last - at
		}
		for len(out) < len(decoded) && decoded[len(out)] < dec+plain {
			out = append(out, at+max(decoded[len(out)]-dec, 0))
		}
		at, dec = at+plain, dec+plain
		if at == last || len(out) == len(decoded) {
			break
		}
		r, n := decodeEscape(raw[at:])
		size := utf8.RuneLen(r)
		for len(out) < len(decoded) && decoded[len(out)] < dec+size {
			out = append(out, at)
		}
		at, dec = at+n, dec+size
	}
	for len(out) < len(decoded) {
		out = append(out, last)
	}
	return out
}

const hexDigits = "0123456789abcdef"

// AppendEscaped appends s as the contents of a JSON string, without quotes.
// Escaped are the quote, the backslash, U+0000 to U+001F and, since JavaScript
// and many line splitters take them for line ends, U+2028 and U+2029. Everything
// else is copied, except that a byte that is no UTF-8 becomes U+FFFD: the result
// always passes the gate.
func AppendEscaped(dst []byte, s string) []byte { return appendEscaped(dst, s, true) }

// AppendQuoted appends s as a JSON string, with quotes; see [AppendEscaped].
func AppendQuoted(dst []byte, s string) []byte {
	return append(AppendEscaped(append(dst, '"'), s), '"')
}

// appendEscaped escapes what JSON requires, in the forms of RFC 8785, and line
// separators if asked.
func appendEscaped[T string | []byte](dst []byte, s T, separators bool) []byte {
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := decodeRune(s[i:])
			switch {
			case r == utf8.RuneError && n == 1:
				dst = append(dst, s[done:i]...)
				dst = append(dst, "\uFFFD"...)
				done = i + n
			case separators && (r == 0x2028 || r == 0x2029):
				dst = append(dst, s[done:i]...)
				dst = append(dst, '\\', 'u', '2', '0', '2', hexDigits[r&0xF])
				done = i + n
			}
			i += n
			continue
		}
		if c >= 0x20 && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[done:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xF])
		}
		i++
		done = i
	}
	return append(dst, s[done:]...)
}

func decodeRune[T string | []byte](s T) (rune, int) {
	var buf [utf8.UTFMax]byte
	return utf8.DecodeRune(buf[:copy(buf[:], s)])
}
