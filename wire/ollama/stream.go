package ollama

import (
	"slices"
	"strconv"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// stream reads the lines of a reply, each of which holds what is new. Calls
// are whole in their line.
type stream struct {
	shape    shape
	assemble bool
	done     bool
	failed   bool
	model    string
	usage    *wire.Usage
	finish   string
	thinking int  // the run of thinking that is open or comes next, from 0
	thinks   bool // a run is open
	calls    []wire.Call
	last     *wire.Event // the line that ends the reply, if it holds token ids
	content  strings.Builder
	reason   strings.Builder

	spoke   bool                 // something was said in the content
	spoken  map[*wire.Event]bool // whether it was up to a line with calls
	edited  bool                 // something that has gone out was edited
	removed int                  // denied calls of lines that have gone out
}

func (s *stream) Model() string      { return s.model }
func (s *stream) Usage() *wire.Usage { return s.usage }
func (s *stream) Failed() bool       { return s.failed }
func (s *stream) Done() bool         { return s.done || s.failed }

// Ordered marks the stream: lines keep their order.
func (s *stream) Ordered() {}

// Stale tells whether ev repeats, in token ids, what was edited before.
func (s *stream) Stale(ev *wire.Event) bool { return s.edited && ev == s.last }

// Event reads one line.
func (s *stream) Event(_ string, data []byte) (*wire.Event, error) {
	if s.Done() {
		return nil, read.Wrong("", "a line after the end of the stream")
	}
	doc, err := strictjson.Parse(data, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	defer doc.Release()
	root := doc.Root()
	if err := s.shape.check(root); err != nil {
		return nil, err
	}
	ev := &wire.Event{}
	s.texts(ev, root, data)
	if err := s.readCalls(ev, s.shape.said(root).Get("tool_calls")); err != nil {
		return nil, err
	}
	if s.model == "" {
		s.model = root.Get("model").Str()
	}
	if u := readUsage(root); u != nil {
		s.usage = u
	}
	s.failed = given(root.Get("error"))
	s.done = root.Get("done").Bool()
	if s.Done() {
		s.finish = root.Get("done_reason").Str()
		ev.End, ev.Ended = true, []int{0}
		if given(root.Get("context")) {
			s.last = ev
		}
	}
	return ev, nil
}

// texts adds the pieces of a line. Thinking that was followed by content is
// over; more of it is another channel, so that the content need not wait.
func (s *stream) texts(ev *wire.Event, root strictjson.Value, data []byte) {
	said := s.shape.said(root)
	more := said.Get(s.shape.content).Str() != "" || said.Get("tool_calls").Len() > 0
	if s.thinks && more && said.Get("thinking").Str() == "" {
		ev.Closed = append(ev.Closed, s.thinkingChannel())
		s.thinks = false
		s.thinking++
	}
	s.shape.words(root, func(name string, beside bool, leaf strictjson.Value) {
		start, end := leaf.Span()
		p := wire.Piece{Start: start, End: end, Text: data[start+1 : end-1], Whole: true}
		if slices.Contains(p.Text, '\\') {
			p.Text = leaf.AppendStr(nil)
		}
		switch {
		case beside:
			p.Channel.Choice = -1
		case name == s.shape.content:
			p.Channel.Name, p.Whole = "content", false
			s.spoke = s.spoke || len(p.Text) > 0
			if s.assemble {
				s.content.Write(p.Text)
			}
		case name == "thinking":
			p.Channel, p.Whole = s.thinkingChannel(), false
			s.thinks = s.thinks || len(p.Text) > 0
			if s.assemble {
				s.reason.Write(p.Text)
			}
		}
		ev.Pieces = append(ev.Pieces, p)
	})
}

func (s *stream) thinkingChannel() wire.Channel {
	return wire.Channel{Name: "thinking:" + strconv.Itoa(s.thinking)}
}

func (s *stream) readCalls(ev *wire.Event, list strictjson.Value) error {
	if len(s.calls)+list.Len() > maxCalls {
		return read.Wrong(s.shape.path("tool_calls"), "too many tool calls")
	}
	for _, c := range list.Elems() {
		call := callOf(c, len(s.calls))
		s.calls = append(s.calls, call)
		ev.Calls = append(ev.Calls, wire.CallKey{Index: call.Index})
		ev.Whole = append(ev.Whole, call)
	}
	if len(ev.Calls) > 0 {
		if s.spoken == nil {
			s.spoken = map[*wire.Event]bool{}
		}
		s.spoken[ev] = s.spoke
	}
	return nil
}

// Response is the reply as far as it was read.
func (s *stream) Response() *wire.Response {
	if !s.assemble {
		return nil
	}
	return &wire.Response{Usage: s.usage, Choices: []wire.Choice{{
		Content: s.content.String(), Reasoning: s.reason.String(), FinishReason: s.finish, Calls: s.calls,
	}}}
}

// Rewrite carries out, on one line, what was decided of its texts and calls.
// What is said of a denied call stands in the content of its line.
func (s *stream) Rewrite(ev *wire.Event, data []byte, texts []wire.PieceText, verdict func(wire.CallKey) wire.Verdict) ([]wire.Written, error) {
	doc, err := strictjson.Parse(data, strictjson.Limits{})
	if err != nil {
		return nil, err
	}
	defer doc.Release()
	e := edit{shape: s.shape, root: doc.Root(), before: s.removed}
	for _, t := range texts {
		p := &ev.Pieces[t.Piece]
		e.texts = append(e.texts, strictjson.Replacement{
			Start: p.Start + 1, End: p.End - 1, Text: strictjson.AppendEscaped(nil, string(t.Text)),
		})
	}
	for _, k := range ev.Calls {
		e.verdicts = append(e.verdicts, verdict(k))
	}
	e.spoke = s.spoken[ev] || s.removed > 0
	s.removed += e.denied()
	s.edited = s.edited || len(texts) > 0 || !untouched(e.verdicts)
	if ev.End {
		e.allDenied = len(s.calls) > 0 && s.removed == len(s.calls)
	}
	e.changed = len(texts) > 0 || !untouched(e.verdicts) || s.edited && ev == s.last
	out, err := e.apply(data)
	if err != nil {
		return nil, err
	}
	return wire.Kept(out), nil
}

// Refuse ends a stream that has begun with a line that is the error.
func (s *stream) Refuse(r wire.Refusal) []byte { return append(errorObject(r), '\n') }

// Interface guards
var (
	_ wire.Ordered = (*stream)(nil)
	_ wire.Stale   = (*stream)(nil)
)
