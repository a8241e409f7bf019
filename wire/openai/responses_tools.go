package openai

import (
	"fmt"

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
	doc, err := strictjson.Parse(body, strictjson.Limits{})
	if err != nil {
		return nil, fmt.Errorf("take a tool away: %w", err)
	}
	defer doc.Release()
	root := doc.Root()
	h := offerHider{hide: hide}
	left, err := h.offers(root.Get("tools"))
	if err != nil {
		return nil, err
	}
	for _, it := range root.Get(r.kind.input).Elems() {
		if k := itemKind(it); k != "tool_search_output" && k != "additional_tools" {
			continue
		}
		more, err := h.offers(it.Get("tools"))
		if err != nil {
			return nil, err
		}
		left += more
	}
	if err := h.choice(root.Get("tool_choice"), left); err != nil {
		return nil, err
	}
	read.Sort(h.edits)
	body = strictjson.Splice(nil, body, h.edits)
	if left > 0 || root.Get("tools").Len() == 0 {
		return body, nil
	}
	for _, field := range []string{"tools", "tool_choice", "parallel_tool_calls"} {
		if body, err = sjson.DeleteBytes(body, field); err != nil {
			return nil, fmt.Errorf("take the tools away: %w", err)
		}
	}
	return body, nil
}

// offerHider collects the edits that take tools out of a request.
type offerHider struct {
	hide  func(name string) bool
	edits []strictjson.Replacement
}

// offers edits one list, and counts what is left in it.
func (h *offerHider) offers(tools strictjson.Value) (left int, err error) {
	gone := make([]bool, 0, tools.Len())
	before := len(h.edits)
	for _, t := range tools.Elems() {
		name, nested, err := offerName(t, "")
		if err != nil {
			return 0, err
		}
		inside, from := 0, len(h.edits)
		if nested.Exists() {
			if inside, err = h.offers(nested); err != nil {
				return 0, err
			}
		}
		hidden := !nested.Exists() && h.hide(name) || inside == 0 && nested.Len() > 0
		switch {
		case !hidden:
			left++
		case nested.Exists(): // goes as a whole
			h.edits = h.edits[:from]
		}
		gone = append(gone, hidden)
	}
	if left == 0 && len(gone) > 0 {
		h.edits = h.edits[:before]
	}
	h.edits = append(h.edits, read.Drop(tools, gone)...)
	return left, nil
}

// choice brings tool_choice in line with the tools that are left.
func (h *offerHider) choice(choice strictjson.Value, left int) error {
	insists := &wire.Error{Path: "tool_choice", Reason: "insists on a tool that is hidden"}
	allowed := choice.Get("tools")
	switch {
	case choice.EqualStr("required") && left == 0:
		return insists
	case choice.Kind() != strictjson.Object:
		return nil
	case !allowed.Exists():
		if h.hide(chosen(choice)) {
			return insists
		}
		return nil
	}
	some := false
	var gone []bool
	for _, t := range allowed.Elems() {
		hidden := h.hide(chosen(t))
		some = some || !hidden
		gone = append(gone, hidden)
	}
	switch {
	case some || allowed.Len() == 0:
		h.edits = append(h.edits, read.Drop(allowed, gone)...)
	case choice.Get("mode").EqualStr("required"):
		return insists
	default:
		h.edits = append(h.edits, read.Replace(choice, []byte(`"none"`)))
	}
	return nil
}
