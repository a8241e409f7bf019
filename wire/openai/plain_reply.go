package openai

import (
	"errors"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// maxReplyNodes lets a batch of embeddings through: its numbers are far more
// than the values of any other reply (2,048 inputs of 1,536 numbers).
const maxReplyNodes = 1 << 22

// plainReply is a reply that says nothing: numbers, and whatever strings stand
// beside them. A policy sees a reply without choices.
type plainReply struct {
	body  []byte
	root  strictjson.Value
	texts []wire.Text
	usage *wire.Usage
}

func (r *plainReply) Model() string      { return r.root.Get("model").Str() }
func (r *plainReply) Texts() []wire.Text { return r.texts }
func (r *plainReply) Calls() []wire.Call { return nil }

// Response has no choices.
func (r *plainReply) Response() *wire.Response { return &wire.Response{Usage: r.usage} }

// Rewrite puts the replaced texts into the reply.
func (r *plainReply) Rewrite(texts []strictjson.Replacement, _ []wire.Verdict) ([]byte, error) {
	edits := append([]strictjson.Replacement(nil), texts...)
	read.Sort(edits)
	return strictjson.Splice(nil, r.body, edits), nil
}

// readPlainReply reads a reply whose results are the array list; entry adds
// the texts of one of them.
func readPlainReply(body []byte, list string, entry func(r *plainReply, e strictjson.Value) error) (wire.Reply, error) {
	doc, err := strictjson.Parse(body, strictjson.Limits{Nodes: maxReplyNodes})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	r := &plainReply{body: body, root: doc.Root()}
	if r.root.Kind() != strictjson.Object {
		return nil, read.Wrong("", "the reply is not a JSON object")
	}
	if err := r.root.CheckKeys(listFields); err != nil {
		return nil, &wire.Error{Err: err}
	}
	if r.root.Get(list).Kind() != strictjson.Array && r.root.Get("error").Kind() != strictjson.Object {
		return nil, read.Wrong(list, "must be an array")
	}
	r.usage = inputUsage(r.root.Get("usage"))
	for k, v := range r.root.Members() {
		switch key := k.Str(); key {
		case "id", "object", "model", "created", "usage":
		case list:
			for _, e := range v.Elems() {
				if err := entry(r, e); err != nil {
					return nil, err
				}
			}
		default:
			r.words(v, key)
		}
	}
	return r, nil
}

func (r *plainReply) words(v strictjson.Value, list string) {
	leaves(v, "", func(_ string, leaf strictjson.Value) {
		start, end := leaf.Span()
		r.texts = append(r.texts, wire.Text{Start: start, End: end, Place: wire.Place{List: list, Index: -1}, Choice: -1})
	})
}

// inputUsage reads what was spent on a prompt alone; some providers give
// nothing but the total.
func inputUsage(v strictjson.Value) *wire.Usage {
	u := readUsage(v)
	if u != nil && !v.Get("prompt_tokens").Exists() {
		u.Input, _ = v.Get("total_tokens").Int()
	}
	return u
}

// noStream is the stream of an endpoint that has none: every event is one too
// many.
type noStream struct{}

var errNoStream = errors.New("a stream where none belongs")

func (noStream) Event(string, []byte) (*wire.Event, error) {
	return nil, read.Wrong("", "a stream where none belongs")
}

func (noStream) Rewrite(*wire.Event, []byte, []wire.PieceText, func(wire.CallKey) wire.Verdict) ([]wire.Written, error) {
	return nil, errNoStream
}

func (noStream) Done() bool                   { return false }
func (noStream) Failed() bool                 { return false }
func (noStream) Response() *wire.Response     { return nil }
func (noStream) Model() string                { return "" }
func (noStream) Usage() *wire.Usage           { return nil }
func (noStream) Refuse(r wire.Refusal) []byte { return endStream(r) }

// Interface guards
var (
	_ wire.Reply  = (*plainReply)(nil)
	_ wire.Stream = noStream{}
)
