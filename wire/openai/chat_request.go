package openai

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// maxTools bounds what a request may offer; the API itself takes 128.
const maxTools = 1024

// Chat is the codec of POST /chat/completions.
type Chat struct{}

// Protocol is "openai.chat".
func (Chat) Protocol() string { return "openai.chat" }

// Request reads a chat completion request.
func (Chat) Request(in wire.Incoming) (wire.Request, error) {
	doc, err := strictjson.Parse(in.Body, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	r := &chatRequest{doc: doc, root: doc.Root()}
	if err := r.read(in.Params); err != nil {
		doc.Release()
		return nil, err
	}
	return r, nil
}

type chatRequest struct {
	doc  *strictjson.Doc
	root strictjson.Value
	head
	tools     []string
	unscanned []string
	texts     []wire.Text
	textsOf   [][2]int // of each message, from and to in texts
}

func (r *chatRequest) Tools() []string     { return r.tools }
func (r *chatRequest) Unscanned() []string { return r.unscanned }
func (r *chatRequest) Texts() []wire.Text  { return r.texts }
func (r *chatRequest) Release()            { r.doc.Release() }

func (r *chatRequest) read(params wire.Params) error {
	var err error
	if r.head, err = readHead(r.root, requestFields, params); err != nil {
		return err
	}
	if r.model == "" {
		return errModel
	}
	if r.root.Get("messages").Kind() != strictjson.Array {
		return read.Wrong("messages", "must be an array")
	}
	for k, v := range r.root.Members() {
		if err := r.member(k.Str(), v); err != nil {
			return err
		}
	}
	slices.Sort(r.unscanned)
	r.unscanned = slices.Compact(r.unscanned)
	return nil
}

func (r *chatRequest) member(key string, v strictjson.Value) error {
	switch key {
	case "model", "stream":
		return nil
	case "messages":
		for i, m := range v.Elems() {
			from := len(r.texts)
			if err := r.message(i, m); err != nil {
				return err
			}
			r.textsOf = append(r.textsOf, [2]int{from, len(r.texts)})
		}
		return nil
	case "tools":
		return r.readTools(v, false)
	case "functions":
		return r.readTools(v, true)
	case "metadata":
		besides(v, func(leaf strictjson.Value) { r.text(leaf, wire.Place{List: key, Index: -1}) })
		return nil
	case "web_search_options":
		r.tools = append(r.tools, "web_search")
	case "plugins":
		for _, p := range v.Elems() {
			r.tools = append(r.tools, p.Get("id").Str())
		}
	}
	place := wire.Place{List: key, Index: -1}
	if key == "tool_choice" || key == "function_call" {
		return nil // names of tools
	}
	leaves(v, "", func(_ string, leaf strictjson.Value) { r.text(leaf, place) })
	return nil
}

func (r *chatRequest) text(v strictjson.Value, p wire.Place) *wire.Text {
	start, end := v.Span()
	r.texts = append(r.texts, wire.Text{Start: start, End: end, Place: p})
	return &r.texts[len(r.texts)-1]
}

func (r *chatRequest) readTools(v strictjson.Value, legacy bool) error {
	if v.IsNull() {
		return nil
	}
	if v.Kind() != strictjson.Array {
		return read.Wrong("tools", "must be an array")
	}
	if v.Len() > maxTools {
		return read.Wrong("tools", "too many tools")
	}
	for i, t := range v.Elems() {
		path := fmt.Sprintf("tools[%d]", i)
		name, err := toolName(t, legacy, path)
		if err != nil {
			return err
		}
		r.tools = append(r.tools, name)
		place := wire.Place{List: "tools", Index: i, Field: "description"}
		leaves(t, "", func(p string, leaf strictjson.Value) {
			if p == ".name" || p == ".function.name" || p == ".custom.name" {
				return
			}
			r.text(leaf, place)
		})
	}
	return nil
}

// toolName is the name under which policies know a tool: the function's or
// the custom tool's own, or the type of a tool that the provider runs.
func toolName(t strictjson.Value, legacy bool, path string) (string, error) {
	if t.Kind() != strictjson.Object {
		return "", read.Wrong(path, "must be an object")
	}
	if legacy {
		if err := t.CheckKeys(functionFields); err != nil {
			return "", &wire.Error{Path: path, Err: err}
		}
		if n := t.Get("name").Str(); n != "" {
			return n, nil
		}
		return "", read.Wrong(path+".name", "must be a string")
	}
	if err := t.CheckKeys(toolFields); err != nil {
		return "", &wire.Error{Path: path, Err: err}
	}
	kind := t.Get("type").Str()
	if !t.Get("type").Exists() && t.Get("function").Kind() == strictjson.Object {
		kind = "function" // Mistral's clients leave it out
	}
	switch kind {
	case "":
		return "", read.Wrong(path+".type", "must be a string")
	case "function", "custom":
		f := t.Get(kind)
		if err := f.CheckKeys(functionFields); err != nil {
			return "", &wire.Error{Path: path, Err: err}
		}
		if n := f.Get("name").Str(); n != "" {
			return n, nil
		}
		return "", read.Wrong(path+"."+kind+".name", "must be a string")
	}
	return kind, nil
}

func (r *chatRequest) message(i int, m strictjson.Value) error {
	path := func(field string) string { return fmt.Sprintf("messages[%d]%s", i, field) }
	if m.Kind() != strictjson.Object {
		return read.Wrong(path(""), "must be an object")
	}
	if err := m.CheckKeys(messageFields); err != nil {
		return &wire.Error{Path: path(""), Err: err}
	}
	role := m.Get("role").Str()
	if role == "" {
		return read.Wrong(path(".role"), "must be a string")
	}
	result := role == "tool" || role == "function"
	for k, v := range m.Members() {
		place := wire.Place{List: "messages", Index: i, Field: "text"}
		switch key := k.Str(); key {
		case "role", "tool_call_id":
		case "content":
			if err := r.content(i, v, result); err != nil {
				return err
			}
		case "tool_calls":
			if err := r.calls(i, v); err != nil {
				return err
			}
		case "function_call":
			if noCall(v) {
				continue
			}
			if err := r.function(i, v, "arguments", true); err != nil {
				return err
			}
		case "audio":
			if v.Kind() == strictjson.Object {
				r.unscanned = append(r.unscanned, "audio")
			}
		case "reasoning_details":
			place.Field = key
			if bytes.Contains(v.Raw(), []byte(`"data"`)) || bytes.Contains(v.Raw(), []byte(`"signature"`)) {
				r.unscanned = append(r.unscanned, "opaque_echo")
			}
			leaves(v, "", func(_ string, leaf strictjson.Value) { r.text(leaf, place) })
		case "refusal":
			leaves(v, "", func(_ string, leaf strictjson.Value) { r.text(leaf, place) })
		default:
			place.Field = key
			leaves(v, "", func(_ string, leaf strictjson.Value) { r.text(leaf, place) })
		}
	}
	return nil
}

func (r *chatRequest) calls(i int, v strictjson.Value) error {
	if v.IsNull() {
		return nil
	}
	if v.Kind() != strictjson.Array {
		return read.Wrong(fmt.Sprintf("messages[%d].tool_calls", i), "must be an array")
	}
	for j, c := range v.Elems() {
		path := fmt.Sprintf("messages[%d].tool_calls[%d]", i, j)
		if err := c.CheckKeys(callFields); err != nil {
			return &wire.Error{Path: path, Err: err}
		}
		f, field := callBody(c)
		if f.Kind() != strictjson.Object {
			return read.Wrong(path, "must hold a function or a custom tool's call")
		}
		if err := r.function(i, f, field, field == "arguments"); err != nil {
			return err
		}
		besides(c, func(leaf strictjson.Value) {
			r.text(leaf, wire.Place{List: "messages", Index: i, Field: "tool_calls"})
		}, "id", "index", "type", "function", "custom")
	}
	return nil
}

// callBody finds the part of a tool call that names the tool, and the field
// in it that holds the arguments. A call that has both forms has neither:
// nobody knows which of them a client takes.
func callBody(c strictjson.Value) (body strictjson.Value, field string) {
	f, custom := c.Get("function"), c.Get("custom")
	switch {
	case !custom.Exists() || custom.IsNull():
		return f, "arguments"
	case !f.Exists() || f.IsNull():
		return custom, "input"
	}
	return strictjson.Value{}, ""
}

// besides calls f for every word in the members of v that are not known.
func besides(v strictjson.Value, f func(leaf strictjson.Value), known ...string) {
	for k, m := range v.Members() {
		if !slices.Contains(known, k.Str()) {
			leaves(m, "", func(_ string, leaf strictjson.Value) { f(leaf) })
		}
	}
}

func (r *chatRequest) function(i int, f strictjson.Value, field string, isJSON bool) error {
	path := fmt.Sprintf("messages[%d].tool_calls", i)
	if f.Kind() != strictjson.Object {
		return read.Wrong(path, "must be an object")
	}
	if err := f.CheckKeys(functionFields); err != nil {
		return &wire.Error{Path: path, Err: err}
	}
	if f.Get("name").Str() == "" {
		return read.Wrong(path, "a call must name its tool")
	}
	place := wire.Place{List: "messages", Index: i, Field: "tool_calls"}
	besides(f, func(leaf strictjson.Value) { r.text(leaf, place) }, "name", field)
	args := f.Get(field)
	if !args.Exists() {
		return nil
	}
	if args.Kind() != strictjson.String {
		return read.Wrong(path, "a call's arguments must be a string")
	}
	r.text(args, place).JSON = isJSON
	return nil
}

// Interface guard
var _ wire.Request = (*chatRequest)(nil)
