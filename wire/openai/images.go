package openai

import (
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// Images is the codec of POST /images/generations, whose request is JSON, and,
// with Form, of /images/edits and /images/variations.
type Images struct {
	Form bool
	// Prompt tells that a form must have a prompt.
	Prompt bool
}

// Protocol is "openai.images".
func (Images) Protocol() string { return "openai.images" }

var imageFiles = map[string]string{"image": "image", "image[]": "image", "mask": "image"}

// Request reads a request. The model may be left out, and is then empty.
func (c Images) Request(in wire.Incoming) (wire.Request, error) {
	if c.Form {
		return readMediaForm(in, mediaSpec{prompt: "prompt", must: c.Prompt, files: imageFiles})
	}
	return readMediaJSON(in, mediaSpec{prompt: "prompt", must: true})
}

// Reply reads
//
//	{"created", "data": [{"b64_json" | "url", "revised_prompt"}], "usage"}
func (Images) Reply(body []byte) (wire.Reply, error) {
	doc, err := strictjson.Parse(body, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	root := doc.Root()
	if err := root.CheckKeys(listFields); err != nil {
		return nil, &wire.Error{Err: err}
	}
	if root.Get("data").Kind() != strictjson.Array && root.Get("error").Kind() != strictjson.Object {
		return nil, read.Wrong("data", "must be an array")
	}
	r := &mediaReply{body: body, resp: wire.Response{Usage: mediaUsage(root.Get("usage"))}}
	for i, e := range root.Get("data").Elems() {
		if e.Kind() != strictjson.Object {
			return nil, read.Wrong("data", "must hold objects")
		}
		if err := e.CheckKeys(imageFields); err != nil {
			return nil, &wire.Error{Path: "data", Err: err}
		}
		if e.Get("b64_json").Kind() == strictjson.String {
			r.facts = []string{"image"}
		}
		for k, v := range e.Members() {
			if k.EqualStr("revised_prompt") && v.Kind() == strictjson.String {
				start, end := v.Span()
				r.texts = append(r.texts, wire.Text{Start: start, End: end, Place: wire.Place{List: "choices", Index: i, Field: "text"}, Choice: i})
				r.resp.Choices = append(r.resp.Choices, wire.Choice{Index: i, Content: v.Str()})
			} else if !k.EqualStr("b64_json") || v.Kind() != strictjson.String {
				r.words(v, "data")
			}
		}
	}
	for k, v := range root.Members() {
		if !k.EqualStr("data") && !k.EqualStr("usage") {
			r.words(v, k.Str())
		}
	}
	return r, nil
}

var imageFields = strictjson.Keys("b64_json", "url", "revised_prompt")

// Stream reads partial and finished images.
func (Images) Stream(o wire.StreamOptions) wire.Stream { return newMediaStream(o) }

// Text knows no text.
func (Images) Text(string, []byte) (wire.Reply, bool, error) { return nil, false, nil }

// Medium is "image" for a stream, whose events hold images.
func (Images) Medium(media string) string {
	if media == eventStream {
		return "image"
	}
	return ""
}

// Coverage of images.
func (c Images) Coverage() wire.Coverage {
	cov := wire.Coverage{Request: "pre_chat", Reply: "post_chat", Stream: "post_chat"}
	if c.Form {
		cov.Facts = []string{"image"}
	}
	return cov
}

// Interface guard
var _ wire.MediaCodec = Images{}
