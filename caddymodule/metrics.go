package caddymodule

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/headgate/headgate/enforce"
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/rego"
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
	remembered  *prometheus.CounterVec
	reloads     *prometheus.CounterVec
	loadedAt    *prometheus.GaugeVec
	checkedAt   *prometheus.GaugeVec
}

// The layers whose loads are counted.
const (
	layerRego      = policy.LayerRego
	layerAllowlist = policy.LayerAllowlist
)

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "headgate", Name: name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "headgate", Name: name, Help: help}, labels)
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
		remembered: counter("policy_remembered_total", "Decisions that were remembered, so that nothing was evaluated.", "stage"),
		reloads:    counter("policy_reloads_total", "Reloads of a layer, by result.", "layer", "result"),
		loadedAt:   gauge("policy_loaded_timestamp_seconds", "When the layer that decides was loaded.", "layer"),
		checkedAt:  gauge("policy_bundle_checked_timestamp_seconds", "When a bundle server last answered well.", "bundle"),
	}
	err := errors.Join(
		register(reg, &m.decisions), register(reg, &m.eval), register(reg, &m.refusals),
		register(reg, &m.redactions), register(reg, &m.outcomes), register(reg, &m.tokens),
		register(reg, &m.auditFailed), register(reg, &m.remembered), register(reg, &m.reloads), register(reg, &m.loadedAt),
		register(reg, &m.checkedAt),
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

// Remembered counts a decision that was not evaluated.
func (m *metrics) Remembered(stage string) { m.remembered.WithLabelValues(stage).Inc() }

// reloaded notes the result of reading a layer again.
func (m *metrics) reloaded(layer string, err error) {
	if err != nil {
		m.reloads.WithLabelValues(layer, "failure").Inc()
		return
	}
	m.reloads.WithLabelValues(layer, "success").Inc()
	m.loaded(layer)
}

func (m *metrics) loaded(layer string) { m.loadedAt.WithLabelValues(layer).SetToCurrentTime() }

// bundles notes when the servers last answered. The names are the
// configuration's.
func (m *metrics) bundles(all []rego.BundleStatus) {
	for _, b := range all {
		if !b.Checked.IsZero() {
			m.checkedAt.WithLabelValues(b.Name).Set(float64(b.Checked.UnixMilli()) / 1000)
		}
	}
}

// Interface guard
var _ enforce.Observer = (*metrics)(nil)
