package integration_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestNoCredentialInTheLog: Caddy's proxy logs a request with its headers when
// a reply cannot be written to its end, and hides Authorization alone.
func TestNoCredentialInTheLog(t *testing.T) {
	const key = "sk-ant-of-the-upstream"
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Api-Key") != key {
			t.Errorf("the upstream got the key %q", r.Header.Get("X-Api-Key"))
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for _, event := range []string{
			`{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":1,"output_tokens":1}}}`,
			`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"Let me see."}}`,
			`{"type":"content_block_stop","index":0}`,
			`{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"shell","input":{}}}`,
			`{"type":"content_block_stop","index":1}`,
			`{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":1}}`,
			`{"type":"message_stop"}`,
		} {
			name, _, _ := strings.Cut(strings.TrimPrefix(event, `{"type":"`), `"`)
			fmt.Fprintf(w, "event: %s\ndata: %s\n\n", name, event)
			_ = http.NewResponseController(w).Flush()
		}
		<-r.Context().Done() // it would go on
	}))
	t.Cleanup(upstream.Close)
	g := start(t, map[string]string{
		"policy.rego": openPolicy + "\ndeny contains \"no shells\" if input.tool == \"shell\"\n",
		"Caddyfile": strings.Replace(caddyfile("\tadmin off\n"+gateOptions, "http://@plain@ {\n\theadgate {\n\t\tprincipals {\n\t\t\tanonymous acme\n\t\t}\n\t\tdenied_calls error\n\t\tupstream_key anthropic "+key+"\n\t}\n\treverse_proxy "+
			strings.TrimPrefix(upstream.URL, "http://")+"\n}\n"), "\tdebug\n", "", 1),
	})
	resp, err := http.Post("http://"+g.addrs["@plain@"]+"/v1/messages", "application/json",
		strings.NewReader(`{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"hi"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(body), "no shells") {
		t.Errorf("%v: %s", err, body)
	}
	g.stop(t)
	if log := g.stderr.String(); strings.Contains(log, key) {
		t.Errorf("the log holds the upstream's key:\n%s", log)
	}
}
