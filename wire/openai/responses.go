package openai

import (
	"net/http"

	"github.com/headgate/headgate/wire"
)

// Responses is the codec of POST /responses.
type Responses struct{}

// Protocol is "openai.responses".
func (Responses) Protocol() string { return responsesProtocol }

const responsesProtocol = "openai.responses"

// Refuse writes a refusal as OpenAI's error object. What a policy denies is
// 400 with the code "invalid_prompt": agents that speak this API repeat a 403
// several times, and take this one at its word.
func (Responses) Refuse(r wire.Refusal) (int, []byte) {
	return refuseResponse(r)
}

func refuseResponse(r wire.Refusal) (int, []byte) {
	if isPolicy(r.Code) {
		return http.StatusBadRequest, errorObjectCode(r, invalidPrompt)
	}
	return r.Code.Status(), errorObject(r)
}

const invalidPrompt = "invalid_prompt"

func isPolicy(c wire.Code) bool {
	return c == wire.CodePolicyDenied || c == wire.CodeApprovalRequired
}

// responsesEndpoints lists what belongs to the Responses API: responses, the
// conversations that hold them, and what asks for either. A response that was
// made in the background is decided when it is fetched.
func responsesEndpoints() []wire.Endpoint {
	prompt := func(path string, kind askKind) wire.Endpoint {
		return wire.Endpoint{Method: http.MethodPost, Path: path, Codec: responsesAsk{kind}}
	}
	stored := func(method, path string) wire.Endpoint {
		return wire.Endpoint{Method: method, Path: path, Codec: Stored{}, Bodyless: true}
	}
	return []wire.Endpoint{
		{Method: http.MethodPost, Path: "/responses", Codec: Responses{}},
		prompt("/responses/compact", askKind{input: "input", needsModel: true}),
		prompt("/responses/input_tokens", askKind{input: "input"}),
		stored(http.MethodGet, "/responses/{id}"),
		stored(http.MethodDelete, "/responses/{id}"),
		stored(http.MethodPost, "/responses/{id}/cancel"),
		stored(http.MethodGet, "/responses/{id}/input_items"),
		prompt("/conversations", askKind{input: "items"}),
		prompt("/conversations/{id}", askKind{input: "items"}),
		stored(http.MethodGet, "/conversations/{id}"),
		stored(http.MethodDelete, "/conversations/{id}"),
		prompt("/conversations/{id}/items", askKind{input: "items"}),
		stored(http.MethodGet, "/conversations/{id}/items"),
		stored(http.MethodGet, "/conversations/{id}/items/{item}"),
		stored(http.MethodDelete, "/conversations/{id}/items/{item}"),
	}
}

// Interface guards
var (
	_ wire.ChatCodec = Responses{}
	_ wire.Refuser   = Responses{}
)
