package integration_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// call sends a request and gives the status and the body.
func call(t *testing.T, method, url, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(got))
}

func sign(key, body string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

// TestDecisionEndpoints asks the seeds' policies, verbatim, as a broker and as a
// gateway do; what is not for the endpoints goes on to the gate of the site.
func TestDecisionEndpoints(t *testing.T) {
	const key = "an-hmac-key-for-the-tests"
	t.Setenv("HEADGATE_TEST_PDP_KEY", key)
	files := map[string]string{
		"Caddyfile": caddyfile("\tadmin @admin@\n", `
(gate) {
	policy seeds {
		timeout 30s
	}
	audit audit.jsonl
}
http://@pdp@ {
	headgate_pdp {
		import gate
		pdp_key {env.HEADGATE_TEST_PDP_KEY}
	}
	headgate {
		import gate
	}
	reverse_proxy @model@ {
		header_up Host {upstream_hostport}
	}
}
http://@model@ {
	headgate_sandbox
}
`),
	}
	maps.Copy(files, seedFiles(t))
	g := start(t, files)
	url := "http://" + g.addrs["@pdp@"]
	signed := func(path, body string) (int, string) {
		name := "X-Cullis-Integration-Signature"
		if path == "/pdp/policy" {
			name = "X-ATN-Signature"
		}
		return call(t, http.MethodPost, url+path, body, name, sign(key, body))
	}
	session := func(from, to, capabilities string) string {
		return fmt.Sprintf(`{"initiator_agent_id":"%s::a","target_agent_id":"%s::b","initiator_org_id":"%[1]s","target_org_id":"%[2]s","session_context":"initiator","capabilities":[%[3]s]}`, from, to, capabilities)
	}
	tool := func(agent, name string) string {
		return fmt.Sprintf(`{"input":{"agent_id":%q,"tool_name":%q,"arguments":{"name":"x"}}}`, agent, name)
	}
	const crossOrg = "cross-org session orga -> orgc requires partner approval AND kyc.partner-disclose capability"
	for _, c := range []struct{ path, body, want string }{
		{"/pdp/policy", session("orga", "orga", ""), `{"decision":"allow"}`},
		{"/pdp/policy", session("orga", "orgc", `"kyc.read"`), `{"decision":"deny","reason":"` + crossOrg + `"}`},
		{"/v1/data/cullis/policy/session", `{"input":` + session("orga", "orgb", `"kyc.partner-disclose"`) + `}`, `{"result":{"decision":"allow"}}`},
		{"/v1/data/cullis/policy/session", `{"input":` + session("orga", "orgc", `"kyc.read"`) + `}`, `{"result":{"decision":"deny","reason":"` + crossOrg + `"}}`},
		{"/v1/data/cullis/policy/tool_call", tool("orga::kyc-screener", "sanctions_lookup"), `{"result":{"decision":"allow"}}`},
		{"/v1/data/cullis/policy/tool_call", tool("orga::kyc-screener", "pii_export"), `{"result":{"decision":"deny","reason":"agent orga::kyc-screener is not authorised to call tool pii_export"}}`},
		{"/v1/data/cullis/policy/tool_call", tool("orga::x", "knowledge_base_query"), `{"result":{"decision":"allow"}}`},
		{"/v1/data/cullis/policy/tool_call", tool("orgb::x", "knowledge_base_query"), `{"result":{"decision":"deny","reason":"agent orgb::x is not authorised to call tool knowledge_base_query"}}`},
		{"/v1/data/tako/policy", `{"input":{"stage":"pre_chat","model":"gpt-5","principal":{"tenant_id":"free"}}}`, `{"result":{"decision":"force_model","model":"gpt-3.5-turbo"}}`},
		{"/v1/data/tako/policy", `{"input":{"stage":"pre_chat","model":"gpt-5","principal":{"tenant_id":"acme"}}}`, `{"result":{"decision":"allow"}}`},
		{"/v1/data/unknown/policy", `{"input":{}}`, `{"result":null}`},
	} {
		status, got := signed(c.path, c.body)
		if status != http.StatusOK || got != c.want {
			t.Errorf("%s %s:\n%d %s\nwant %s", c.path, c.body, status, got, c.want)
		}
	}
	body := session("orga", "orga", "")
	for name, header := range map[string][]string{
		"no signature":             nil,
		"one of another key":       {"X-ATN-Signature", sign("another key", body)},
		"one of another body":      {"X-ATN-Signature", sign(key, body+" ")},
		"a credential, no sources": {"Authorization", "Bearer x"},
	} {
		if status, got := call(t, http.MethodPost, url+"/pdp/policy", body, header...); status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, status, got)
		}
	}
	if status, got := call(t, http.MethodGet, url+"/pdp/health", ""); status != http.StatusOK || got != `{"status":"ok"}` {
		t.Errorf("health: %d %s", status, got)
	}
	event := `{"specversion":"1.0","id":"e-1","source":"/gateway","type":"tool.called","data":{"secret":"` + secret + `"}}`
	status, got := call(t, http.MethodPost, url+"/v1/integrations/cloudevents", event,
		"Content-Type", "application/cloudevents+json", "X-Cullis-Integration-Signature", sign(key, event))
	if status != http.StatusAccepted || got != `{"status":"recorded","id":"e-1"}` {
		t.Errorf("event: %d %s", status, got)
	}
	// Without a global option the admin endpoint knows the sites' policies too.
	if status, got := call(t, http.MethodGet, "http://"+g.addrs["@admin@"]+"/headgate/policy", ""); status != http.StatusOK || strings.Count(got, `"loaded_at"`) != 2 {
		t.Errorf("admin: %d %s", status, got)
	}
	// What is not for the endpoints is for the gate, which governs it.
	if status, got := call(t, http.MethodPost, url+"/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"/say Yes."}]}`); status != http.StatusOK || !strings.Contains(got, "Yes.") {
		t.Errorf("chat: %d %s", status, got)
	}
	if status, _ := call(t, http.MethodPost, url+"/pdp/policy/", body); status != http.StatusNotFound {
		t.Errorf("a path that resembles: %d", status)
	}
	g.stop(t)
	trail := map[string]int{}
	for line := range bytes.Lines(g.auditBytes(t)) {
		var l struct {
			Stage, Kind, Decision, Protocol string

			Principal struct {
				AgentID string `json:"agent_id"`
			}
			Target string `json:"target_agent_id"`
		}
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatal(err)
		}
		if l.Stage == "session" && (l.Principal.AgentID != "orga::a" || !strings.HasSuffix(l.Target, "::b")) {
			t.Errorf("a session's line does not name both agents: %s", line)
		}
		if l.Protocol == "pdp" {
			trail[strings.TrimSpace(l.Kind+" "+l.Stage+" "+l.Decision)]++
		}
	}
	want := map[string]int{
		"session allow": 2, "session deny": 2, "pre_tool allow": 2, "pre_tool deny": 2,
		"pre_chat force_model": 1, "pre_chat allow": 1, "request deny": 5, "event": 1,
	}
	if diff := cmp.Diff(want, trail); diff != "" {
		t.Errorf("audit lines: -want +got:\n%s", diff)
	}
}

