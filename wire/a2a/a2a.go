// Package a2a reads and writes the Agent2Agent protocol, versions 0.3 and 1.0,
// in two of its bindings: JSON-RPC at the prefix itself, and HTTP+JSON below it.
//
// Sources: the specification and its types (a2a.json of 0.3, a2a.proto of 1.0).
//
// What one agent says to another is a prompt without a model and without tools;
// what comes back, a message or a task with its artifacts, is a reply of one
// choice. Methods that carry no prompt are governed too, for their replies
// carry content.
//
// Refused are batches, push notifications (content that goes to a URL later and
// past the gate) and extended cards: the URLs of a card lead clients around the
// gate, and nobody here knows the gate's own. The public card stands at the
// host's root, /.well-known/agent-card.json, which is for the operator to serve.
package a2a

import (
	"net/http"

	"github.com/headgate/headgate/wire"
)

// Dialect is A2A below one path prefix.
type Dialect struct{}

// Name is "a2a".
func (Dialect) Name() string { return "a2a" }

// Why known methods and paths are refused.
const (
	refusedPush = "push notifications send content past the gate and are not supported"
	refusedCard = "an extended agent card names URLs around the gate and is not supported"
)

// Endpoints lists what is governed, and what is known and refused. The paths of
// HTTP+JSON stand below the prefix, below /v1 (0.3) and below a tenant (1.0).
func (Dialect) Endpoints() []wire.Endpoint {
	list := []wire.Endpoint{
		{Method: http.MethodPost, Path: "", Codec: RPC{}},
		{Method: http.MethodPost, Path: "/", Codec: RPC{}},
	}
	for _, below := range []string{"", "/v1", "/{tenant}"} {
		for _, e := range restEndpoints() {
			e.Path = below + e.Path
			list = append(list, e)
		}
	}
	return list
}

// restEndpoints are the endpoints of HTTP+JSON.
func restEndpoints() []wire.Endpoint {
	media := []string{"application/json", "application/a2a+json"}
	const push = "/tasks/{task}/pushNotificationConfigs"
	return []wire.Endpoint{
		{Method: http.MethodPost, Path: "/message:send", Media: media, Codec: REST{sendMessage}},
		{Method: http.MethodPost, Path: "/message:stream", Media: media, Codec: REST{streamMessage}},
		{Method: http.MethodGet, Path: "/tasks", Bodyless: true, Codec: REST{readTask}},
		{Method: http.MethodGet, Path: "/tasks/{id}", Bodyless: true, Codec: REST{readTask}},
		{Method: http.MethodPost, Path: "/tasks/{id}:cancel", Media: media, Codec: REST{readTask}},
		{Method: http.MethodGet, Path: "/tasks/{id}:subscribe", Bodyless: true, Codec: REST{streamTask}},
		{Method: http.MethodPost, Path: "/tasks/{id}:subscribe", Media: media, Codec: REST{streamTask}},
		{Method: http.MethodPost, Path: push, Refused: refusedPush},
		{Method: http.MethodGet, Path: push, Refused: refusedPush},
		{Method: http.MethodGet, Path: push + "/{config}", Refused: refusedPush},
		{Method: http.MethodDelete, Path: push + "/{config}", Refused: refusedPush},
		{Method: http.MethodGet, Path: "/extendedAgentCard", Refused: refusedCard},
		{Method: http.MethodGet, Path: "/card", Refused: refusedCard},
	}
}

// SetCredential puts the key where agents expect it.
func (Dialect) SetCredential(h http.Header, key string) {
	h.Set("Authorization", "Bearer "+key)
}

// Refuse writes a refusal as HTTP+JSON has it, see [REST].
func (Dialect) Refuse(r wire.Refusal) (int, []byte) { return r.Code.Status(), restError(r) }

// Interface guards
var (
	_ wire.Dialect   = Dialect{}
	_ wire.ChatCodec = RPC{}
	_ wire.Refuser   = RPC{}
	_ wire.ChatCodec = REST{}
)
