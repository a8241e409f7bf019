package audit

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The kinds of line. A decision line has no kind.
const (
	KindDecision = ""
	KindOutcome  = "outcome"
	KindEvent    = "event" // what another system reported; it has neither stage nor decision
)

// How a forwarded request ended, for [Record.Ended].
const (
	EndedComplete      = "complete"
	EndedClientGone    = "client_gone"
	EndedUpstreamError = "upstream_error"
	EndedDenied        = "denied"
	EndedAborted       = "aborted"
)

// ModeEnforce is the mode in which decisions are carried out.
const ModeEnforce = "enforce"

// Principal is the caller as the log shows it. Claims are never part of it.
type Principal struct {
	TenantID string
	UserID   string
	Roles    []string
	AgentID  string
	Auth     string // how the caller was identified: "api_key", "caddy", "anonymous", …
}

// Attribute is a name and a value of an event.
type Attribute struct{ Name, Value string }

// Record is one line of the log. A zero field is left out, except that every
// line has ts, principal (with tenant_id, user_id and roles), seq and prev,
// that a decision line always has stage and decision, and that a line of a tool
// stage always has tool. Tool is left out of every other line.
//
// Reason is cut as by [CutReason], Tool as by [CutTool], the name of an event's
// attribute at 64 bytes, every other string at 1,024.
type Record struct {
	Kind      string    // kind: KindDecision, KindOutcome or KindEvent
	Time      time.Time // ts: written in UTC with milliseconds; [Log.Append] fills in a zero time
	Principal Principal // principal

	Stage    string // stage: "pre_chat", "pre_tool", "post_chat", "post_tool", "session", or "request" before any stage
	Tool     string // tool
	Decision string // decision: the highest by precedence
	Reason   string // reason

	Model       string         // model: as asked for
	ForcedModel string         // forced_model: what the policy put in its place
	Redactions  map[string]int // redactions: how many of each entity

	ID        string // id: of this decision
	RequestID string // request_id: as in Headgate-Request-Id
	TraceID   string // trace_id: W3C Trace Context, 32 hex digits
	Protocol  string // protocol: "openai.chat", "mcp", …
	Endpoint  string // endpoint

	PolicySHA256 string // policy_sha256: hex digest of the policy that decided
	RuleLayer    string // rule_layer: "rego", "allowlist", "default"

	MessagesHash string // messages_hash
	ArgsHash     string // args_hash
	ResponseHash string // response_hash
	ResultHash   string // result_hash

	Scanned    string   // scanned: "full", "partial", "none"
	Unscanned  []string // unscanned: what could not be looked into
	Mode       string   // mode: ModeEnforce
	EvalMicros int64    // eval_us: time the policy took, in microseconds
	Count      int      // count: how many refusals the line stands for

	Status       int    // status: the HTTP status that the client got
	BytesIn      int64  // bytes_in: the request's body
	BytesOut     int64  // bytes_out: the reply's body
	InputTokens  int64  // input_tokens: as the upstream reported
	OutputTokens int64  // output_tokens: as the upstream reported
	Ended        string // ended: EndedComplete and so on

	// Event is an object of the first 64 attributes in their order; of two
	// names that are equal once they are cut it holds the first. How many are
	// not in it is written as event_omitted.
	Event    []Attribute // event
	Target   string      // target_agent_id: whom a session is asked for with
	DataHash string      // data_hash: hex digest of the event's data, which is in no line
}

// AppendJSON appends the record as line number seq, the newline included, and
// returns the extended buffer. prev is the SHA-256 of the line before. The keys
// come in the order of the published format, whatever the values hold.
func (r *Record) AppendJSON(dst []byte, seq uint64, prev [32]byte) []byte {
	return appendTail(r.appendBody(dst), seq, prev)
}

