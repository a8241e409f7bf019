package enforce

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"

	"github.com/headgate/headgate/audit"
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/principal"
	"github.com/headgate/headgate/redact"
	"github.com/headgate/headgate/wire"
)

// RequestIDHeader is on every answer.
const RequestIDHeader = "Headgate-Request-Id"

// Exchange is one request and its reply on their way through the gate.
type Exchange struct {
	g   *Gate
	ctx context.Context
	w   http.ResponseWriter
	r   *http.Request

	id       string
	traceID  string
	remoteIP string
	who      principal.Principal
	route    wire.Route
	kind     kind
	chat     wire.ChatCodec // of the endpoint, where it is one
	own      wire.Refuser   // the request that was read, where it writes its refusals itself
	pol      policy.Policy  // one revision for the whole exchange

	endpoint  string
	coding    string // of the request's body, "" for none
	model     string // as it goes upstream
	stream    bool
	unscanned []string
	bytesIn   int64
	forwarded bool // the next handler was asked
}

// Begin takes a request. remoteIP is the client's address as the server
// knows it.
func (g *Gate) Begin(w http.ResponseWriter, r *http.Request, remoteIP string) *Exchange {
	id, err := uuid.NewV7()
	if err != nil {
		id = uuid.New()
	}
	x := &Exchange{
		g: g, ctx: r.Context(), w: w, r: r,
		id: id.String(), remoteIP: remoteIP, endpoint: r.URL.Path,
		pol: g.cfg.Policy.Current(),
	}
	if span := trace.SpanContextFromContext(x.ctx); span.HasTraceID() {
		x.traceID = span.TraceID().String()
	}
	w.Header().Set(RequestIDHeader, x.id)
	return x
}

// ID is the exchange's id, as the client and the audit see it.
func (x *Exchange) ID() string { return x.id }

func (x *Exchange) protocol() string {
	if c := x.route.Codec(); c != nil {
		return c.Protocol()
	}
	return ""
}

// refuser writes refusals in the shape of the request, of the endpoint, of its
// dialect, or of the nearest one.
func (x *Exchange) refuser() wire.Refuser {
	if x.own != nil {
		return x.own
	}
	if own, ok := x.route.Codec().(wire.Refuser); ok {
		return own
	}
	if x.route.Served != nil {
		return x.route.Served.Dialect
	}
	return x.g.cfg.Fallback
}

// record begins an audit line with what all lines of the exchange share.
func (x *Exchange) record(stage string) *audit.Record {
	return &audit.Record{
		Time: x.g.cfg.Now(),
		Principal: audit.Principal{
			TenantID: x.who.TenantID, UserID: x.who.UserID, Roles: x.who.Roles,
			AgentID: x.who.AgentID, Auth: x.who.Auth,
		},
		Stage: stage, Model: x.model,
		ID: newLineID(), RequestID: x.id, TraceID: x.traceID,
		Protocol: x.protocol(), Endpoint: x.endpoint, Mode: "enforce",
	}
}

func newLineID() string {
	id, err := uuid.NewV7()
	if err != nil {
		id = uuid.New()
	}
	return id.String()
}

// write appends a line; a line that cannot be written is a refusal.
func (x *Exchange) write(rec *audit.Record) *wire.Refusal {
	if err := x.g.cfg.Audit.Append(rec); err != nil {
		x.g.cfg.Observer.AuditFailure()
		x.g.cfg.Logger.Error("audit line not written, refusing", "request_id", x.id, "error", err)
		return &wire.Refusal{Code: wire.CodeUnavailable, Reason: "the decision cannot be audited"}
	}
	return nil
}

// setScanned states how much of the content was looked into.
func setScanned(rec *audit.Record, unscanned []string) {
	rec.Scanned, rec.Unscanned = "full", unscanned
	if len(unscanned) > 0 {
		rec.Scanned = "partial"
	}
}

// counted adds what was replaced to a line and to the metrics.
func (x *Exchange) counted(rec *audit.Record, direction string, counts redact.Counts) {
	if len(counts) == 0 {
		return
	}
	rec.Redactions = counts
	for entity, n := range counts {
		x.g.cfg.Observer.Redaction(direction, entity, n)
	}
}

// answer sends a refusal as the whole answer, and gives its status.
func (x *Exchange) answer(ref *wire.Refusal) int {
	status, body := x.refuser().Refuse(*ref)
	x.g.cfg.Observer.Refusal(string(ref.Code))
	h := x.w.Header()
	for _, name := range []string{"Content-Length", "Content-Encoding", "Etag", "Trailer", "Content-Range", "Accept-Ranges", "Mcp-Session-Id"} {
		h.Del(name)
	}
	h.Set("Content-Type", "application/json")
	if status < 500 {
		h.Set("X-Should-Retry", "false")
	}
	switch ref.Code {
	case wire.CodeAuthentication:
		if x.route.Served != nil {
			if c, ok := x.route.Served.Dialect.(wire.Challenger); ok {
				h.Set("Www-Authenticate", c.Challenge())
			}
		}
	case wire.CodeUpgrade:
		h.Set("Connection", "close")
	case wire.CodeMethod:
		h.Set("Allow", strings.Join(x.g.cfg.Router.Methods(x.r.URL.EscapedPath()), ", "))
	}
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body) // a client that is gone needs no answer
	return status
}

// refuse audits and sends a refusal that comes before any stage.
func (x *Exchange) refuse(ref *wire.Refusal) {
	rec := x.record("request")
	rec.Decision, rec.Reason = "deny", x.clean(ref.Reason)
	appendLine := x.g.cfg.Audit.Append
	if ref.Code == wire.CodeAuthentication {
		appendLine = x.g.cfg.Audit.AppendRefusal // a flood of them is one line
	}
	x.g.cfg.Observer.Decision("request", "deny", "none", 0)
	if err := appendLine(rec); err != nil {
		x.g.cfg.Observer.AuditFailure()
		x.g.cfg.Logger.Error("audit line not written, refusing", "request_id", x.id, "error", err)
		ref = &wire.Refusal{Code: wire.CodeUnavailable, Reason: "the decision cannot be audited"}
	}
	x.answer(ref)
}

// clean brings a reason into the form that log and client both get: without
// anything that the detectors know, and of bounded length.
func (x *Exchange) clean(reason string) string {
	out, _ := x.g.reasons.Redact([]byte(reason))
	return audit.CutReason(string(out))
}

func (x *Exchange) cleanTool(name string) string {
	out, _ := x.g.reasons.Redact([]byte(name))
	return audit.CutTool(string(out))
}

// Passed closes the story of a request that passed unread.
func (x *Exchange) Passed(status int, bytesOut int64, err error) {
	rec := x.record("")
	rec.Kind, rec.Status, rec.BytesOut, rec.Ended = "outcome", status, bytesOut, endComplete
	if err != nil {
		rec.Ended = endUpstream
	}
	if err := x.g.cfg.Audit.Append(rec); err != nil {
		x.g.cfg.Observer.AuditFailure()
		x.g.cfg.Logger.Error("outcome line not written", "request_id", x.id, "error", err)
	}
	x.g.cfg.Observer.Outcome("", rec.Ended, 0, 0)
}
