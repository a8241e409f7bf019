package caddymodule

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/headgate/headgate/enforce"
)

// metrics counts in Caddy's own registry, which is new with every
// configuration. Every label comes from a closed list.
type metrics struct {
	decisions   *prometheus.CounterVec
	eval        *prometheus.HistogramVec
	refusals    *prometheus.CounterVec
	redactions  *prometheus.CounterVec
	outcomes    *prometheus.CounterVec
	tokens      *prometheus.CounterVec
	auditFailed prometheus.Counter
	reloads     *prometheus.CounterVec
	loadedAt    prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "headgate", Name: name, Help: help}, labels)
	}
	m := &metrics{
		decisions: counter("decisions_total", "Decisions by stage, decision and layer.", "stage", "decision", "layer"),
		eval: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "headgate", Name: "policy_eval_seconds", Help: "Time of one policy evaluation.",
			Buckets: []float64{5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 1e-3, 1e-2, 1e-1},
		}, []string{"stage"}),
		refusals:   counter("refusals_total", "Answers that the gate gave itself, by kind.", "code"),
		redactions: counter("redactions_total", "Values replaced, by direction and entity.", "direction", "entity"),
		outcomes:   counter("exchanges_total", "Forwarded exchanges, by protocol and how they ended.", "protocol", "ended"),
		tokens:     counter("tokens_total", "Tokens that upstreams say were used.", "protocol", "kind"),
		auditFailed: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "headgate", Name: "audit_failures_total", Help: "Audit lines that could not be written.",
		}),
		reloads: counter("policy_reloads_total", "Reloads of the policy, by result.", "result"),
		loadedAt: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: "headgate", Name: "policy_loaded_timestamp_seconds", Help: "When the policy that decides was loaded.",
		}),
	}
	err := errors.Join(
		register(reg, &m.decisions), register(reg, &m.eval), register(reg, &m.refusals),
		register(reg, &m.redactions), register(reg, &m.outcomes), register(reg, &m.tokens),
		register(reg, &m.auditFailed), register(reg, &m.reloads), register(reg, &m.loadedAt),
	)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// register registers a collector, or takes the one that another site of the
// same configuration has registered already.
func register[T prometheus.Collector](reg prometheus.Registerer, c *T) error {
	err := reg.Register(*c)
	var dup prometheus.AlreadyRegisteredError
	if errors.As(err, &dup) {
		if old, ok := dup.ExistingCollector.(T); ok {
			*c = old
			return nil
		}
	}
	return err
}

// Decision counts one decision.
func (m *metrics) Decision(stage, decision, layer string, eval time.Duration) {
	m.decisions.WithLabelValues(stage, decision, layer).Inc()
	if eval > 0 {
		m.eval.WithLabelValues(stage).Observe(eval.Seconds())
	}
}

// Refusal counts one answer of the gate's own.
func (m *metrics) Refusal(code string) { m.refusals.WithLabelValues(code).Inc() }

// Redaction counts replaced values.
func (m *metrics) Redaction(direction, entity string, n int) {
	m.redactions.WithLabelValues(direction, entity).Add(float64(n))
}

// Outcome counts one forwarded exchange.
func (m *metrics) Outcome(protocol, ended string, in, out int64) {
	m.outcomes.WithLabelValues(protocol, ended).Inc()
	if in > 0 {
		m.tokens.WithLabelValues(protocol, "input").Add(float64(in))
	}
	if out > 0 {
		m.tokens.WithLabelValues(protocol, "output").Add(float64(out))
	}
}

// AuditFailure counts a line that could not be written.
func (m *metrics) AuditFailure() { m.auditFailed.Inc() }

// reloaded notes the result of reading the policy again.
func (m *metrics) reloaded(err error) {
	if err != nil {
		m.reloads.WithLabelValues("failure").Inc()
		return
	}
	m.reloads.WithLabelValues("success").Inc()
	m.loadedAt.SetToCurrentTime()
}

// Interface guard
var _ enforce.Observer = (*metrics)(nil)
