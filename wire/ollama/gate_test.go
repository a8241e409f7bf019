package ollama_test

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
	"github.com/headgate/headgate/wire/ollama"
)

// denies is a policy that allows everything but the tool "f"; holds makes the
// gate keep a stream until it is whole.
type denies struct{ holds bool }

func (denies) Decide(_ context.Context, in *policy.Input) policy.Decision {
	if in.Tool == "f" {
		return policy.Decision{Action: policy.Deny, Reason: "no", Layer: policy.LayerRego}
	}
	return policy.Decision{Action: policy.Allow, Layer: policy.LayerRego}
}

func (d denies) Needs(s policy.Stage) policy.Fields {
	if d.holds && s == policy.PostChat {
		return policy.FieldResponse
	}
	return 0
}
func (denies) SHA256() string           { return strings.Repeat("ab", 32) }
func (d denies) Current() policy.Policy { return d }

type nowhere struct{}

func (nowhere) Append(*audit.Record) error        { return nil }
func (nowhere) AppendRefusal(*audit.Record) error { return nil }

// TestStreamsCutAnywhere: however the upstream's writes cut a stream, the
// client gets the same bytes.
func TestStreamsCutAnywhere(t *testing.T) {
	const in = `{"message":{"thinking":"ask al"}}` + "\n" + `{"message":{"thinking":"ice@example.com"},"logprobs":[]}` + "\r\n" +
		`{"message":{"content":"write to bo"}}` + "\n" + `{"message":{"content":"b@example.com today"}}` + "\n" +
		`{"message":{"content":"","tool_calls":[{"function":{"index":0,"name":"f","arguments":{}}},{"function":{"index":1,"name":"g","arguments":{"to":"eve@example.com"}}}]}}` + "\n" +
		`{"message":{"content":""},"done":true,"done_reason":"stop"}`
	const want = `{"message":{"thinking":"ask [EMAIL]"}}` + "\n" + `{"message":{"thinking":""}}` + "\r\n" +
		`{"message":{"content":"write to [EMAIL]"}}` + "\n" + `{"message":{"content":" today"}}` + "\n" +
		"{\"message\":{\"content\":\"\\ntool `f`: no\",\"tool_calls\":[{\"function\":{\"index\":0,\"name\":\"g\",\"arguments\":{\"to\":\"[EMAIL]\"}}}]}}\n" +
		`{"message":{"content":""},"done":true,"done_reason":"stop"}`
	for _, holds := range []bool{false, true} {
		for n := 1; n <= len(in); n++ {
			w := exchange(t, denies{holds}, in, n)
			got := w.Body.String()
			if w.Code != http.StatusOK || got != want {
				t.Fatalf("writes of %d bytes, held %t: %d\n%s\nwant\n%s", n, holds, w.Code, got, want)
			}
		}
	}
}

// TestCutStreams: a stream that ends anywhere before its last line ends with
// the error, after whole lines.
func TestCutStreams(t *testing.T) {
	const in = `{"message":{"content":"a"}}` + "\n" + `{"message":{"content":"b"}}` + "\n" + `{"message":{"content":""},"done":true}`
	for n := range len(in) {
		w := exchange(t, denies{}, in[:n], 7)
		body := w.Body.String()
		if strings.Contains(body, `"done":true`) || !strings.Contains(body, `{"error":"`) {
			t.Errorf("cut at %d: %d %q", n, w.Code, body)
		}
		if w.Code == http.StatusOK && !strings.HasSuffix(body, "\"}\n") {
			t.Errorf("cut at %d: the error is no line: %q", n, body)
		}
	}
}

// exchange sends a prompt through a gate that redacts addresses, to an
// upstream that answers with lines, in writes of n bytes.
func exchange(t *testing.T, p denies, stream string, n int) *httptest.ResponseRecorder {
	t.Helper()
	router, err := wire.NewRouter([]wire.Served{{Dialect: ollama.Dialect{}, Prefix: "/api"}})
	if err != nil {
		t.Fatal(err)
	}
	email := []redact.Selector{{Spec: "EMAIL"}}
	cfg := enforce.Config{Router: router, Fallback: ollama.Dialect{}, Policy: p, Audit: nowhere{}}
	cfg.Redact.Response, cfg.Redact.Args = email, email
	g, err := enforce.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/api/chat", strings.NewReader(`{"model":"m","messages":[{"role":"user","content":"hi"}]}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	reply, ok := g.Begin(w, r, "192.0.2.1").Admit()
	if !ok {
		t.Fatalf("refused: %s", w.Body)
	}
	reply.Header().Set("Content-Type", "application/x-ndjson")
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
