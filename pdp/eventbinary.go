package pdp

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// binaryEvent reads an event in the binary mode of the HTTP binding: an
// attribute in each ce- header, the content type as datacontenttype, and the
// body as data.
func binaryEvent(h http.Header, body []byte) (*cloudEvent, *refusal) {
	ev := &cloudEvent{attributes: map[string]string{}}
	for header, values := range h {
		name, ok := strings.CutPrefix(strings.ToLower(header), "ce-")
		if !ok || len(values) == 0 {
			continue
		}
		if !attributeName(name) || name == "datacontenttype" {
			return nil, invalid(badAttribute)
		}
		if _, twice := ev.attributes[name]; twice || len(values) > 1 {
			return nil, invalid("an attribute of the event is repeated")
		}
		value, ok := headerValue(values[0])
		if !ok {
			return nil, invalid("an attribute of the event cannot be decoded")
		}
		ev.attributes[name] = value
	}
	if contentType := h.Get("Content-Type"); contentType != "" {
		ev.attributes["datacontenttype"] = contentType
	}
	if len(body) > 0 {
		ev.dataHash = dataHash(body, ev.attributes["datacontenttype"])
	}
	return ev, nil
}

// headerValue decodes an attribute as the HTTP binding (1.0.2, section
// 3.1.3.2) asks for: a quoted string is taken out of its quotes (RFC 9110,
// section 5.6.4), then percent-encoding is undone once.
func headerValue(s string) (string, bool) {
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
		var ok bool
		if s, ok = unquote(s[1 : len(s)-1]); !ok {
			return "", false
		}
	}
	s, err := url.PathUnescape(s)
	return s, err == nil && utf8.ValidString(s)
}

// unquote undoes the escapes of a quoted string's contents.
func unquote(s string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"', s[i] == '\\' && i+1 == len(s):
			return "", false
		case s[i] == '\\':
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), true
}