// seedFiles are the seeds' policies, byte for byte.
func seedFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, name := range []string{"tako_policy.rego", "cullis_session.rego", "cullis_tool_call.rego"} {
		text, err := os.ReadFile("../policy/rego/testdata/seeds/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files["seeds/"+name] = string(text)
	}
	return files
}

// TestAdminAPI: what decides is shown, reloaded and replaced there.
func TestAdminAPI(t *testing.T) {
	t.Parallel()
	rules := func(version string) string {
		return fmt.Sprintf(`{"policy_rules": {"blocked_agents": [], "rego": "package headgate\n\ndefault allow := true\n\ndeny contains \"version %s\" if input.stage == \"pre_chat\"\n"}}`, version)
	}
	g := start(t, map[string]string{
		"rules.json": rules("1"),
		"Caddyfile": strings.Replace(caddyfile("\tadmin @admin@\n\theadgate {\n\t\tpolicy {\n\t\t\tfallthrough on\n\t\t\ttimeout 30s\n\t\t}\n\t\tallowlist rules.json\n\t\taudit audit.jsonl\n\t}\n", sandboxSite),
			"admin off\n", "", 1),
	})
	admin := "http://" + g.addrs["@admin@"]
	decision := func() string {
		text, err := ask(t, g, "/say Yes.")
		if err != nil {
			return "denied: " + err.Message
		}
		return text
	}
	if got := decision(); got != "denied: version 1" {
		t.Fatalf("at the start: %s", got)
	}
	var shown struct {
		Policies []struct {
			SHA256 string
			Files  []struct{ Path, Rego string }
			Stages []struct {
				Stage   string
				Covered bool
			}
			Allowlist struct{ Path, SHA256 string }
		}
	}
	status, body := call(t, http.MethodGet, admin+"/headgate/policy", "")
	if err := json.Unmarshal([]byte(body), &shown); err != nil || status != http.StatusOK || len(shown.Policies) != 1 {
		t.Fatalf("%d %s: %v", status, body, err)
	}
	p := shown.Policies[0]
	if len(p.Files) != 1 || p.Files[0].Path != "rules.json#rego" || p.Files[0].Rego != "v1" || !p.Stages[0].Covered || p.Allowlist.Path != "rules.json" {
		t.Errorf("shown: %s", body)
	}

	if status, body := call(t, http.MethodPut, admin+"/headgate/allowlist", rules("2")); status != http.StatusNoContent {
		t.Errorf("replace: %d %s", status, body)
	}
	if got := decision(); got != "denied: version 2" {
		t.Errorf("after it was replaced: %s", got)
	}
	if saved, err := os.ReadFile(g.dir + "/rules.json"); err != nil || string(saved) != rules("2") {
		t.Errorf("saved: %s, %v", saved, err)
	}
	for name, c := range map[string]struct{ doc, want string }{
		"Rego that does not compile": {`{"rego": "package headgate\n\nallow if x\n"}`, `rules.json#rego:3:10: var x is unsafe`},
		"a wrong type":               {`{"blocked_agents": "a"}`, "rules.json:1:20: blocked_agents must be a list of strings"},
		"no JSON":                    {`{`, "rules.json:1:2"},
	} {
		status, body := call(t, http.MethodPut, admin+"/headgate/allowlist", c.doc)
		if status != http.StatusUnprocessableEntity || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d %s", name, status, body)
		}
		if got := decision(); got != "denied: version 2" {
			t.Errorf("%s: it decides %s", name, got)
		}
	}
	if status, body := call(t, http.MethodGet, admin+"/headgate/allowlist", ""); status != http.StatusOK || body != rules("2") {
		t.Errorf("the document: %d %s", status, body)
	}

	g.write(t, "rules.json", rules("3"))
	if status, body := call(t, http.MethodPost, admin+"/headgate/policy/reload", ""); status != http.StatusOK {
		t.Errorf("reload: %d %s", status, body)
	}
	if got := decision(); got != "denied: version 3" {
		t.Errorf("after the reload: %s", got)
	}
	g.write(t, "rules.json", `{"rego": "package headgate\n\nallow if x\n"}`)
	if status, body := call(t, http.MethodPost, admin+"/headgate/policy/reload", ""); status != http.StatusUnprocessableEntity || !strings.Contains(body, "rules.json#rego:3:10") {
		t.Errorf("reload of a fault: %d %s", status, body)
	}
	if got := decision(); got != "denied: version 3" {
		t.Errorf("after the fault: %s", got)
	}
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{http.MethodPost, "/headgate/policy", http.StatusMethodNotAllowed},
		{http.MethodGet, "/headgate/policy/reload", http.StatusMethodNotAllowed},
		{http.MethodGet, "/headgate/allowlist?path=other.json", http.StatusNotFound},
	} {
		if status, body := call(t, c.method, admin+c.path, ""); status != c.want {
			t.Errorf("%s %s: %d %s", c.method, c.path, status, body)
		}
	}
}
