package mcp

import (
	"bytes"
	"fmt"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// content reads a result for post_tool. Policies see
//
//   - the text of its content blocks, of a resource's contents or of a prompt's
//     description and messages, joined by newlines: as the JSON value that it is
//     where it is an object or an array, else as a string;
//   - where there is structured content that the text does not repeat, or no text,
//     {"content": …, "structuredContent": …};
//   - where there are words beside these, the whole result.
func (m *message) content(name string) error {
	r := &wire.ToolResult{Name: name}
	m.Result = r
	text, fact := texts(&r.Texts, place("result")), facts(&r.Unscanned)
	var said []string
	for _, key := range []string{"content", "contents", "messages"} {
		list, err := m.parts(key, m.result.Get(key), collector{list: &r.Texts, at: place("result"), fact: fact})
		if err != nil {
			return err
		}
		said = append(said, list...)
	}
	known := []string{"content", "contents", "messages", "structuredContent", "inputRequests"}
	if d := m.result.Get("description"); d.Kind() == strictjson.String && m.Method == "prompts/get" {
		text(d)
		said = append([]string{d.Str()}, said...)
		known = append(known, "description")
	}
	all := joined(said)
	beside := len(r.Texts)
	besides(m.result, text, fact, known...)
	hasMore := len(r.Texts) > beside
	structured := m.result.Get("structuredContent")
	from := len(r.Texts)
	read.EveryString(structured, text)
	copies(r.Texts[from:], m.Body, all)
	r.Value = m.value(all, structured, hasMore)
	return nil
}

// value is the result as policies see it.
func (m *message) value(said string, structured strictjson.Value, hasMore bool) []byte {
	value := resultValue(said)
	switch {
	case hasMore:
		return canonical(m.result)
	case !structured.Exists():
		return value
	case bytes.Equal(value, canonical(structured)):
		return value
	}
	b := append([]byte(`{"content":`), value...)
	b = append(append(b, `,"structuredContent":`...), canonical(structured)...)
	return append(b, '}')
}

// parts reads a list of content blocks, of a resource's contents, or of
// messages, and gives what they say.
func (m *message) parts(key string, v strictjson.Value, c collector) ([]string, error) {
	if !v.Exists() || v.IsNull() {
		return nil, nil
	}
	var said []string
	for i, b := range blocks(v) {
		path := fmt.Sprintf("result.%s[%d]", key, i)
		switch key {
		case "contents":
			if err := check(path, b, blockFields); err != nil {
				return nil, err
			}
			walk("", b, c.text, c.fact)
			said = append(said, b.Get("text").Str())
			continue
		case "messages":
			if err := check(path, b, promptFields); err != nil {
				return nil, err
			}
			besides(b, c.text, c.fact, "content")
			inner, err := m.parts("messages[].content", b.Get("content"), c)
			if err != nil {
				return nil, err
			}
			said = append(said, inner...)
			continue
		}
		if err := checkBlock(b, path); err != nil {
			return nil, err
		}
		said = append(said, saidBy(b))
	}
	if key != "contents" && key != "messages" {
		c.blocks(blocks(v))
	}
	return said, nil
}
