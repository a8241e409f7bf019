// Package anthropic reads and writes Anthropic's Messages API and all that
// speak like it.
//
// Sources: Anthropic's API reference, the official SDKs, and recordings of the
// API. Governed are POST /v1/messages, as JSON and as a stream of server-sent
// events, POST /v1/messages/count_tokens, and batches of messages.
//
// Thinking that carries a signature cannot be edited: its words are looked at
// in replies, where an edit refuses the reply, and are the fact opaque_echo in
// requests.
package anthropic

import (
	"net/http"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

// Dialect is Anthropic's API below one path prefix, "/v1/messages".
type Dialect struct{}

// Name is "anthropic".
func (Dialect) Name() string { return "anthropic" }

// Endpoints lists what is governed.
func (Dialect) Endpoints() []wire.Endpoint {
	return append([]wire.Endpoint{
		{Method: http.MethodPost, Path: "", Codec: Messages{}},
		{Method: http.MethodPost, Path: "/count_tokens", Codec: CountTokens{}},
	}, restEndpoints()...)
}

// SetCredential puts the key where Anthropic's clients put it.
func (Dialect) SetCredential(h http.Header, key string) {
	h.Set("X-Api-Key", key)
}

// Refuse writes a refusal as Anthropic's error object:
//
//	{"type": "error", "error": {"type": …, "message": …}, "request_id": null}
func (Dialect) Refuse(r wire.Refusal) (int, []byte) {
	return r.Code.Status(), errorObject(r)
}

func errorObject(r wire.Refusal) []byte {
	kind := "invalid_request_error"
	switch r.Code {
	case wire.CodePolicyDenied, wire.CodeApprovalRequired:
		kind = "permission_error"
	case wire.CodeAuthentication:
		kind = "authentication_error"
	case wire.CodeNotFound:
		kind = "not_found_error"
	case wire.CodeTooLarge:
		kind = "request_too_large"
	case wire.CodeUpstreamTimeout:
		kind = "timeout_error"
	case wire.CodeUnavailable, wire.CodeUpstream, wire.CodeInternal:
		kind = "api_error"
	}
	b := []byte(`{"type":"error","error":{"type":"`)
	b = append(b, kind...)
	b = append(b, `","message":`...)
	b = strictjson.AppendQuoted(b, r.Reason)
	return append(b, `},"request_id":null}`...)
}

// Interface guards
var (
	_ wire.Dialect   = Dialect{}
	_ wire.ChatCodec = Messages{}
	_ wire.ChatCodec = CountTokens{}
)
