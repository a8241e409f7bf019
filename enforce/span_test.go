package enforce_test

import (
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/headgate/headgate/policy"
)

// TestDecisionsAreSpans: under the caller's span and its provider, with the
// decision and without content.
func TestDecisionsAreSpans(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	ctx, root := provider.Tracer("caddy").Start(t.Context(), "request")
	log := &book{}
	p := rules{decide: func(in *policy.Input) policy.Decision {
		if in.Stage == policy.PreTool {
			return policy.Decision{Action: policy.Deny, Reason: "no"}
		}
		return policy.Decision{}
	}}
	exchange(gate(t, p, log, nil), chatRequest(prompt).WithContext(ctx), stream(calls, 100, nil))
	root.End()
	var names []string
	for _, s := range spans.Ended() {
		for _, a := range s.Attributes() {
			if v := a.Value.String(); strings.Contains(v, "hi") || strings.Contains(v, "words") {
				t.Errorf("%s holds content: %s=%s", s.Name(), a.Key, v)
			}
			if a.Key == "headgate.decision" {
				names = append(names, s.Name()+" "+a.Value.AsString())
			}
		}
		if s.SpanContext().TraceID() != root.SpanContext().TraceID() {
			t.Errorf("%s is in a trace of its own", s.Name())
		}
	}
	if got, want := strings.Join(names, ", "), "headgate.pre_chat allow, headgate.post_chat allow, headgate.pre_tool deny"; got != want {
		t.Errorf("spans %s, want %s", got, want)
	}
	if id := root.SpanContext().TraceID().String(); log.lines[0].TraceID != id {
		t.Errorf("trace_id %q, want %q", log.lines[0].TraceID, id)
	}
}
