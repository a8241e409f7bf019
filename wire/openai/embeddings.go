package openai

import (
	"encoding/base64"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// Embeddings is the codec of POST /embeddings.
type Embeddings struct{}

// Protocol is "openai.embeddings".
func (Embeddings) Protocol() string { return "openai.embeddings" }

// Request reads a request whose `input` is a string or an array of strings.
// Token ids, alone or in arrays, are refused.
func (Embeddings) Request(in wire.Incoming) (wire.Request, error) {
	return readPlain(in, plainKind{prompt: "input"})
}

// Reply reads
//
//	{"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.1, …]}], "model", "usage"}
//
// where an embedding is an array of numbers or their bytes in base64, and no
// text. It may be large, so the bound on its values is a higher one.
func (Embeddings) Reply(body []byte) (wire.Reply, error) {
	return readPlainReply(body, "data", func(r *plainReply, e strictjson.Value) error {
		if e.Kind() != strictjson.Object {
			return read.Wrong("data", "must hold objects")
		}
		if err := e.CheckKeys(entryFields); err != nil {
			return &wire.Error{Path: "data", Err: err}
		}
		for k, v := range e.Members() {
			if k.EqualStr("object") || k.EqualStr("embedding") && isBase64(v) {
				continue
			}
			r.words(v, "data")
		}
		return nil
	})
}

func isBase64(v strictjson.Value) bool {
	if v.Kind() != strictjson.String {
		return false
	}
	_, err := base64.StdEncoding.DecodeString(v.Str())
	return err == nil
}

// Stream is of no use: embeddings are not streamed.
func (Embeddings) Stream(wire.StreamOptions) wire.Stream { return noStream{} }

// Interface guard
var _ wire.ChatCodec = Embeddings{}
