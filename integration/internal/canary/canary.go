// Package canary plants a text in the bodies of exchanges, and looks for it
// afterwards. It knows JSON, and no API.
package canary

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/headgate/headgate/wire/strictjson"
)

// Text is the canary.
const Text = "CANARY-4711-BIRD"

// signed are the members whose text a provider has signed: it cannot be edited,
// and a reply that needs it edited is refused.
var signed = map[string]bool{"thinking": true, "signature": true, "thoughtSignature": true}

// opaque are the members that are no text whatever they look like: names that
// a client compares, and times.
var opaque = map[string]bool{
	"model": true, "id": true, "type": true, "object": true, "role": true, "created_at": true, "createTime": true,
	"finish_reason": true, "native_finish_reason": true, "stop_reason": true, "name": true, "cursor": true,
}

// Plant puts the canary into every text of a body: JSON, a stream of events,
// or lines of JSON. What is none of them stays as it is.
func Plant(body []byte) []byte {
	if out, ok := document(body); ok {
		return out
	}
	var b bytes.Buffer
	for _, line := range bytes.SplitAfter(body, []byte("\n")) {
		text := bytes.TrimRight(line, "\r\n")
		end := line[len(text):]
		field, data := []byte(nil), text
		if rest, ok := bytes.CutPrefix(text, []byte("data:")); ok {
			data = bytes.TrimLeft(rest, " ")
			field = text[:len(text)-len(data)]
		}
		if out, ok := document(data); ok {
			data = out
		}
		b.Write(field)
		b.Write(data)
		b.Write(end)
	}
	return b.Bytes()
}

// document plants in one JSON document.
func document(body []byte) ([]byte, bool) {
	doc, err := strictjson.Parse(body, strictjson.Limits{Nodes: 1 << 22})
	if err != nil {
		return nil, false
	}
	defer doc.Release()
	edits := value(nil, doc.Root(), "")
	return strictjson.Splice(nil, body, edits), true
}

func value(edits []strictjson.Replacement, v strictjson.Value, key string) []strictjson.Replacement {
	switch v.Kind() {
	case strictjson.Array:
		for _, e := range v.Elems() {
			edits = value(edits, e, key)
		}
	case strictjson.Object:
		for k, m := range v.Members() {
			if name := k.Str(); !signed[name] && (m.Kind() != strictjson.String || !opaque[name]) {
				edits = value(edits, m, name)
			}
		}
	case strictjson.String:
		if text, ok := planted(v.Str()); ok {
			start, end := v.Span()
			edits = append(edits, strictjson.Replacement{Start: start, End: end, Text: strictjson.AppendQuoted(nil, text)})
		}
	}
	return edits
}

// planted puts the canary behind the first word. A text has at least three
// words, or is a JSON document that has one.
func planted(text string) (string, bool) {
	if t := strings.TrimSpace(text); strings.HasPrefix(t, "{") || strings.HasPrefix(t, "[") {
		if json.Valid([]byte(t)) {
			out, ok := document([]byte(text))
			return string(out), ok && string(out) != text
		}
		return "", false // a part of a document
	}
	first, rest, ok := strings.Cut(text, " ")
	if !ok || !strings.Contains(strings.TrimSpace(rest), " ") || strings.HasPrefix(text, "data:") {
		return "", false
	}
	return first + " " + Text + " " + rest, true
}

// Find gives the surroundings of a canary, "" where there is none.
func Find(body []byte) string {
	i := bytes.Index(body, []byte(Text))
	if i < 0 {
		return ""
	}
	return "…" + string(body[max(0, i-80):min(len(body), i+60)]) + "…"
}
