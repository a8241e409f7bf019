package openai

import (
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
)

// responsesAsk is the codec of an endpoint that takes items and answers with
// an object that is not a stream: a count, a conversation, a list of items.
type responsesAsk struct{ kind askKind }

// Protocol is "openai.responses".
func (responsesAsk) Protocol() string { return responsesProtocol }

// Request reads a request with items.
func (c responsesAsk) Request(in wire.Incoming) (wire.Request, error) { return readAsk(in, c.kind) }

// Reply reads an object, a list or a single item.
func (responsesAsk) Reply(body []byte) (wire.Reply, error) { return readResponse(body) }

// Stream understands nothing, since these endpoints do not stream.
func (responsesAsk) Stream(wire.StreamOptions) wire.Stream { return &responseStream{none: true} }

// Refuse writes refusals as those of POST /responses are.
func (responsesAsk) Refuse(r wire.Refusal) (int, []byte) { return refuseResponse(r) }

// Stored is the codec of requests for what the upstream keeps: a response, its
// items, a conversation. They carry no prompt; what comes back is decided as
// if it came at once, tool calls included.
type Stored struct{}

// Protocol is "openai.responses".
func (Stored) Protocol() string { return responsesProtocol }

// Request reads the ids in the path, and from the query whether the reply is to
// be streamed.
func (Stored) Request(in wire.Incoming) (wire.Request, error) {
	r := &storedRequest{refs: pathIDs(in.Params)}
	switch in.Query.Get("stream") {
	case "true":
		r.stream = true
	case "", "false":
	default:
		return nil, read.Wrong("stream", "must be true or false")
	}
	if after := in.Query.Get("after"); after != "" {
		r.refs = append(r.refs, after)
	}
	return r, nil
}

// Reply reads a response, a list or a single item.
func (Stored) Reply(body []byte) (wire.Reply, error) { return readResponse(body) }

// Stream starts reading a response that is streamed, from its beginning or
// from somewhere inside.
func (Stored) Stream(o wire.StreamOptions) wire.Stream { return newResponseStream(o) }

// Refuse writes refusals as those of POST /responses are.
func (Stored) Refuse(r wire.Refusal) (int, []byte) { return refuseResponse(r) }

// storedRequest is a request without a prompt.
type storedRequest struct {
	refs   []string
	stream bool
}

func (r *storedRequest) Model() string          { return "" }
func (r *storedRequest) Stream() bool           { return r.stream }
func (r *storedRequest) Tools() []string        { return nil }
func (r *storedRequest) Unscanned() []string    { return nil }
func (r *storedRequest) Texts() []wire.Text     { return nil }
func (r *storedRequest) Results() []wire.Result { return nil }
func (r *storedRequest) Messages() []byte       { return []byte("[]") }
func (r *storedRequest) Release()               {}
func (r *storedRequest) References() []string   { return r.refs }

// Promptless marks the request; it is never called.
func (r *storedRequest) Promptless() {}

func (r *storedRequest) ForceModel([]byte, string) ([]byte, error) {
	return nil, read.Wrong("", "a request without a prompt has no model")
}

func (r *storedRequest) HideTools(body []byte, _ func(string) bool) ([]byte, error) {
	return body, nil
}

// Interface guards
var (
	_ wire.ChatCodec  = responsesAsk{}
	_ wire.Refuser    = responsesAsk{}
	_ wire.ChatCodec  = Stored{}
	_ wire.Refuser    = Stored{}
	_ wire.Promptless = (*storedRequest)(nil)
	_ wire.Referrer   = (*storedRequest)(nil)
)
