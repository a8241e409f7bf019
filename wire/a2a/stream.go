package a2a

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/sse"
	"github.com/headgate/headgate/wire/strictjson"
)

// maxArtifacts bounds the artifacts that a stream has open at once.
const maxArtifacts = 1024

// maxKept bounds the ids that a stream tells.
const maxKept = 1 << 15

// stream reads events that are each a task, a message, or an update of a task.
// The texts of an artifact go on from event to event; all others are whole in
// theirs.
type stream struct {
	rpc      bool
	assemble bool
	id       []byte // of the last response, as JSON
	failed   bool
	done     bool // the last event said that nothing is to come
	finish   string
	open     map[string]string // the channel of each artifact that may go on
	channels int
	kept     kept
	said     map[string]*strings.Builder // by channel, with assemble only
	order    []string
}

func newStream(rpc bool, o wire.StreamOptions) *stream {
	return &stream{rpc: rpc, assemble: o.Assemble, open: map[string]string{}, said: map[string]*strings.Builder{}}
}

func (s *stream) Model() string      { return "" }
func (s *stream) Usage() *wire.Usage { return nil }
func (s *stream) Failed() bool       { return s.failed }

// Ordered marks the stream: an update makes sense after those before it.
func (s *stream) Ordered() {}

// Created are the ids of the tasks and contexts that the stream tells.
func (s *stream) Created() []string { return s.kept.list }

// Done tells whether the stream may end here: a message has come, or the task
// has ended or waits for somebody, or the last update is marked as final.
func (s *stream) Done() bool { return s.done || s.failed }

