package pdp

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"

	"github.com/headgate/headgate/audit"
	"github.com/headgate/headgate/principal"
)

// protocol is the protocol of all these calls in the input document and in the
// audit line; the endpoint tells them apart.
const protocol = "pdp"

// call is one request on its way to its answer.
type call struct {
	h *Handler
	w http.ResponseWriter
	r *http.Request

	id       string
	traceID  string
	remoteIP string
	endpoint string
	who      principal.Principal
	known    bool // somebody vouches for the caller
	answered bool
}

// Handle answers a request. remoteIP is the client's address as the server
// knows it. A request that is not for one of the endpoints is a 404.
func (h *Handler) Handle(w http.ResponseWriter, r *http.Request, remoteIP string) {
	c := &call{h: h, w: w, r: r, id: newID(), remoteIP: remoteIP}
	c.who = principal.Principal{Roles: []string{}}
	if span := trace.SpanContextFromContext(r.Context()); span.HasTraceID() {
		c.traceID = span.TraceID().String()
	}
	w.Header().Set(RequestIDHeader, c.id)
	defer func() {
		if v := recover(); v != nil {
			// Where, but not with what: a panic's value may hold content.
			h.cfg.Logger.Error("panic, refusing", "request_id", c.id, "type", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
			if !c.answered {
				c.refuse(&refusal{codeInternal, "internal error"})
			}
		}
	}()
	if ref := c.serve(); ref != nil {
		c.refuse(ref)
	}
}

func newID() string {
	id, err := uuid.NewV7()
	if err != nil {
		id = uuid.New()
	}
	return id.String()
}

// serve answers, or tells why not.
func (c *call) serve() *refusal {
	c.endpoint = c.r.URL.EscapedPath()
	e, ok := find(c.endpoint)
	if !ok || e == unknownDocument {
		c.endpoint = c.h.scrub(c.endpoint) // a path of the client's making
	}
	switch {
	case !ok:
		return &refusal{codeNotFound, "there is no such endpoint"}
	case !slices.Contains(e.methods, c.r.Method):
		c.w.Header().Set("Allow", strings.Join(e.methods, ", "))
		return &refusal{codeMethod, "this endpoint has another method"}
	case e.answer == nil:
		c.send(http.StatusOK, []byte(`{"status":"ok"}`))
		return nil
	}
	body, ref := c.admit(e.signature)
	if ref != nil {
		return ref
	}
	return e.answer(c, body)
}

// record begins an audit line with what all lines of the call share.
func (c *call) record() *audit.Record {
	return &audit.Record{
		Time: c.h.cfg.Now(),
		Principal: audit.Principal{
			TenantID: c.who.TenantID, UserID: c.who.UserID, Roles: c.who.Roles,
			AgentID: c.who.AgentID, Auth: c.who.Auth,
		},
		ID: newID(), RequestID: c.id, TraceID: c.traceID,
		Protocol: protocol, Endpoint: c.endpoint,
	}
}

// write appends a line; a line that cannot be written is a refusal.
func (c *call) write(rec *audit.Record, add func(*audit.Record) error) *refusal {
	err := add(rec)
	if err == nil {
		return nil
	}
	c.h.cfg.Observer.AuditFailure()
	c.h.cfg.Logger.Error("audit line not written, refusing", "request_id", c.id, "error", err)
	return &refusal{codeUnavailable, "the decision cannot be audited"}
}

// request writes the line of what is answered before any stage. Those of
// callers whom nobody vouches for are bounded: a flood of them is one line.
func (c *call) request(reason string) *refusal {
	rec := c.record()
	rec.Stage, rec.Decision, rec.Reason, rec.Mode = "request", "deny", c.clean(reason), audit.ModeEnforce
	c.h.cfg.Observer.Decision("request", "deny", "none", 0)
	if c.known {
		return c.write(rec, c.h.cfg.Audit.Append)
	}
	return c.write(rec, c.h.cfg.Audit.AppendRefusal)
}

// refuse audits and sends a refusal.
func (c *call) refuse(ref *refusal) {
	if ref.code != codeUnavailable { // then there is no line to be had
		if unavailable := c.request(ref.reason); unavailable != nil {
			ref = unavailable
		}
	}
	c.h.cfg.Observer.Refusal(string(ref.code))
	status, body := ref.answer()
	if status < 500 {
		c.w.Header().Set("X-Should-Retry", "false")
	}
	c.send(status, body)
}

// send writes the answer, which is JSON.
func (c *call) send(status int, body []byte) {
	c.answered = true
	c.w.Header().Set("Content-Type", "application/json")
	c.w.WriteHeader(status)
	if c.r.Method != http.MethodHead {
		_, _ = c.w.Write(body) // a caller that is gone needs no answer
	}
}

// noDocument answers for a path that no policy is at, as the Data API does for
// an undefined document. The caller's own default decides then.
func (c *call) noDocument([]byte) *refusal {
	if ref := c.request("there is no such policy document"); ref != nil {
		return ref
	}
	c.send(http.StatusOK, []byte(`{"result":null}`))
	return nil
}

// clean brings a reason into the form that log and caller both get.
func (c *call) clean(reason string) string { return audit.CutReason(c.h.scrub(reason)) }

func (c *call) cleanTool(name string) string { return audit.CutTool(c.h.scrub(name)) }
