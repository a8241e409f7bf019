package anthropic

import (
	"slices"
	"strconv"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/sse"
	"github.com/headgate/headgate/wire/strictjson"
)

// Stream starts reading a streamed message.
func (Messages) Stream(o wire.StreamOptions) wire.Stream {
	return &stream{assemble: o.Assemble, blocks: map[int]*block{}}
}

// stream reads a message that comes as events: message_start, its blocks one
// after the other or interleaved (content_block_start, _delta, _stop, by
// index), message_delta, message_stop; pings anywhere; error as the last.
// There is one choice, 0. Channels are those of the blocks, see [block].
type stream struct {
	none     bool // nothing is understood
	assemble bool
	begun    bool
	ended    bool // message_delta was read: no block may come
	done     bool
	failed   bool // the upstream has sent an error
	model    string
	stop     string
	usage    *wire.Usage
	blocks   map[int]*block
	run      string   // the channel of the text block before, which the next one may go on with
	created  []string // ids of what the provider keeps now
	whole    int      // texts that no event continues, to name them apart
}

func (s *stream) Model() string      { return s.model }
func (s *stream) Usage() *wire.Usage { return s.usage }

// Failed tells whether the upstream has sent an error.
func (s *stream) Failed() bool { return s.failed }

// Done is true after message_stop, and after an error.
func (s *stream) Done() bool { return s.done || s.failed }

// Ordered marks the stream: blocks keep their order.
func (s *stream) Ordered() {}

