package openai

import (
	"errors"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

type streamCall struct {
	key      wire.CallKey
	id, name string
	free     bool
	begun    bool // a part of it was read
	args     strings.Builder
	written  bool // its replaced arguments have gone out
}

// functionCall is the index under which a legacy function_call is kept.
const functionCall = -1

func (c *streamCall) call() wire.Call {
	return wire.Call{Choice: c.key.Choice, Index: c.key.Index, ID: c.id, Name: c.name, Args: c.args.String(), Free: c.free}
}

func (s *chatStream) toolCall(ev *wire.Event, ch *streamChoice, pos int, c strictjson.Value) error {
	if err := c.CheckKeys(callFields); err != nil {
		return &wire.Error{Path: "choices.delta.tool_calls", Err: err}
	}
	id := c.Get("id").Str()
	f, field := callBody(c)
	if f.Kind() != strictjson.Object {
		return read.Wrong("choices.delta.tool_calls", "must hold a function or a custom tool's call")
	}
	if c.Get("index").Exists() {
		index, err := readIndex(c.Get("index"), pos)
		if err != nil {
			return err
		}
		return s.part(ev, ch, index, f, field, id)
	}
	switch { // without an index, an id begins a call, and what has none goes on with the last
	case id != "":
		return s.part(ev, ch, len(ch.calls), f, field, id)
	case len(ch.calls) > 0:
		return s.part(ev, ch, ch.calls[len(ch.calls)-1].key.Index, f, field, id)
	}
	return s.part(ev, ch, pos, f, field, id)
}

// part adds one delta to a call.
func (s *chatStream) part(ev *wire.Event, ch *streamChoice, index int, f strictjson.Value, field, id string) error {
	const path = "choices.delta.tool_calls"
	if err := f.CheckKeys(functionFields); err != nil {
		return &wire.Error{Path: path, Err: err}
	}
	if ch.ended {
		return read.Wrong(path, "a tool call after the end of its choice")
	}
	call, err := ch.call(index)
	if err != nil {
		return err
	}
	free := field == "input"
	if call.begun && call.free != free {
		return read.Wrong(path, "a call of two kinds")
	}
	call.begun, call.free = true, free
	if id != "" && call.id != "" && call.id != id {
		return read.Wrong(path, "two calls with one index")
	}
	if call.id == "" {
		call.id = id
	}
	if name := f.Get("name").Str(); name != "" {
		if call.name != "" && call.name != name {
			return read.Wrong(path, "a call with two names")
		}
		call.name = name
	}
	if args := f.Get(field); args.Exists() && !args.IsNull() {
		if args.Kind() != strictjson.String {
			return read.Wrong(path, "a call's arguments must be a string")
		}
		call.args.WriteString(args.Str())
	}
	ev.Calls = append(ev.Calls, call.key) // one for each part, in order, for Rewrite
	return nil
}

func (c *streamChoice) call(index int) (*streamCall, error) {
	for _, call := range c.calls {
		if call.key.Index == index {
			return call, nil
		}
	}
	if len(c.calls) >= maxCalls {
		return nil, read.Wrong("choices.delta.tool_calls", "too many tool calls")
	}
	call := &streamCall{key: wire.CallKey{Choice: c.index, Index: index}}
	c.calls = append(c.calls, call)
	return call, nil
}

var errNoVerdict = errors.New("a tool call without a verdict")
