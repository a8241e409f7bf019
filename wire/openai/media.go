package openai

import (
	"bytes"
	"slices"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/form"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// mediaSpec says how an endpoint for media takes its prompt.
type mediaSpec struct {
	system string            // the field of instructions; "" for none
	prompt string            // the field of what the user says
	must   bool              // the prompt has to be there
	model  bool              // the model has to be named
	files  map[string]string // fields of a form that hold files, and the fact that each is
}

var (
	mediaNames = append([]string{"model", "models", "preset", "stream", "stream_format", "response_format", "instructions", "n", "user"}, promptNames...)
	mediaKeys  = strictjson.Keys(append(slices.Clone(mediaNames), imageNames...)...)
)

// imageNames are the names under which a server might look for an image.
var imageNames = []string{"image", "images", "image_url", "image_urls", "input_image", "input_images", "mask", "file", "files"}

// readMediaJSON reads a request that is JSON. What a model makes of it is the
// reply; nothing in the request is media.
func readMediaJSON(in wire.Incoming, spec mediaSpec) (wire.Request, error) {
	doc, err := strictjson.Parse(in.Body, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	r, err := mediaJSON(doc.Root(), in.Params, spec)
	if err != nil {
		doc.Release()
		return nil, err
	}
	r.release = doc.Release
	return r, nil
}

func mediaJSON(root strictjson.Value, params wire.Params, spec mediaSpec) (*loosePrompt, error) {
	h, err := readHead(root, mediaKeys, params)
	switch {
	case err != nil:
		return nil, err
	case h.model == "" && spec.model:
		return nil, errModel
	}
	for _, name := range append(slices.Clone(promptNames), imageNames...) {
		if v := root.Get(name); name != spec.prompt && v.Exists() && !v.IsNull() {
			return nil, read.Wrong(name, "this endpoint has no such field")
		}
	}
	r := &loosePrompt{model: h.model, stream: h.stream || root.Get("stream_format").EqualStr("sse"), force: h.setModel}
	for _, f := range []struct{ role, name string }{{"system", spec.system}, {"user", spec.prompt}} {
		v := root.Get(f.name)
		switch {
		case f.name == "":
		case v.Kind() == strictjson.String:
			start, end := v.Span()
			r.say(f.role, v.Str(), wire.Text{Start: start, End: end})
		case v.Exists() && !v.IsNull(), f.name == spec.prompt && spec.must:
			return nil, read.Wrong(f.name, "must be a string")
		}
	}
	for k, v := range root.Members() {
		switch key := k.Str(); key {
		case "model", "stream", "stream_format", spec.prompt, spec.system:
		default:
			leaves(v, "", func(_ string, leaf strictjson.Value) {
				start, end := leaf.Span()
				r.texts = append(r.texts, wire.Text{Start: start, End: end, Place: wire.Place{List: key, Index: -1}})
			})
		}
	}
	return r, nil
}

// readMediaForm reads a request that is a form. Its files are parts of the
// user's message, of which nobody sees more than their hash.
func readMediaForm(in wire.Incoming, spec mediaSpec) (wire.Request, error) {
	f, err := readForm(in, mediaNames, spec.files)
	if err != nil {
		return nil, err
	}
	r := &loosePrompt{}
	user := wire.Message{Role: "user"}
	var words []wire.Text
	var prompt *form.Part
	for i := range f.Parts {
		p := &f.Parts[i]
		content := in.Body[p.Start:p.End]
		switch {
		case p.File:
			fact := spec.files[p.Name]
			r.fact(fact)
			user.Parts = append(user.Parts, wire.Part{Kind: fact, Raw: content})
			words = append(words, fileName(p))
		case p.Name == "model":
			r.model = string(content)
		case p.Name == "stream":
			if r.stream = string(content) == "true"; !r.stream && string(content) != "false" {
				return nil, read.Wrong("stream", "must be true or false")
			}
		case p.Name == spec.prompt:
			prompt = p
		case p.Name == spec.system:
			r.say("system", string(content), fieldText(p))
		case slices.Contains(promptNames, p.Name), p.Name == "models", p.Name == "preset":
			return nil, read.Wrong(p.Name, "this endpoint has no such field")
		default:
			words = append(words, fieldText(p))
		}
	}
	switch {
	case len(user.Parts) == 0:
		return nil, read.Wrong("", "a form without its file")
	case prompt == nil && spec.must:
		return nil, read.Wrong(spec.prompt, "must be a text")
	case r.model == "" && spec.model:
		return nil, errModel
	}
	if prompt != nil {
		t := fieldText(prompt)
		t.Place = wire.Place{List: "messages", Index: len(r.messages), Field: "text"}
		r.texts = append(r.texts, t)
		user.Parts = append(user.Parts, wire.Part{Text: string(in.Body[prompt.Start:prompt.End])})
	}
	r.messages = append(r.messages, user)
	r.texts = append(r.texts, words...)
	r.force = func(body []byte, model string) ([]byte, error) { return forceInForm(in, body, model) }
	return r, nil
}

// forceInForm names another model in a form, in the part that names one or in a
// part of its own.
func forceInForm(in wire.Incoming, body []byte, model string) ([]byte, error) {
	f, err := form.Read(in.Header.Get("Content-Type"), body)
	if err != nil {
		return nil, err
	}
	edit := strictjson.Replacement{Start: f.Last, End: f.Last, Text: f.Insert("model", model)}
	for i := range f.Parts {
		if p := &f.Parts[i]; p.Name == "model" {
			edit = strictjson.Replacement{Start: p.Start, End: p.End, Text: []byte(model)}
		}
	}
	return strictjson.Splice(nil, body, []strictjson.Replacement{edit}), nil
}

// mediaUsage reads what was spent, in the words of the newer APIs.
func mediaUsage(v strictjson.Value) *wire.Usage {
	if v.Kind() != strictjson.Object {
		return nil
	}
	in, _ := v.Get("input_tokens").Int()
	out, _ := v.Get("output_tokens").Int()
	return &wire.Usage{Input: in, Output: out}
}

// mediaReply is a reply of words and media.
type mediaReply struct {
	body   []byte
	texts  []wire.Text
	facts  []string
	resp   wire.Response
	copies []strictjson.Replacement // what takes the place of copies where a text is edited
}

func (r *mediaReply) Model() string            { return "" }
func (r *mediaReply) Texts() []wire.Text       { return r.texts }
func (r *mediaReply) Calls() []wire.Call       { return nil }
func (r *mediaReply) Unscanned() []string      { return r.facts }
func (r *mediaReply) Response() *wire.Response { return &r.resp }

// Rewrite puts the replaced texts into the reply, and drops the copies that
// would tell another story.
func (r *mediaReply) Rewrite(texts []strictjson.Replacement, _ []wire.Verdict) ([]byte, error) {
	read.Sort(r.copies)
	edits := slices.Clone(r.copies)
	for _, t := range texts {
		i, _ := slices.BinarySearchFunc(r.copies, t.End, func(c strictjson.Replacement, end int) int { return c.End - end })
		if i == len(r.copies) || t.Start < r.copies[i].Start { // in no copy
			edits = append(edits, t)
		}
	}
	read.Sort(edits)
	return strictjson.Splice(nil, r.body, edits), nil
}

func (r *mediaReply) words(v strictjson.Value, list string) {
	leaves(v, "", func(_ string, leaf strictjson.Value) {
		start, end := leaf.Span()
		r.texts = append(r.texts, wire.Text{Start: start, End: end, Place: wire.Place{List: list, Index: -1}, Choice: -1})
	})
}

// isCue tells whether a text is one of subtitles.
func isCue(body []byte) bool { return bytes.Contains(body, []byte("-->")) }

// Interface guards
var (
	_ wire.Reply  = (*mediaReply)(nil)
	_ wire.Opaque = (*mediaReply)(nil)
)
