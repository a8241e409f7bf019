package openai

import (
	"fmt"
	"slices"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// plainKind says how an endpoint takes a prompt that is no conversation.
type plainKind struct {
	prompt   string // the member that holds it
	suffix   bool   // a member "suffix" belongs to it
	anyModel bool   // the model may be left out
	parts    bool   // the prompt may be an array of parts
	streams  bool
}

// plainRequest is a prompt that is no conversation: a string, an array of
// strings, or, where the endpoint takes them, an array of parts.
//
// Each string is one user message, the parts are one together, and a suffix is
// the last one, so that what a policy says of input.messages holds here too.
//
// A prompt of token ids is refused. It is text that nobody here can read:
// every redaction and every rule about words would be got around by encoding
// the prompt before it is sent. The contract's facts for what cannot be looked
// into speak of media (`binary` passes unless it is forbidden), which this is
// not.
type plainRequest struct {
	kind plainKind
	doc  *strictjson.Doc
	root strictjson.Value
	head
	unscanned []string
	texts     []wire.Text
	messages  []strictjson.Value // the content of each message
}

func (r *plainRequest) Tools() []string        { return nil }
func (r *plainRequest) Unscanned() []string    { return r.unscanned }
func (r *plainRequest) Texts() []wire.Text     { return r.texts }
func (r *plainRequest) Results() []wire.Result { return nil }
func (r *plainRequest) Release()               { r.doc.Release() }

func readPlain(in wire.Incoming, kind plainKind) (wire.Request, error) {
	doc, err := strictjson.Parse(in.Body, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	r := &plainRequest{kind: kind, doc: doc, root: doc.Root()}
	if err := r.read(in.Params); err != nil {
		doc.Release()
		return nil, err
	}
	return r, nil
}

func (r *plainRequest) read(params wire.Params) error {
	var err error
	if r.head, err = readHead(r.root, plainFields, params); err != nil {
		return err
	}
	if r.model == "" && !r.kind.anyModel {
		return errModel
	}
	if r.stream && !r.kind.streams {
		return read.Wrong("stream", "this endpoint has no streams")
	}
	if err := r.alone(); err != nil {
		return err
	}
	if err := r.prompt(r.root.Get(r.kind.prompt)); err != nil {
		return err
	}
	for k, v := range r.root.Members() {
		place := wire.Place{List: k.Str(), Index: -1}
		add := func(leaf strictjson.Value) { r.add(leaf, place) }
		switch key := place.List; {
		case key == "model", key == "stream", key == r.kind.prompt:
		case key == "suffix" && r.kind.suffix:
			if err := r.suffix(v); err != nil {
				return err
			}
		case key == "metadata":
			besides(v, add)
		default:
			leaves(v, "", func(_ string, leaf strictjson.Value) { add(leaf) })
		}
	}
	slices.Sort(r.unscanned)
	r.unscanned = slices.Compact(r.unscanned)
	return nil
}

// alone refuses a second prompt, which another server could take for the
// first, and tools, which no policy would see.
func (r *plainRequest) alone() error {
	for _, name := range promptNames {
		if v := r.root.Get(name); name != r.kind.prompt && v.Exists() && !v.IsNull() {
			return read.Wrong(name, fmt.Sprintf("the prompt of this endpoint has one place, %q", r.kind.prompt))
		}
	}
	for _, name := range toolNames {
		if v := r.root.Get(name); v.Exists() && !v.IsNull() {
			return read.Wrong(name, "this endpoint has no tools")
		}
	}
	return nil
}

func (r *plainRequest) add(v strictjson.Value, p wire.Place) *wire.Text {
	start, end := v.Span()
	r.texts = append(r.texts, wire.Text{Start: start, End: end, Place: p})
	return &r.texts[len(r.texts)-1]
}

// message adds a string that is a message of its own.
func (r *plainRequest) message(v strictjson.Value) {
	r.add(v, wire.Place{List: "messages", Index: len(r.messages), Field: "text"})
	r.messages = append(r.messages, v)
}

func (r *plainRequest) suffix(v strictjson.Value) error {
	switch v.Kind() {
	case strictjson.Null:
	case strictjson.String:
		r.message(v)
	default:
		return read.Wrong("suffix", "must be a string")
	}
	return nil
}

func (r *plainRequest) prompt(v strictjson.Value) error {
	switch v.Kind() {
	case strictjson.String:
		r.message(v)
		return nil
	case strictjson.Array:
	default:
		return read.Wrong(r.kind.prompt, "must be a string or an array")
	}
	for i, e := range v.Elems() {
		switch e.Kind() {
		case strictjson.String:
			r.message(e)
		case strictjson.Number, strictjson.Array:
			return read.Wrong(r.kind.prompt, "token ids cannot be looked into, send the text itself")
		case strictjson.Object:
			if i == 0 && r.kind.parts {
				return r.parts(v)
			}
			fallthrough
		default:
			return read.Wrong(fmt.Sprintf("%s[%d]", r.kind.prompt, i), "must be a string")
		}
	}
	return nil
}

// parts reads an array of texts and images, which are one message.
func (r *plainRequest) parts(v strictjson.Value) error {
	place := wire.Place{List: "messages", Index: 0, Field: "text"}
	for i, p := range v.Elems() {
		path := fmt.Sprintf("%s[%d]", r.kind.prompt, i)
		if p.Kind() != strictjson.Object {
			return read.Wrong(path, "must be a part, as the first one is")
		}
		if err := p.CheckKeys(partFields); err != nil {
			return &wire.Error{Path: path, Err: err}
		}
		switch kind := p.Get("type").Str(); kind {
		case "text":
			if p.Get(kind).Kind() != strictjson.String {
				return read.Wrong(path, "must hold a string")
			}
			r.add(p.Get(kind), place).Group = 1
		case "image_url":
			if err := p.Get(kind).CheckKeys(mediaFields); err != nil {
				return &wire.Error{Path: path, Err: err}
			}
			facts, err := mediaFacts(kind, p.Get(kind))
			if err != nil {
				return read.Wrong(path, err.Error())
			}
			r.unscanned = append(r.unscanned, facts...)
		default:
			return read.Wrong(path, "unknown type of content part")
		}
	}
	for _, p := range v.Elems() { // after the texts, which stand beside each other
		kind := p.Get("type").Str()
		add := func(leaf strictjson.Value) { r.add(leaf, place) }
		besides(p, add, "type", kind)
		besides(p.Get(kind), add, "url", "data", "file_data", "file_id", "file_url")
	}
	r.messages = append(r.messages, v)
	return nil
}

// Messages gives the prompt as the conversation that it stands for: user
// messages and nothing else.
func (r *plainRequest) Messages() []byte {
	list := make([]wire.Message, len(r.messages))
	for i, content := range r.messages {
		list[i] = wire.Message{Role: "user", Parts: parts(content)}
	}
	return wire.Conversation(list)
}

// ForceModel names another model.
func (r *plainRequest) ForceModel(body []byte, model string) ([]byte, error) {
	return r.setModel(body, model)
}

// HideTools has nothing to hide.
func (r *plainRequest) HideTools(body []byte, _ func(name string) bool) ([]byte, error) {
	return body, nil
}

// Interface guard
var _ wire.Request = (*plainRequest)(nil)
