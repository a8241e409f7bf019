package openai

import (
	"fmt"
	"slices"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// askKind says how an endpoint takes a conversation of items.
type askKind struct {
	input      string // the member that holds the items
	needsModel bool
	noModel    bool // nothing is asked of a model
	streams    bool
}

// Request reads a request for a response.
func (Responses) Request(in wire.Incoming) (wire.Request, error) {
	return readAsk(in, askKind{input: "input", needsModel: true, streams: true})
}

// askRequest is a conversation of items.
//
// What it refers to and does not hold is told as facts: the response before
// and single items of it (previous_response_id), a conversation, a prompt that
// is stored, files, whatever a URL leads to. Reasoning that comes back
// encrypted is opaque_echo; the summary beside it is text like any other, and
// no signature covers it.
type askRequest struct {
	kind askKind
	doc  *strictjson.Doc
	root strictjson.Value
	head
	tools     []string
	unscanned []string
	refs      []string
	texts     []wire.Text
	items     []inputItem
}

// inputItem is one item of the input: its message in the normalised
// conversation, and the texts that it has.
type inputItem struct {
	v        strictjson.Value
	kind     string
	message  int
	from, to int
}

func (r *askRequest) Tools() []string      { return r.tools }
func (r *askRequest) Unscanned() []string  { return r.unscanned }
func (r *askRequest) References() []string { return r.refs }
func (r *askRequest) Texts() []wire.Text   { return r.texts }
func (r *askRequest) Release()             { r.doc.Release() }

func readAsk(in wire.Incoming, kind askKind) (wire.Request, error) {
	doc, err := strictjson.Parse(in.Body, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	r := &askRequest{kind: kind, doc: doc, root: doc.Root()}
	if err := r.read(in.Params); err != nil {
		doc.Release()
		return nil, err
	}
	return r, nil
}

func (r *askRequest) read(params wire.Params) error {
	var err error
	if r.head, err = readHead(r.root, askFields, params); err != nil {
		return err
	}
	stored := r.root.Get("prompt").Kind() == strictjson.Object // it may name the model
	switch {
	case r.model == "" && r.kind.needsModel && !stored:
		return errModel
	case r.stream && !r.kind.streams:
		return read.Wrong("stream", "this endpoint has no streams")
	}
	if err := r.alone(); err != nil {
		return err
	}
	r.refs = append(r.refs, pathIDs(params)...)
	if err := r.conversation(); err != nil {
		return err
	}
	for k, v := range r.root.Members() {
		if err := r.member(k.Str(), v); err != nil {
			return err
		}
	}
	for _, list := range []*[]string{&r.unscanned, &r.refs} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return nil
}

// alone refuses a prompt or tools under a name that another server looks for
// them under: a request has them in one place.
func (r *askRequest) alone() error {
	for _, key := range []string{
		"input", "items", "inputs", "messages", "prompts", "content", "texts", "prompt_embeds", "prompt_token_ids",
		"functions", "function_call", "plugins", "web_search_options",
	} {
		if v := r.root.Get(key); key != r.kind.input && v.Exists() && !v.IsNull() {
			return read.Wrong(key, "this endpoint takes its items as \""+r.kind.input+"\", its tools as \"tools\"")
		}
	}
	for _, key := range []string{"prompt", "text"} {
		if v := r.root.Get(key); v.Exists() && !v.IsNull() && v.Kind() != strictjson.Object {
			return read.Wrong(key, "must be an object")
		}
	}
	return nil
}

// conversation reads what the normalised messages are made of, in their order.
func (r *askRequest) conversation() error {
	turn := turns{}
	if in := r.root.Get("instructions"); in.Kind() == strictjson.String {
		r.text(in, wire.Place{List: "messages", Index: turn.next("instructions", ""), Field: "text"})
	} else if in.Exists() && !in.IsNull() {
		return read.Wrong("instructions", "must be a string")
	}
	input := r.root.Get(r.kind.input)
	switch input.Kind() {
	case strictjson.Invalid, strictjson.Null:
	case strictjson.String:
		r.text(input, wire.Place{List: "messages", Index: turn.next("message", "user"), Field: "text"})
	case strictjson.Array:
		for i, it := range input.Elems() {
			path := fmt.Sprintf("%s[%d]", r.kind.input, i)
			kind, err := checkItem(it, path)
			if err != nil {
				return err
			}
			at := inputItem{v: it, kind: kind, message: turn.next(kind, it.Get("role").Str()), from: len(r.texts)}
			if err := r.item(&at, path); err != nil {
				return err
			}
			at.to = len(r.texts)
			r.items = append(r.items, at)
		}
	default:
		return read.Wrong(r.kind.input, "must be a string or an array")
	}
	return nil
}

// member reads a member of the request that is no part of the conversation.
func (r *askRequest) member(key string, v strictjson.Value) error {
	add := func(leaf strictjson.Value) { r.text(leaf, wire.Place{List: key, Index: -1}) }
	switch key {
	case "model", "stream", "instructions", r.kind.input:
	case "tools":
		return r.offers(v, "tools", func(i int) wire.Place { return wire.Place{List: "tools", Index: i, Field: "description"} })
	case "tool_choice":
		for _, t := range v.Get("tools").Elems() {
			r.walk(add).besides(t, "type", "name", "mode", "server_label")
		}
		r.walk(add).besides(v, "type", "name", "mode", "server_label", "tools")
		return checkChoice(v)
	case "metadata", "client_metadata":
		read.EveryString(v, add)
	case "background":
		switch v.Kind() {
		case strictjson.True:
			r.fact("background")
		case strictjson.False, strictjson.Null:
		default:
			return read.Wrong(key, "must be true or false")
		}
	case "previous_response_id":
		return r.refers(key, v, v, "previous_response_id")
	case "conversation":
		id := v
		if v.Kind() == strictjson.Object {
			id = v.Get("id")
			r.walk(add).besides(v, "id")
		}
		return r.refers(key, v, id, "conversation")
	case "prompt":
		r.walk(add).besides(v, "id", "version", "variables")
		if variables := v.Get("variables"); variables.Kind() != strictjson.Object {
			r.walk(add).value(variables)
		}
		for _, variable := range v.Get("variables").Members() {
			r.walk(add).value(variable)
		}
		return r.refers(key, v, v.Get("id"), "stored_prompt")
	default:
		r.walk(add).member(r.root, key, v)
	}
	return nil
}

// refers notes what the upstream keeps and the request builds on.
func (r *askRequest) refers(key string, v, id strictjson.Value, fact string) error {
	if v.IsNull() {
		return nil
	}
	if id.Str() == "" {
		return read.Wrong(key, "must name what is meant by its id")
	}
	r.fact(fact)
	r.refs = append(r.refs, id.Str())
	return nil
}

// pathIDs are the ids in a path.
func pathIDs(params wire.Params) []string {
	var ids []string
	for _, name := range []string{"id", "item"} {
		if v, ok := params[name]; ok {
			ids = append(ids, v)
		}
	}
	return ids
}

func (r *askRequest) fact(f string) { r.unscanned = append(r.unscanned, f) }

func (r *askRequest) text(v strictjson.Value, p wire.Place) *wire.Text {
	start, end := v.Span()
	r.texts = append(r.texts, wire.Text{Start: start, End: end, Place: p})
	return &r.texts[len(r.texts)-1]
}

func (r *askRequest) walk(text func(leaf strictjson.Value)) *walker {
	return &walker{text: text, fact: r.fact, ref: func(id string) { r.refs = append(r.refs, id) }}
}

// ForceModel names another model. It fails where the endpoint asks none.
func (r *askRequest) ForceModel(body []byte, model string) ([]byte, error) {
	if r.kind.noModel {
		return nil, read.Wrong("model", "this endpoint takes no model")
	}
	return r.setModel(body, model)
}

// Interface guard
var _ wire.Referrer = (*askRequest)(nil)
