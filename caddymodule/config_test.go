package caddymodule

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/enforce"
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/redact"
)

// fullConfig has every field set, to something that tag makes its own.
func fullConfig(tag string) *Config {
	return &Config{
		Policy:       &PolicyConfig{Paths: []string{tag}, Timeout: caddy.Duration(time.Second)},
		Allowlist:    tag,
		Serve:        []ServeConfig{{Dialect: "openai", Prefix: "/" + tag}},
		Exempt:       []string{"/" + tag},
		Principals:   &PrincipalsConfig{APIKeys: tag},
		UpstreamKeys: []UpstreamKeyConfig{{Value: tag}},
		Audit:        &AuditConfig{Path: tag},
		Redact:       []RedactConfig{{Direction: "request", Selectors: []string{"lit:" + tag}}},
		PDPKeys:      []string{"{env." + tag + "}"},
		RedactionKey: "{env." + tag + "}",
		UnknownPaths: tag,
		ForeignIDs:   tag,
		Unscanned:    map[string]string{tag: "allow"},
		DeniedCalls:  tag,
		MaxBody:      int64(len(tag)),
		Mode:         tag,
		HTTPTools:    []HTTPToolConfig{{Path: "/" + tag, Tool: tag}},
	}
}

// TestMerge sets each field alone: it must win over the global one whole, and
// all others must come from the global configuration.
func TestMerge(t *testing.T) {
	site, global := reflect.ValueOf(*fullConfig("of-the-site")), reflect.ValueOf(*fullConfig("global"))
	for i := range site.NumField() {
		name := site.Type().Field(i).Name
		if site.Field(i).IsZero() {
			t.Fatalf("fullConfig does not set %s", name)
		}
		t.Run(name, func(t *testing.T) {
			var c, want Config
			reflect.ValueOf(&c).Elem().Field(i).Set(site.Field(i))
			reflect.ValueOf(&want).Elem().Set(global)
			reflect.ValueOf(&want).Elem().Field(i).Set(site.Field(i))
			c.merge(fullConfig("global"))
			if diff := cmp.Diff(want, c); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestMergeWithoutGlobal(t *testing.T) {
	c := fullConfig("site")
	c.merge(nil)
	if diff := cmp.Diff(fullConfig("site"), c); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestMergeEmptyList: JSON can say that a site has none of what is global.
func TestMergeEmptyList(t *testing.T) {
	var c Config
	if err := json.Unmarshal([]byte(`{"exempt": [], "redact": [], "unscanned": {}}`), &c); err != nil {
		t.Fatal(err)
	}
	c.merge(fullConfig("global"))
	if len(c.Exempt) != 0 || len(c.Redact) != 0 || len(c.Unscanned) != 0 {
		t.Errorf("the global entries came back: %v, %v, %v", c.Exempt, c.Redact, c.Unscanned)
	}
}

// TestValidateJSON: what only JSON can say is checked as well as what the
// Caddyfile can; its values are in testdata/adapt.
func TestValidateJSON(t *testing.T) {
	for _, tt := range []struct{ config, want string }{
		{`{}`, ""},
		{`{"policy": {"paths": ["p"]}, "audit": {}, "max_body": 1}`, ""},
		{`{"policy": {}}`, "policy needs at least one file or directory; only with fallthrough on may it have none"},
		{`{"policy": {"fallthrough": true}}`, ""},
		{`{"policy": {"fallthrough": true, "packages": ["a"]}}`, ""},
		{`{"policy": {"fallthrough": true, "default_decision": [{"decision": "allow"}]}}`, "policy: without a file or directory, default_decision has no meaning: with fallthrough on the allowlist decides"},
		{`{"policy": {"paths": ["p", "b.tgz", "https://x/b.tar.gz"]}}`, ""},
		{`{"policy": {"paths": ["https://"]}}`, "policy: the URL of a bundle server must be such as https://bundles.example.com/gate.tar.gz"},
		{`{"policy": {"paths": ["p"], "bundle": {"poll": -1}}}`, "poll must be longer than nothing, such as 30s"},
		{`{"pdp_keys": ["sk-secret"]}`, "pdp_key must be a placeholder that is known when the configuration loads, such as {env.HEADGATE_PDP_KEY}"},
		{`{"policy": {"paths": ["p"], "timeout": -1}}`, "timeout must be longer than nothing, such as 100ms"},
		{`{"policy": {"paths": ["p"], "default_decision": [{"stages": ["pre_chat"]}]}}`, `default_decision: the decision must be allow or deny, not ""`},
		{`{"principals": {}}`, "principals needs a source: api_keys, caddy or anonymous"},
		{`{"principals": {"anonymous": ""}}`, ""},
		{`{"serve": [{"prefix": "/v1"}]}`, `serve: the dialect must be openai, anthropic, gemini, ollama, mcp or a2a, not ""`},
		{`{"http_tools": [{"path": "/a/{id}", "tool": "a"}]}`, ""},
		{`{"http_tools": [{"path": "/a"}]}`, "http_tool: the tool's name is empty"},
		{`{"serve": [{"dialect": "openai", "prefix": "/"}]}`, ""},
		{`{"exempt": ["/*"]}`, ""},
		{`{"exempt": [""]}`, "exempt: the path must start with / and be plain: no empty or dot segments, no wildcard, query, placeholder or escape, except for /* at its end"},
		{`{"upstream_keys": [{"dialect": "sk-secret", "value": "x"}]}`, "upstream_key: where two arguments are given, the first must be a dialect: openai, anthropic, gemini, ollama, mcp or a2a"},
		{`{"redact": [{"direction": "request"}]}`, "redact: at least one selector must follow the direction, such as EMAIL, re:<expression> or lit:<text>"},
		{`{"redact": [{"direction": "request", "selectors": ["EMAIL"], "as": "mask", "keep_last": -1}]}`, "redact: keep_last must be a number of characters, 0 or more"},
		{`{"redact": [{"direction": "request", "selectors": ["EMAIL"], "as": "token"}]}`, "redact: as token is not supported in this version"},
		{`{"redact": [{"direction": "request", "selectors": ["EMAIL"], "as": "hash"}]}`, ""},
		{`{"unscanned": {"image": ""}}`, `unscanned: the decision must be allow or deny, not ""`},
		{`{"max_body": -1}`, "max_body must be at least 1 byte"},
		{`{"mode": "shadow"}`, "mode shadow is not supported in this version"},
		{`{"audit": {"durability": "power"}}`, "durability power is not supported in this version"},
	} {
		var c Config
		if err := caddy.StrictUnmarshalJSON([]byte(tt.config), &c); err != nil {
			t.Fatalf("%s: %v", tt.config, err)
		}
		got := ""
		if err := c.validate(); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s:\n got %q\nwant %q", tt.config, got, tt.want)
		}
	}
}

func TestExempts(t *testing.T) {
	c := Config{Exempt: []string{"/healthz", "/v1/models", "/assets/*"}}
	for _, tt := range []struct {
		path     string
		governed bool
		want     bool
	}{
		{"/healthz", false, true},
		{"/healthz/", false, false},
		{"/Healthz", false, false},
		{"/health%7A", false, false},
		{"/v1/models", true, true},
		{"/v1/Models", true, false},
		{"/assets/a/b.js", false, true},
		{"/assets/", false, true},
		{"/assets", false, false},
		{"/assets/chat", true, false},
		{"/assets/../v1/chat/completions", false, false},
		{"/assets//v1", false, false},
		{"/assets/./a", false, false},
		{"/assets/%2e%2e/v1/chat/completions", false, false},
		{`/assets/..\v1`, false, false},
		{"/assets/..;/v1", false, false},
		{"", false, false},
	} {
		if got := c.exempts(tt.path, tt.governed); got != tt.want {
			t.Errorf("exempts(%q, governed %v) = %v, want %v", tt.path, tt.governed, got, tt.want)
		}
	}
}

func TestDefaultAllow(t *testing.T) {
	const all = "pre_chat pre_tool post_chat post_tool session"
	for _, tt := range []struct {
		name    string
		entries []DefaultDecisionConfig
		want    string
	}{
		{"nothing is written", nil, ""},
		{"deny", []DefaultDecisionConfig{{Decision: "deny"}}, ""},
		{"allow", []DefaultDecisionConfig{{Decision: "allow"}}, all},
		{"one stage", []DefaultDecisionConfig{{"allow", []string{"session"}}}, "session"},
		{"a stage after all", []DefaultDecisionConfig{{Decision: "allow"}, {"deny", []string{"pre_tool", "session"}}}, "pre_chat post_chat post_tool"},
		{"a stage before all", []DefaultDecisionConfig{{"deny", []string{"pre_tool", "session"}}, {Decision: "allow"}}, "pre_chat post_chat post_tool"},
	} {
		var got []string
		allow := (&PolicyConfig{DefaultDecision: tt.entries}).defaultAllow()
		for _, s := range policy.Stages() {
			if allow[s] {
				got = append(got, string(s))
			}
		}
		if got := strings.Join(got, " "); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestAllowUnscanned(t *testing.T) {
	c := Config{Unscanned: map[string]string{"image": "deny", "file_id": "allow"}}
	want := map[string]bool{"image": false, "file_id": true}
	if diff := cmp.Diff(want, c.allowUnscanned()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	var passes []string // where nothing is written
	for _, fact := range unscannedFacts {
		if enforce.PassesByDefault(fact) {
			passes = append(passes, fact)
		}
	}
	if diff := cmp.Diff([]string{"audio", "binary", "image", "opaque_echo"}, passes); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestUpstreamKey(t *testing.T) {
	c := Config{UpstreamKeys: []UpstreamKeyConfig{{Dialect: "openai", Value: "{env.A}"}, {Value: "{env.B}"}}}
	for dialect, want := range map[string]string{"openai": "{env.A}", "other": "{env.B}"} {
		if got, ok := c.upstreamKey(dialect); got != want || !ok {
			t.Errorf("%s: %q, %v; want %q", dialect, got, ok, want)
		}
	}
	if got, ok := new(Config).upstreamKey("openai"); got != "" || ok {
		t.Errorf("without an entry: %q, %v", got, ok)
	}
}

func TestServedAndSelectors(t *testing.T) {
	c := Config{Redact: []RedactConfig{
		{Direction: "request", Selectors: []string{"EMAIL", "lit:x"}, As: "mask", KeepLast: 4},
		{Direction: "response", Selectors: []string{"IP"}},
		{Direction: "request", Selectors: []string{"IBAN"}},
	}}
	want := []redact.Selector{{Spec: "EMAIL", As: "mask", KeepLast: 4}, {Spec: "lit:x", As: "mask", KeepLast: 4}, {Spec: "IBAN"}}
	if diff := cmp.Diff(want, c.selectors("request")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := c.selectors("args"); got != nil {
		t.Errorf("selectors of another direction: %v", got)
	}
	if diff := cmp.Diff([]ServeConfig{{Dialect: "openai", Prefix: "/v1"}, {Dialect: "anthropic", Prefix: "/v1/messages"}, {Dialect: "gemini", Prefix: "/v1beta"}, {Dialect: "ollama", Prefix: "/api"}, {Dialect: "mcp", Prefix: "/mcp"}}, c.served()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	c.Serve = []ServeConfig{{Dialect: "openai", Prefix: "/x", Name: "x"}}
	if diff := cmp.Diff(c.Serve, c.served()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestNear(t *testing.T) {
	for name, want := range map[string]string{
		"polcy":                  "policy",
		"POLICY":                 "policy",
		"upstream-keys":          "upstream_key",
		"redactionkey":           "redaction_key",
		"unknown_path":           "unknown_paths",
		"":                       "",
		"x":                      "",
		"telemetry":              "",
		strings.Repeat("p", 999): "",
	} {
		if got := strings.Join(blockWords.near(name), " "); got != want {
			t.Errorf("%q is near %q, want %q", name, got, want)
		}
	}
}

// TestFallthroughNeedsAllowlist: the two may come from the site and from the
// global block.
func TestFallthroughNeedsAllowlist(t *testing.T) {
	global := &Config{Policy: &PolicyConfig{Fallthrough: true}}
	var c Config
	c.merge(global)
	if err := c.validateFallthrough(); err == nil {
		t.Error("fallthrough without an allowlist is accepted")
	}
	c = Config{Allowlist: "policy_rules.json"}
	c.merge(global)
	if err := c.validateFallthrough(); err != nil {
		t.Errorf("fallthrough of the global block with an allowlist of the site: %v", err)
	}
}
