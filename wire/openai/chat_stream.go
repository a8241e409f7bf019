package openai

import (
	"slices"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/sse"
	"github.com/headgate/headgate/wire/strictjson"
)

// Stream starts reading a streamed chat completion.
func (Chat) Stream(o wire.StreamOptions) wire.Stream {
	return newChunks(o, (*chatStream).members)
}

// newChunks starts a stream of chunks that hold choices; read reads the
// members of one choice of a chunk.
func newChunks(o wire.StreamOptions, read readChoice) *chatStream {
	return &chatStream{assemble: o.Assemble, read: read, choices: map[int]*streamChoice{}}
}

type readChoice func(s *chatStream, ev *wire.Event, ch *streamChoice, c strictjson.Value, data []byte) error

// chatStream collects what has to be known of a stream: the calls of each
// choice, and, where asked, the whole reply.
type chatStream struct {
	assemble bool
	read     readChoice
	done     bool
	failed   bool // the upstream has sent an error
	model    string
	usage    *wire.Usage
	choices  map[int]*streamChoice
	created  []string // ids of what the provider keeps now
}

type streamChoice struct {
	index   int
	ended   bool
	finish  string
	calls   []*streamCall
	content strings.Builder // with assemble only
	refusal strings.Builder
	reason  strings.Builder
	spoke   bool // something was said in content
	mute    bool // the transcript was edited: no more sound
}

func (s *chatStream) Model() string      { return s.model }
func (s *chatStream) Usage() *wire.Usage { return s.usage }

// Failed tells whether the upstream has sent an error.
func (s *chatStream) Failed() bool { return s.failed }

// Done is true after `[DONE]`, and also once every choice that was begun has
// ended, or after an error: some providers leave the terminator out.
func (s *chatStream) Done() bool {
	if s.done || s.failed {
		return true
	}
	for _, c := range s.choices {
		if !c.ended {
			return false
		}
	}
	return len(s.choices) > 0
}

