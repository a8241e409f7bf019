package openai

import (
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// Moderations is the codec of POST /moderations.
type Moderations struct{}

// Protocol is "openai.moderations".
func (Moderations) Protocol() string { return "openai.moderations" }

// Request reads a request whose `input` is a string, an array of strings, or
// an array of parts: {"type": "text", "text"} and {"type": "image_url",
// "image_url": {"url"}}. The model may be left out, and is then empty.
func (Moderations) Request(in wire.Incoming) (wire.Request, error) {
	return readPlain(in, plainKind{prompt: "input", anyModel: true, parts: true})
}

// Reply reads
//
//	{"id", "model", "results": [{"flagged", "categories", "category_scores", "category_applied_input_types"}]}
func (Moderations) Reply(body []byte) (wire.Reply, error) {
	return readPlainReply(body, "results", func(r *plainReply, e strictjson.Value) error {
		if e.Kind() != strictjson.Object {
			return read.Wrong("results", "must hold objects")
		}
		r.words(e, "results")
		return nil
	})
}

// Stream is of no use: moderations are not streamed.
func (Moderations) Stream(wire.StreamOptions) wire.Stream { return noStream{} }

// Interface guard
var _ wire.ChatCodec = Moderations{}
