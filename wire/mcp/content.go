package mcp

import (
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// blocks are the content blocks of a value that is one or a list of them.
func blocks(v strictjson.Value) []strictjson.Value {
	if v.Kind() != strictjson.Array {
		return []strictjson.Value{v}
	}
	list := make([]strictjson.Value, 0, v.Len())
	for _, b := range v.Elems() {
		list = append(list, b)
	}
	return list
}

// checkBlock refuses what is no content block.
func checkBlock(b strictjson.Value, path string) error {
	if b.Kind() != strictjson.Object {
		return read.Wrong(path, "must be an object")
	}
	if err := check(path, b, blockFields); err != nil {
		return err
	}
	if b.Get("type").Str() == "" {
		return read.Wrong(path+".type", "must be a string")
	}
	if b.Get("type").EqualStr("text") && b.Get("text").Kind() != strictjson.String {
		return read.Wrong(path+".text", "must be a string")
	}
	return check(path+".resource", b.Get("resource"), blockFields)
}

// collector collects the texts of content blocks. Text blocks that follow each
// other are read as one.
type collector struct {
	list *[]wire.Text
	at   wire.Place
	fact func(string)
	mark func(*wire.Text) // may be nil
}

func (c collector) text(leaf strictjson.Value) { c.add(leaf, 0) }

func (c collector) add(leaf strictjson.Value, group int) {
	t := textOf(leaf, c.at)
	t.Group = group
	if c.mark != nil {
		c.mark(&t)
	}
	*c.list = append(*c.list, t)
}

// blocks lists the texts of content blocks that follow each other.
func (c collector) blocks(list []strictjson.Value) {
	group := (len(*c.list) + 1) << 20 // no other run has it
	for _, b := range list {
		if b.Get("type").EqualStr("text") {
			c.add(b.Get("text"), group)
		} else {
			group++
		}
	}
	for _, b := range list {
		if b.Get("type").EqualStr("text") {
			besides(b, c.text, c.fact, "type", "text")
		} else {
			block(b, c.text, c.fact)
		}
	}
}

// block lists the texts of a content block.
func block(b strictjson.Value, text func(strictjson.Value), fact func(string)) {
	for k, m := range b.Members() {
		switch key := k.Str(); {
		case key == "id" && b.Get("type").EqualStr("tool_use"):
		case key == "structuredContent", key == "input":
			read.EveryString(m, text)
		case media(b, key, m) != "":
			fact(media(b, key, m))
		default:
			walk(key, m, text, fact)
		}
	}
}

// saidBy is what a content block says: a text block and an embedded resource
// their text, a link the words that describe it, another block all of its
// strings.
func saidBy(b strictjson.Value) string {
	switch b.Get("type").Str() {
	case "text":
		return b.Get("text").Str()
	case "image", "audio":
		return ""
	case "resource":
		return b.Get("resource").Get("text").Str()
	}
	var all []string
	besides(b, func(leaf strictjson.Value) { all = append(all, leaf.Str()) }, noFact, "annotations", "icons", "mimeType", "_meta")
	return strings.Join(all, "\n")
}

// joined joins what is not empty by newlines.
func joined(list []string) string {
	kept := list[:0:0]
	for _, s := range list {
		if s != "" {
			kept = append(kept, s)
		}
	}
	return strings.Join(kept, "\n")
}

// resultValue is a text as policies see a result: the JSON value where the text
// is an object or an array that passes the gate, else the string.
func resultValue(text string) []byte {
	if t := strings.TrimSpace(text); strings.HasPrefix(t, "{") || strings.HasPrefix(t, "[") {
		if b, err := strictjson.Canonical([]byte(t)); err == nil {
			return b
		}
	}
	b, err := strictjson.Canonical(strictjson.AppendQuoted(nil, text))
	if err != nil { // the text comes from a body that has passed the gate
		return []byte("null")
	}
	return b
}

// maxCompared bounds the work of looking for copies, in bytes. Beyond it a copy
// counts as a text of its own.
const maxCompared = 64 << 20

// copies marks the texts of structured content that the content says as well.
func copies(list []wire.Text, body []byte, said string) {
	for i := range min(len(list), maxCompared/(len(said)+1)) {
		raw := body[list[i].Start:list[i].End]
		if plain := strictjson.Unescape(nil, raw); len(plain) > 0 &&
			(strings.Contains(said, string(plain)) || strings.Contains(said, string(raw))) {
			list[i].Copy = true
		}
	}
}
