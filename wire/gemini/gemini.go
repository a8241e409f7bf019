// Package gemini reads and writes Google's Gemini API, and Vertex AI where it
// speaks alike.
//
// Sources: the API's discovery documents and reference, the official SDKs
// (google.golang.org/genai, @google/genai, google-genai), and recordings of
// both services. Governed below `models/{model}` and `tunedModels/{model}` are
// generateContent, streamGenerateContent, countTokens, computeTokens,
// embedContent and batchEmbedContents. Vertex AI has its models below
//
//	/v1beta1/projects/{project}/locations/{location}/publishers/google
//
// which is a prefix that a dialect may be served under, as it stands here.
//
// Requests are messages of protocol buffers, so that every field has two
// spellings, systemInstruction and system_instruction. Both are read as the
// field, and a body that has both is refused. Where a list belongs, the API
// takes one object too.
//
// # Tools
//
// Policies know a function by its own name, a tool that Google runs by the
// name of its member in `tools` in lower camel case (googleSearch,
// googleSearchRetrieval, codeExecution, urlContext, fileSearch, googleMaps,
// computerUse, retrieval, enterpriseWebSearch, …; one that is new has the name
// of its member too), and the tools of an MCP server as "mcp:" and the server's
// name.
//
// # Thoughts
//
// A thoughtSignature is opaque, and is the fact opaque_echo in requests. It
// lets the model go on with what it thought; the API asks that it be there and
// is not known to compare it with the part that it came with. So the words of a
// signed part are text like any other, may be edited, and keep the signature.
package gemini

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

// Dialect is the Gemini API below one path prefix, "/v1beta".
type Dialect struct{}

// Name is "gemini".
func (Dialect) Name() string { return "gemini" }

// SetCredential puts the key where the API's clients put it, x-goog-api-key.
// Vertex AI wants an access token in Authorization, which is where a key goes
// that begins with "Bearer ".
func (Dialect) SetCredential(h http.Header, key string) {
	if strings.HasPrefix(key, "Bearer ") {
		h.Set("Authorization", key)
		return
	}
	h.Set("X-Goog-Api-Key", key)
}

// Refuse writes a refusal as Google's error object, whose status is the name
// of a google.rpc.Code:
//
//	{"error": {"code": 403, "message": …, "status": "PERMISSION_DENIED"}}
func (Dialect) Refuse(r wire.Refusal) (int, []byte) {
	return r.Code.Status(), errorObject(r)
}

func errorObject(r wire.Refusal) []byte {
	b := strconv.AppendInt([]byte(`{"error":{"code":`), int64(r.Code.Status()), 10)
	b = append(b, `,"message":`...)
	b = strictjson.AppendQuoted(b, r.Reason)
	b = append(b, `,"status":"`...)
	b = append(b, rpcStatus(r.Code)...)
	return append(b, `"}}`...)
}

func rpcStatus(c wire.Code) string {
	switch c {
	case wire.CodePolicyDenied, wire.CodeApprovalRequired:
		return "PERMISSION_DENIED"
	case wire.CodeAuthentication:
		return "UNAUTHENTICATED"
	case wire.CodeNotFound:
		return "NOT_FOUND"
	case wire.CodeMethod:
		return "UNIMPLEMENTED"
	case wire.CodeUpgrade:
		return "FAILED_PRECONDITION"
	case wire.CodeUnavailable, wire.CodeUpstream:
		return "UNAVAILABLE"
	case wire.CodeUpstreamTimeout:
		return "DEADLINE_EXCEEDED"
	case wire.CodeInternal:
		return "INTERNAL"
	}
	return "INVALID_ARGUMENT"
}

// Interface guard
var _ wire.Dialect = Dialect{}
