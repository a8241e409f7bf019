package ollama_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/headgate/headgate/enforce/enforcetest"
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/wire/ollama"
)

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
			w := exchange(t, holds, in, n)
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
		w := exchange(t, false, in[:n], 7)
		body := w.Body.String()
		if strings.Contains(body, `"done":true`) || !strings.Contains(body, `{"error":"`) {
			t.Errorf("cut at %d: %d %q", n, w.Code, body)
		}
		if w.Code == http.StatusOK && !strings.HasSuffix(body, "\"}\n") {
			t.Errorf("cut at %d: the error is no line: %q", n, body)
		}
	}
}

// exchange sends a prompt through a gate that redacts addresses and denies the tool "f", to an
// upstream that answers with lines, in writes of n bytes.
func exchange(t *testing.T, holds bool, stream string, n int) *httptest.ResponseRecorder {
	t.Helper()
	p := enforcetest.Policy{Holds: holds, Deny: func(in *policy.Input) string {
		if in.Tool == "f" {
			return "no"
		}
		return ""
	}}
	g, err := enforcetest.Gate(ollama.Dialect{}, "/api", p, nil, "EMAIL")
	if err != nil {
		t.Fatal(err)
	}
	return enforcetest.Exchange(g, http.MethodPost, "/api/chat", `{"model":"m","messages":[{"role":"user","content":"hi"}]}`,
		enforcetest.Upstream{Media: "application/x-ndjson", Body: stream, Size: n})
}