// Event reads one event.
func (s *stream) Event(_ string, data []byte) (*wire.Event, error) {
	doc, err := strictjson.Parse(data, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	defer doc.Release()
	root := doc.Root()
	said, err := payload(root, s.rpc)
	if err != nil {
		return nil, err
	}
	if id := root.Get("id"); s.rpc && id.Exists() {
		if id.Kind() != strictjson.String && id.Kind() != strictjson.Number && !id.IsNull() {
			return nil, read.Wrong("id", "must be a string or a number")
		}
		s.id = bytes.Clone(id.Raw())
	}
	ev := &wire.Event{}
	channel, last, err := s.artifact(ev, said)
	if err != nil {
		return nil, err
	}
	s.texts(ev, root, data, channel)
	if last != "" {
		s.closed(ev, last)
	}
	if s.kept.collect(said); len(s.kept.list) > maxKept {
		return nil, read.Wrong("", "too many tasks and contexts")
	}
	s.failed = s.failed || failed(root)
	if s.done = ends(said); s.Done() {
		ev.End, ev.Ended = true, []int{0}
		for artifact := range s.open {
			s.closed(ev, artifact)
		}
	}
	if state := stateOf(said); state != "" {
		s.finish = state
	}
	return ev, nil
}

// artifact gives the channel of an artifact's texts; last is its id where
// nothing more comes. An update that does not append begins the artifact anew.
func (s *stream) artifact(ev *wire.Event, said strictjson.Value) (channel, last string, err error) {
	update := said
	if m := said.Get("artifactUpdate"); m.Kind() == strictjson.Object {
		update = m
	}
	a := update.Get("artifact")
	if a.Kind() != strictjson.Object {
		return "", "", nil
	}
	for _, name := range []string{"append", "lastChunk"} {
		if v := update.Get(name); given(v) && v.Kind() != strictjson.True && v.Kind() != strictjson.False {
			return "", "", read.Wrong(name, "must be true or false")
		}
	}
	id := update.Get("taskId").Str() + "\x00" + a.Get("artifactId").Str()
	if !update.Get("append").Bool() {
		s.closed(ev, id)
	}
	if s.open[id] == "" {
		if len(s.open) >= maxArtifacts {
			return "", "", read.Wrong("artifact", "too many artifacts")
		}
		s.open[id] = s.newChannel()
	}
	channel = s.open[id]
	if update.Get("lastChunk").Bool() {
		last = id
	}
	return channel, last, nil
}

func (s *stream) newChannel() string {
	s.channels++
	return "text:" + strconv.Itoa(s.channels)
}

func (s *stream) closed(ev *wire.Event, artifact string) {
	if name := s.open[artifact]; name != "" {
		ev.Closed = append(ev.Closed, wire.Channel{Name: name})
		delete(s.open, artifact)
	}
}

// texts adds the pieces of an event. Parts that stand beside each other are one
// channel: the artifact's, or one that ends here.
func (s *stream) texts(ev *wire.Event, root strictjson.Value, data []byte, artifact string) {
	add := func(v strictjson.Value, channel string) {
		start, end := v.Span()
		p := wire.Piece{Start: start, End: end, Text: data[start+1 : end-1], Whole: channel == "", Channel: wire.Channel{Name: channel}}
		if slices.Contains(p.Text, '\\') {
			p.Text = v.AppendStr(nil)
		}
		ev.Pieces = append(ev.Pieces, p)
	}
	w := visitor{
		parts: func(list []strictjson.Value) {
			channel := artifact
			if channel == "" {
				channel = s.newChannel()
				ev.Closed = append(ev.Closed, wire.Channel{Name: channel})
			}
			for _, v := range list {
				add(v, channel)
			}
			s.say(channel, textsOf(list))
		},
		word: func(key string, leaf strictjson.Value) {
			add(leaf, "")
			if key == "data" {
				s.say(s.newChannel(), leaf.Str())
			}
		},
	}
	for k, v := range root.Members() {
		if s.rpc && (k.EqualStr("id") || k.EqualStr("jsonrpc")) {
			continue
		}
		w.walk(k.Str(), v)
	}
}

func (s *stream) say(channel, text string) {
	if !s.assemble {
		return
	}
	b := s.said[channel]
	if b == nil {
		b = &strings.Builder{}
		s.said[channel] = b
		s.order = append(s.order, channel)
	}
	b.WriteString(text)
}

// ends tells whether nothing has to follow an event.
func ends(said strictjson.Value) bool {
	switch {
	case said.Get("final").Bool(), said.Get("kind").EqualStr("message"), said.Get("message").Kind() == strictjson.Object:
		return true
	}
	state := strings.ToLower(strings.TrimPrefix(stateOf(said), "TASK_STATE_"))
	switch strings.ReplaceAll(state, "_", "-") {
	case "completed", "failed", "canceled", "rejected", "input-required", "auth-required":
		return true
	}
	return false
}

// Response is the reply as far as it was read: the texts of each artifact and
// of each message, joined by newlines.
func (s *stream) Response() *wire.Response {
	if !s.assemble {
		return nil
	}
	var texts []string
	for _, channel := range s.order {
		texts = append(texts, s.said[channel].String())
	}
	return &wire.Response{Choices: []wire.Choice{{Content: strings.Join(texts, "\n"), FinishReason: s.finish}}}
}

// Rewrite puts the replaced texts into the event.
func (s *stream) Rewrite(ev *wire.Event, data []byte, texts []wire.PieceText, _ func(wire.CallKey) wire.Verdict) ([]wire.Written, error) {
	edits := make([]strictjson.Replacement, len(texts))
	for i, t := range texts {
		p := &ev.Pieces[t.Piece]
		edits[i] = strictjson.Replacement{Start: p.Start, End: p.End, Text: strictjson.AppendQuoted(nil, string(t.Text))}
	}
	read.Sort(edits)
	return wire.Kept(strictjson.Splice(nil, data, edits)), nil
}

// Refuse ends a stream that has begun with an event that is the error.
func (s *stream) Refuse(r wire.Refusal) []byte {
	if s.rpc {
		return sse.AppendEvent(nil, "", rpcError(s.id, r))
	}
	return sse.AppendEvent(nil, "", restError(r))
}

// Interface guards
var (
	_ wire.Ordered = (*stream)(nil)
	_ wire.Creator = (*stream)(nil)
)
