package openai

import (
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

const eventStream = "text/event-stream"

// mediaStream reads the events of images, speech and transcripts:
//
//	{"type": "image_generation.partial_image", "b64_json", "partial_image_index", …}
//	{"type": "image_generation.completed", "b64_json", "usage", …}   and the same of image_edit
//	{"type": "speech.audio.delta", "audio"}, {"type": "speech.audio.done", "usage"}
//	{"type": "transcript.text.delta", "delta", "logprobs"}
//	{"type": "transcript.text.segment", "text", "speaker", …}
//	{"type": "transcript.text.done", "text", "logprobs", "usage"}
//
// There is one choice, 0.
type mediaStream struct {
	assemble bool
	done     bool
	failed   bool
	spoke    bool // a delta has come
	usage    *wire.Usage
	said     strings.Builder // with assemble only
	segments strings.Builder // with assemble only
	whole    string
}

func newMediaStream(o wire.StreamOptions) *mediaStream { return &mediaStream{assemble: o.Assemble} }

// mediaEvents are the types of events that are known; the true ones end the
// stream, or one of its images.
var mediaEvents = map[string]bool{
	"image_generation.partial_image": false, "image_generation.completed": true,
	"image_edit.partial_image": false, "image_edit.completed": true,
	"speech.audio.delta": false, "speech.audio.done": true,
	"transcript.text.delta": false, "transcript.text.segment": false, "transcript.text.done": true,
}

var mediaEventFields = strictjson.Keys("type", "delta", "text", "logprobs", "b64_json", "audio", "usage", "error")

func (s *mediaStream) Model() string      { return "" }
func (s *mediaStream) Usage() *wire.Usage { return s.usage }
func (s *mediaStream) Done() bool         { return s.done || s.failed }

// Failed tells whether the upstream has sent an error.
func (s *mediaStream) Failed() bool { return s.failed }

// Ordered marks the stream: a segment comes before the text that repeats it.
func (s *mediaStream) Ordered() {}

// Event reads one event.
func (s *mediaStream) Event(_ string, data []byte) (*wire.Event, error) {
	if string(data) == "[DONE]" && s.done {
		return &wire.Event{End: true}, nil
	}
	if s.failed {
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
	if err := root.CheckKeys(mediaEventFields); err != nil {
		return nil, &wire.Error{Err: err}
	}
	kind := root.Get("type").Str()
	end, known := mediaEvents[kind]
	if e := root.Get("error"); e.Exists() && !e.IsNull() || kind == "error" {
		end, known, s.failed = true, true, true
	}
	if !known {
		return nil, read.Wrong("type", "an event that is not known")
	}
	ev := &wire.Event{End: end}
	for k, v := range root.Members() {
		s.member(ev, kind, k.Str(), v, data)
	}
	s.done = s.done || end
	return ev, nil
}

func (s *mediaStream) member(ev *wire.Event, kind, key string, v strictjson.Value, data []byte) {
	said := v.Kind() == strictjson.String && strings.HasPrefix(kind, "transcript.")
	switch {
	case key == "type", key == "logprobs":
	case key == "usage":
		s.usage = mediaUsage(v)
	case (key == "b64_json" || key == "audio") && v.Kind() == strictjson.String:
	case key == "delta" && said:
		s.spoke = true
		text := addPiece(ev, wire.Channel{Name: "text"}, v, data, false)
		if s.assemble {
			s.said.Write(text)
		}
	case key == "text" && said:
		text := addPiece(ev, wire.Channel{Name: "whole"}, v, data, true)
		ev.Pieces[len(ev.Pieces)-1].Copy = s.spoke && kind == "transcript.text.done"
		if kind == "transcript.text.done" {
			ev.Closed = append(ev.Closed, wire.Channel{Name: "text"})
			s.whole = string(text)
		} else if s.assemble {
			s.segments.Write(append(text[:len(text):len(text)], ' '))
		}
	default:
		leaves(v, key, func(path string, leaf strictjson.Value) {
			addPiece(ev, wire.Channel{Choice: -1, Name: path}, leaf, data, true)
		})
	}
}

// Rewrite puts the texts into the event, which then has no probabilities, as
// they repeat the text.
func (s *mediaStream) Rewrite(ev *wire.Event, data []byte, texts []wire.PieceText, _ func(wire.CallKey) wire.Verdict) ([]wire.Written, error) {
	doc, err := strictjson.Parse(data, strictjson.Limits{})
	if err != nil {
		return nil, err
	}
	defer doc.Release()
	var edits []strictjson.Replacement
	for _, t := range texts {
		p := &ev.Pieces[t.Piece]
		edits = append(edits, strictjson.Replacement{Start: p.Start, End: p.End, Text: strictjson.AppendQuoted(nil, string(t.Text))})
	}
	if v := doc.Root().Get("logprobs"); len(edits) > 0 && v.Kind() == strictjson.Array {
		edits = append(edits, read.Replace(v, []byte("[]")))
	}
	read.Sort(edits)
	return wire.Kept(strictjson.Splice(nil, data, edits)), nil
}

// Response is what was said; nothing was where the stream is no transcript.
func (s *mediaStream) Response() *wire.Response {
	if !s.assemble {
		return nil
	}
	resp := &wire.Response{Usage: s.usage}
	said := s.whole
	if s.spoke {
		said = withPieces(s.said.String(), s.whole)
	}
	said = withPieces(said, s.segments.String())
	if said != "" {
		resp.Choices = []wire.Choice{{Content: said}}
	}
	return resp
}

// Refuse ends the stream with OpenAI's error and the terminator.
func (s *mediaStream) Refuse(r wire.Refusal) []byte { return endStream(r) }

// Interface guard
var _ wire.Ordered = (*mediaStream)(nil)
