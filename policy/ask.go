package policy

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Ask asks a policy in a span of its own, headgate.<stage>, with the decision
// and without any content. settle, which may be nil, may change the decision
// before it is noted.
func Ask(ctx context.Context, p Policy, in *Input, settle func(*Decision)) Decision {
	ctx, span := trace.SpanFromContext(ctx).TracerProvider().Tracer("headgate").Start(ctx, "headgate."+string(in.Stage))
	defer span.End()
	d := p.Decide(ctx, in)
	if settle != nil {
		settle(&d)
	}
	if !span.IsRecording() {
		return d
	}
	span.SetAttributes(
		attribute.String("headgate.stage", string(in.Stage)),
		attribute.String("headgate.decision", string(d.Action)),
		attribute.String("headgate.rule_layer", d.Layer),
		attribute.String("headgate.policy_sha256", d.SHA256),
		attribute.String("headgate.request_id", in.Request.ID),
	)
	if d.Action == Deny {
		span.SetStatus(codes.Error, "denied by policy")
	}
	return d
}

// Refuse makes the decision a deny with a reason of the gate's own. What was
// decided before goes; who decided it, and in what time, stays.
func (d *Decision) Refuse(reason string) {
	*d = Decision{Action: Deny, Reason: reason, Layer: d.Layer, SHA256: d.SHA256, Eval: d.Eval}
}

// Denial is the line that a deny leaves in the log for people. The reason has to
// have passed the scanner.
func (d *Decision) Denial() string {
	return "policy[" + d.Layer + "] DENY: " + d.Reason + " sha256=" + Short(d.SHA256)
}

// Short is the part of a policy's hash that logs show: 12 hex digits.
func Short(sha256 string) string { return sha256[:min(12, len(sha256))] }
