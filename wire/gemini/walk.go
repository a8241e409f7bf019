package gemini

import (
	"net/url"
	"slices"
	"strings"

	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// notText are fields whose strings are structure, an enumeration or a token,
// not words, wherever they stand in a part of the body that is walked as a
// whole.
var notText = map[string]bool{
	"id": true, "type": true, "role": true, "model": true, "format": true, "$ref": true, "mimeType": true,
	"responseMimeType": true, "responseModalities": true, "mediaResolution": true, "modality": true,
	"category": true, "threshold": true, "method": true, "probability": true, "severity": true,
	"finishReason": true, "blockReason": true, "language": true, "outcome": true, "toolType": true,
	"behavior": true, "scheduling": true, "mode": true, "taskType": true, "startOffset": true, "endOffset": true,
	"urlRetrievalStatus": true,
}

// opaque are fields of bytes in base64.
var opaque = map[string]bool{
	"thoughtSignature": true, "continuationToken": true, "sdkBlob": true, "googleMapsWidgetContextToken": true,
}

// free are fields that hold any JSON, of which every string counts, as the
// values in a schema do.
var free = map[string]bool{
	"args": true, "response": true, "labels": true, "partMetadata": true,
}

// sink takes what a walk finds.
type sink struct {
	// text takes a string that holds words.
	text func(leaf strictjson.Value)
	// fact takes what cannot be looked into, with the id of something that the
	// upstream keeps, where it has one. It may be nil.
	fact func(name, id string)
}

// walk walks v, whatever it is.
func (s sink) walk(v strictjson.Value) {
	switch v.Kind() {
	case strictjson.String:
		s.text(v)
	case strictjson.Array:
		for _, e := range v.Elems() {
			s.walk(e)
		}
	case strictjson.Object:
		s.besides(v)
	}
}

// besides walks the members of v that are not known; the names are those of
// the reference.
func (s sink) besides(v strictjson.Value, known ...string) {
	for k, m := range v.Members() {
		if key := camel(k.Str()); !slices.Contains(known, key) {
			s.member(v, key, m)
		}
	}
}

func (s sink) member(v strictjson.Value, key string, m strictjson.Value) {
	switch {
	case free[key], read.AnyJSON(key):
		read.EveryString(m, s.text)
	case notText[key]:
		for _, e := range m.Elems() {
			if e.Kind() != strictjson.String {
				s.walk(e)
			}
		}
		if m.Kind() == strictjson.Object {
			s.walk(m)
		}
	case m.Kind() == strictjson.String:
		s.leaf(v, key, m)
	default:
		s.walk(m)
	}
}

func (s sink) leaf(v strictjson.Value, key string, m strictjson.Value) {
	mime := get(v, "mimeType")
	switch {
	case opaque[key]:
		s.say("opaque_echo", "")
	case key == "data" && mime.Exists():
		s.say(mediaFact(mime.Str()), "")
	case key == "fileUri":
		if id := fileID(m.Str()); id != "" {
			s.say("file_id", id)
			return
		}
		s.say("remote_url", "")
		s.text(m)
	default:
		s.text(m)
	}
}

func (s sink) say(fact, id string) {
	if s.fact != nil {
		s.fact(fact, id)
	}
}

func mediaFact(mimeType string) string {
	kind, _, _ := strings.Cut(strings.ToLower(mimeType), "/")
	if kind == "image" || kind == "audio" {
		return kind
	}
	return "binary"
}

// fileID is the id of an uploaded file, "files/abc", that a URI names:
// https://generativelanguage.googleapis.com/v1beta/files/abc. It is empty for
// any other URI, wherever that leads.
func fileID(uri string) string {
	path := uri
	if u, err := url.Parse(uri); err != nil || u.RawQuery != "" || u.Fragment != "" {
		return ""
	} else if u.Scheme != "" || u.Host != "" {
		if u.Scheme != "https" || u.Host != "generativelanguage.googleapis.com" {
			return ""
		}
		_, path, _ = strings.Cut(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	}
	name, ok := strings.CutPrefix(path, "files/")
	if !ok || name == "" || strings.ContainsAny(name, "/%") {
		return ""
	}
	return path
}
