package anthropic

import (
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// CountTokens is the codec of POST /v1/messages/count_tokens, which takes what
// /v1/messages takes and answers with a number:
//
//	{"input_tokens": 14}
type CountTokens struct{}

// Protocol is "anthropic.count_tokens".
func (CountTokens) Protocol() string { return "anthropic.count_tokens" }

// Request reads a request to count a prompt's tokens.
func (CountTokens) Request(in wire.Incoming) (wire.Request, error) { return readRequest(in) }

// Reply reads a count. A message in its place is refused.
func (CountTokens) Reply(body []byte) (wire.Reply, error) {
	doc, err := strictjson.Parse(body, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	r := &reply{body: body, root: doc.Root()}
	if err := r.root.CheckKeys(replyFields); err != nil {
		return nil, &wire.Error{Err: err}
	}
	if _, ok := r.root.Get("input_tokens").Int(); !ok || r.root.Get("content").Exists() {
		return nil, read.Wrong("input_tokens", "the reply is not a count of tokens")
	}
	r.members()
	return r, nil
}

// Stream understands nothing: a count is never streamed.
func (CountTokens) Stream(o wire.StreamOptions) wire.Stream {
	return &stream{none: true, assemble: o.Assemble}
}
