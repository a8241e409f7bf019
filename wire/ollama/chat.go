package ollama

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// maxTools bounds what a request may offer.
const maxTools = 1024

// Chat is the codec of POST /chat.
type Chat struct{ ndjson }

// Protocol is "ollama".
func (Chat) Protocol() string { return "ollama" }

// Request reads
//
//	{"model", "messages": [{"role", "content", "thinking", "images", "tool_calls", "tool_name", "tool_call_id"}],
//	 "tools", "stream", "format", "options", "think", "keep_alive"}
//
// A request without messages, which only loads the model, is one without texts.
func (Chat) Request(in wire.Incoming) (wire.Request, error) {
	return readRequest(in, true, func(r *request) error {
		if err := r.alone("messages", "suffix", "system", "template", "images"); err != nil {
			return err
		}
		list := r.root.Get("messages")
		if given(list) && list.Kind() != strictjson.Array {
			return read.Wrong("messages", "must be an array")
		}
		for i, m := range list.Elems() {
			if err := r.message(i, m); err != nil {
				return err
			}
		}
		if err := r.readTools(r.root.Get("tools")); err != nil {
			return err
		}
		r.others("messages", "tools")
		return nil
	})
}

// Reply reads a chat's reply.
func (Chat) Reply(body []byte) (wire.Reply, error) { return readReply(body, chatShape) }

// Stream starts reading a chat's lines.
func (Chat) Stream(o wire.StreamOptions) wire.Stream {
	return &stream{shape: chatShape, assemble: o.Assemble}
}

// roles are the roles of messages, in the words that all dialects share.
// Ollama's templates take any other too and put its words before the model;
// some have a name of their own for what a tool has answered.
var roles = map[string]string{
	"system": "system", "developer": "system", "control": "system", "user": "user", "assistant": "assistant", "tool": "tool",
}

// message reads one message. Ollama takes roles in any case.
func (r *request) message(i int, m strictjson.Value) error {
	path := fmt.Sprintf("messages[%d]", i)
	if m.Kind() != strictjson.Object {
		return read.Wrong(path, "must be an object")
	}
	if err := m.CheckKeys(messageFields); err != nil {
		return &wire.Error{Path: path, Err: err}
	}
	n := message{
		role: roles[strings.ToLower(m.Get("role").Str())], content: m.Get("content"), images: m.Get("images"), calls: m.Get("tool_calls"),
		id: m.Get("tool_call_id").Str(), tool: m.Get("tool_name").Str(),
	}
	if n.role == "" {
		return read.Wrong(path+".role", "must be system, developer, control, user, assistant or tool")
	}
	from := len(r.texts)
	place := wire.Place{List: "messages", Index: i, Field: "text"}
	add := func(leaf strictjson.Value) { r.text(leaf, place).Result = n.role == "tool" }
	ok, err := isText(n.content, path+".content")
	if err != nil {
		return err
	}
	if ok {
		add(n.content)
	}
	if err := r.images(n.images, path+".images"); err != nil {
		return err
	}
	place.Field = "tool_calls"
	if err := r.calls(path+".tool_calls", n.calls, add); err != nil {
		return err
	}
	for k, v := range m.Members() {
		switch key := k.Str(); key {
		case "role", "content", "images", "tool_calls", "tool_call_id":
		case "tool_name":
			if strings.ContainsFunc(n.tool, unicode.IsSpace) { // words, which templates put before the model
				r.text(v, wire.Place{List: "messages", Index: i, Field: key})
			}
		default:
			place.Field = key
			read.EveryString(v, add)
		}
	}
	n.texts = [2]int{from, len(r.texts)}
	r.messages = append(r.messages, n)
	return nil
}

func (r *request) calls(path string, v strictjson.Value, add func(leaf strictjson.Value)) error {
	if err := checkCalls(v, path); err != nil {
		return err
	}
	for _, c := range v.Elems() {
		f := c.Get("function")
		read.EveryString(f.Get("arguments"), add)
		besides(f, add, "index", "name", "arguments")
		besides(c, add, "id", "function")
	}
	return nil
}

// checkCalls refuses tool calls that are none.
func checkCalls(v strictjson.Value, path string) error {
	if !given(v) {
		return nil
	}
	if v.Kind() != strictjson.Array {
		return read.Wrong(path, "must be an array")
	}
	if v.Len() > maxCalls {
		return read.Wrong(path, "too many tool calls")
	}
	for _, c := range v.Elems() {
		if err := c.CheckKeys(callFields); err != nil {
			return &wire.Error{Path: path, Err: err}
		}
		f := c.Get("function")
		if err := f.CheckKeys(functionFields); err != nil {
			return &wire.Error{Path: path, Err: err}
		}
		if f.Get("name").Str() == "" {
			return read.Wrong(path, "a call must name its tool")
		}
		if args := f.Get("arguments"); given(args) && args.Kind() != strictjson.Object {
			return read.Wrong(path, "a call's arguments must be an object")
		}
	}
	return nil
}

// callOf is a tool call as all dialects have it.
func callOf(c strictjson.Value, index int) wire.Call {
	f := c.Get("function")
	call := wire.Call{Index: index, ID: c.Get("id").Str(), Name: f.Get("name").Str(), Args: "{}"}
	if args := f.Get("arguments"); args.Kind() == strictjson.Object {
		call.Args = string(args.Raw())
	}
	return call
}

func (r *request) readTools(v strictjson.Value) error {
	if !given(v) {
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
		if err := t.CheckKeys(toolFields); err != nil {
			return &wire.Error{Path: path, Err: err}
		}
		f := t.Get("function")
		if err := f.CheckKeys(functionFields); err != nil {
			return &wire.Error{Path: path, Err: err}
		}
		name := f.Get("name").Str()
		if name == "" {
			return read.Wrong(path+".function.name", "must be a string")
		}
		r.tools = append(r.tools, name)
		add := func(leaf strictjson.Value) {
			r.text(leaf, wire.Place{List: "tools", Index: i, Field: "description"})
		}
		besides(f, add, "name")
		besides(t, add, "type", "function")
	}
	return nil
}