// Event reads one event, whose name must be its type.
func (s *stream) Event(name string, data []byte) (*wire.Event, error) {
	if s.none {
		return nil, read.Wrong("", "an endpoint that does not stream has answered with a stream")
	}
	if s.done || s.failed {
		return nil, read.Wrong("", "an event after the end of the stream")
	}
	doc, err := strictjson.Parse(data, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	defer doc.Release()
	root := doc.Root()
	if root.Kind() != strictjson.Object {
		return nil, read.Wrong("", "the event is not a JSON object")
	}
	if err := root.CheckKeys(eventFields); err != nil {
		return nil, &wire.Error{Err: err}
	}
	if !root.Get("type").EqualStr(name) {
		return nil, read.Wrong("type", "the event is not of the type that its name says")
	}
	e := &eventReader{s: s, ev: &wire.Event{}, data: data, root: root}
	if err := e.read(name); err != nil {
		return nil, err
	}
	return e.ev, nil
}

// eventReader reads one event.
type eventReader struct {
	s    *stream
	ev   *wire.Event
	data []byte
	root strictjson.Value
}

func (e *eventReader) read(name string) error {
	known := []string{"type"}
	var err error
	switch name {
	case "ping":
	case "message_start":
		known = append(known, "message")
		err = e.messageStart(e.root.Get("message"))
	case "content_block_start":
		known = append(known, "index", "content_block")
		err = e.blockStart(e.root.Get("content_block"))
	case "content_block_delta":
		known = append(known, "index", "delta")
		err = e.blockDelta(e.root.Get("delta"))
	case "content_block_stop":
		known = append(known, "index")
		err = e.blockStop()
	case "message_delta":
		known = append(known, "delta", "usage")
		err = e.messageDelta(e.root.Get("delta"))
	case "message_stop":
		if !e.s.begun || e.s.openBlock() {
			return read.Wrong("", "the message stops before its end")
		}
		e.s.done, e.ev.End = true, true
	case "error":
		e.s.failed, e.ev.End = true, true
	default:
		return read.Wrong("type", "an unknown event")
	}
	if err != nil {
		return err
	}
	besides(e.root, e.wholeText, noFact, known...)
	return nil
}

func (e *eventReader) messageStart(m strictjson.Value) error {
	s := e.s
	s.created = created(s.created, m)
	switch {
	case s.begun:
		return read.Wrong("message", "the message starts twice")
	case m.Kind() != strictjson.Object:
		return read.Wrong("message", "must be an object")
	case m.Get("content").Len() > 0:
		return read.Wrong("message.content", "must be empty where the message starts")
	}
	if err := m.CheckKeys(replyFields); err != nil {
		return &wire.Error{Path: "message", Err: err}
	}
	s.begun, s.model = true, m.Get("model").Str()
	s.usage = readUsage(s.usage, m.Get("usage"))
	besides(m, e.wholeText, noFact, "type", "id", "role", "model", "content", "stop_reason", "usage")
	return nil
}

func (e *eventReader) messageDelta(d strictjson.Value) error {
	s := e.s
	s.created = created(s.created, d)
	switch {
	case !s.begun || s.openBlock():
		return read.Wrong("delta", "the message ends before its blocks")
	case d.Kind() != strictjson.Object:
		return read.Wrong("delta", "must be an object")
	}
	if err := d.CheckKeys(deltaFields); err != nil {
		return &wire.Error{Path: "delta", Err: err}
	}
	s.ended = true
	if stop := d.Get("stop_reason").Str(); stop != "" {
		s.stop = stop
	}
	s.usage = readUsage(s.usage, e.root.Get("usage"))
	e.ev.Ended = append(e.ev.Ended, 0)
	besides(d, e.wholeText, noFact, "stop_reason")
	return nil
}

func (s *stream) openBlock() bool {
	for _, b := range s.blocks {
		if b.open {
			return true
		}
	}
	return false
}

// piece adds a text to a channel, and gives the text.
func (e *eventReader) piece(name string, v strictjson.Value, isWhole bool) []byte {
	start, end := v.Span()
	text := e.data[start+1 : end-1]
	if slices.Contains(text, '\\') {
		text = v.AppendStr(nil)
	}
	e.ev.Pieces = append(e.ev.Pieces, wire.Piece{Channel: wire.Channel{Name: name}, Start: start, End: end, Text: text, Whole: isWhole})
	return text
}

// wholeText adds a text that no other event continues.
func (e *eventReader) wholeText(leaf strictjson.Value) {
	e.s.whole++
	e.piece("whole:"+strconv.Itoa(e.s.whole), leaf, true)
}

// Response is the reply as far as it was read.
func (s *stream) Response() *wire.Response {
	if !s.assemble {
		return nil
	}
	if !s.begun {
		return &wire.Response{}
	}
	c := wire.Choice{FinishReason: s.stop}
	var said, thought []string
	for _, b := range s.order() {
		switch {
		case b.isCall():
			c.Calls = append(c.Calls, b.call())
		case b.kind == "thinking":
			thought = append(thought, b.said.String())
		case b.kind == "text":
			said = append(said, b.said.String())
		}
	}
	c.Content, c.Reasoning = joined(said), joined(thought)
	return &wire.Response{Choices: []wire.Choice{c}, Usage: s.usage}
}

// order gives the blocks by their index.
func (s *stream) order() []*block {
	blocks := make([]*block, 0, len(s.blocks))
	for _, b := range s.blocks {
		blocks = append(blocks, b)
	}
	slices.SortFunc(blocks, func(a, b *block) int { return a.index - b.index })
	return blocks
}

// Refuse ends a stream that has begun, with an error event.
func (s *stream) Refuse(r wire.Refusal) []byte {
	return sse.AppendEvent(nil, "error", errorObject(r))
}

// block is a content block of a stream. Its channels are named by what they
// hold and by its index: "text:0", "thinking:0", "compaction:0", and, for the
// first string in the input of a tool that the provider runs, "input:1:0".
// Text blocks that follow each other share the channel of the first, since
// clients show them as one text.
type block struct {
	index    int
	kind     string
	open     bool
	channels []string // those that are open
	text     string   // the channel of its text, where that is another block's

	said strings.Builder // text or thinking, with assemble only

	id, name string // of a call
	start    string // the input that came with content_block_start
	args     strings.Builder
	deltas   int  // parts of the input that came
	written  bool // what replaces the input has gone out

	input read.Fragments // of a tool that the provider runs
}

func (b *block) isCall() bool { return b.kind == "tool_use" }

func (b *block) call() wire.Call {
	c := wire.Call{Index: b.index, ID: b.id, Name: b.name, Args: b.args.String()}
	if strings.TrimSpace(c.Args) == "" && b.start != "{}" {
		c.Args = b.start
	}
	return c
}

// Interface guard
var _ wire.Ordered = (*stream)(nil)
