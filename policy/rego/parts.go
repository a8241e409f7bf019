package rego

import "github.com/headgate/headgate/policy"

// parts is a set of the names of the input document that a policy can reach.
// The low half are the computed fields, the high half the names that are always
// known; these too are left out of the document where nothing refers to them.
type parts uint64

const (
	partTenantID parts = 1 << (32 + iota)
	partUserID
	partRoles
	partAgentID
	partAuth
	partModel
	partTools
	partTool
	partServer
	partCaller   // agent_id at pre_tool
	partToolName // tool_name at pre_tool
	partUnscanned
	partSession // everything of the session stage
	partRequestID
	partProtocol
	partEndpoint
	partHost
	partRemoteIP
	partStream
	partTime

	partsEnd

	partsAll      = partsEnd - 1<<32 | parts(policy.FieldsAll)
	partPrincipal = partTenantID | partUserID | partRoles | partAgentID | partAuth | parts(policy.FieldClaims)
	partRequest   = parts(policy.FieldRequest|policy.FieldHeaders) | partRequestID | partProtocol | partEndpoint |
		partHost | partRemoteIP | partStream | partTime

	// partsUnique are other for each request, so that nothing that was decided
	// by them is ever asked again.
	partsUnique = partRequestID | partTime
)

// has reports whether the sets have a member in common.
func (p parts) has(q parts) bool { return p&q != 0 }

// fields are the computed fields in the set.
func (p parts) fields() policy.Fields { return policy.Fields(p & parts(policy.FieldsAll)) }

// topParts maps the top-level names of the document to what is below them.
var topParts = map[string]parts{
	"messages":           parts(policy.FieldMessages),
	"messages_hash":      parts(policy.FieldMessagesHash),
	"args":               parts(policy.FieldArgs),
	"arguments":          parts(policy.FieldArgs),
	"args_hash":          parts(policy.FieldArgsHash),
	"response":           parts(policy.FieldResponse),
	"response_hash":      parts(policy.FieldResponseHash),
	"result":             parts(policy.FieldResult),
	"result_hash":        parts(policy.FieldResultHash),
	"findings":           parts(policy.FieldFindings),
	"model":              partModel,
	"tools":              partTools,
	"tool":               partTool,
	"server":             partServer,
	"agent_id":           partCaller,
	"tool_name":          partToolName,
	"unscanned":          partUnscanned,
	"initiator_agent_id": partSession,
	"target_agent_id":    partSession,
	"initiator_org_id":   partSession,
	"target_org_id":      partSession,
	"session_context":    partSession,
	"capabilities":       partSession,
}

// principalParts maps the names below principal.
var principalParts = map[string]parts{
	"tenant_id": partTenantID,
	"user_id":   partUserID,
	"roles":     partRoles,
	"agent_id":  partAgentID,
	"auth":      partAuth,
	"claims":    parts(policy.FieldClaims),
}

// requestParts maps the names below request.
var requestParts = map[string]parts{
	"id":        parts(policy.FieldRequest) | partRequestID,
	"protocol":  parts(policy.FieldRequest) | partProtocol,
	"endpoint":  parts(policy.FieldRequest) | partEndpoint,
	"host":      parts(policy.FieldRequest) | partHost,
	"remote_ip": parts(policy.FieldRequest) | partRemoteIP,
	"stream":    parts(policy.FieldRequest) | partStream,
	"time":      parts(policy.FieldRequest) | partTime,
	"headers":   parts(policy.FieldRequest | policy.FieldHeaders),
}

// available are the computed fields that the document of a stage can have.
func available(s policy.Stage) policy.Fields {
	every := policy.FieldFindings | policy.FieldClaims | policy.FieldRequest | policy.FieldHeaders
	switch s {
	case policy.PreChat:
		return every | policy.FieldMessages | policy.FieldMessagesHash
	case policy.PreTool:
		return every | policy.FieldArgs | policy.FieldArgsHash
	case policy.PostChat:
		return every | policy.FieldResponse | policy.FieldResponseHash
	case policy.PostTool:
		return every | policy.FieldArgsHash | policy.FieldResult | policy.FieldResultHash
	}
	return every
}
