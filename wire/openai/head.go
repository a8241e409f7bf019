package openai

import (
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// head is what the requests of all endpoints have in common.
type head struct {
	model  string // empty where the request names none
	inPath bool   // the path names it, as Azure's does; the body's is ignored there
	inBody bool
	stream bool
}

func (h *head) Model() string { return h.model }
func (h *head) Stream() bool  { return h.stream }

// readHead reads the head of a request whose fields are known. That a model
// must be named is for the caller to check.
func readHead(root strictjson.Value, known *strictjson.KeySet, params wire.Params) (head, error) {
	var h head
	if root.Kind() != strictjson.Object {
		return h, read.Wrong("", "the body is not a JSON object")
	}
	if err := root.CheckKeys(known); err != nil {
		return h, &wire.Error{Err: err}
	}
	model := root.Get("model")
	if h.model = model.Str(); h.model == "" && model.Exists() && !model.IsNull() {
		return h, errModel
	}
	h.inBody = h.model != ""
	if name, ok := params["model"]; ok {
		h.model, h.inPath = name, true
	}
	if root.Get("models").Exists() || root.Get("preset").Exists() {
		return h, read.Wrong("models", "a request names its model in one place, \"model\"")
	}
	if s := root.Get("stream"); s.Exists() && !s.IsNull() && s.Kind() != strictjson.True && s.Kind() != strictjson.False {
		return h, read.Wrong("stream", "must be true or false")
	}
	h.stream = root.Get("stream").Bool()
	return h, nil
}

var errModel = read.Wrong("model", "must be a string that names a model")
