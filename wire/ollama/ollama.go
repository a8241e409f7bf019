// Package ollama reads and writes Ollama's own API.
//
// Sources: the server's types (api/types.go) and routes, its API document, and
// recordings. Governed are POST /chat, /generate, /embed and /embeddings. A
// reply is one JSON object, or lines of JSON, which is what a request gets that
// does not say "stream": false.
//
// Lists of models (GET /tags and /ps) leave out what the policy would deny, and
// GET /version passes. The paths that manage models are known and refused; POST
// /show is not known here.
package ollama

import (
	"net/http"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/frame"
	"github.com/headgate/headgate/wire/strictjson"
)

// Dialect is Ollama's API below one path prefix.
type Dialect struct{}

// Name is "ollama".
func (Dialect) Name() string { return "ollama" }

// Why known paths are refused.
const (
	refusedModels  = "models are not managed through the gate"
	refusedAccount = "the server's account is not managed through the gate"
	refusedSearch  = "searching and fetching the web is not supported in this version"
)

// Endpoints lists what is governed, and what is known and refused.
func (Dialect) Endpoints() []wire.Endpoint {
	list := []wire.Endpoint{
		{Method: http.MethodPost, Path: "/chat", Codec: Chat{}},
		{Method: http.MethodPost, Path: "/generate", Codec: Generate{}},
		{Method: http.MethodPost, Path: "/embed", Codec: Embed{}},
		{Method: http.MethodPost, Path: "/embeddings", Codec: Embeddings{}},
		{Method: http.MethodGet, Path: "/tags", Codec: wire.ModelList{API: "ollama.models", Array: "models", Name: "name"}, Bodyless: true},
		{Method: http.MethodGet, Path: "/ps", Codec: wire.ModelList{API: "ollama.models", Array: "models", Name: "name"}, Bodyless: true},
		{Method: http.MethodGet, Path: "/version", Codec: wire.Records{API: "ollama.models"}, Bodyless: true},
	}
	for _, e := range []struct{ method, path, why string }{
		{http.MethodPost, "/create", refusedModels},
		{http.MethodPost, "/push", refusedModels},
		{http.MethodPost, "/pull", refusedModels},
		{http.MethodPost, "/copy", refusedModels},
		{http.MethodDelete, "/delete", refusedModels},
		{http.MethodPost, "/blobs/{digest}", refusedModels},
		{http.MethodHead, "/blobs/{digest}", refusedModels},
		{http.MethodPost, "/me", refusedAccount},
		{http.MethodPost, "/signout", refusedAccount},
		{http.MethodDelete, "/user/keys/{key}", refusedAccount},
		{http.MethodPost, "/experimental/web_search", refusedSearch},
		{http.MethodPost, "/experimental/web_fetch", refusedSearch},
	} {
		list = append(list, wire.Endpoint{Method: e.method, Path: e.path, Refused: e.why})
	}
	return list
}

// SetCredential puts the key where Ollama's clients put it.
func (Dialect) SetCredential(h http.Header, key string) {
	h.Set("Authorization", "Bearer "+key)
}

// Refuse writes a refusal as Ollama's error object: {"error": "…"}.
func (Dialect) Refuse(r wire.Refusal) (int, []byte) {
	return r.Code.Status(), errorObject(r)
}

func errorObject(r wire.Refusal) []byte {
	b := strictjson.AppendQuoted([]byte(`{"error":`), r.Reason)
	return append(b, '}')
}

// ndjson is the framing of all streams.
type ndjson struct{}

// Format frames lines of JSON. Whether a stream was asked for says little: a
// request that only loads a model gets one object in any case.
func (ndjson) Format(media string, _ bool) frame.Format {
	if media == "application/x-ndjson" {
		return frame.Lines
	}
	return nil
}

// Interface guards
var (
	_ wire.Dialect   = Dialect{}
	_ wire.ChatCodec = Chat{}
	_ wire.Framer    = Chat{}
	_ wire.ChatCodec = Generate{}
	_ wire.Framer    = Generate{}
	_ wire.ChatCodec = Embed{}
	_ wire.ChatCodec = Embeddings{}
)
