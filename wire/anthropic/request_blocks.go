package anthropic

import (
	"fmt"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// readSystem makes the system text the first message, where there is one.
func (r *request) readSystem(v strictjson.Value) error {
	switch v.Kind() {
	case strictjson.Invalid, strictjson.Null:
		return nil
	case strictjson.String:
		if v.EqualStr("") {
			return nil
		}
		return r.add("system", "system", []strictjson.Value{v}, strictjson.Value{})
	case strictjson.Array:
		if v.Len() == 0 {
			return nil
		}
		return r.content("system", "system", v)
	}
	return read.Wrong("system", "must be a string or an array")
}

func (r *request) readMessage(i int, m strictjson.Value) error {
	path := fmt.Sprintf("messages[%d]", i)
	if m.Kind() != strictjson.Object {
		return read.Wrong(path, "must be an object")
	}
	if err := m.CheckKeys(messageFields); err != nil {
		return &wire.Error{Path: path, Err: err}
	}
	role := m.Get("role").Str()
	if role == "" {
		return read.Wrong(path+".role", "must be a string")
	}
	var err error
	switch c := m.Get("content"); c.Kind() {
	case strictjson.String:
		err = r.add(path+".content", role, []strictjson.Value{c}, strictjson.Value{})
	case strictjson.Array:
		err = r.content(path+".content", role, c)
	default:
		err = read.Wrong(path+".content", "must be a string or an array")
	}
	if err != nil {
		return err
	}
	place := wire.Place{List: "messages", Index: len(r.messages) - 1, Field: "text"}
	besides(m, func(leaf strictjson.Value) { r.text(leaf, place) }, r.fact, "role", "content")
	return nil
}

// content cuts a message's blocks into messages: each tool_result is one.
func (r *request) content(path, role string, blocks strictjson.Value) error {
	var run []strictjson.Value
	before := len(r.messages)
	flush := func() error {
		if len(run) == 0 {
			return nil
		}
		err := r.add(path, role, run, strictjson.Value{})
		run = nil
		return err
	}
	for i, b := range blocks.Elems() {
		at := fmt.Sprintf("%s[%d]", path, i)
		if err := checkBlock(b, at); err != nil {
			return err
		}
		if b.Get("type").Str() != "tool_result" {
			run = append(run, b)
			continue
		}
		if err := flush(); err != nil {
			return err
		}
		if err := r.toolResult(at, b); err != nil {
			return err
		}
	}
	if err := flush(); err != nil || len(r.messages) > before {
		return err
	}
	return r.add(path, role, nil, strictjson.Value{})
}

func (r *request) toolResult(path string, b strictjson.Value) error {
	var blocks []strictjson.Value
	switch c := b.Get("content"); c.Kind() {
	case strictjson.Invalid, strictjson.Null:
	case strictjson.String:
		blocks = append(blocks, c)
	case strictjson.Array:
		for i, e := range c.Elems() {
			if err := checkBlock(e, fmt.Sprintf("%s.content[%d]", path, i)); err != nil {
				return err
			}
			blocks = append(blocks, e)
		}
	default:
		return read.Wrong(path+".content", "must be a string or an array")
	}
	return r.add(path, "tool", blocks, b)
}

// add adds a message of the normalised conversation, and its texts: those of
// the text blocks first, since they stand beside each other.
func (r *request) add(path, role string, blocks []strictjson.Value, result strictjson.Value) error {
	n, from := len(r.messages), len(r.texts)
	place := wire.Place{List: "messages", Index: n, Field: "text"}
	isResult := result.Exists()
	add := func(leaf strictjson.Value, p wire.Place, group int) {
		t := r.text(leaf, p)
		t.Result, t.Group = isResult, group
	}
	words := func(leaf strictjson.Value) { add(leaf, place, 0) }
	for _, b := range blocks {
		switch {
		case b.Kind() == strictjson.String:
			add(b, place, 0)
		case !b.Get("type").EqualStr("text"):
		case b.Get("text").Kind() != strictjson.String:
			return read.Wrong(path, "a text block must hold a string")
		default:
			add(b.Get("text"), place, n+1)
		}
	}
	for _, b := range blocks {
		if b.Kind() == strictjson.String {
			continue
		}
		switch kind := b.Get("type").Str(); kind {
		case "text":
			besides(b, words, r.fact, "type", "text")
		case "thinking", "redacted_thinking":
			r.thinking(role, b, words)
		case "tool_use":
			if err := checkCall(b, path); err != nil {
				return err
			}
			p := wire.Place{List: "messages", Index: n, Field: "tool_calls"}
			call := func(leaf strictjson.Value) { add(leaf, p, 0) }
			read.EveryString(b.Get("input"), call)
			besides(b, call, r.fact, "type", "id", "name", "input")
		case "image", "document":
			if err := checkSource(b.Get("source"), path); err != nil {
				return err
			}
			besides(b, words, r.fact, "type")
		default:
			besides(b, words, r.fact, "type", "id", "tool_use_id")
		}
	}
	if isResult {
		besides(result, words, r.fact, "type", "tool_use_id", "content")
	}
	r.messages = append(r.messages, message{role: role, blocks: blocks, result: result, texts: [2]int{from, len(r.texts)}})
	return nil
}

// thinking of the assistant's is left as it is where it is signed; any other is
// text.
func (r *request) thinking(role string, b strictjson.Value, words func(strictjson.Value)) {
	known := []string{"type"}
	if role == "assistant" && signed(b) {
		r.fact("opaque_echo")
		known = append(known, "thinking")
	}
	besides(b, words, r.fact, known...)
}

// signed tells whether a block is one that the API takes back only unchanged.
func signed(b strictjson.Value) bool { return b.Get("signature").Str() != "" }

// checkCall refuses a tool_use block that is none.
func checkCall(b strictjson.Value, path string) error {
	if b.Get("name").Str() == "" {
		return read.Wrong(path, "a call must name its tool")
	}
	if b.Get("input").Kind() != strictjson.Object {
		return read.Wrong(path, "a call's input must be an object")
	}
	return nil
}

// checkSource refuses media of which nobody knows where they come from.
func checkSource(s strictjson.Value, path string) error {
	if err := s.CheckKeys(sourceFields); err != nil {
		return &wire.Error{Path: path, Err: err}
	}
	field := map[string]string{"base64": "data", "text": "data", "url": "url", "file": "file_id", "content": "content"}[s.Get("type").Str()]
	if field == "" || !s.Get(field).Exists() {
		return read.Wrong(path, "media without a known source")
	}
	return nil
}
