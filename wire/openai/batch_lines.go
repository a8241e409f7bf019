package openai

import (
	"bytes"
	"maps"
	"slices"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/jsonl"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// batchCodecs are the endpoints that a batch may ask, by the `url` of a line.
var batchCodecs = map[string]wire.ChatCodec{
	"/v1/chat/completions": Chat{},
	"/v1/responses":        Responses{},
	"/v1/completions":      Completions{},
	"/v1/embeddings":       Embeddings{},
	"/v1/moderations":      Moderations{},
}

// resultCodecs read the replies to a batch, by their `object`.
var resultCodecs = map[string]wire.ChatCodec{
	"chat.completion": Chat{},
	"response":        Responses{},
	"text_completion": Completions{},
	"list":            Embeddings{},
}

var (
	lineFields   = strictjson.Keys("custom_id", "method", "url", "body")
	resultFields = strictjson.Keys("id", "custom_id", "response", "error")
	answerFields = strictjson.Keys("status_code", "request_id", "body")
)

// batchLines reads lines of requests:
//
//	{"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {…}}
func batchLines(body []byte, start, end int) (items []wire.Item, words []wire.Text, err error) {
	err = jsonl.Each(body, start, end, func(l *jsonl.Line) error {
		if err := l.Root.CheckKeys(lineFields); err != nil {
			return err
		}
		codec, governed := batchCodecs[l.Root.Get("url").Str()]
		switch {
		case !l.Root.Get("method").EqualStr("POST"):
			return read.Wrong("method", "must be POST")
		case !governed:
			return read.Wrong("url", "an endpoint that is not governed in a batch")
		case l.Root.Get("body").Kind() != strictjson.Object:
			return read.Wrong("body", "must be an object")
		}
		it := wire.Item{Name: l.Name, Endpoint: l.Root.Get("url").Str(), Codec: codec}
		it.Start, it.End = l.Span(l.Root.Get("body"))
		items = append(items, it)
		for k, v := range l.Root.Members() {
			switch k.Str() {
			case "method", "url", "body":
			default:
				read.EveryString(v, func(leaf strictjson.Value) { words = append(words, l.Text(leaf, "batch")) })
			}
		}
		return nil
	})
	if err == nil && len(items) == 0 {
		err = read.Wrong("", "a batch without a request")
	}
	return items, words, err
}

// looksLikeRequests tells whether a line of a text is a request of a batch.
func looksLikeRequests(text []byte) bool {
	return anyLine(text, [2]string{"custom_id", "body"}, [2]string{"url", "body"})
}

// looksLikeReplies tells whether a line of a text is a reply to one.
func looksLikeReplies(text []byte) bool {
	return anyLine(text, [2]string{"custom_id", "response"}, [2]string{"custom_id", "error"})
}

// anyLine tells whether a line of a text, as whoever reads it might cut it, is
// an object with both members of a pair.
func anyLine(text []byte, pairs ...[2]string) bool {
	for line := range bytes.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		line = bytes.TrimLeft(line, " \t\v\f\ufeff")
		if len(line) == 0 || line[0] != '{' {
			continue
		}
		doc, err := strictjson.Parse(line, strictjson.Limits{})
		if err != nil {
			continue
		}
		found := slices.ContainsFunc(pairs, func(p [2]string) bool { return doc.Root().Get(p[0]).Exists() && doc.Root().Get(p[1]).Exists() })
		doc.Release()
		if found {
			return true
		}
	}
	return false
}

// resultLines reads lines of replies:
//
//	{"id", "custom_id", "response": {"status_code": 200, "request_id", "body": {…}}, "error": null}
//
// A body that is no success is an error of the API, whose strings are texts.
func resultLines(body []byte) (*wire.Results, error) {
	res := &wire.Results{}
	err := jsonl.Each(body, 0, len(body), func(l *jsonl.Line) error {
		if err := l.Root.CheckKeys(resultFields); err != nil {
			return err
		}
		for k, v := range l.Root.Members() {
			if !k.EqualStr("id") && !k.EqualStr("response") {
				read.EveryString(v, func(leaf strictjson.Value) { res.Words = append(res.Words, l.Text(leaf, "batch")) })
			}
		}
		response := l.Root.Get("response")
		if !response.Exists() || response.IsNull() {
			return nil
		}
		if response.Kind() != strictjson.Object {
			return read.Wrong("response", "must be an object")
		}
		if err := response.CheckKeys(answerFields); err != nil {
			return err
		}
		return resultLine(res, l, response)
	})
	return res, err
}

func resultLine(res *wire.Results, l *jsonl.Line, response strictjson.Value) error {
	reply := response.Get("body")
	codec := resultCodec(reply)
	status, _ := response.Get("status_code").Int()
	failed := status < 200 || status > 299
	if codec == nil && (!failed || reply.Get("choices").Exists() || reply.Get("output").Exists()) {
		return read.Wrong("response.body", "a kind of reply that is not known")
	}
	for k, v := range response.Members() {
		if key := k.Str(); key == "request_id" || key == "body" && codec != nil {
			continue
		}
		read.EveryString(v, func(leaf strictjson.Value) { res.Words = append(res.Words, l.Text(leaf, "batch")) })
	}
	if codec == nil {
		return nil
	}
	it := wire.Item{Name: l.Name, Endpoint: urlOf(codec), Codec: codec, Denied: deniedResult}
	it.Start, it.End = l.Span(reply)
	it.From, it.To = l.Span(response)
	res.Items = append(res.Items, it)
	return nil
}

// resultCodec finds the kind of a reply; nil for what is none, or of two kinds:
// whoever asked reads it as what was asked for.
func resultCodec(reply strictjson.Value) wire.ChatCodec {
	codec := resultCodecs[reply.Get("object").Str()]
	choices, output := reply.Get("choices"), reply.Get("output")
	if codec == nil && reply.Get("results").Kind() == strictjson.Array {
		codec = Moderations{}
	}
	switch {
	case codec != Chat{} && codec != Completions{} && choices.Exists(), codec != Responses{} && output.Exists():
		return nil
	case codec == Chat{}:
		for _, c := range choices.Elems() {
			if c.Get("text").Exists() {
				return nil
			}
		}
	}
	return codec
}

// urlOf is the endpoint of a codec.
func urlOf(codec wire.ChatCodec) string {
	for _, url := range slices.Sorted(maps.Keys(batchCodecs)) {
		if batchCodecs[url] == codec {
			return url
		}
	}
	return ""
}

// deniedResult is the response that takes the place of one that is denied.
func deniedResult(r wire.Refusal) []byte {
	b := append([]byte(`{"status_code":403,"request_id":"","body":`), errorObject(r)...)
	return append(b, '}')
}
