package a2a_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/headgate/headgate/audit"
	"github.com/headgate/headgate/enforce"
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/redact"
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/a2a"
)

// allows is a policy that allows everything; holds makes the gate keep a
// stream until it is whole.
type allows struct{ holds bool }

func (allows) Decide(context.Context, *policy.Input) policy.Decision {
	return policy.Decision{Action: policy.Allow, Layer: policy.LayerRego}
}

func (a allows) Needs(s policy.Stage) policy.Fields {
	if a.holds && s == policy.PostChat {
		return policy.FieldResponse
	}
	return 0
}
func (allows) SHA256() string           { return strings.Repeat("ab", 32) }
func (a allows) Current() policy.Policy { return a }

type nowhere struct{}

func (nowhere) Append(*audit.Record) error        { return nil }
func (nowhere) AppendRefusal(*audit.Record) error { return nil }

// event is an artifact's update as an event of JSON-RPC.
func event(text, rest string) string {
	return `data: {"jsonrpc":"2.0","id":"r1","result":{"kind":"artifact-update","taskId":"k","artifact":{"artifactId":"a","parts":[{"kind":"text","text":"` + text + `"}]}` + rest + `}}` + "\n\n"
}

const (
	waiting  = `data: {"jsonrpc":"2.0","id":"r1","result":{"kind":"status-update","taskId":"k","status":{"state":"working"},"final":false}}` + "\n\n"
	finished = `data: {"jsonrpc":"2.0","id":"r1","result":{"kind":"status-update","taskId":"k","status":{"state":"completed"},"final":true}}` + "\n\n"
)

// TestStreamsCutAnywhere: however the upstream's writes cut a stream, the
// client gets the same bytes, in the same order.
func TestStreamsCutAnywhere(t *testing.T) {
	in := waiting + event("write to al", "") + waiting + event("ice@example", `,"append":true`) + event(".com today", `,"append":true,"lastChunk":true`) + finished
	want := waiting + event("write to [EMAIL]", "") + waiting + event("", `,"append":true`) + event(" today", `,"append":true,"lastChunk":true`) + finished
	for _, holds := range []bool{false, true} {
		for n := 1; n <= len(in); n++ {
			w := exchange(t, allows{holds}, in, n)
			if got := w.Body.String(); w.Code != http.StatusOK || got != want {
				t.Fatalf("writes of %d bytes, held %t: %d\n%s\nwant\n%s", n, holds, w.Code, got, want)
			}
		}
	}
}

// TestCutStreams: a stream that ends anywhere before its last event ends with
// the error of the request's id, or is that error.
func TestCutStreams(t *testing.T) {
	in := event("a", "") + event("b", `,"append":true`) + finished
	for n := range len(in) - len("}\n\n") {
		w := exchange(t, allows{}, in[:n], 7)
		body := w.Body.String()
		if strings.Contains(body, `"final":true`) || !strings.Contains(body, `{"jsonrpc":"2.0","id":"r1","error":{`) {
			t.Errorf("cut at %d: %d %q", n, w.Code, body)
		}
	}
}

// exchange sends a message through a gate that redacts addresses, to an
// upstream that answers with events, in writes of n bytes.
func exchange(t *testing.T, p allows, stream string, n int) *httptest.ResponseRecorder {
	t.Helper()
	router, err := wire.NewRouter([]wire.Served{{Dialect: a2a.Dialect{}, Prefix: "/agent"}})
	if err != nil {
		t.Fatal(err)
	}
	email := []redact.Selector{{Spec: "EMAIL"}}
	cfg := enforce.Config{Router: router, Fallback: a2a.Dialect{}, Policy: p, Audit: nowhere{}}
	cfg.Redact.Response, cfg.Redact.Args = email, email
	g, err := enforce.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/agent", strings.NewReader(`{"jsonrpc":"2.0","id":"r1","method":"message/stream","params":{"message":{"role":"user","parts":[{"text":"hi"}]}}}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	reply, ok := g.Begin(w, r, "192.0.2.1").Admit()
	if !ok {
		t.Fatalf("refused: %s", w.Body)
	}
	reply.Header().Set("Content-Type", "text/event-stream")
	reply.WriteHeader(http.StatusOK)
	for len(stream) > 0 {
		k := min(n, len(stream))
		if _, err = reply.Write([]byte(stream[:k])); err != nil {
			break
		}
		stream = stream[k:]
	}
	reply.Close(err)
	return w
}