// Event reads one chunk, or the terminator.
func (s *chatStream) Event(_ string, data []byte) (*wire.Event, error) {
	if string(data) == "[DONE]" {
		s.done = true
		ev := &wire.Event{End: true}
		for _, i := range s.order() {
			if err := s.end(ev, s.choices[i]); err != nil {
				return nil, err
			}
		}
		return ev, nil
	}
	if s.done {
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
	if err := root.CheckKeys(replyFields); err != nil {
		return nil, &wire.Error{Err: err}
	}
	ev := &wire.Event{}
	if err := s.chunk(ev, root, data); err != nil {
		return nil, err
	}
	return ev, nil
}

func (s *chatStream) chunk(ev *wire.Event, root strictjson.Value, data []byte) error {
	for k, v := range root.Members() {
		switch {
		case k.EqualStr("id"), k.EqualStr("object"), k.EqualStr("created"),
			k.EqualStr("system_fingerprint"), k.EqualStr("service_tier"), k.EqualStr("obfuscation"):
		case k.EqualStr("model"):
			if s.model == "" {
				s.model = v.Str()
			}
		case k.EqualStr("usage"):
			if u := readUsage(v); u != nil {
				s.usage = u
			}
		case k.EqualStr("choices"):
			if v.Kind() != strictjson.Array && !v.IsNull() {
				return read.Wrong("choices", "must be an array")
			}
			for i, c := range v.Elems() {
				if err := s.choice(ev, i, c, data); err != nil {
					return err
				}
			}
		default:
			s.failed = s.failed || (k.EqualStr("error") && !v.IsNull())
			whole(ev, -1, v, data)
		}
	}
	return nil
}

// whole adds every text below v as one that no other event continues.
func whole(ev *wire.Event, choice int, v strictjson.Value, data []byte) {
	leaves(v, "", func(_ string, leaf strictjson.Value) {
		addPiece(ev, wire.Channel{Choice: choice}, leaf, data, true)
	})
}

// wholeBeside is whole for the members of v that are not known.
func wholeBeside(ev *wire.Event, choice int, v strictjson.Value, data []byte, known ...string) {
	besides(v, func(leaf strictjson.Value) { addPiece(ev, wire.Channel{Choice: choice}, leaf, data, true) }, known...)
}

func addPiece(ev *wire.Event, ch wire.Channel, v strictjson.Value, data []byte, isWhole bool) []byte {
	start, end := v.Span()
	text := data[start+1 : end-1]
	if slices.Contains(text, '\\') {
		text = v.AppendStr(nil)
	}
	ev.Pieces = append(ev.Pieces, wire.Piece{Channel: ch, Start: start, End: end, Text: text, Whole: isWhole})
	return text
}

func (s *chatStream) choice(ev *wire.Event, pos int, c strictjson.Value, data []byte) error {
	if c.Kind() != strictjson.Object {
		return read.Wrong("choices", "must hold objects")
	}
	index, err := readIndex(c.Get("index"), pos)
	if err != nil {
		return err
	}
	ch := s.choices[index]
	if ch == nil {
		if len(s.choices) >= maxChoices {
			return read.Wrong("choices", "too many choices")
		}
		ch = &streamChoice{index: index}
		s.choices[index] = ch
	}
	if lp := c.Get("logprobs"); lp.Exists() && !lp.IsNull() && lp.Kind() != strictjson.Object {
		return read.Wrong("choices.logprobs", "must be an object")
	}
	if err := s.read(s, ev, ch, c, data); err != nil {
		return err
	}
	if f := c.Get("finish_reason"); f.Kind() == strictjson.String && !f.EqualStr("") {
		ch.finish = f.Str()
		return s.end(ev, ch)
	}
	return nil
}

// members reads a choice of a chat.
func (s *chatStream) members(ev *wire.Event, ch *streamChoice, c strictjson.Value, data []byte) error {
	if err := c.CheckKeys(choiceFields); err != nil {
		return &wire.Error{Path: "choices", Err: err}
	}
	for k, v := range c.Members() {
		switch {
		case k.EqualStr("index"), k.EqualStr("finish_reason"), k.EqualStr("logprobs"):
		case k.EqualStr("delta"):
			if err := s.delta(ev, ch, v, data); err != nil {
				return err
			}
		default:
			if hasCalls(v) {
				return read.Wrong("choices", "tool calls where none belong")
			}
			whole(ev, ch.index, v, data)
		}
	}
	return nil
}

// readIndex reads an index, or takes the position where there is none.
func readIndex(v strictjson.Value, pos int) (int, error) {
	if !v.Exists() || v.IsNull() {
		return pos, nil
	}
	n, ok := v.Int()
	if !ok || n < 0 || n > 1<<20 {
		return 0, read.Wrong("choices", "an index must be a small whole number")
	}
	return int(n), nil
}

const (
	maxChoices = 256
	maxCalls   = 1024
)

// end closes a choice: its calls are whole now.
func (s *chatStream) end(ev *wire.Event, ch *streamChoice) error {
	ev.Ended = append(ev.Ended, ch.index)
	if ch.ended {
		return nil
	}
	ch.ended = true
	for _, c := range ch.calls {
		if c.name == "" {
			return read.Wrong("choices.delta.tool_calls", "a call must name its tool")
		}
		ev.Whole = append(ev.Whole, c.call())
	}
	return nil
}

func (s *chatStream) delta(ev *wire.Event, ch *streamChoice, delta strictjson.Value, data []byte) error {
	if delta.Kind() != strictjson.Object {
		if delta.IsNull() {
			return nil
		}
		return read.Wrong("choices.delta", "must be an object")
	}
	if err := delta.CheckKeys(messageFields); err != nil {
		return &wire.Error{Path: "choices.delta", Err: err}
	}
	for k, v := range delta.Members() {
		switch {
		case v.IsNull(), k.EqualStr("role"), k.EqualStr("id"), k.EqualStr("type"), k.EqualStr("channel"):
		case k.EqualStr("tool_calls"):
			if v.Kind() != strictjson.Array {
				return read.Wrong("choices.delta.tool_calls", "must be an array")
			}
			for i, c := range v.Elems() {
				if err := s.toolCall(ev, ch, i, c); err != nil {
					return err
				}
				f, field := callBody(c)
				wholeBeside(ev, ch.index, c, data, "id", "index", "type", "function", "custom")
				wholeBeside(ev, ch.index, f, data, "name", field)
			}
		case k.EqualStr("function_call"):
			if v.Kind() != strictjson.Object {
				return read.Wrong("choices.delta.function_call", "must be an object")
			}
			if noCall(v) && !ch.has(functionCall) {
				continue
			}
			if err := s.part(ev, ch, functionCall, v, "arguments", ""); err != nil {
				return err
			}
			wholeBeside(ev, ch.index, v, data, "name", "arguments")
		case v.Kind() == strictjson.String:
			name := channelName(k)
			text := addPiece(ev, wire.Channel{Choice: ch.index, Name: name}, v, data, false)
			if len(text) == 0 {
				continue
			}
			if ch.ended {
				return read.Wrong("choices.delta", "text after the end of its choice")
			}
			s.say(ch, name, text)
		case k.EqualStr("audio"):
			if id := v.Get("id").Str(); id != "" && !slices.Contains(s.created, id) {
				s.created = append(s.created, id)
			}
			s.audio(ev, ch, v, data)
		case k.EqualStr("content"), k.EqualStr("reasoning_details"):
			name := k.Str()
			leaves(v, name, func(path string, leaf strictjson.Value) {
				text := addPiece(ev, wire.Channel{Choice: ch.index, Name: path}, leaf, data, false)
				s.say(ch, name, text)
			})
		default:
			whole(ev, ch.index, v, data)
		}
	}
	return nil
}

// channelName spares a copy of the common names.
func channelName(k strictjson.Value) string {
	for _, name := range [...]string{"content", "reasoning_content", "reasoning", "refusal"} {
		if k.EqualStr(name) {
			return name
		}
	}
	return k.Str()
}

func (s *chatStream) say(ch *streamChoice, name string, text []byte) {
	if name == "content" {
		ch.spoke = true
	}
	if !s.assemble {
		return
	}
	switch name {
	case "content", "audio":
		ch.content.Write(text)
	case "refusal":
		ch.refusal.Write(text)
	case "reasoning_content", "reasoning":
		ch.reason.Write(text)
	}
}

func (s *chatStream) order() []int {
	var keys []int
	for i := range s.choices {
		keys = append(keys, i)
	}
	slices.Sort(keys)
	return keys
}

// Response is the reply as far as it was read.
func (s *chatStream) Response() *wire.Response {
	if !s.assemble {
		return nil
	}
	r := &wire.Response{Usage: s.usage}
	for _, i := range s.order() {
		c := s.choices[i]
		choice := wire.Choice{
			Index: i, Content: c.content.String(), Refusal: c.refusal.String(),
			Reasoning: c.reason.String(), FinishReason: c.finish,
		}
		for _, call := range c.calls {
			choice.Calls = append(choice.Calls, call.call())
		}
		r.Choices = append(r.Choices, choice)
	}
	return r
}

// Refuse ends a stream that has begun: the error as an event, then `[DONE]`.
func (s *chatStream) Refuse(r wire.Refusal) []byte { return endStream(r) }

func endStream(r wire.Refusal) []byte {
	b := sse.AppendEvent(nil, "", errorObject(r))
	return sse.AppendEvent(b, "", []byte("[DONE]"))
}

// Interface guard
var _ wire.Stream = (*chatStream)(nil)
