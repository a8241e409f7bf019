package ollama

import (
	"fmt"
	"slices"

	"github.com/tidwall/sjson"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// request is what the endpoints make of their bodies: a conversation.
type request struct {
	doc       *strictjson.Doc
	root      strictjson.Value
	model     string
	stream    bool
	tools     []string
	unscanned []string
	texts     []wire.Text
	messages  []message
}

// message is one message of the conversation. What it does not have is
// missing.
type message struct {
	role                   string
	content, images, calls strictjson.Value
	id, tool               string // what a result says of its call
	texts                  [2]int // from and to in the request's
}

func (r *request) Model() string       { return r.model }
func (r *request) Stream() bool        { return r.stream }
func (r *request) Tools() []string     { return r.tools }
func (r *request) Unscanned() []string { return r.unscanned }
func (r *request) Texts() []wire.Text  { return r.texts }
func (r *request) Release()            { r.doc.Release() }

// readRequest reads what all requests have in common, and what rest reads.
func readRequest(in wire.Incoming, streams bool, rest func(r *request) error) (wire.Request, error) {
	doc, err := strictjson.Parse(in.Body, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	r := &request{doc: doc, root: doc.Root()}
	if err = r.head(streams); err == nil {
		err = rest(r)
	}
	if err != nil {
		doc.Release()
		return nil, err
	}
	slices.Sort(r.unscanned)
	r.unscanned = slices.Compact(r.unscanned)
	return r, nil
}

// head reads the model and whether a stream is asked for, which is so where
// nothing is said.
func (r *request) head(streams bool) error {
	if r.root.Kind() != strictjson.Object {
		return read.Wrong("", "the body is not a JSON object")
	}
	if err := r.root.CheckKeys(requestFields); err != nil {
		return &wire.Error{Err: err}
	}
	if r.model = r.root.Get("model").Str(); r.model == "" {
		return read.Wrong("model", "must be a string that names a model")
	}
	if given(r.root.Get("name")) {
		return read.Wrong("name", "a request names its model in one place, \"model\"")
	}
	if given(r.root.Get("context")) {
		return read.Wrong("context", "token ids cannot be looked into, send the text itself")
	}
	switch s := r.root.Get("stream"); s.Kind() {
	case strictjson.Invalid, strictjson.Null, strictjson.True:
		r.stream = streams
	case strictjson.False:
	default:
		return read.Wrong("stream", "must be true or false")
	}
	return nil
}

// alone refuses what belongs to other endpoints: a second prompt, and tools,
// which no policy would see.
func (r *request) alone(prompt string, foreign ...string) error {
	for _, name := range promptNames {
		if name != prompt && given(r.root.Get(name)) {
			return read.Wrong(name, fmt.Sprintf("the prompt of this endpoint has one place, %q", prompt))
		}
	}
	for _, name := range foreign {
		if given(r.root.Get(name)) {
			return read.Wrong(name, "this endpoint does not have it")
		}
	}
	return nil
}

// others adds the strings of the members that are not known.
func (r *request) others(known ...string) {
	known = append(known, "model", "stream")
	for k, v := range r.root.Members() {
		if key := k.Str(); !slices.Contains(known, key) {
			read.EveryString(v, func(leaf strictjson.Value) { r.text(leaf, wire.Place{List: key, Index: -1}) })
		}
	}
}

func (r *request) text(v strictjson.Value, p wire.Place) *wire.Text {
	start, end := v.Span()
	r.texts = append(r.texts, wire.Text{Start: start, End: end, Place: p})
	return &r.texts[len(r.texts)-1]
}

// say adds a message that is one string of the body, where there is one.
func (r *request) say(role, path string, v strictjson.Value) error {
	if ok, err := isText(v, path); !ok {
		return err
	}
	from := len(r.texts)
	r.text(v, wire.Place{List: "messages", Index: len(r.messages), Field: "text"})
	r.messages = append(r.messages, message{role: role, content: v, texts: [2]int{from, len(r.texts)}})
	return nil
}

// images checks that media are what they have to be, base64: a server that
// speaks like Ollama could take anything else for a file's name or a URL.
func (r *request) images(v strictjson.Value, path string) error {
	if !given(v) {
		return nil
	}
	if v.Kind() != strictjson.Array {
		return read.Wrong(path, "must be an array")
	}
	for _, e := range v.Elems() {
		if !isBase64(e) {
			return read.Wrong(path, "must hold base64")
		}
		r.unscanned = append(r.unscanned, "image")
	}
	return nil
}

func isBase64(v strictjson.Value) bool {
	raw := v.Raw()
	if v.Kind() != strictjson.String || len(raw) < 3 {
		return false
	}
	for _, c := range raw[1 : len(raw)-1] {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '+', c == '/', c == '=':
		default:
			return false
		}
	}
	return true
}

// ForceModel names another model.
func (r *request) ForceModel(body []byte, model string) ([]byte, error) {
	out, err := sjson.SetBytes(body, "model", model)
	if err != nil {
		return nil, fmt.Errorf("set the model: %w", err)
	}
	return out, nil
}

// HideTools takes tools away, and the list of them where none is left.
func (r *request) HideTools(body []byte, hide func(name string) bool) ([]byte, error) {
	doc, err := strictjson.Parse(body, strictjson.Limits{})
	if err != nil {
		return nil, fmt.Errorf("take a tool away: %w", err)
	}
	defer doc.Release()
	left := len(r.tools)
	gone := make([]bool, len(r.tools))
	for i, name := range r.tools {
		if gone[i] = hide(name); gone[i] {
			left--
		}
	}
	body = strictjson.Splice(nil, body, read.Drop(doc.Root().Get("tools"), gone))
	if left > 0 || len(r.tools) == 0 {
		return body, nil
	}
	if body, err = sjson.DeleteBytes(body, "tools"); err != nil {
		return nil, fmt.Errorf("take the tools away: %w", err)
	}
	return body, nil
}

// Interface guard
var _ wire.Request = (*request)(nil)
