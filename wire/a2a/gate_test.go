package a2a_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/headgate/headgate/enforce/enforcetest"
	"github.com/headgate/headgate/wire/a2a"
)

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
			w := exchange(t, holds, in, n)
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
		w := exchange(t, false, in[:n], 7)
		body := w.Body.String()
		if strings.Contains(body, `"final":true`) || !strings.Contains(body, `{"jsonrpc":"2.0","id":"r1","error":{`) {
			t.Errorf("cut at %d: %d %q", n, w.Code, body)
		}
	}
}

// exchange sends a message through a gate that redacts addresses, to an
// upstream that answers with events, in writes of n bytes.
func exchange(t *testing.T, holds bool, stream string, n int) *httptest.ResponseRecorder {
	t.Helper()
	g, err := enforcetest.Gate(a2a.Dialect{}, "/agent", enforcetest.Policy{Holds: holds}, nil, "EMAIL")
	if err != nil {
		t.Fatal(err)
	}
	return enforcetest.Exchange(g, http.MethodPost, "/agent", `{"jsonrpc":"2.0","id":"r1","method":"message/stream","params":{"message":{"role":"user","parts":[{"text":"hi"}]}}}`,
		enforcetest.Upstream{Media: "text/event-stream", Body: stream, Size: n})
}
