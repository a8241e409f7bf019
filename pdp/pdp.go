// Package pdp is the policy decision point: it answers systems that ask
// instead of being proxied. It has a broker's webhook, the paths of OPA's Data
// API and a sink for CloudEvents:
//
//	GET  /pdp/health                       {"status":"ok"}
//	POST /pdp/policy                       the session question -> {"decision", "reason"?}
//	POST /v1/data/cullis/policy/session    {"input": …} -> {"result": {"decision", "reason"?}}
//	POST /v1/data/cullis/policy/tool_call  the same for a tool call
//	POST /v1/data/tako/policy              any stage -> {"result": {"decision", "reason"?, "model"?, "mask"?, "tools"?}}
//	POST /v1/data/…                        {"result": null}
//	POST /v1/integrations/cloudevents      a CloudEvent -> 202 {"status":"recorded","id":…}
//
// It decides with the same policy as the gate (package enforce) and leaves the
// same lines in the audit log, before it answers. It does nothing to what it is
// asked about: the caller carries the decision out.
//
// Who is not known by a signature of the body or by a credential is refused,
// unless anonymous callers are allowed. What is not understood is refused with a
// fixed phrase that holds nothing of the body.
package pdp

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/headgate/headgate/audit"
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/principal"
	"github.com/headgate/headgate/redact"
)

// DefaultMaxBody is the bound of a body where none is configured: 1 MB. A
// question carries ids, hashes and now and then a conversation, not files.
const DefaultMaxBody = 1_000_000

// RequestIDHeader is on every answer.
const RequestIDHeader = "Headgate-Request-Id"

// Config is what a decision point is made of.
type Config struct {
	// Policy decides; Audit takes the lines. Both are required.
	Policy policy.Engine
	Audit  audit.Recorder

	// Identify finds out who asks where the body is not signed. Nil: no
	// principals are configured, and only signed calls have a caller.
	Identify principal.Source
	// Keys are the keys of signatures. One under any of them is valid, so that
	// a key can be replaced, and each system can have its own.
	Keys [][]byte
	// Anonymous lets callers ask who show neither a signature nor a credential.
	// Without it an anonymous identity from Identify is refused as well.
	Anonymous bool
	// MaxBody bounds a body in bytes; DefaultMaxBody where it is 0.
	MaxBody int64
	// Hashes computes every hash of what was sent for the audit, also those
	// that no policy reads.
	Hashes bool

	Observer Observer     // may be nil
	Logger   *slog.Logger // nil discards
	// Now is the clock; time.Now where it is nil.
	Now func() time.Time
}

// Observer is told what happens, for metrics. Labels come from closed lists.
type Observer interface {
	// Decision is one decision of one stage; layer is "none" for what is
	// refused before any stage.
	Decision(stage, decision, layer string, eval time.Duration)
	// Remembered is a decision, also told to Decision, that was not evaluated.
	Remembered(stage string)
	// Refusal is one answer that is no decision, by kind.
	Refusal(code string)
	// AuditFailure counts lines that could not be written.
	AuditFailure()
}

// Handler answers the endpoints. It is safe for concurrent use.
type Handler struct {
	cfg       Config
	scanner   *redact.Set // what reasons, names and attributes pass before they are logged
	selectors selectors
}

// New makes a handler. The policy and the audit log are required, and a key
// must not be empty.
func New(cfg Config) (*Handler, error) {
	switch {
	case cfg.Policy == nil:
		return nil, errors.New("a decision point needs a policy")
	case cfg.Audit == nil:
		return nil, errors.New("a decision point needs an audit log")
	case slices.ContainsFunc(cfg.Keys, func(k []byte) bool { return len(k) == 0 }):
		return nil, errors.New("a key of the decision point is empty")
	}
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = DefaultMaxBody
	}
	if cfg.Observer == nil {
		cfg.Observer = nopObserver{}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	scanner, err := redact.Compile([]redact.Selector{{Spec: "*"}}, redact.Options{})
	if err != nil {
		return nil, err
	}
	return &Handler{cfg: cfg, scanner: scanner}, nil
}

// Serves reports whether a request is for one of the endpoints, by the exact
// path as it was sent. All other requests are not for this package, whatever
// they resemble: "/pdp/policy/", "/pdp//policy", "/PDP/policy".
func (h *Handler) Serves(r *http.Request) bool {
	_, ok := find(r.URL.EscapedPath())
	return ok
}

// scrub takes out of a text everything that the detectors know.
func (h *Handler) scrub(s string) string {
	out, _ := h.scanner.Redact([]byte(s))
	return string(out)
}

type nopObserver struct{}

func (nopObserver) Decision(string, string, string, time.Duration) {}
func (nopObserver) Remembered(string)                              {}
func (nopObserver) Refusal(string)                                 {}
func (nopObserver) AuditFailure()                                  {}

// Interface guard
var _ Observer = nopObserver{}
