package gemini

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// HideTools takes tools away, and their names out of allowedFunctionNames.
// Where no function is left, functionCallingConfig goes too, because the API
// refuses it alone.
func (r *request) HideTools(body []byte, hide func(name string) bool) ([]byte, error) {
	doc, err := strictjson.Parse(body, strictjson.Limits{})
	if err != nil {
		return nil, fmt.Errorf("take a tool away: %w", err)
	}
	defer doc.Release()
	scope := doc.Root()
	if v := get(scope, "generateContentRequest"); v.Exists() {
		scope = v
	}
	h := hider{hide: hide}
	edits := h.tools(scope)
	more, err := h.config(get(scope, "toolConfig"))
	if err != nil {
		return nil, err
	}
	edits = append(edits, more...)
	read.Sort(edits)
	return strictjson.Splice(nil, body, edits), nil
}

// hider takes tools out of a request.
type hider struct {
	hide      func(name string) bool
	functions int // that are left
	hidden    int
}

func (h *hider) tools(scope strictjson.Value) []strictjson.Replacement {
	v := get(scope, "tools")
	var left [][]byte
	for _, t := range list(v) {
		if raw := h.tool(t); raw != nil {
			left = append(left, raw)
		}
	}
	switch {
	case h.hidden == 0:
		return nil
	case len(left) == 0:
		return []strictjson.Replacement{without(scope, v)}
	}
	return []strictjson.Replacement{read.Replace(v, array(left))}
}

// tool is what is left of an element of tools, nil for nothing.
func (h *hider) tool(t strictjson.Value) []byte {
	var left [][]byte
	before := h.hidden
	for k, m := range t.Members() {
		raw := m.Raw()
		switch key := camel(k.Str()); {
		case m.IsNull():
		case key == "functionDeclarations":
			raw = h.named(m, "")
		case key == "mcpServers":
			raw = h.named(m, "mcp:")
		case h.hide(key):
			h.hidden++
			raw = nil
		}
		if raw != nil {
			left = append(left, slices.Concat(k.Raw(), []byte{':'}, raw))
		}
	}
	switch {
	case h.hidden == before:
		return t.Raw()
	case len(left) == 0:
		return nil
	}
	return slices.Concat([]byte{'{'}, bytes.Join(left, []byte{','}), []byte{'}'})
}

// named is what is left of a list of objects with names, nil for nothing.
func (h *hider) named(v strictjson.Value, prefix string) []byte {
	var left [][]byte
	before := h.hidden
	for _, e := range list(v) {
		if h.hide(prefix + get(e, "name").Str()) {
			h.hidden++
			continue
		}
		left = append(left, e.Raw())
		if prefix == "" {
			h.functions++
		}
	}
	switch {
	case h.hidden == before:
		return v.Raw()
	case len(left) == 0:
		return nil
	}
	return array(left)
}

func array(elems [][]byte) []byte {
	return slices.Concat([]byte{'['}, bytes.Join(elems, []byte{','}), []byte{']'})
}

// config edits a toolConfig once the tools were looked at.
func (h *hider) config(v strictjson.Value) ([]strictjson.Replacement, error) {
	calling := get(v, "functionCallingConfig")
	if !calling.Exists() || h.hidden == 0 {
		return nil, nil
	}
	names := get(calling, "allowedFunctionNames")
	var left [][]byte
	for _, n := range names.Elems() {
		if !h.hide(n.Str()) {
			left = append(left, n.Raw())
		}
	}
	switch {
	case names.Len() > 0 && len(left) == 0:
		return nil, read.Wrong("toolConfig", "insists on a tool that is hidden")
	case h.functions == 0 && insists(get(calling, "mode")):
		return nil, read.Wrong("toolConfig", "insists on a tool, and all are hidden")
	case h.functions == 0:
		return []strictjson.Replacement{without(v, calling)}, nil
	case len(left) < names.Len():
		return []strictjson.Replacement{read.Replace(names, array(left))}, nil
	}
	return nil, nil
}

// insists tells whether a mode asks for a call: ANY, which is 2 as a number.
func insists(mode strictjson.Value) bool {
	n, ok := mode.Int()
	return strings.EqualFold(mode.Str(), "ANY") || ok && n == 2
}

// without takes a member out of an object, with a comma beside it.
func without(object, member strictjson.Value) strictjson.Replacement {
	_, end := member.Span()
	before := 0 // where the member before ends
	var cut strictjson.Replacement
	for k, m := range object.Members() {
		start, _ := k.Span()
		_, stop := m.Span()
		switch {
		case cut.End > 0: // the one after the first
			cut.End = start
			return cut
		case stop == end && before > 0:
			return strictjson.Replacement{Start: before, End: end}
		case stop == end:
			cut = strictjson.Replacement{Start: start, End: end}
		}
		before = stop
	}
	return cut
}
