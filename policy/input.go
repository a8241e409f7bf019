package policy

import (
	"encoding/json"
	"time"
)

// Input is what a policy sees at one stage. The document has the names of the
// public contract; every stage has stage, principal, request and unscanned, the
// rest is there at the stages named below.
//
// Content is canonical JSON text in the contract's shape; nil is "not
// computed". So is an empty hash.
type Input struct {
	Stage     Stage
	Principal Principal
	Request   Request

	// Server is the name of the serve entry that a call goes to (tool stages).
	Server string
	// Model is the model asked for (pre_chat) or the one that answered (post_chat).
	Model string
	// Tools are the names of the tools that the request offers, in order (pre_chat).
	Tools []string
	// Tool is the tool's name, "" where it is unknown (tool stages).
	Tool string

	// Hashes, lower-case hex SHA-256.
	MessagesHash, ArgsHash, ResponseHash, ResultHash string

	Messages json.RawMessage // pre_chat: array
	Args     json.RawMessage // pre_tool: object, or a custom tool's string
	Response json.RawMessage // post_chat: object
	Result   json.RawMessage // post_tool: any value

	// Findings are what the detectors saw, never the matched text.
	Findings []Finding
	// Unscanned are the facts about what could not be looked into.
	Unscanned []string

	// Session is the question of the session stage.
	Session SessionRequest
}

// Principal is who asks. TenantID, UserID and Roles are always in the
// document; nil roles are an empty list.
type Principal struct {
	TenantID, UserID string
	Roles            []string
	AgentID          string
	// Auth is api_key, jwt, mtls, caddy or anonymous.
	Auth string
	// Claims are verified claims only: JSON values as encoding/json decodes
	// them, numbers as json.Number or float64.
	Claims map[string]any
}

// Request is the HTTP request that the exchange came with.
type Request struct {
	ID, Protocol, Endpoint, Host, RemoteIP string
	Stream                                 bool
	// Time is shown as RFC 3339 in UTC; the zero time is left out.
	Time time.Time
	// Headers holds only those that the operator listed, names in lower case.
	Headers map[string]string
}

// Finding is one kind of thing that a detector saw at one place.
type Finding struct {
	Type  string // entity, "EMAIL"
	Count int
	At    string // path, "messages[3]"
}

// SessionRequest is the question of the session stage. Ids look like
// "org::name".
type SessionRequest struct {
	InitiatorAgentID, TargetAgentID string
	InitiatorOrgID, TargetOrgID     string
	// Context is "initiator" or "target" (session_context).
	Context string
	// Capabilities are the initiator's; nil is an empty list.
	Capabilities []string
}
