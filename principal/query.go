package principal

import (
	"net/url"
	"strings"
)

// showsKey tells whether a part of a raw query, between two "&", holds a
// parameter that is named key for any reader: also behind a ";", which some
// take for a separator, and in another case or with escapes.
func showsKey(segment string) bool {
	for p := range strings.SplitSeq(segment, ";") {
		name, _, _ := strings.Cut(p, "=")
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		if sameName(strings.ToLower(name), "key") {
			return true
		}
	}
	return false
}

// keyValue returns the value of a segment that reads the same for everyone.
func keyValue(segment string) (string, bool) {
	name, value, _ := strings.Cut(segment, "=")
	if plain, err := url.QueryUnescape(name); err != nil || plain != "key" || strings.Contains(segment, ";") {
		return "", false
	}
	value, err := url.QueryUnescape(value)
	return value, err == nil
}

// stripKey removes every segment that shows a key from a raw query.
func stripKey(query string) (rest string, found bool) {
	var kept []string
	for segment := range strings.SplitSeq(query, "&") {
		if showsKey(segment) {
			found = true
			continue
		}
		kept = append(kept, segment)
	}
	return strings.Join(kept, "&"), found
}
