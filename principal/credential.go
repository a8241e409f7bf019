package principal

import (
	"net/http"
	"slices"
	"strings"
)

// maxCredential bounds a credential in bytes. The longest in use are JSON Web
// Tokens that list many groups.
const maxCredential = 16 << 10

const authorization = "authorization"

// credentialHeaders are the headers that hold a credential, in lower case.
var credentialHeaders = [...]string{authorization, "x-api-key", "api-key", "x-goog-api-key"}

// Credential returns what a client shows as its credential:
// "Authorization: Bearer" (RFC 6750), x-api-key, api-key, x-goog-api-key, or the
// query parameter key. One credential in several of these places is one.
//
// It returns [ErrNoCredential] if there is none and [ErrTwoCredentials] if two
// differ. A place that is there but does not hold exactly one credential in
// visible ASCII is [ErrBadCredential]: an empty value, a repeated header or
// parameter, another scheme than Bearer. So is a name that some other software
// would read as one of these, such as X_Api_Key or KEY=.
func Credential(r *http.Request) (string, error) {
	var s shown
	for name, values := range r.Header {
		place := credentialHeader(name)
		if place == "" || len(values) == 0 {
			continue
		}
		if len(values) > 1 || !strings.EqualFold(name, place) {
			return "", ErrBadCredential
		}
		value := values[0]
		if place == authorization {
			var ok bool
			if value, ok = bearer(value); !ok {
				return "", ErrBadCredential
			}
		}
		if !s.add(place, value) {
			return "", ErrBadCredential
		}
	}
	if r.URL != nil {
		for segment := range strings.SplitSeq(r.URL.RawQuery, "&") {
			if !showsKey(segment) {
				continue
			}
			value, ok := keyValue(segment)
			if !ok || !s.add("?key", value) {
				return "", ErrBadCredential
			}
		}
	}
	switch {
	case len(s.places) == 0:
		return "", ErrNoCredential
	case s.differ:
		return "", ErrTwoCredentials
	}
	return s.value, nil
}

// shown collects what a request shows.
type shown struct {
	places []string
	value  string
	differ bool
}

// add reports whether the value is one that a credential can have and the place
// is a new one.
func (s *shown) add(place, value string) bool {
	if !wellFormed(value) || slices.Contains(s.places, place) {
		return false
	}
	s.differ = s.differ || len(s.places) > 0 && value != s.value
	s.places, s.value = append(s.places, place), value
	return true
}

// wellFormed tells whether s can be a credential: visible ASCII, not empty, not
// over the limit.
func wellFormed(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= maxCredential
}

func bearer(value string) (string, bool) {
	scheme, token, _ := strings.Cut(value, " ")
	return strings.TrimLeft(token, " "), strings.EqualFold(scheme, "Bearer")
}

// StripCredentials removes from a request everything that [Credential] reads or
// refuses, from the headers, the trailers and the query, and the user
// information of its URL. The other query parameters keep their order and their
// bytes. Trailers are known once the body has been read, so that is the time
// for it.
func StripCredentials(r *http.Request) {
	for _, h := range []http.Header{r.Header, r.Trailer} {
		for name := range h {
			if credentialHeader(name) != "" {
				delete(h, name)
			}
		}
	}
	if r.URL == nil {
		return
	}
	r.URL.User = nil
	if query, found := stripKey(r.URL.RawQuery); found {
		r.URL.RawQuery = query
		if r.RequestURI != "" {
			r.RequestURI = r.URL.RequestURI()
		}
	}
}

// credentialHeader returns which of the credential headers a name stands for in
// any spelling, or "".
func credentialHeader(name string) string {
	for _, h := range credentialHeaders {
		if sameName(name, h) {
			return h
		}
	}
	return ""
}

// sameName tells whether some software reads name as want, which is lower-case.
// CGI and its descendants do not tell case apart, nor one character that is no
// letter or digit from another; some trim.
func sameName(name, want string) bool {
	for name != "" && separator(name[0]) {
		name = name[1:]
	}
	for name != "" && separator(name[len(name)-1]) {
		name = name[:len(name)-1]
	}
	if len(name) != len(want) {
		return false
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case separator(c):
			c = '-'
		}
		if c != want[i] {
			return false
		}
	}
	return true
}

// separator tells the ASCII characters that are neither letters nor digits.
func separator(c byte) bool {
	return c < '0' || '9' < c && c < 'A' || 'Z' < c && c < 'a' || 'z' < c && c < 0x80
}
