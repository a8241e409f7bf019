package openai

import (
	"fmt"
	"strconv"

	"github.com/tidwall/sjson"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// offers reads a list of tools. A function or a custom tool is known by its
// name, also inside a namespace, whose own name is none of a tool; whatever
// the provider runs is known by its type, a server of MCP as "mcp".
//
// A tool with a model of its own (image_generation) is refused, as nothing
// that is said of the request's model would reach it.
func (r *askRequest) offers(v strictjson.Value, path string, place func(i int) wire.Place) error {
	if !v.Exists() || v.IsNull() {
		return nil
	}
	if v.Kind() != strictjson.Array {
		return read.Wrong(path, "must be an array")
	}
	for i, t := range v.Elems() {
		if len(r.tools) >= maxTools {
			return read.Wrong(path, "too many tools")
		}
		at := fmt.Sprintf("%s[%d]", path, i)
		if err := r.offer(t, at, place(i)); err != nil {
			return err
		}
	}
	return nil
}

func (r *askRequest) offer(t strictjson.Value, path string, place wire.Place) error {
	name, nested, err := offerName(t, path)
	if err != nil {
		return err
	}
	if t.Get("model").Exists() && !t.Get("model").IsNull() {
		return read.Wrong(path+".model", "a request names its model in one place, \"model\"")
	}
	add := func(leaf strictjson.Value) { r.text(leaf, place) }
	if nested.Exists() {
		if err := r.offers(nested, path+".tools", func(int) wire.Place { return place }); err != nil {
			return err
		}
		r.walk(add).besides(t, "type", "name", "tools")
		return nil
	}
	r.tools = append(r.tools, name)
	r.walk(add).besides(t, "type", "name")
	return nil
}

// offerName is the name under which policies know a tool; a namespace has
// none, but tools inside.
func offerName(t strictjson.Value, path string) (name string, nested strictjson.Value, err error) {
	if t.Kind() != strictjson.Object {
		return "", nested, read.Wrong(path, "must be an object")
	}
	if err := t.CheckKeys(offerFields); err != nil {
		return "", nested, &wire.Error{Path: path, Err: err}
	}
	switch t.Get("type").Str() {
	case "":
		return "", nested, read.Wrong(path+".type", "must be a string")
	case "namespace":
		if nested = t.Get("tools"); nested.Kind() != strictjson.Array {
			return "", nested, read.Wrong(path+".tools", "must be an array")
		}
		return "", nested, nil
	}
	if inside := t.Get("tools"); inside.Exists() && !inside.IsNull() {
		return "", nested, read.Wrong(path+".tools", "only a namespace has tools inside")
	}
	switch kind := t.Get("type").Str(); kind {
	case "function", "custom":
		if n := t.Get("name").Str(); n != "" {
			return n, nested, nil
		}
		return "", nested, read.Wrong(path+".name", "must be a string")
	default:
		return kind, nested, nil
	}
}

func checkChoice(v strictjson.Value) error {
	if err := v.CheckKeys(choiceOfToolFields); err != nil {
		return &wire.Error{Path: "tool_choice", Err: err}
	}
	for _, t := range v.Get("tools").Elems() {
		if err := t.CheckKeys(choiceOfToolFields); err != nil {
			return &wire.Error{Path: "tool_choice", Err: err}
		}
	}
	return nil
}

// chosen is the name of the tool that an element of tool_choice means.
func chosen(v strictjson.Value) string {
	switch kind := v.Get("type").Str(); kind {
	case "function", "custom":
		return v.Get("name").Str()
	default:
		return kind
	}
}

// HideTools takes tools away, wherever they are offered: in the request, in a
// namespace, in what a search for tools has found. A choice among tools that
// are allowed loses those that are hidden. Where no tool is left, the options
// that speak of tools go too.
func (r *askRequest) HideTools(body []byte, hide func(name string) bool) ([]byte, error) {
	body, left, err := hideOffers(body, r.root.Get("tools"), "tools", hide)
	if err != nil {
		return nil, err
	}
	for i := range r.items {
		found := r.items[i].v.Get("tools")
		if k := r.items[i].kind; k != "tool_search_output" && k != "additional_tools" {
			continue
		}
		path := r.kind.input + "." + strconv.Itoa(i) + ".tools"
		var more int
		if body, more, err = hideOffers(body, found, path, hide); err != nil {
			return nil, err
		}
		left += more
	}
	if body, err = r.hideChoice(body, left, hide); err != nil {
		return nil, err
	}
	if left > 0 || r.root.Get("tools").Len() == 0 {
		return body, nil
	}
	for _, field := range []string{"tools", "tool_choice", "parallel_tool_calls"} {
		if body, err = sjson.DeleteBytes(body, field); err != nil {
			return nil, fmt.Errorf("take the tools away: %w", err)
		}
	}
	return body, nil
}

// hideOffers edits one list, and counts what is left in it.
func hideOffers(body []byte, tools strictjson.Value, path string, hide func(string) bool) (out []byte, left int, err error) {
	for i := tools.Len() - 1; i >= 0; i-- {
		at := path + "." + strconv.Itoa(i)
		name, nested, err := offerName(read.Elem(tools, i), "")
		if err != nil {
			return nil, 0, err
		}
		gone := !nested.Exists() && hide(name)
		if nested.Exists() {
			var inside int
			if body, inside, err = hideOffers(body, nested, at+".tools", hide); err != nil {
				return nil, 0, err
			}
			gone = inside == 0 && nested.Len() > 0
		}
		if !gone {
			left++
			continue
		}
		if body, err = sjson.DeleteBytes(body, at); err != nil {
			return nil, 0, fmt.Errorf("take a tool away: %w", err)
		}
	}
	return body, left, nil
}

// hideChoice brings tool_choice in line with the tools that are left.
func (r *askRequest) hideChoice(body []byte, left int, hide func(string) bool) ([]byte, error) {
	insists := &wire.Error{Path: "tool_choice", Reason: "insists on a tool that is hidden"}
	choice := r.root.Get("tool_choice")
	switch {
	case choice.EqualStr("required") && left == 0:
		return nil, insists
	case choice.Kind() != strictjson.Object:
		return body, nil
	case !choice.Get("tools").Exists():
		if hide(chosen(choice)) {
			return nil, insists
		}
		return body, nil
	}
	allowed := choice.Get("tools")
	some := 0
	var err error
	for i := allowed.Len() - 1; i >= 0; i-- {
		if !hide(chosen(read.Elem(allowed, i))) {
			some++
			continue
		}
		if body, err = sjson.DeleteBytes(body, "tool_choice.tools."+strconv.Itoa(i)); err != nil {
			return nil, fmt.Errorf("take a tool away: %w", err)
		}
	}
	if some > 0 || allowed.Len() == 0 {
		return body, nil
	}
	if choice.Get("mode").EqualStr("required") {
		return nil, insists
	}
	return sjson.SetBytes(body, "tool_choice", "none")
}
