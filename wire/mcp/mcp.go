// Package mcp reads and writes the Model Context Protocol over HTTP: messages
// of JSON-RPC between an agent (the client) and a server of tools, resources
// and prompts.
//
// Sources: the specification and its schemas, revisions 2024-11-05 to
// 2026-07-28, and the official SDKs. Governed are the streamable transport at
// the prefix (POST, GET, DELETE) and the older one of two endpoints (GET /sse;
// POST /sse, /message or /messages). Batches, which one revision had, are
// refused.
//
// # Decisions
//
//   - tools/call asks pre_tool with the tool's name; its result asks post_tool.
//     resources/read, prompts/get and tasks/result reach for content as well:
//     they ask the same, with the method in place of the tool's name and the
//     parameters as arguments.
//   - sampling/createMessage and elicitation/create, which the server asks the
//     client, ask pre_chat: the messages of the first; of the second its message,
//     its URL and the words of its form as one message of the user, with an
//     empty model. The answer of a client's model asks post_chat, and pre_tool
//     for every call in it.
//   - Lists, notifications and all other methods are in no stage. Their words are
//     redacted as the configuration says. tools/list is shortened by what the
//     policy hides or would deny in any case.
//   - A denied tools/call is answered with a result that is an error, which the
//     model reads; all else with a JSON-RPC error of the code -32010.
//   - What a server must not ask is turned into a request of the method
//     headgate/denied: every client answers that with "method not found", so that
//     the server does not wait for ever.
//   - A method that no revision has is refused with -32601, a notification of
//     that kind does not go on.
//   - On a stream that no request has opened, results are told by their shape,
//     and the tool of a result is unknown ("").
//   - An error that answers one of the methods that ask pre_tool is a result, and
//     asks post_tool.
//   - A client's answer that must not go on becomes an error for the server, which
//     waits for it.
//   - Of a stream's events those without data stay, and those of other names than
//     message (and endpoint, where one is due) do not go on: clients skip them. An
//     event may be as long as a frame may be (8 MiB).
//   - Headers that repeat the body must match it, whatever the revision. Which
//     argument an Mcp-Param header repeats is known to the tool's schema alone: it
//     must be the value of some argument, and is edited as that is.
package mcp

import (
	"net/http"
	"strconv"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

// Dialect is MCP below one path prefix, "/mcp".
type Dialect struct{}

// Name is "mcp".
func (Dialect) Name() string { return "mcp" }

// Endpoints lists what is governed.
func (Dialect) Endpoints() []wire.Endpoint {
	return []wire.Endpoint{
		{Method: http.MethodPost, Path: "", Codec: Messages{}},
		{Method: http.MethodGet, Path: "", Codec: Listen{}, Bodyless: true},
		{Method: http.MethodDelete, Path: "", Codec: Close{}, Bodyless: true},
		{Method: http.MethodGet, Path: "/sse", Codec: Listen{}, Bodyless: true},
		{Method: http.MethodPost, Path: "/sse", Codec: Messages{}},
		{Method: http.MethodPost, Path: "/message", Codec: Messages{}},
		{Method: http.MethodPost, Path: "/messages", Codec: Messages{}},
	}
}

// SetCredential puts the key where MCP has access tokens.
func (Dialect) SetCredential(h http.Header, key string) { h.Set("Authorization", "Bearer "+key) }

// Challenge is the WWW-Authenticate header of a refusal for want of a
// credential.
func (Dialect) Challenge() string { return "Bearer" }

// Refuse writes a refusal as a JSON-RPC error without an id:
//
//	{"jsonrpc": "2.0", "id": null, "error": {"code": …, "message": …}}
//
// A denial has the status 200: clients take other statuses for the end of the
// session or for a question of who they are.
func (Dialect) Refuse(r wire.Refusal) (int, []byte) { return refuser{}.Refuse(r) }

// The codes of JSON-RPC and of MCP that the gate uses. MCP leaves -32000 to
// -32019 to implementations; the lowest are taken by SDKs.
const (
	codeParse          = -32700
	codeInvalid        = -32600
	codeUnknownMethod  = -32601
	codeParams         = -32602
	codeInternal       = -32603
	codeDenied         = -32010
	codeAuthentication = -32011
	codeHeader         = -32020
	codeVersion        = -32022
)

// refuser writes refusals of one message.
type refuser struct {
	id     []byte // as it is written; nil for none
	tool   bool   // a denial is a tool's result that is an error
	modern bool   // the revision has a type in every result
	code   int    // of an invalid request, where it is not the usual one
	status int    // of an invalid request, where it is not the usual one
	data   []byte // of an invalid request
}

// Refuse writes a refusal of the message.
func (f refuser) Refuse(r wire.Refusal) (int, []byte) {
	denied := r.Code == wire.CodePolicyDenied || r.Code == wire.CodeApprovalRequired
	if denied && f.tool {
		return http.StatusOK, f.result(r.Reason)
	}
	status, code := r.Code.Status(), codeInvalid
	switch r.Code {
	case wire.CodePolicyDenied, wire.CodeApprovalRequired:
		status, code = http.StatusOK, codeDenied
	case wire.CodeAuthentication:
		code = codeAuthentication
	case wire.CodeUnavailable, wire.CodeUpstream, wire.CodeUpstreamTimeout, wire.CodeInternal:
		code = codeInternal
	case wire.CodeInvalidRequest:
		if f.code != 0 {
			return f.status, f.failure(f.code, r.Reason, f.data)
		}
	}
	return status, f.failure(code, r.Reason, nil)
}

// result is a tool's result that is an error.
func (f refuser) result(text string) []byte {
	b := append(f.begin(), `,"result":{"content":[{"type":"text","text":`...)
	b = strictjson.AppendQuoted(b, text)
	b = append(b, `}],"isError":true`...)
	if f.modern {
		b = append(b, `,"resultType":"complete"`...)
	}
	return append(b, "}}"...)
}

func (f refuser) failure(code int, message string, data []byte) []byte {
	b := append(f.begin(), `,"error":{"code":`...)
	b = strconv.AppendInt(b, int64(code), 10)
	b = append(b, `,"message":`...)
	b = strictjson.AppendQuoted(b, message)
	if data != nil {
		b = append(append(b, `,"data":`...), data...)
	}
	return append(b, "}}"...)
}

func (f refuser) begin() []byte {
	b := []byte(`{"jsonrpc":"2.0","id":`)
	if f.id == nil {
		return append(b, "null"...)
	}
	return append(b, f.id...)
}

// asked is a request of a method that no client has.
func (f refuser) asked(reason string) []byte {
	b := append(f.begin(), `,"method":"headgate/denied","params":{"reason":`...)
	b = strictjson.AppendQuoted(b, reason)
	return append(b, "}}"...)
}

// Interface guards
var (
	_ wire.Dialect    = Dialect{}
	_ wire.Challenger = Dialect{}
	_ wire.Refuser    = refuser{}
)
