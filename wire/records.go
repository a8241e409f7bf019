package wire

import (
	"slices"
	"strings"

	"github.com/headgate/headgate/wire/strictjson"
)

// Records is a [RecordCodec] for endpoints that say nothing but what their path
// and a small object say:
//
//	GET /files/{file}  →  {"id": "file-1", "filename": "notes.txt", …}
//
// Every string of a reply is a text, save ids and words of the protocol.
type Records struct {
	// API is the protocol: "openai.files".
	API string
	// Read reads a request that has a body; its paths' parameters are
	// references without it. May be nil.
	Read func(in Incoming) (*Nothing, error)
	// Keeps are the members of a reply that tell ids of what is kept now.
	Keeps []string
}

// Protocol is the API's name.
func (c Records) Protocol() string { return c.API }

// Ask reads a request.
func (c Records) Ask(in Incoming) (Request, error) {
	n := &Nothing{}
	if c.Read != nil {
		var err error
		if n, err = c.Read(in); err != nil {
			return nil, err
		}
	}
	for _, id := range in.Params {
		n.IDs = append(n.IDs, id)
	}
	slices.Sort(n.IDs)
	n.IDs = slices.Compact(n.IDs)
	return n, nil
}

// Record reads a reply.
func (c Records) Record(body []byte) (Reply, error) {
	doc, err := strictjson.Parse(body, strictjson.Limits{})
	if err != nil {
		return nil, &Error{Err: err}
	}
	root := doc.Root()
	if root.Kind() != strictjson.Object {
		return nil, &Error{Reason: "the reply is not a JSON object"}
	}
	r := &record{body: body}
	for _, name := range c.Keeps {
		if id := root.Get(name).Str(); id != "" {
			r.created = append(r.created, id)
		}
	}
	r.words = RecordWords(root, 0)
	return r, nil
}

// RecordWords are the strings below a value that are no ids and no words of
// the protocol, as texts of a body in which the value's document begins at
// offset.
func RecordWords(v strictjson.Value, offset int) []Text {
	var texts []Text
	var walk func(key string, v strictjson.Value)
	walk = func(key string, v strictjson.Value) {
		switch v.Kind() {
		case strictjson.String:
			if !isToken(key) {
				start, end := v.Span()
				texts = append(texts, Text{Start: start + offset, End: end + offset, Place: Place{List: key, Index: -1}, Choice: -1})
			}
		case strictjson.Array:
			for _, e := range v.Elems() {
				walk(key, e)
			}
		case strictjson.Object:
			for k, m := range v.Members() {
				walk(k.Str(), m)
			}
		}
	}
	walk("", v)
	return texts
}

// isToken tells whether a string under a key is an id or a word of the
// protocol. A custom id is its client's own word.
func isToken(key string) bool {
	switch key {
	case "id", "object", "type", "status", "model", "purpose", "processing_status":
		return true
	case "custom_id":
		return false
	}
	return strings.HasSuffix(key, "_id") || strings.HasSuffix(key, "_at")
}

// record is a reply that no model gave.
type record struct {
	body    []byte
	words   []Text
	created []string
}

// Model is empty.
func (*record) Model() string { return "" }

// Texts are all words.
func (r *record) Texts() []Text { return r.words }

// Calls are none.
func (*record) Calls() []Call { return nil }

// Response has no choices.
func (*record) Response() *Response { return &Response{} }

// Created are the ids that the reply tells.
func (r *record) Created() []string { return r.created }

// Rewrite puts the replaced texts into the reply.
func (r *record) Rewrite(texts []strictjson.Replacement, _ []Verdict) ([]byte, error) {
	return strictjson.Splice(nil, r.body, texts), nil
}

// Interface guards
var (
	_ RecordCodec = Records{}
	_ Reply       = (*record)(nil)
	_ Creator     = (*record)(nil)
)
