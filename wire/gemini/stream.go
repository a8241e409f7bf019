package gemini

import (
	"slices"
	"strconv"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/frame"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// Stream starts reading a streamed reply, in either framing.
func (GenerateContent) Stream(o wire.StreamOptions) wire.Stream {
	return &stream{array: o.Format == frame.Array, assemble: o.Assemble, candidates: map[int]*streamed{}, copies: map[*wire.Event][]int{}}
}

// stream reads a reply whose events are each a response: what they say of a
// candidate goes on from event to event, and a call stands whole in one. The
// channels of a candidate are "text" and "thought".
//
// Some models write a finishReason into every event, so it ends nothing by
// itself: a text is complete only where the stream ends.
type stream struct {
	array      bool
	assemble   bool
	closed     bool // the array's bracket was read
	failed     bool // the upstream has sent an error
	blocked    bool // the prompt was not answered
	model      string
	usage      *wire.Usage
	candidates map[int]*streamed
	copies     map[*wire.Event][]int // the candidates whose text an event repeats
	whole      int                   // texts that no event continues, to name them apart
}

// streamed is a candidate.
type streamed struct {
	index  int
	finish string
	calls  []streamedCall
	spoke  bool // a text came
	denied bool // the text of a denied call has gone out
	edited bool // what went out is not what came

	said, thought strings.Builder // with assemble only
}

type streamedCall struct {
	wire.Call
	after bool // it stands after a text
}

func (s *stream) Model() string      { return s.model }
func (s *stream) Usage() *wire.Usage { return s.usage }

// Failed tells whether the upstream has sent an error.
func (s *stream) Failed() bool { return s.failed }

// Done is true once every candidate has its finishReason, or the prompt was
// blocked, or the array is closed, and after an error.
func (s *stream) Done() bool {
	if s.closed || s.failed || s.blocked {
		return true
	}
	for _, c := range s.candidates {
		if c.finish == "" {
			return false
		}
	}
	return len(s.candidates) > 0
}

// Ordered marks the stream: the order of its events is that of the parts, and
// an array's commas stand before them.
func (s *stream) Ordered() {}

// Event reads one event: a response, an error, or the bracket that closes an
// array.
func (s *stream) Event(name string, data []byte) (*wire.Event, error) {
	switch {
	case name != "" && name != "message":
		return nil, read.Wrong("", "an event with a name that is not known")
	case s.array && !s.closed && string(data) == "]":
		s.closed = true
		return &wire.Event{End: true}, nil
	case s.closed || s.failed:
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
	e := &eventReader{s: s, ev: &wire.Event{}, data: data}
	if err := e.read(root); err != nil {
		return nil, err
	}
	return e.ev, nil
}

// eventReader reads one event.
type eventReader struct {
	s    *stream
	ev   *wire.Event
	data []byte
}

func (e *eventReader) read(root strictjson.Value) error {
	s := e.s
	if err := visit(root, e); err != nil {
		return err
	}
	usage, err := usageOf(root)
	if err != nil {
		return err
	}
	if usage != nil {
		s.usage = usage
	}
	if s.model == "" {
		s.model = get(root, "modelVersion").Str()
	}
	for i := range e.ev.Pieces {
		if p := &e.ev.Pieces[i]; p.Channel.Name == "text" && len(p.Text) > 0 {
			s.candidates[p.Channel.Choice].spoke = true
		}
	}
	if get(root, "error").Exists() {
		s.failed = true
		e.ev.End = !s.array // an array has its bracket yet
	}
	s.blocked = s.blocked || get(get(root, "promptFeedback"), "blockReason").Exists()
	return nil
}

func (e *eventReader) candidate(index int, v strictjson.Value) error {
	s := e.s
	c := s.candidates[index]
	if c == nil {
		if len(s.candidates) >= maxCandidates {
			return read.Wrong("candidates", "too many candidates")
		}
		c = &streamed{index: index}
		s.candidates[index] = c
	}
	if finish := finishOf(v); finish != "" {
		c.finish = finish
	}
	if len(copiesOf(v)) > 0 {
		s.copies[e.ev] = append(s.copies[e.ev], index)
	}
	return nil
}

func (e *eventReader) text(index int, thought bool, leaf strictjson.Value) {
	c := e.s.candidates[index]
	name, said := "text", &c.said
	if thought {
		name, said = "thought", &c.thought
	}
	text := e.piece(wire.Piece{Channel: wire.Channel{Choice: index, Name: name}}, leaf)
	if e.s.assemble {
		said.Write(text)
	}
}

// piece adds a text, and gives it.
func (e *eventReader) piece(p wire.Piece, leaf strictjson.Value) []byte {
	p.Start, p.End = leaf.Span()
	p.Text = e.data[p.Start+1 : p.End-1]
	if slices.Contains(p.Text, '\\') {
		p.Text = leaf.AppendStr(nil)
	}
	e.ev.Pieces = append(e.ev.Pieces, p)
	return p.Text
}

func (e *eventReader) word(index int, _ wire.Place, leaf strictjson.Value, copied bool) {
	e.s.whole++
	e.piece(wire.Piece{Channel: wire.Channel{Choice: index, Name: "whole:" + strconv.Itoa(e.s.whole)}, Whole: true, Copy: copied}, leaf)
}

func (e *eventReader) call(index int, part callPart, after bool) error {
	c := e.s.candidates[index]
	if len(c.calls) >= maxCalls {
		return read.Wrong("candidates", "too many tool calls")
	}
	call := streamedCall{Call: callOf(part.call), after: after || c.spoke}
	call.Choice, call.Index = index, len(c.calls)
	c.calls = append(c.calls, call)
	e.ev.Calls = append(e.ev.Calls, wire.CallKey{Choice: index, Index: call.Index})
	e.ev.Whole = append(e.ev.Whole, call.Call)
	return nil
}

// Response is the reply as far as it was read.
func (s *stream) Response() *wire.Response {
	if !s.assemble {
		return nil
	}
	resp := &wire.Response{Usage: s.usage}
	for _, c := range s.order() {
		choice := wire.Choice{Index: c.index, FinishReason: c.finish, Content: c.said.String(), Reasoning: c.thought.String()}
		for i := range c.calls {
			choice.Calls = append(choice.Calls, c.calls[i].Call)
		}
		resp.Choices = append(resp.Choices, choice)
	}
	return resp
}

func (s *stream) order() []*streamed {
	list := make([]*streamed, 0, len(s.candidates))
	for _, c := range s.candidates {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *streamed) int { return a.index - b.index })
	return list
}

// Refuse ends a stream that has begun: the error as an event, or as the
// array's last element. Its line ends are those that Google writes; clients
// that look for both kinds find the event behind either.
func (s *stream) Refuse(r wire.Refusal) []byte {
	if s.array {
		b := append([]byte(",\r\n"), errorObject(r)...)
		return append(b, "\n]"...)
	}
	b := append([]byte("data: "), errorObject(r)...)
	return append(b, "\r\n\r\n"...)
}

// Interface guards
var (
	_ wire.Ordered = (*stream)(nil)
	_ wire.Stale   = (*stream)(nil)
	_ visitor      = (*eventReader)(nil)
)
