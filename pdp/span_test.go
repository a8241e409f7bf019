package pdp_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/headgate/headgate/policy"
)

// TestDecisionsAreSpans: under the caller's span and its provider, with the
// decision and without the question.
func TestDecisionsAreSpans(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	ctx, root := provider.Tracer("caddy").Start(t.Context(), "request")
	log := &book{}
	h := handler(t, deciding(policy.Decision{Action: policy.Deny, Reason: "no"}), log, nil)
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/pdp/policy", strings.NewReader(sessionBody))
	r.Header.Set("Content-Type", "application/json")
	h.Handle(httptest.NewRecorder(), r, "")
	if len(spans.Ended()) != 1 {
		t.Fatalf("%d spans", len(spans.Ended()))
	}
	s := spans.Ended()[0]
	attributes := map[string]string{}
	for _, a := range s.Attributes() {
		attributes[string(a.Key)] = a.Value.AsString()
		if strings.Contains(a.Value.AsString(), "orga") {
			t.Errorf("the span holds the question: %s", a.Key)
		}
	}
	if s.Name() != "headgate.session" || s.Parent().SpanID() != root.SpanContext().SpanID() || s.Status().Code != codes.Error ||
		attributes["headgate.decision"] != "deny" || attributes["headgate.policy_sha256"] != sha {
		t.Errorf("span %s: %v", s.Name(), attributes)
	}
	if got := log.one(t).TraceID; got != root.SpanContext().TraceID().String() {
		t.Errorf("trace_id %q", got)
	}
}
