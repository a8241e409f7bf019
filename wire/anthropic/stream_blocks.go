package anthropic

import (
	"slices"
	"strconv"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// blockStart begins a block. Blocks of tools that the provider has run come
// whole in this event.
func (e *eventReader) blockStart(v strictjson.Value) error {
	s := e.s
	s.created = created(s.created, v)
	index, ok := e.root.Get("index").Int()
	switch {
	case !s.begun || s.ended:
		return read.Wrong("", "a block outside of its message")
	case !ok || index < 0 || index >= maxBlocks:
		return read.Wrong("index", "must be a small whole number")
	case s.blocks[int(index)] != nil:
		return read.Wrong("index", "two blocks with one index")
	}
	if err := checkBlock(v, "content_block"); err != nil {
		return err
	}
	b := &block{index: int(index), kind: v.Get("type").Str(), open: true}
	s.blocks[b.index] = b
	switch {
	case s.run == "":
	case b.kind == "text":
		b.text = s.run
		b.channel("text")
	default:
		e.ev.Closed = append(e.ev.Closed, wire.Channel{Name: s.run})
	}
	s.run = ""
	switch b.kind {
	case "text", "thinking":
		if t := v.Get(b.kind); t.Kind() == strictjson.String {
			e.say(b, b.kind, t)
		} else if t.Exists() && !t.IsNull() {
			return read.Wrong("content_block", "a text block must hold a string")
		}
		besides(v, e.wholeText, noFact, "type", b.kind)
	case "tool_use":
		if err := checkCall(v, "content_block"); err != nil {
			return err
		}
		b.id, b.name = v.Get("id").Str(), v.Get("name").Str()
		if b.start = string(v.Get("input").Raw()); v.Get("input").Len() == 0 {
			b.start = "{}"
		}
		e.ev.Calls = append(e.ev.Calls, b.key())
		besides(v, e.wholeText, noFact, "type", "id", "name", "input")
	default:
		walk(v, e.wholeText, noFact)
	}
	return nil
}

func (b *block) key() wire.CallKey { return wire.CallKey{Index: b.index} }

// current is the open block that an event speaks of.
func (e *eventReader) current() (*block, error) {
	if index, ok := e.root.Get("index").Int(); ok && index >= 0 && index < maxBlocks {
		if b := e.s.blocks[int(index)]; b != nil && b.open {
			return b, nil
		}
	}
	return nil, read.Wrong("index", "no block with this index is open")
}

func (e *eventReader) blockDelta(d strictjson.Value) error {
	b, err := e.current()
	if err != nil {
		return err
	}
	if d.Kind() != strictjson.Object {
		return read.Wrong("delta", "must be an object")
	}
	if err := d.CheckKeys(deltaFields); err != nil {
		return &wire.Error{Path: "delta", Err: err}
	}
	kind := d.Get("type").Str()
	field := map[string]string{
		"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json", "compaction_delta": "content",
	}[kind]
	switch {
	case kind == "":
		return read.Wrong("delta.type", "must be a string")
	case b.isCall() && kind != "input_json_delta", kind == "input_json_delta" && !strings.HasSuffix(b.kind, "tool_use"):
		return read.Wrong("delta", "a delta that is not of its block's kind")
	case field == "":
		besides(d, e.wholeText, noFact, "type")
		return nil
	}
	v := d.Get(field)
	if v.Kind() != strictjson.String && (kind != "compaction_delta" || !v.IsNull()) {
		return read.Wrong("delta", "must hold a string")
	}
	switch {
	case b.isCall():
		b.args.WriteString(v.Str())
		b.deltas++
		e.ev.Calls = append(e.ev.Calls, b.key())
		if b.start != "{}" && !v.EqualStr("") {
			return read.Wrong("delta", "a call with two inputs")
		}
	case kind == "input_json_delta":
		if err := e.providerInput(b, v); err != nil {
			return err
		}
	case v.Kind() == strictjson.String:
		e.say(b, strings.TrimSuffix(kind, "_delta"), v)
	}
	besides(d, e.wholeText, noFact, "type", field)
	return nil
}

// say adds to what a block says.
func (e *eventReader) say(b *block, channel string, v strictjson.Value) {
	text := e.piece(b.channel(channel), v, false)
	if e.s.assemble && channel == b.kind {
		b.said.Write(text)
	}
}

// channel is the full name of a channel, which is open from now on.
func (b *block) channel(name string) string {
	if name == "text" && b.text != "" {
		name = b.text
	} else {
		name += ":" + strconv.Itoa(b.index)
	}
	if !slices.Contains(b.channels, name) {
		b.channels = append(b.channels, name)
	}
	return name
}

// blockStop ends a block: its call is whole, and its texts are complete, but
// for that of a text block, which the next block may go on with.
func (e *eventReader) blockStop() error {
	b, err := e.current()
	if err != nil {
		return err
	}
	b.open = false
	run := e.s.run
	for _, name := range b.channels {
		if b.kind == "text" && strings.HasPrefix(name, "text:") {
			name, run = run, name // of two that were open at once the last one may go on
		}
		if name != "" {
			e.ev.Closed = append(e.ev.Closed, wire.Channel{Name: name})
		}
	}
	b.channels, e.s.run = nil, run
	if b.isCall() {
		e.ev.Calls = append(e.ev.Calls, b.key())
		e.ev.Whole = append(e.ev.Whole, b.call())
	}
	return nil
}