// appendBody appends all of a line that does not depend on its place in the
// log, so that it can be done outside the lock.
func (r *Record) appendBody(dst []byte) []byte {
	dst = append(dst, `{"ts":"`...)
	dst = r.Time.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
	dst = append(dst, `","principal":`...)
	dst = r.Principal.appendJSON(dst)

	if r.Stage != "" || r.Kind == KindDecision {
		dst = appendField(dst, "stage", r.Stage)
	}
	if r.Stage == "pre_tool" || r.Stage == "post_tool" {
		dst = appendString(append(dst, `,"tool":`...), r.Tool, maxTool)
	}
	if r.Decision != "" || r.Kind == KindDecision {
		dst = appendField(dst, "decision", r.Decision)
	}
	if r.Reason != "" {
		dst = appendString(append(dst, `,"reason":`...), r.Reason, maxReason)
	}

	dst = appendText(dst, "kind", r.Kind)
	dst = appendText(dst, "model", r.Model)
	dst = appendText(dst, "forced_model", r.ForcedModel)
	dst = appendCounts(dst, "redactions", r.Redactions)
	dst = appendText(dst, "id", r.ID)
	dst = appendText(dst, "request_id", r.RequestID)
	dst = appendText(dst, "trace_id", r.TraceID)
	dst = appendText(dst, "protocol", r.Protocol)
	dst = appendText(dst, "endpoint", r.Endpoint)
	dst = appendText(dst, "policy_sha256", r.PolicySHA256)
	dst = appendText(dst, "rule_layer", r.RuleLayer)
	dst = appendText(dst, "messages_hash", r.MessagesHash)
	dst = appendText(dst, "args_hash", r.ArgsHash)
	dst = appendText(dst, "response_hash", r.ResponseHash)
	dst = appendText(dst, "result_hash", r.ResultHash)
	dst = appendText(dst, "scanned", r.Scanned)
	if len(r.Unscanned) > 0 {
		dst = appendList(append(dst, `,"unscanned":`...), r.Unscanned)
	}
	dst = appendText(dst, "mode", r.Mode)
	dst = appendInt(dst, "eval_us", r.EvalMicros)
	dst = appendInt(dst, "count", int64(r.Count))
	dst = appendInt(dst, "status", int64(r.Status))
	dst = appendInt(dst, "bytes_in", r.BytesIn)
	dst = appendInt(dst, "bytes_out", r.BytesOut)
	dst = appendInt(dst, "input_tokens", r.InputTokens)
	dst = appendInt(dst, "output_tokens", r.OutputTokens)
	dst = appendText(dst, "ended", r.Ended)
	dst = appendEvent(dst, r.Event)
	dst = appendText(dst, "data_hash", r.DataHash)
	return appendText(dst, "target_agent_id", r.Target)
}

func appendTail(dst []byte, seq uint64, prev [32]byte) []byte {
	dst = append(dst, seqKey...)
	dst = strconv.AppendUint(dst, seq, 10)
	dst = append(dst, prevKey...)
	dst = hex.AppendEncode(dst, prev[:])
	return append(dst, lineEnd+"\n"...)
}

func (p *Principal) appendJSON(dst []byte) []byte {
	dst = appendString(append(dst, `{"tenant_id":`...), p.TenantID, maxText)
	dst = appendField(dst, "user_id", p.UserID)
	dst = appendList(append(dst, `,"roles":`...), p.Roles)
	dst = appendText(dst, "agent_id", p.AgentID)
	dst = appendText(dst, "auth", p.Auth)
	return append(dst, '}')
}

func appendKey(dst []byte, key string) []byte {
	dst = append(dst, `,"`...)
	dst = append(dst, key...)
	return append(dst, `":`...)
}

func appendField(dst []byte, key, value string) []byte {
	return appendString(appendKey(dst, key), value, maxText)
}

// appendText appends a string that is left out when it is empty.
func appendText(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	return appendField(dst, key, value)
}

func appendInt(dst []byte, key string, n int64) []byte {
	if n == 0 {
		return dst
	}
	return strconv.AppendInt(appendKey(dst, key), n, 10)
}

func appendList(dst []byte, values []string) []byte {
	dst = append(dst, '[')
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, v, maxText)
	}
	return append(dst, ']')
}

// appendCounts appends an object with its names in the order of their bytes.
// Names that are the same once they are cut are one name: their counts add up.
func appendCounts(dst []byte, key string, counts map[string]int) []byte {
	if len(counts) == 0 {
		return dst
	}
	type count struct {
		name string
		n    int
	}
	var few [8]count
	all := few[:0]
	for name, n := range counts {
		all = append(all, count{cut(name, maxText), n})
	}
	slices.SortFunc(all, func(a, b count) int { return strings.Compare(a.name, b.name) })

	dst = append(appendKey(dst, key), '{')
	for i := 0; i < len(all); i++ {
		if i > 0 {
			dst = append(dst, ',')
		}
		n := all[i].n
		for i+1 < len(all) && all[i+1].name == all[i].name {
			i++
			n += all[i].n
		}
		dst = append(appendString(dst, all[i].name, maxText), ':')
		dst = strconv.AppendInt(dst, int64(n), 10)
	}
	return append(dst, '}')
}
