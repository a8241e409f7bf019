package openai

import (
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// batches are the endpoints that tell of batches.
var batches = wire.Records{API: "openai.batches", Keeps: batchIDs}

// newBatch is POST /batches, whose requests were decided when their file was
// uploaded.
var newBatch = wire.Records{API: "openai.batches", Keeps: batchIDs, Read: readBatch}

var batchIDs = []string{"id", "batch_id", "output_file_id", "error_file_id"}

var batchFields = strictjson.Keys("input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after")

// readBatch reads
//
//	{"input_file_id": "file-1", "endpoint": "/v1/chat/completions", "completion_window": "24h"}
func readBatch(in wire.Incoming) (*wire.Nothing, error) {
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
	id := root.Get("input_file_id").Str()
	if id == "" {
		return nil, read.Wrong("input_file_id", "must name a file")
	}
	if batchCodecs[root.Get("endpoint").Str()] == nil {
		return nil, read.Wrong("endpoint", "an endpoint that is not governed in a batch")
	}
	n := &wire.Nothing{IDs: []string{id}}
	for k, v := range root.Members() {
		switch k.Str() {
		case "input_file_id", "endpoint":
			continue
		case "completion_window", "metadata", "output_expires_after":
		default:
			if v.Kind() == strictjson.Object || v.Kind() == strictjson.Array { // there are APIs that take requests here
				return nil, read.Wrong("", "a member that is not known")
			}
		}
		read.EveryString(v, func(leaf strictjson.Value) {
			start, end := leaf.Span()
			n.Words = append(n.Words, wire.Text{Start: start, End: end, Place: wire.Place{List: k.Str(), Index: -1}})
		})
	}
	return n, nil
}
