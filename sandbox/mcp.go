package sandbox

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// mcpPath is the endpoint of the Model Context Protocol's streamable HTTP.
const mcpPath = "/mcp"

// mcpVersions are the revisions that are spoken, the newest first.
var mcpVersions = []string{"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"}

// The codes of JSON-RPC errors.
const (
	rpcParse          = -32700
	rpcInvalidRequest = -32600
	rpcNoMethod       = -32601
	rpcInvalidParams  = -32602
	rpcInternal       = -32603
)

// rpcRequest is a request, or a notification when it has no id.
type rpcRequest struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
}

// rpcReply is the answer to a request: a result or an error.
type rpcReply struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  any             `json:"result,omitempty"`
	Error   *rpcError       `json:"error,omitempty"`
}

type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// progress is a notification of how far a call has come.
type progress struct {
	Version string `json:"jsonrpc"`
	Method  string `json:"method"`
	Params  struct {
		Token    json.RawMessage `json:"progressToken"`
		Progress int             `json:"progress"`
		Total    int             `json:"total"`
		Message  string          `json:"message"`
	} `json:"params"`
}

// writeMCPError sends an error of HTTP as JSON-RPC has it.
func writeMCPError(w http.ResponseWriter, e *failure) {
	code := rpcInvalidRequest
	switch {
	case e.code == "parse_error":
		code = rpcParse
	case e.status >= http.StatusInternalServerError:
		code = rpcInternal
	case e.status == http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, e.status, rpcReply{Version: "2.0", ID: jsonNull, Error: &rpcError{code, e.message}})
}

// serveMCP answers POST /mcp. There are no sessions, so that every message
// stands alone.
func (h *Handler) serveMCP(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	var q rpcRequest
	switch {
	case !json.Valid(body):
		return withCode(http.StatusBadRequest, "parse_error", "the body is not valid JSON")
	case json.Unmarshal(body, &q) != nil || q.Version != "2.0":
		return invalid("", "the body is one message of JSON-RPC 2.0; a batch is not answered")
	case q.Method == "" || len(q.ID) == 0: // a response, a notification
		w.WriteHeader(http.StatusAccepted)
		return nil
	case bytes.ContainsAny(q.ID[:1], "{[ntf"):
		return invalid("", "an id is a string or a number")
	}
	s := &script{chunk: defaultChunk, cut: -1}
	reply := rpcReply{Version: "2.0", ID: q.ID}
	var token json.RawMessage
	switch version := r.Header.Get("Mcp-Protocol-Version"); {
	case !slices.Contains(mcpMethods, q.Method):
		reply.Error = &rpcError{rpcNoMethod, "method not found"}
	case version != "" && !slices.Contains(mcpVersions, version):
		return invalid("", "this protocol version is not spoken here; "+mcpVersions[0]+" is")
	case q.Method == "tools/call":
		s, token, err = callTool(&reply, q.Params, body)
	default:
		reply.Result, err = mcpResult(q.Method, q.Params)
	}
	if err != nil {
		return err
	}
	if accept := r.Header.Get("Accept"); len(token) > 0 || strings.Contains(accept, "text/event-stream") && !strings.Contains(accept, "application/json") {
		h.newStream(w, r, s).progress(token, &reply)
		return nil
	}
	h.sendReply(w, r, s, reply)
	return nil
}

// progress sends the notifications that a token asks for, then the reply.
func (s *stream) progress(token json.RawMessage, reply *rpcReply) {
	if len(token) > 0 {
		for i, message := range []string{"The sandbox has begun.", "The sandbox is done."} {
			p := progress{Version: "2.0", Method: "notifications/progress"}
			p.Params.Token, p.Params.Progress, p.Params.Total, p.Params.Message = token, i+1, 2, message
			s.event("message", p)
		}
	}
	s.event("message", reply)
}

// mcpMethods are the requests that are answered. To any other the answer is
// that there is no such method: a client that asks for a newer protocol first
// then falls back to initialize.
var mcpMethods = []string{"initialize", "ping", "tools/list", "tools/call"}

type mcpServer struct {
	ProtocolVersion string         `json:"protocolVersion"`
	Capabilities    map[string]any `json:"capabilities"`
	ServerInfo      struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	} `json:"serverInfo"`
}

// mcpResult answers all methods but tools/call.
func mcpResult(method string, params json.RawMessage) (any, error) {
	switch method {
	case "ping":
		return struct{}{}, nil
	case "tools/list":
		return struct {
			Tools []mcpTool `json:"tools"`
		}{mcpTools}, nil
	}
	var p struct {
		ProtocolVersion string `json:"protocolVersion"`
	}
	if len(params) > 0 && json.Unmarshal(params, &p) != nil {
		return nil, invalid("", "params of initialize is an object")
	}
	server := mcpServer{ProtocolVersion: mcpVersions[0], Capabilities: map[string]any{"tools": struct{}{}}}
	if slices.Contains(mcpVersions, p.ProtocolVersion) {
		server.ProtocolVersion = p.ProtocolVersion
	}
	server.ServerInfo.Name, server.ServerInfo.Version = "headgate-sandbox", "1.0.0"
	return server, nil
}
