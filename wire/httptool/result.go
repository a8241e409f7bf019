package httptool

import (
	"bytes"
	"mime"
	"strings"
	"unicode/utf8"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// result is a result as a reply holds it.
type result struct {
	wire.ToolResult
	body []byte
	doc  []byte // the body, or the string that is the text of it
	text bool
}

// Result reads a reply. Nothing is null, and so is what cannot be looked into.
func (codec) Result(media string, body []byte) (wire.ToolReply, error) {
	r := &result{body: body, doc: []byte("null")}
	r.Value = r.doc
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		return r, nil
	case isJSON(media):
		r.doc = body
	case isText(media):
		if !utf8.Valid(body) {
			return nil, read.Wrong("", "the text is not UTF-8")
		}
		r.doc, r.text = strictjson.AppendQuoted(nil, string(body)), true
	default:
		r.Unscanned = []string{fact(media)}
		return r, nil
	}
	doc, err := strictjson.Parse(r.doc, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	defer doc.Release()
	if r.Value, err = strictjson.AppendCanonical(nil, doc.Root()); err != nil {
		return nil, &wire.Error{Err: err}
	}
	read.EveryString(doc.Root(), func(leaf strictjson.Value) {
		start, end := leaf.Span()
		r.Texts = append(r.Texts, wire.Text{Start: start, End: end, Place: wire.Place{List: "result", Index: -1}})
	})
	return r, nil
}

// fact names what a media type keeps from sight.
func fact(media string) string {
	media, _, _ = mime.ParseMediaType(media)
	kind, _, _ := strings.Cut(media, "/")
	if kind == "image" || kind == "audio" {
		return kind
	}
	return "binary"
}

// Result is the result.
func (r *result) Result() *wire.ToolResult { return &r.ToolResult }

// Doc is the body where that is JSON; else its text as a JSON string.
func (r *result) Doc() []byte { return r.doc }

// Edited is the body with the texts of doc.
func (r *result) Edited(doc []byte) ([]byte, error) {
	if !r.text {
		return doc, nil
	}
	s, err := strictjson.Parse(doc, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	defer s.Release()
	return s.Root().AppendStr(nil), nil
}

// Interface guard
var _ wire.ToolReply = (*result)(nil)
