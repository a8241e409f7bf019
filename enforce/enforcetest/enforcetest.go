// Package enforcetest is a small gate for the tests of what a gate is made of:
// the codecs are tried through it, and not only beside it.
package enforcetest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/headgate/headgate/audit"
	"github.com/headgate/headgate/enforce"
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/redact"
	"github.com/headgate/headgate/wire"
)

// Policy is a policy that allows everything but what Deny has a reason against.
type Policy struct {
	// Holds makes the gate keep a stream until it is whole.
	Holds bool
	// Deny gives the reason of a denial, "" for none. May be nil.
	Deny func(*policy.Input) string
	// Reads are the fields that Deny looks at, by stage.
	Reads map[policy.Stage]policy.Fields
}

// Decide asks Deny.
func (p Policy) Decide(_ context.Context, in *policy.Input) policy.Decision {
	d := policy.Decision{Action: policy.Allow, Layer: policy.LayerRego}
	if p.Deny != nil {
		if d.Reason = p.Deny(in); d.Reason != "" {
			d.Action = policy.Deny
		}
	}
	return d
}

// Needs tells what Deny looks at; a policy that holds looks at the reply.
func (p Policy) Needs(s policy.Stage) policy.Fields {
	if p.Holds && s == policy.PostChat {
		return p.Reads[s] | policy.FieldResponse
	}
	return p.Reads[s]
}

// SHA256 is some digest.
func (Policy) SHA256() string { return strings.Repeat("ab", 32) }

// Current is the policy itself: it has one revision.
func (p Policy) Current() policy.Policy { return p }

// Log is an audit log in memory. It is not for use by several exchanges at
// once.
type Log struct{ Lines []*audit.Record }

// Append keeps a line.
func (l *Log) Append(r *audit.Record) error {
	l.Lines = append(l.Lines, r)
	return nil
}

// AppendRefusal keeps a line.
func (l *Log) AppendRefusal(r *audit.Record) error { return l.Append(r) }

// Gate is a gate before one dialect, which redacts what the selectors find in
// replies and in the arguments of calls. A log may be nil.
func Gate(d wire.Dialect, prefix string, p Policy, log *Log, selectors ...string) (*enforce.Gate, error) {
	router, err := wire.NewRouter([]wire.Served{{Dialect: d, Prefix: prefix}})
	if err != nil {
		return nil, err
	}
	if log == nil {
		log = &Log{}
	}
	cfg := enforce.Config{Router: router, Fallback: d, Policy: p, Audit: log}
	for _, s := range selectors {
		cfg.Redact.Response = append(cfg.Redact.Response, redact.Selector{Spec: s})
		cfg.Redact.Args = append(cfg.Redact.Args, redact.Selector{Spec: s})
	}
	return enforce.New(cfg)
}

// Upstream is what answers a request that the gate lets through: a body of some
// media type, in writes of Size bytes, after which it ends with End.
type Upstream struct {
	Media, Body string
	Size        int
	End         error
}

// Exchange sends a JSON body through a gate to an upstream.
func Exchange(g *enforce.Gate, method, path, body string, up Upstream) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	reply, ok := g.Begin(w, r, "192.0.2.1").Admit()
	if !ok || reply == nil {
		return w
	}
	reply.Header().Set("Content-Type", up.Media)
	reply.WriteHeader(http.StatusOK)
	for left := up.Body; len(left) > 0; {
		k := min(up.Size, len(left))
		if _, err := reply.Write([]byte(left[:k])); err != nil {
			up.End = err
			break
		}
		left = left[k:]
	}
	reply.Close(up.End)
	return w
}

// Interface guards
var (
	_ policy.Engine  = Policy{}
	_ policy.Policy  = Policy{}
	_ audit.Recorder = (*Log)(nil)
)
