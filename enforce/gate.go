// Package enforce is the gate. It carries one exchange from the request to the
// audited outcome, stage by stage: who asks, what the bytes mean, what the
// policy says, and what that does to the bytes.
//
// It knows HTTP but no server: a thin skin (package caddymodule) hands it
// requests and puts it between the client and the handler that asks the
// upstream. Every path that ends in an error refuses, with a fixed phrase, and
// leaves a line in the audit.
package enforce

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/headgate/headgate/audit"
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/principal"
	"github.com/headgate/headgate/redact"
	"github.com/headgate/headgate/wire"
)

// Config is what a gate is made of.
type Config struct {
	// Router finds the endpoint; Fallback writes refusals where no dialect is
	// near the path.
	Router   *wire.Router
	Fallback wire.Refuser

	Policy policy.Engine
	Audit  audit.Recorder

	// Identify finds out who asks. Where it is nil, callers are anonymous with
	// an empty tenant, and their own credential goes on to the upstream.
	Identify principal.Source
	// UpstreamKey gives the credential for a dialect's upstream; empty where
	// none is configured. It is called after the decision.
	UpstreamKey func(r *http.Request, dialect string) string

	// Bindings bind the ids of what an upstream keeps to the callers who made
	// it. Nil where the upstream itself tells callers apart, because their own
	// credential goes on. AllowForeignIDs lets an id pass of which nobody knows
	// who made it; never one that is another caller's.
	Bindings        Bindings
	AllowForeignIDs bool

	// Redact holds what the configuration redacts, whatever the policy says.
	Redact Redaction
	// RedactionKey keys the operator "hash".
	RedactionKey []byte

	// AllowUnscanned says of each fact of content that cannot be looked into
	// whether it may reach the policy. Of those it does not name, inline media
	// and opaque echoes may, and no other.
	AllowUnscanned map[string]bool
	// Exempt tells whether a path, as it was sent, passes unread; governed says
	// that an upstream might take it for one that is governed. May be nil.
	Exempt func(escapedPath string, governed bool) bool
	// PassUnknown lets paths that nobody claims pass unread.
	PassUnknown bool
	// DenyWithError answers a denied tool call of a reply with an error,
	// instead of putting words in its place.
	DenyWithError bool
	// MaxBody bounds a request's body, and what is held of a reply, in bytes.
	MaxBody int64
	// Hashes computes every hash for the audit, also those no policy reads.
	Hashes bool

	Observer Observer
	Logger   *slog.Logger
	// Now is the clock; time.Now where it is nil.
	Now func() time.Time
}

// Redaction is what the configuration redacts, by direction.
type Redaction struct{ Request, Response, Args, Results []redact.Selector }

// DefaultMaxBody is the bound where none is configured: 32 MB.
const DefaultMaxBody = 32_000_000

// Gate governs exchanges. It is safe for concurrent use.
type Gate struct {
	cfg     Config
	sets    *selectorCache
	reasons *redact.Set // what reasons and names pass before they are logged
	seen    *memory     // tool results that were decided
}

// New makes a gate and checks that the configured selectors compile.
func New(cfg Config) (*Gate, error) {
	switch {
	case cfg.Router == nil || cfg.Fallback == nil:
		return nil, errors.New("a gate needs a router")
	case cfg.Policy == nil:
		return nil, errors.New("a gate needs a policy")
	case cfg.Audit == nil:
		return nil, errors.New("a gate needs an audit log")
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
	g := &Gate{cfg: cfg, sets: newSelectorCache(cfg.RedactionKey), seen: newMemory()}
	all := []redact.Selector{{Spec: "*"}}
	for _, sel := range [][]redact.Selector{cfg.Redact.Request, cfg.Redact.Response, cfg.Redact.Args, cfg.Redact.Results} {
		if _, err := g.sets.get(sel); err != nil {
			return nil, err
		}
		all = append(all, sel...)
	}
	var err error
	if g.reasons, err = g.sets.get(all); err != nil {
		return nil, err
	}
	return g, nil
}

// Observer is told what happens, for metrics. Labels come from closed lists.
type Observer interface {
	// Decision is one decision of one stage; layer is "none" for what is
	// refused before any stage.
	Decision(stage, decision, layer string, eval time.Duration)
	// Remembered is a decision, also told to Decision, that was not evaluated.
	Remembered(stage string)
	// Refusal is one answer that the gate gave itself, by kind.
	Refusal(code string)
	// Redaction counts what was replaced, by entity.
	Redaction(direction, entity string, n int)
	// Outcome is the end of one forwarded exchange.
	Outcome(protocol, ended string, tokensIn, tokensOut int64)
	// AuditFailure counts lines that could not be written.
	AuditFailure()
}

type nopObserver struct{}

func (nopObserver) Decision(string, string, string, time.Duration) {}
func (nopObserver) Remembered(string)                              {}
func (nopObserver) Refusal(string)                                 {}
func (nopObserver) Redaction(string, string, int)                  {}
func (nopObserver) Outcome(string, string, int64, int64)           {}
func (nopObserver) AuditFailure()                                  {}
