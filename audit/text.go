package audit

import (
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Longest text of one field, in bytes of UTF-8 before it is escaped.
const (
	maxReason = 512
	maxTool   = 256
	maxText   = 1024
)

// CutReason returns a reason as the log holds it: at most 512 bytes, cut between
// two characters, each invalid byte replaced by U+FFFD. Whoever shows the reason
// to a client shows this text, so that client and log agree. Cutting twice
// changes nothing.
func CutReason(s string) string { return cut(s, maxReason) }

// CutTool is [CutReason] for a tool's name, with at most 256 bytes.
func CutTool(s string) string { return cut(s, maxTool) }

func cut(s string, limit int) string {
	if len(s) <= limit && utf8.ValidString(s) {
		return s
	}
	b := make([]byte, 0, limit)
	for _, c := range s { // an invalid byte comes as U+FFFD
		if len(b)+utf8.RuneLen(c) > limit {
			break
		}
		b = utf8.AppendRune(b, c)
	}
	return string(b)
}

const hexDigits = "0123456789abcdef"

// plain tells the ASCII bytes that stand for themselves in a JSON string.
var plain = func() (t [utf8.RuneSelf]bool) {
	for c := ' '; c < 0x7f; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// appendString appends s, cut at limit, as a JSON string (RFC 8259). Beyond what
// JSON asks for it escapes every character that cannot be seen: line and
// paragraph separators, C1 controls, directional marks and the like, so that a
// line stays a line for every reader and shows what it holds.
func appendString(dst []byte, s string, limit int) []byte {
	dst = append(dst, '"')
	if len(s) <= limit {
		i := 0
		for i < len(s) && s[i] < utf8.RuneSelf && plain[s[i]] {
			i++
		}
		if i == len(s) {
			return append(append(dst, s...), '"')
		}
	}
	s = cut(s, limit)
	start := 0
	for i, c := range s {
		if c < utf8.RuneSelf && plain[c] || c >= utf8.RuneSelf && unicode.IsGraphic(c) {
			continue
		}
		dst = appendEscaped(append(dst, s[start:i]...), c)
		start = i + utf8.RuneLen(c)
	}
	return append(append(dst, s[start:]...), '"')
}

func appendEscaped(dst []byte, c rune) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', byte(c))
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	if c > 0xffff {
		hi, lo := utf16.EncodeRune(c)
		return appendUnit(appendUnit(dst, hi), lo)
	}
	return appendUnit(dst, c)
}

func appendUnit(dst []byte, c rune) []byte {
	return append(dst, '\\', 'u', hexDigits[c>>12&15], hexDigits[c>>8&15], hexDigits[c>>4&15], hexDigits[c&15])
}
