package openai

import (
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// Stream starts reading a streamed completion: chunks as in a chat's stream,
// whose choices hold a piece of the text where a chat's hold a delta.
//
//	{"id", "object": "text_completion", "choices": [{"index", "text", "logprobs", "finish_reason"}], "model"}
func (Completions) Stream(o wire.StreamOptions) wire.Stream {
	return newChunks(o, (*chatStream).textMembers)
}

// textMembers reads a choice of a completion. Strings beside the text are
// channels too, because a provider may stream them likewise.
func (s *chatStream) textMembers(ev *wire.Event, ch *streamChoice, c strictjson.Value, data []byte) error {
	if err := checkTextChoice(c); err != nil {
		return &wire.Error{Path: "choices", Err: err}
	}
	if t := c.Get("text"); t.Exists() && t.Kind() != strictjson.String && !t.IsNull() {
		return read.Wrong("choices.text", "must be a string")
	}
	said := false
	for k, v := range c.Members() {
		if k.EqualStr("index") || k.EqualStr("finish_reason") || k.EqualStr("logprobs") {
			continue
		}
		name := k.Str()
		leaves(v, name, func(path string, leaf strictjson.Value) {
			text := addPiece(ev, wire.Channel{Choice: ch.index, Name: path}, leaf, data, false)
			said = said || len(text) > 0
			switch path {
			case "text":
				s.say(ch, "content", text)
			case "reasoning", "reasoning_content":
				s.say(ch, path, text)
			}
		})
	}
	if said && ch.ended {
		return read.Wrong("choices", "text after the end of its choice")
	}
	return nil
}
