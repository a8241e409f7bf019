package a2a

import (
	"net/http"
	"strconv"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

// codeDenied is the JSON-RPC code of what the gate refuses. The protocol has
// -32001 to -32009 for itself.
const codeDenied = -32050

// rpcError is a JSON-RPC error; id is the request's as JSON, nil for null:
//
//	{"jsonrpc": "2.0", "id": 1, "error": {"code": -32050, "message": "…", "data": {"code": "policy_denied"}}}
func rpcError(id []byte, r wire.Refusal) []byte {
	code := codeDenied
	switch r.Code {
	case wire.CodeInvalidRequest:
		code = -32600
	case wire.CodeNotFound, wire.CodeMethod:
		code = -32601
	case wire.CodeUnavailable, wire.CodeUpstream, wire.CodeUpstreamTimeout, wire.CodeInternal:
		code = -32603
	}
	if id == nil {
		id = []byte("null")
	}
	b := append([]byte(`{"jsonrpc":"2.0","id":`), id...)
	b = append(b, `,"error":{"code":`...)
	b = strconv.AppendInt(b, int64(code), 10)
	b = append(b, `,"message":`...)
	b = strictjson.AppendQuoted(b, r.Reason)
	b = append(b, `,"data":{"code":`...)
	b = strictjson.AppendQuoted(b, string(r.Code))
	return append(b, "}}}"...)
}

// refuseRPC answers a request whose id is known. The transport has not failed,
// so the status is 200, save where the gate or the upstream has.
func refuseRPC(id []byte, r wire.Refusal) (int, []byte) {
	status := r.Code.Status()
	if status < http.StatusInternalServerError {
		status = http.StatusOK
	}
	return status, rpcError(id, r)
}

// restError is an error of HTTP+JSON:
//
//	{"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "…"}}
func restError(r wire.Refusal) []byte {
	status := "INTERNAL"
	switch r.Code {
	case wire.CodePolicyDenied, wire.CodeApprovalRequired:
		status = "PERMISSION_DENIED"
	case wire.CodeAuthentication:
		status = "UNAUTHENTICATED"
	case wire.CodeInvalidRequest, wire.CodeMediaType, wire.CodeTooLarge, wire.CodeUpgrade:
		status = "INVALID_ARGUMENT"
	case wire.CodeNotFound:
		status = "NOT_FOUND"
	case wire.CodeMethod:
		status = "UNIMPLEMENTED"
	case wire.CodeUnavailable, wire.CodeUpstream:
		status = "UNAVAILABLE"
	case wire.CodeUpstreamTimeout:
		status = "DEADLINE_EXCEEDED"
	}
	b := strconv.AppendInt([]byte(`{"error":{"code":`), int64(r.Code.Status()), 10)
	b = append(b, `,"status":"`...)
	b = append(b, status...)
	b = append(b, `","message":`...)
	b = strictjson.AppendQuoted(b, r.Reason)
	return append(b, "}}"...)
}
