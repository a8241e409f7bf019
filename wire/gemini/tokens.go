package gemini

import (
	"errors"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/sse"
	"github.com/headgate/headgate/wire/strictjson"
)

// CountTokens is the codec of POST …:countTokens, which takes `contents`, or,
// as generateContentRequest, all that generateContent takes.
type CountTokens struct{ noStream }

// Protocol is "gemini.count_tokens".
func (CountTokens) Protocol() string { return "gemini.count_tokens" }

// Request reads a request to count a prompt's tokens.
func (CountTokens) Request(in wire.Incoming) (wire.Request, error) {
	return readRequest(in, shape{prompt: "contents", wrapped: true})
}

// Reply reads
//
//	{"totalTokens": 14, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 14}]}
func (CountTokens) Reply(body []byte) (wire.Reply, error) { return readNumbers(body) }

// ComputeTokens is the codec of POST …:computeTokens, which Vertex AI has.
type ComputeTokens struct{ noStream }

// Protocol is "gemini.compute_tokens".
func (ComputeTokens) Protocol() string { return "gemini.compute_tokens" }

// Request reads a request to cut a prompt into tokens.
func (ComputeTokens) Request(in wire.Incoming) (wire.Request, error) {
	return readRequest(in, shape{prompt: "contents"})
}

// Reply reads
//
//	{"tokensInfo": [{"role": "user", "tokenIds": ["1841"], "tokens": ["aGk="]}]}
//
// whose tokens are the prompt again, cut into pieces of bytes.
func (ComputeTokens) Reply(body []byte) (wire.Reply, error) { return readNumbers(body) }

// maxReplyNodes lets a batch of embeddings through, whose numbers are far more
// than the values of any other reply.
const maxReplyNodes = 1 << 22

// numbers is a reply that says nothing: numbers, and whatever strings stand
// beside them. A policy sees a reply without choices.
type numbers struct {
	body  []byte
	texts []wire.Text
	usage *wire.Usage
}

func (r *numbers) Model() string      { return "" }
func (r *numbers) Texts() []wire.Text { return r.texts }
func (r *numbers) Calls() []wire.Call { return nil }

// Response has no choices.
func (r *numbers) Response() *wire.Response { return &wire.Response{Usage: r.usage} }

// Rewrite puts the replaced texts into the reply.
func (r *numbers) Rewrite(texts []strictjson.Replacement, _ []wire.Verdict) ([]byte, error) {
	e := editor{texts: texts}
	return e.splice(r.body), nil
}

// readNumbers reads a reply that is not generated content.
func readNumbers(body []byte) (wire.Reply, error) {
	doc, err := strictjson.Parse(body, strictjson.Limits{Nodes: maxReplyNodes})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	root := doc.Root()
	if err := replyFields.check(root, ""); err != nil {
		return nil, err
	}
	if get(root, "candidates").Exists() {
		return nil, read.Wrong("candidates", "generated content where none belongs")
	}
	r := &numbers{body: body}
	if r.usage, err = usageOf(root); err != nil {
		return nil, err
	}
	for k, m := range root.Members() {
		key := camel(k.Str())
		s := sink{text: func(leaf strictjson.Value) {
			start, end := leaf.Span()
			r.texts = append(r.texts, wire.Text{Start: start, End: end, Place: wire.Place{List: key, Index: -1}, Choice: -1})
		}}
		switch key {
		case "usageMetadata":
		case "tokensInfo":
			for _, e := range list(m) {
				s.besides(e, "tokens", "tokenIds")
			}
		default:
			s.member(root, key, m)
		}
	}
	return r, nil
}

// noStream is what endpoints have that are never streamed: every event is one
// too many.
type noStream struct{}

var errNoStream = errors.New("a stream where none belongs")

// Stream understands nothing.
func (noStream) Stream(wire.StreamOptions) wire.Stream { return notStreamed{} }

type notStreamed struct{}

func (notStreamed) Event(string, []byte) (*wire.Event, error) {
	return nil, &wire.Error{Reason: errNoStream.Error()}
}

func (notStreamed) Rewrite(*wire.Event, []byte, []wire.PieceText, func(wire.CallKey) wire.Verdict) ([]wire.Written, error) {
	return nil, errNoStream
}

func (notStreamed) Done() bool                   { return false }
func (notStreamed) Failed() bool                 { return false }
func (notStreamed) Response() *wire.Response     { return &wire.Response{} }
func (notStreamed) Model() string                { return "" }
func (notStreamed) Usage() *wire.Usage           { return nil }
func (notStreamed) Refuse(r wire.Refusal) []byte { return sse.AppendEvent(nil, "", errorObject(r)) }

// Interface guards
var (
	_ wire.ChatCodec = CountTokens{}
	_ wire.ChatCodec = ComputeTokens{}
	_ wire.Reply     = (*numbers)(nil)
)
