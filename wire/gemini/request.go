package gemini

import (
	"slices"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/frame"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// GenerateContent is the codec of POST …:generateContent.
type GenerateContent struct{}

// Protocol is "gemini".
func (GenerateContent) Protocol() string { return "gemini" }

// Request reads a prompt.
func (GenerateContent) Request(in wire.Incoming) (wire.Request, error) {
	return readRequest(in, shape{prompt: "contents"})
}

// StreamGenerateContent is the codec of POST …:streamGenerateContent, whose
// reply is a stream of server-sent events with `?alt=sse`, and without it a
// JSON array that grows.
type StreamGenerateContent struct{ GenerateContent }

// Request reads a prompt.
func (StreamGenerateContent) Request(in wire.Incoming) (wire.Request, error) {
	return readRequest(in, shape{prompt: "contents", stream: true})
}

// Format tells events from an array by the media type.
func (StreamGenerateContent) Format(media string, stream bool) frame.Format {
	switch {
	case media == "text/event-stream":
		return frame.SSE
	case media == "application/json" && stream:
		return frame.Array
	}
	return nil
}

// shape says how an endpoint takes its prompt.
type shape struct {
	prompt  string // the member that holds it: "contents", "content" or "requests"
	wrapped bool   // a generateContentRequest may stand in its place
	stream  bool
}

// prompts are the names under which one endpoint or another looks for its
// prompt.
var prompts = []string{"contents", "content", "requests", "instances", "generateContentRequest"}

func readRequest(in wire.Incoming, s shape) (wire.Request, error) {
	doc, err := strictjson.Parse(in.Body, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	r := &request{doc: doc, root: doc.Root(), shape: s, called: map[string]string{}}
	if err := r.read(in); err != nil {
		doc.Release()
		return nil, err
	}
	return r, nil
}

type request struct {
	doc       *strictjson.Doc
	root      strictjson.Value
	shape     shape
	model     modelName
	tools     []string
	unscanned []string
	refs      []string
	texts     []wire.Text
	messages  []message
	called    map[string]string // the name of the function that was called, by the call's id
}

// message is a message of the normalised conversation: the system text comes
// first, and each functionResponse is a message of its own.
type message struct {
	role   string
	parts  []strictjson.Value
	result strictjson.Value // the functionResponse of a tool's message
	texts  [2]int           // from and to in the request's texts
}

func (r *request) Model() string        { return r.model.String() }
func (r *request) Stream() bool         { return r.shape.stream }
func (r *request) Tools() []string      { return r.tools }
func (r *request) Unscanned() []string  { return r.unscanned }
func (r *request) References() []string { return r.refs }
func (r *request) Texts() []wire.Text   { return r.texts }
func (r *request) Release()             { r.doc.Release() }

func (r *request) read(in wire.Incoming) error {
	if err := checkQuery(in.Query, r.shape.stream); err != nil {
		return err
	}
	var err error
	if r.model, err = modelOf(in.Params); err != nil {
		return err
	}
	if r.root.Kind() != strictjson.Object {
		return read.Wrong("", "the body is not a JSON object")
	}
	if err := requestFields.check(r.root, ""); err != nil {
		return err
	}
	if err := r.body(); err != nil {
		return err
	}
	if err := r.model.check(r.root); err != nil {
		return err
	}
	slices.Sort(r.unscanned)
	r.unscanned = slices.Compact(r.unscanned)
	slices.Sort(r.refs)
	r.refs = slices.Compact(r.refs)
	return nil
}

// body reads the prompt from its place, and refuses a second one, which
// another server could take for the first.
func (r *request) body() error {
	place := r.shape.prompt
	if r.shape.wrapped && get(r.root, "generateContentRequest").Exists() {
		place = "generateContentRequest"
	}
	for _, name := range prompts {
		if name != place && get(r.root, name).Exists() {
			return read.Wrong(name, "the prompt of this endpoint has one place, \""+r.shape.prompt+"\"")
		}
	}
	prompt := get(r.root, place)
	switch place {
	case "generateContentRequest":
		if err := requestFields.check(prompt, place); err != nil {
			return err
		}
		for _, name := range prompts {
			if name != "contents" && get(prompt, name).Exists() {
				return read.Wrong(place, "the prompt of this endpoint has one place, \"contents\"")
			}
		}
		if err := r.generate(prompt); err != nil {
			return err
		}
		return r.members(r.root, place)
	case "contents":
		return r.generate(r.root)
	case "content":
		return r.embed(r.root)
	}
	if prompt.Kind() != strictjson.Array {
		return read.Wrong(place, "must be an array")
	}
	for _, e := range prompt.Elems() {
		if err := requestFields.check(e, place); err != nil {
			return err
		}
		for _, name := range prompts {
			if name != "content" && get(e, name).Exists() {
				return read.Wrong(place, "a request has one prompt, \"content\"")
			}
		}
		if err := r.embed(e); err != nil {
			return err
		}
	}
	return r.members(r.root, place)
}

// generate reads what generateContent takes.
func (r *request) generate(v strictjson.Value) error {
	if err := r.system(get(v, "systemInstruction")); err != nil {
		return err
	}
	contents := get(v, "contents")
	if !contents.Exists() {
		return read.Wrong("contents", "must be an array")
	}
	if err := checkList(contents, "contents"); err != nil {
		return err
	}
	for i, c := range list(contents) {
		if err := r.content(i, c); err != nil {
			return err
		}
	}
	if err := r.readTools(get(v, "tools")); err != nil {
		return err
	}
	return r.members(v, "systemInstruction", "contents", "tools")
}

// embed reads what embedContent takes.
func (r *request) embed(v strictjson.Value) error {
	content := get(v, "content")
	if !content.Exists() {
		return read.Wrong("content", "must be an object")
	}
	if err := r.content(len(r.messages), content); err != nil {
		return err
	}
	if get(v, "tools").Exists() {
		return read.Wrong("tools", "this endpoint has no tools")
	}
	return r.members(v, "content")
}

// members reads what is beside the prompt.
func (r *request) members(v strictjson.Value, known ...string) error {
	for k, m := range v.Members() {
		key := camel(k.Str())
		if m.IsNull() || slices.Contains(known, key) {
			continue
		}
		if err := r.member(v, key, m); err != nil {
			return err
		}
	}
	return nil
}

func (r *request) member(v strictjson.Value, key string, m strictjson.Value) error {
	s := r.sink(wire.Place{List: key, Index: -1}, false)
	switch key {
	case "model":
	case "toolConfig":
		return r.toolConfig(m, s)
	case "generationConfig":
		if err := configFields.check(m, key); err != nil {
			return err
		}
		if get(m, "routingConfig").Exists() {
			return read.Wrong(key, "a request names its model in one place, the path")
		}
		s.walk(m)
	case "cachedContent":
		if m.Kind() != strictjson.String {
			return read.Wrong(key, "must be a string")
		}
		if !m.EqualStr("") {
			r.fact("cached_content", m.Str())
		}
	default:
		s.member(v, key, m)
	}
	return nil
}

func (r *request) fact(name, id string) {
	r.unscanned = append(r.unscanned, name)
	if id != "" {
		r.refs = append(r.refs, id)
	}
}

func (r *request) text(v strictjson.Value, p wire.Place) *wire.Text {
	start, end := v.Span()
	r.texts = append(r.texts, wire.Text{Start: start, End: end, Place: p})
	return &r.texts[len(r.texts)-1]
}

// sink takes what is walked of a request.
func (r *request) sink(p wire.Place, result bool) sink {
	return sink{text: func(leaf strictjson.Value) { r.text(leaf, p).Result = result }, fact: r.fact}
}

// Interface guards
var (
	_ wire.ChatCodec = GenerateContent{}
	_ wire.ChatCodec = StreamGenerateContent{}
	_ wire.Framer    = StreamGenerateContent{}
	_ wire.Referrer  = (*request)(nil)
)
