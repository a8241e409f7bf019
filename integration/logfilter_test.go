package integration_test

import (
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var logBlock = regexp.MustCompile(`(?ms)^\tlog \{.*?^\t\}\n`)

// TestLogFilter: Caddy logs the headers of a request whose upstream breaks off,
// and of all that a site has in its access log. What Caddyfile.example filters
// out of them, and docs/operations.md says to, is every key.
func TestLogFilter(t *testing.T) {
	t.Parallel()
	filter := logBlock.FindString(readRoot(t, "Caddyfile.example"))
	if filter == "" || !strings.Contains(readRoot(t, filepath.Join("docs", "operations.md")), filter) {
		t.Fatalf("Caddyfile.example and docs/operations.md have not the same filter:\n%s", filter)
	}
	const upstreamSecret, callerSecret = "sk-secret-of-the-upstream", "key-secret-of-a-caller-0123"
	ask := func(global string) string {
		g := start(t, map[string]string{
			"policy.rego": openPolicy,
			"keys.json":   `[{"key": "` + callerSecret + `", "tenant_id": "acme", "user_id": "alice", "roles": []}]`,
			"Caddyfile": caddyfile("\tadmin off\n"+global+gateOptions, "http://@plain@ {\n\tlog\n\theadgate {\n\t\tprincipals {\n\t\t\tapi_keys keys.json\n\t\t}\n\t\tupstream_key "+
				upstreamSecret+"\n\t}\n\treverse_proxy @model@ {\n\t\theader_up Api-Key "+upstreamSecret+"\n\t}\n}\nhttp://@model@ {\n\theadgate_sandbox\n}\n"),
		})
		for _, r := range []struct{ path, header, body string }{
			{"/v1/messages", "X-Api-Key", `{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"/cut 3"}]}`},
			{"/v1/chat/completions", "Api-Key", `{"model":"m","stream":true,"messages":[{"role":"user","content":"/cut 3"}]}`},
			{"/v1beta/models/m:streamGenerateContent?alt=sse", "X-Goog-Api-Key", `{"contents":[{"role":"user","parts":[{"text":"/cut 2"}]}]}`},
			{"/v1beta/models/m:streamGenerateContent?alt=sse&key=" + callerSecret, "", `{"contents":[{"role":"user","parts":[{"text":"/cut 2"}]}]}`},
		} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+g.addrs["@plain@"]+r.path, strings.NewReader(r.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			if r.header != "" {
				req.Header.Set(r.header, callerSecret)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_, err = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Errorf("%s: status %d, %v", r.path, resp.StatusCode, err)
			}
		}
		g.stop(t)
		return g.stderr.String()
	}
	// Without the filter they are there, so that this test can fail.
	if log := ask(""); !strings.Contains(log, upstreamSecret) || !strings.Contains(log, callerSecret) {
		t.Errorf("Caddy logs no key any more; the filter can go:\n%s", log)
	}
	log := ask(filter)
	for _, message := range []string{"aborting with incomplete response", "upstream roundtrip", "handled request"} {
		if !strings.Contains(log, message) {
			t.Errorf("no line %q", message)
		}
	}
	for _, secret := range []string{upstreamSecret, callerSecret} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %s:\n%s", secret, log)
		}
	}
}
