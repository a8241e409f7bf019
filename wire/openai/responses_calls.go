package openai

import (
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// itemCall is an item that asks the agent to act.
type itemCall struct {
	wire.Call
	args   strictjson.Value // where the arguments stand; the item itself where all of it is one
	object bool             // the arguments are JSON as it is, and not in a string
}

// callObjects are the items that ask for one certain tool, with the name that
// policies know it by and the member that holds the arguments.
var callObjects = map[string]struct{ name, args string }{
	"local_shell_call": {"local_shell", "action"},
	"shell_call":       {"shell", "action"},
	"apply_patch_call": {"apply_patch", "operation"},
	"computer_call":    {"computer", "action"},
	"tool_search_call": {"tool_search", "arguments"},
}

// ran are the items whose tool the provider has run, or runs, by itself: there
// is nothing to prevent, and their words are texts.
var ran = map[string]bool{
	"mcp_call": true, "web_search_call": true, "file_search_call": true, "code_interpreter_call": true,
	"image_generation_call": true,
}

// asksAgent tells whether an item asks the agent to act. A shell in a container of
// the provider's and a search for tools on its side do not. An item that is
// not known does where its type says that it is a call.
func asksAgent(it strictjson.Value, kind string) bool {
	switch kind {
	case "function_call", "custom_tool_call", "mcp_approval_request":
		return true
	case "tool_search_call":
		return !it.Get("execution").EqualStr("server")
	case "shell_call":
		return !strings.HasPrefix(it.Get("environment").Get("type").Str(), "container")
	}
	return strings.HasSuffix(kind, "_call") && !ran[kind]
}

// readCall reads an item for which asksAgent is true. The name of a function
// is its own, whatever namespace it stands in: a rule about a tool holds
// wherever the tool was offered. An item of a type that is not known is a call
// of the tool that the type names, whose arguments are the whole item.
func readCall(it strictjson.Value, kind, path string) (itemCall, error) {
	c := itemCall{}
	c.ID = it.Get("call_id").Str()
	if c.ID == "" {
		c.ID = it.Get("id").Str()
	}
	switch kind {
	case "function_call", "custom_tool_call", "mcp_approval_request":
		field := "arguments"
		if kind == "custom_tool_call" {
			field, c.Free = "input", true
		}
		if c.Name = it.Get("name").Str(); c.Name == "" {
			return c, read.Wrong(path, "a call must name its tool")
		}
		c.args = it.Get(field)
		if c.args.Exists() && c.args.Kind() != strictjson.String {
			return c, read.Wrong(path, "a call's arguments must be a string")
		}
		c.Args = c.args.Str()
		return c, nil
	}
	c.object = true
	known, ok := callObjects[kind]
	if !ok {
		c.Name, c.args = strings.TrimSuffix(kind, "_call"), it
		if n := it.Get("name").Str(); n != "" {
			c.Name = n
		}
		c.Args = string(it.Raw())
		return c, nil
	}
	c.Name, c.args = known.name, it.Get(known.args)
	if more := it.Get("actions"); kind == "computer_call" && more.Exists() && !more.IsNull() {
		if c.args.Exists() && !c.args.IsNull() {
			return c, read.Wrong(path, "a call with two actions")
		}
		c.args = more
	}
	if !c.args.Exists() || c.args.IsNull() {
		return c, nil
	}
	if k := c.args.Kind(); k != strictjson.Object && k != strictjson.Array && k != strictjson.String {
		return c, read.Wrong(path, "a call's action must be an object")
	}
	c.Args = string(c.args.Raw())
	return c, nil
}

// besidesArgs walks what an item with a call says besides the call.
func besidesArgs(w *walker, it strictjson.Value, c *itemCall) {
	from, to := c.args.Span() // all of it, where the item is the call as a whole
	for k, m := range it.Members() {
		if s, e := m.Span(); s >= from && e <= to && c.args.Exists() {
			continue
		}
		switch key := k.Str(); {
		case key == "name" && !c.object, key == "namespace", key == "server_label":
		default:
			w.member(it, key, m)
		}
	}
}

// newArgs puts other arguments into the place of a call's.
func (c *itemCall) newArgs(args string) (strictjson.Replacement, bool) {
	if !c.args.Exists() {
		return strictjson.Replacement{}, false
	}
	if c.object {
		return read.Replace(c.args, []byte(args)), true
	}
	return read.Replace(c.args, strictjson.AppendQuoted(nil, args)), true
}

// deniedID is the id of the message that takes a denied call's place: clients
// send it back, and the API wants a message's id to begin so.
func deniedID(id string) string {
	if _, rest, ok := strings.Cut(id, "_"); ok && rest != "" {
		return "msg_" + rest
	}
	return "msg_denied" + id
}

// deniedItem is the message that says that a call was denied.
func deniedItem(id, text, status string) []byte {
	b := []byte(`{"id":`)
	b = strictjson.AppendQuoted(b, deniedID(id))
	b = append(b, `,"type":"message","status":"`+status+`","role":"assistant","content":[`...)
	if status == "completed" {
		b = append(b, textPart(text)...)
	}
	return append(b, "]}"...)
}

func textPart(text string) []byte {
	b := strictjson.AppendQuoted([]byte(`{"type":"output_text","annotations":[],"logprobs":[],"text":`), text)
	return append(b, '}')
}
