package anthropic

import (
	"fmt"
	"net/http"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/jsonl"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// restEndpoints are those beside messages.
func restEndpoints() []wire.Endpoint {
	return []wire.Endpoint{
		{Method: http.MethodPost, Path: "/batches", Codec: Batches{}},
		{Method: http.MethodGet, Path: "/batches", Codec: wire.KeptList{API: "anthropic.batches"}, Bodyless: true},
		{Method: http.MethodGet, Path: "/batches/{batch}", Codec: batches, Bodyless: true},
		{Method: http.MethodDelete, Path: "/batches/{batch}", Codec: batches, Bodyless: true},
		{Method: http.MethodPost, Path: "/batches/{batch}/cancel", Codec: batches, Bodyless: true},
		{Method: http.MethodGet, Path: "/batches/{batch}/results", Codec: BatchResults{}, Bodyless: true},
	}
}

const batchEndpoint = "/v1/messages"

// batches are the endpoints that tell of batches.
var batches = wire.Records{API: "anthropic.batches", Keeps: []string{"id"}}

var (
	batchFields  = strictjson.Keys("requests")
	itemFields   = strictjson.Keys("custom_id", "params")
	lineFields   = strictjson.Keys("custom_id", "result")
	resultFields = strictjson.Keys("type", "message", "error")
)

// Batches is the codec of POST /v1/messages/batches:
//
//	{"requests": [{"custom_id": "1", "params": {…}}]}
//
// Each `params` is a request for a message, and is decided as one.
type Batches struct{}

// Protocol is "anthropic.batches".
func (Batches) Protocol() string { return "anthropic.batches" }

// maxItems bounds the requests of a batch; the API takes as many.
const maxItems = 100_000

// Batch reads a batch.
func (Batches) Batch(in wire.Incoming) (*wire.Batch, error) {
	doc, err := strictjson.Parse(in.Body, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	defer doc.Release()
	root := doc.Root()
	if root.Kind() != strictjson.Object {
		return nil, read.Wrong("", "the body is not a JSON object")
	}
	if err := root.CheckKeys(batchFields); err != nil {
		return nil, &wire.Error{Err: err}
	}
	requests := root.Get("requests")
	if requests.Kind() != strictjson.Array || requests.Len() == 0 || requests.Len() > maxItems {
		return nil, read.Wrong("requests", "must be an array of requests")
	}
	b, rest := &wire.Batch{}, &wire.Nothing{}
	b.Rest = rest
	word := func(leaf strictjson.Value) {
		start, end := leaf.Span()
		rest.Words = append(rest.Words, wire.Text{Start: start, End: end, Place: wire.Place{List: "requests", Index: -1}})
	}
	for i, e := range requests.Elems() {
		name := fmt.Sprintf("requests[%d]", i)
		if err := e.CheckKeys(itemFields); err != nil {
			return nil, &wire.Error{Path: name, Err: err}
		}
		if e.Get("params").Kind() != strictjson.Object {
			return nil, read.Wrong(name+".params", "must be an object")
		}
		it := wire.Item{Name: name, Endpoint: batchEndpoint, Codec: Messages{}}
		it.Start, it.End = e.Get("params").Span()
		b.Items = append(b.Items, it)
		for k, v := range e.Members() {
			if !k.EqualStr("params") {
				read.EveryString(v, word)
			}
		}
	}
	for k, v := range root.Members() {
		if !k.EqualStr("requests") {
			read.EveryString(v, word)
		}
	}
	return b, nil
}

// Record reads what the upstream keeps now.
func (Batches) Record(body []byte) (wire.Reply, error) { return batches.Record(body) }

// BatchResults is the codec of GET /v1/messages/batches/{batch}/results, lines
// of
//
//	{"custom_id": "1", "result": {"type": "succeeded", "message": {…}}}
//
// Each message is decided as a reply. One that is denied becomes a result of
// the type "errored".
type BatchResults struct{}

// Protocol is "anthropic.batches".
func (BatchResults) Protocol() string { return "anthropic.batches" }

// Ask reads a request.
func (BatchResults) Ask(in wire.Incoming) (wire.Request, error) { return batches.Ask(in) }

// Results reads the results.
func (BatchResults) Results(body []byte) (*wire.Results, error) {
	res := &wire.Results{}
	err := jsonl.Each(body, 0, len(body), func(l *jsonl.Line) error {
		if err := l.Root.CheckKeys(lineFields); err != nil {
			return err
		}
		result := l.Root.Get("result")
		if result.Kind() != strictjson.Object {
			return read.Wrong("result", "must be an object")
		}
		if err := result.CheckKeys(resultFields); err != nil {
			return err
		}
		word := func(leaf strictjson.Value) { res.Words = append(res.Words, l.Text(leaf, "results")) }
		for k, v := range l.Root.Members() {
			if !k.EqualStr("result") {
				read.EveryString(v, word)
			}
		}
		message := result.Get("message")
		for k, v := range result.Members() {
			if !k.EqualStr("message") && !k.EqualStr("type") {
				read.EveryString(v, word)
			}
		}
		switch {
		case message.Kind() == strictjson.Object:
			it := wire.Item{Name: l.Name, Endpoint: batchEndpoint, Codec: Messages{}, Denied: deniedResult}
			it.Start, it.End = l.Span(message)
			it.From, it.To = l.Span(result)
			res.Items = append(res.Items, it)
		case message.Exists() && !message.IsNull(), result.Get("type").EqualStr("succeeded"):
			return read.Wrong("result.message", "must be an object")
		}
		return nil
	})
	return res, err
}

// deniedResult is the result that takes the place of one that is denied.
func deniedResult(r wire.Refusal) []byte {
	return append(append([]byte(`{"type":"errored","error":`), errorObject(r)...), '}')
}

// Interface guards
var (
	_ wire.BatchCodec   = Batches{}
	_ wire.ResultsCodec = BatchResults{}
)
