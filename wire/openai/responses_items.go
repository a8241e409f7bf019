package openai

import (
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// item reads the texts and the facts of one item of the input. Items of a type
// that is not known are walked, never skipped.
func (r *askRequest) item(at *inputItem, path string) error {
	it, place := at.v, wire.Place{List: "messages", Index: at.message, Field: "text"}
	add := func(leaf strictjson.Value) { r.text(leaf, place) }
	switch {
	case at.kind == "message":
		return r.message(at, path)
	case at.kind == "item_reference":
		return r.refers(path+".id", it, it.Get("id"), "previous_response_id")
	case at.kind == "tool_search_output", at.kind == "additional_tools":
		from := len(r.texts)
		if err := r.offers(it.Get("tools"), path+".tools", func(int) wire.Place { return place }); err != nil {
			return err
		}
		r.walk(add).besides(it, "tools")
		for i := from; i < len(r.texts) && at.kind == "tool_search_output"; i++ {
			r.texts[i].Result = true
		}
		return nil
	case asksAgent(it, at.kind):
		return r.call(at, path)
	case strings.HasSuffix(at.kind, "_output"):
		r.walk(func(leaf strictjson.Value) { r.text(leaf, place).Result = true }).besides(it)
		return nil
	case at.kind == "mcp_call":
		return r.ranCall(at, path)
	}
	r.walk(add).besides(it)
	return nil
}

func (r *askRequest) message(at *inputItem, path string) error {
	it, place := at.v, wire.Place{List: "messages", Index: at.message, Field: "text"}
	switch it.Get("role").Str() {
	case "system", "developer", "user", "assistant":
	default:
		return read.Wrong(path+".role", "must be system, developer, user or assistant")
	}
	content := it.Get("content")
	switch content.Kind() {
	case strictjson.Invalid, strictjson.Null:
	case strictjson.String:
		r.text(content, place)
	case strictjson.Array:
		var beside []strictjson.Value
		for _, p := range content.Elems() {
			if err := p.CheckKeys(itemPartFields); err != nil {
				return &wire.Error{Path: path + ".content", Err: err}
			}
			if p.Kind() != strictjson.Object || p.Get("type").Str() == "" {
				return read.Wrong(path+".content", "must hold parts with a type")
			}
			// The words of the parts stand beside each other; all else comes after.
			if field := partText(p); field != "" {
				if p.Get(field).Kind() != strictjson.String {
					return read.Wrong(path+".content", "must hold a string")
				}
				r.text(p.Get(field), place).Group = at.message + 1
			}
			beside = append(beside, p)
		}
		for _, p := range beside {
			r.walk(func(leaf strictjson.Value) { r.text(leaf, place) }).besides(p, "type", partText(p))
		}
	default:
		return read.Wrong(path+".content", "must be a string or an array")
	}
	r.walk(func(leaf strictjson.Value) { r.text(leaf, place) }).besides(it, "type", "id", "role", "status", "content")
	return nil
}

// partText is the member of a part that holds its words; empty for media.
func partText(p strictjson.Value) string {
	switch p.Get("type").Str() {
	case "input_text", "output_text", "text", "summary_text", "reasoning_text":
		return "text"
	case "refusal":
		return "refusal"
	}
	return ""
}

// call reads an earlier call.
func (r *askRequest) call(at *inputItem, path string) error {
	c, err := readCall(at.v, at.kind, path)
	if err != nil {
		return err
	}
	place := wire.Place{List: "messages", Index: at.message, Field: "tool_calls"}
	switch {
	case !c.args.Exists():
	case c.object:
		read.EveryString(c.args, func(leaf strictjson.Value) { r.text(leaf, place) })
	default:
		r.text(c.args, place).JSON = !c.Free
	}
	besidesArgs(r.walk(func(leaf strictjson.Value) { r.text(leaf, place) }), at.v, &c)
	return nil
}

// ranCall reads a call that the provider has carried out.
func (r *askRequest) ranCall(at *inputItem, path string) error {
	place := wire.Place{List: "messages", Index: at.message, Field: "text"}
	if args := at.v.Get("arguments"); args.Kind() == strictjson.String {
		r.text(args, place).JSON = true
	} else if args.Exists() && !args.IsNull() {
		return read.Wrong(path, "a call's arguments must be a string")
	}
	r.walk(func(leaf strictjson.Value) { r.text(leaf, place) }).besides(at.v, "arguments", "name", "server_label")
	return nil
}
