// Package openai reads and writes OpenAI's API and all that speak like it.
//
// Sources: the OpenAI OpenAPI document, the official SDKs, and recordings of
// compatible providers. Governed so far: POST /chat/completions, /completions
// and /responses, as JSON and as a stream of server-sent events, /embeddings,
// /moderations, images and audio, models, files and batches; what the upstream
// keeps of responses and conversations.
package openai

import (
	"net/http"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

// Dialect is OpenAI's API below one path prefix.
type Dialect struct{}

// Name is "openai".
func (Dialect) Name() string { return "openai" }

// Endpoints lists what is governed.
func (Dialect) Endpoints() []wire.Endpoint {
	list := []wire.Endpoint{
		{Method: http.MethodPost, Path: "/chat/completions", Codec: Chat{}},
		{Method: http.MethodPost, Path: "/completions", Codec: Completions{}},
		{Method: http.MethodPost, Path: "/embeddings", Codec: Embeddings{}},
		{Method: http.MethodPost, Path: "/moderations", Codec: Moderations{}},
	}
	list = append(list, responsesEndpoints()...)
	return append(list, restEndpoints()...)
}

// SetCredential puts the key where OpenAI's clients put it.
func (Dialect) SetCredential(h http.Header, key string) {
	h.Set("Authorization", "Bearer "+key)
}

// Refuse writes a refusal as OpenAI's error object:
//
//	{"error": {"message": …, "type": …, "param": null, "code": …}}
func (Dialect) Refuse(r wire.Refusal) (int, []byte) {
	return r.Code.Status(), errorObject(r)
}

func errorObject(r wire.Refusal) []byte { return errorObjectCode(r, "") }

// errorObjectCode writes the code that a client looks for, where that is not
// the refusal's own.
func errorObjectCode(r wire.Refusal, own string) []byte {
	kind, code := "invalid_request_error", string(r.Code)
	switch r.Code {
	case wire.CodePolicyDenied:
		kind = "policy_denied"
	case wire.CodeApprovalRequired:
		kind = "policy_denied"
	case wire.CodeAuthentication:
		kind, code = "authentication_error", "invalid_api_key"
	case wire.CodeUnavailable, wire.CodeUpstream, wire.CodeUpstreamTimeout, wire.CodeInternal:
		kind = "server_error"
	}
	if own != "" {
		code = own
	}
	b := []byte(`{"error":{"message":`)
	b = strictjson.AppendQuoted(b, r.Reason)
	b = append(b, `,"type":"`...)
	b = append(b, kind...)
	b = append(b, `","param":null,"code":"`...)
	b = append(b, code...)
	return append(b, `"}}`...)
}

// Interface guards
var (
	_ wire.Dialect   = Dialect{}
	_ wire.ChatCodec = Chat{}
)
