package ollama

import (
	"errors"
	"fmt"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// Embed is the codec of POST /embed.
type Embed struct{}

// Protocol is "ollama.embeddings".
func (Embed) Protocol() string { return "ollama.embeddings" }

// Request reads a request whose `input` is a string or an array of strings,
// each of which is a user message.
func (Embed) Request(in wire.Incoming) (wire.Request, error) {
	return readRequest(in, false, func(r *request) error {
		if err := r.alone("input", foreign...); err != nil {
			return err
		}
		input := r.root.Get("input")
		switch input.Kind() {
		case strictjson.String, strictjson.Null, strictjson.Invalid:
			if err := r.say("user", "input", input); err != nil {
				return err
			}
		case strictjson.Array:
			for i, e := range input.Elems() {
				if e.Kind() != strictjson.String {
					return read.Wrong(fmt.Sprintf("input[%d]", i), "must be a string")
				}
				if err := r.say("user", "input", e); err != nil {
					return err
				}
			}
		default:
			return read.Wrong("input", "must be a string or an array of strings")
		}
		r.others("input")
		return nil
	})
}

// foreign are the members that requests for embeddings do not have.
var foreign = append([]string{"suffix", "system", "template", "images"}, toolNames...)

// Reply reads {"model", "embeddings": [[0.1, …]], "prompt_eval_count", …}.
func (Embed) Reply(body []byte) (wire.Reply, error) { return readNumbers(body, "embeddings") }

// Stream is of no use: embeddings are not streamed.
func (Embed) Stream(wire.StreamOptions) wire.Stream { return noStream{} }

// Embeddings is the codec of POST /embeddings, which is older.
type Embeddings struct{}

// Protocol is "ollama.embeddings".
func (Embeddings) Protocol() string { return "ollama.embeddings" }

// Request reads a request whose `prompt` is a string.
func (Embeddings) Request(in wire.Incoming) (wire.Request, error) {
	return readRequest(in, false, func(r *request) error {
		if err := r.alone("prompt", foreign...); err != nil {
			return err
		}
		if err := r.say("user", "prompt", r.root.Get("prompt")); err != nil {
			return err
		}
		r.others("prompt")
		return nil
	})
}

// Reply reads {"embedding": [0.1, …]}.
func (Embeddings) Reply(body []byte) (wire.Reply, error) { return readNumbers(body, "embedding") }

// Stream is of no use: embeddings are not streamed.
func (Embeddings) Stream(wire.StreamOptions) wire.Stream { return noStream{} }

// maxNumbers lets a batch of embeddings through.
const maxNumbers = 1 << 22

// numbers is a reply that says nothing but numbers.
type numbers struct{ *reply }

// readNumbers reads a reply whose numbers are the array list. A policy sees a
// reply without choices.
func readNumbers(body []byte, list string) (wire.Reply, error) {
	doc, err := strictjson.Parse(body, strictjson.Limits{Nodes: maxNumbers})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	r := &reply{body: body, root: doc.Root()}
	if r.root.Kind() != strictjson.Object {
		return nil, read.Wrong("", "the reply is not a JSON object")
	}
	if err := r.root.CheckKeys(replyFields); err != nil {
		return nil, &wire.Error{Err: err}
	}
	if r.root.Get(list).Kind() != strictjson.Array && !given(r.root.Get("error")) {
		return nil, read.Wrong(list, "must be an array")
	}
	for k, v := range r.root.Members() {
		if key := k.Str(); key != "model" {
			read.EveryString(v, func(leaf strictjson.Value) { r.text(leaf, -1, wire.Place{List: key, Index: -1}) })
		}
	}
	return numbers{r}, nil
}

// Response has no choices.
func (n numbers) Response() *wire.Response { return &wire.Response{Usage: readUsage(n.root)} }

// Rewrite puts the replaced texts into the reply.
func (n numbers) Rewrite(texts []strictjson.Replacement, _ []wire.Verdict) ([]byte, error) {
	edits := append([]strictjson.Replacement(nil), texts...)
	read.Sort(edits)
	return strictjson.Splice(nil, n.body, edits), nil
}

// noStream is the stream of an endpoint that has none: every line is one too
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
func (noStream) Refuse(r wire.Refusal) []byte { return append(errorObject(r), '\n') }

// Interface guards
var (
	_ wire.Reply  = numbers{}
	_ wire.Stream = noStream{}
)
