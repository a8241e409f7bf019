package redact

import (
	"regexp/syntax"
	"strings"
	"sync"
)

// userLabel is the label of what a user's selector finds: [REDACTED].
const userLabel = "REDACTED"

const (
	hashDigits = 16 // hexadecimal digits of a hash in a placeholder
	// maxPlaceholder is more than the length of any placeholder, in bytes.
	maxPlaceholder = 48
)

// placeholderDetector finds the placeholders that this package writes, so
// that text which comes back keeps them: [EMAIL], [EMAIL_0123456789abcdef].
var placeholderDetector = sync.OnceValue(func() *detector {
	shape := `\[(?:` + strings.Join(append(Entities(), userLabel), "|") + `)(?:_[0-9a-f]{16})?\]`
	re, err := syntax.Parse(shape, syntax.Perl)
	if err != nil {
		panic("redact: shape of placeholders: " + err.Error())
	}
	return newDetector("", "", re)
})

var labels = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{userLabel: true}
	for _, e := range Entities() {
		all[e] = true
	}
	return all
})

// placeholderAt returns the length of the placeholder that text begins with,
// 0 if it begins with none, and whether it stands for a user's selector.
func placeholderAt(text []byte) (n int, user bool) {
	if len(text) == 0 || text[0] != '[' {
		return 0, false
	}
	for n = 1; n < len(text) && n < maxPlaceholder && text[n] != ']'; n++ {
		if !wordBytes.has(text[n]) {
			return 0, false
		}
	}
	if n == len(text) || text[n] != ']' {
		return 0, false
	}
	label := text[1:n]
	if i := len(label) - hashDigits - 1; i > 0 && label[i] == '_' && isHash(label[i+1:]) {
		label = label[:i]
	}
	if !labels()[string(label)] {
		return 0, false
	}
	return n + 1, string(label) == userLabel
}

func isHash(b []byte) bool {
	for _, d := range b {
		if !isDigit(rune(d)) && (d < 'a' || d > 'f') {
			return false
		}
	}
	return true
}

// splitsPlaceholder reports whether a match of text[i:e] would end inside a
// placeholder that begins in it.
func splitsPlaceholder(text []byte, i, e int) bool {
	for a := e - 1; a > i && a > e-maxPlaceholder; a-- {
		switch text[a] {
		case ']':
			return false
		case '[':
			n, _ := placeholderAt(text[a:])
			return a+n > e
		}
	}
	return false
}
