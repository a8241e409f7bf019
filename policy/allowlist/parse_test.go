package allowlist_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/allowlist"
)

func TestLoad(t *testing.T) {
	l, err := allowlist.Load("testdata/policy_rules.json")
	if err != nil {
		t.Fatal(err)
	}
	if l.Rego != "package cullis.policy\n" {
		t.Errorf("rego: got %q", l.Rego)
	}
	if got, want := l.SHA256(), "c176cb37b8d7d5243ab723c2ec3cd56003cab30d06dee6482fa410b735fef0b6"; got != want {
		t.Errorf("sha256: got %s, want %s", got, want)
	}
	want := []string{
		"testdata/policy_rules.json:16:5: rego_wasm_base64 is passed over: policies are read as Rego source",
	}
	if diff := cmp.Diff(want, l.Warnings()); diff != "" {
		t.Errorf("warnings: -want +got:\n%s", diff)
	}
	if allow, reason := l.Decide(call("orga::treasury", "wire", "gpt-4o", "bank")); !allow {
		t.Errorf("the call that the document is for is denied: %s", reason)
	}
}

// A policy that is there in its compiled form alone is passed over, which has to
// be said.
func TestCompiledRegoAlone(t *testing.T) {
	l, err := allowlist.Parse("x", []byte(`{"blocked_agents": ["a"], "rego_wasm_base64": "AGFzbQ=="}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"x:1:27: rego_wasm_base64 is passed over: policies are read as Rego source, and there is no rego beside it; write that"}
	if diff := cmp.Diff(want, l.Warnings()); diff != "" || l.Rego != "" {
		t.Errorf("rego %q, warnings: -want +got:\n%s", l.Rego, diff)
	}
}

// Every fault has a place, and none lets the document into force.
func TestParseFaults(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"nothing", ``, "x:1:1: the document ends too early"},
		{"no object", `[]`, "x:1:1: the document must be an object, not a list"},
		{"null", `null`, "x:1:1: the document must be an object, not null"},
		{"cut off", "{\n\"allowed_orgs\": [\"a\"", "x:2:21: the document ends too early"},
		{"two documents", `{} {}`, "x:1:3: more follows the document; keep one object"},
		{"a key twice", "{\"allowed_orgs\": [],\n \"allowed_orgs\": []}", `x:2:2: duplicate object member name`},
		{"not UTF-8", "{\"allowed_orgs\": [\"\xff\"]}", "x:1:20: invalid UTF-8"},
		{"unknown key", "{\n  \"blocked_agent\": []}", `x:2:3: unknown key "blocked_agent"; it must be blocked_agents, allowed_orgs, capabilities, tool_rules or rego`},
		{"other case", `{"Blocked_agents": []}`, `x:1:2: unknown key "Blocked_agents"`},
		{"unknown key inside", `{"policy_rules": {"x": 1}}`, `x:1:19: unknown key "x"`},
		{"rules in rules", `{"policy_rules": {"policy_rules": {}}}`, `x:1:19: unknown key "policy_rules"`},
		{"rules in two places", `{"policy_rules": {}, "allowed_orgs": []}`, "x:1:22: rules stand beside policy_rules"},
		{"rules in two places, the other way", `{"allowed_orgs": [], "policy_rules": {}}`, "x:1:22: rules stand beside policy_rules"},
		{"rego twice", `{"rego": "", "policy_rules": {"rego": ""}}`, "x:1:31: rego is written twice"},
		{"policy_rules is a list", `{"policy_rules": []}`, "x:1:18: policy_rules must be an object, not a list"},
		{"blocked_agents is a string", `{"blocked_agents": "a"}`, "x:1:20: blocked_agents must be a list of strings, not a string"},
		{"blocked_agents is null", `{"blocked_agents": null}`, "x:1:20: blocked_agents must be a list of strings, not null"},
		{"blocked_agents is an object", `{"blocked_agents": {}}`, "x:1:20: blocked_agents must be a list of strings, not an object"},
		{"a number among agents", `{"blocked_agents": ["a", 7]}`, "x:1:26: an entry of blocked_agents must be a string, not a number"},
		{"an empty agent", `{"blocked_agents": [""]}`, "x:1:21: an entry of blocked_agents is empty"},
		{"a wildcard", `{"blocked_agents": ["orga::*"]}`, "x:1:21: an entry of blocked_agents holds a wildcard"},
		{"blanks", `{"blocked_agents": ["a "]}`, "x:1:21: an entry of blocked_agents has blanks around it"},
		{"allowed_orgs is a boolean", `{"allowed_orgs": true}`, "x:1:18: allowed_orgs must be a list of strings, not a boolean"},
		{"allowed_orgs is an object", `{"allowed_orgs": {}}`, "x:1:18: allowed_orgs must be a list of strings, not an object"},
		{"capabilities is a string", `{"capabilities": "x"}`, "x:1:18: capabilities must be a list of strings, not a string"},
		{"capabilities has members", `{"capabilities": {"a": true}}`, "x:1:19: capabilities is a list of strings, or an empty object"},
		{"tool_rules is a list", `{"tool_rules": []}`, "x:1:16: tool_rules must be an object, not a list"},
		{"blocked_tools is an object", `{"tool_rules": {"blocked_tools": {}}}`, "x:1:34: blocked_tools must be a list of strings, not an object"},
		{"allowed_tools is null", `{"tool_rules": {"allowed_tools": null}}`, "x:1:34: allowed_tools must be a list of strings, not null"},
		{"a rule is a boolean", `{"tool_rules": {"wire": true}}`, "x:1:25: the rule of a tool must be an object, not a boolean"},
		{"a rule is a list", `{"tool_rules": {"wire": ["a"]}}`, "x:1:25: the rule of a tool must be an object, not a list"},
		{"a tool without a name", `{"tool_rules": {"": {}}}`, "x:1:17: the name of a tool is empty"},
		{"a wildcard for a tool", `{"tool_rules": {"wire_*": {}}}`, "x:1:17: the name of a tool holds a wildcard"},
		{"unknown key of a rule", `{"tool_rules": {"wire": {"allowed_principal": []}}}`, `x:1:26: unknown key "allowed_principal"; it must be allowed_principals, denied_principals, allowed_models or allowed_mcp_servers`},
		{"allowed_principals is a string", `{"tool_rules": {"wire": {"allowed_principals": "a"}}}`, "x:1:48: allowed_principals must be a list of strings, not a string"},
		{"allowed_principals is null", `{"tool_rules": {"wire": {"allowed_principals": null}}}`, "x:1:48: allowed_principals must be a list of strings, not null"},
		{"denied_principals is an object", `{"tool_rules": {"wire": {"denied_principals": {"a": 1}}}}`, "x:1:47: denied_principals must be a list of strings, not an object"},
		{"allowed_models is a number", `{"tool_rules": {"wire": {"allowed_models": 4}}}`, "x:1:44: allowed_models must be a list of strings, not a number"},
		{"allowed_mcp_servers holds null", `{"tool_rules": {"wire": {"allowed_mcp_servers": [null]}}}`, "x:1:50: an entry of allowed_mcp_servers must be a string, not null"},
		{"rego is a list", `{"rego": []}`, "x:1:10: rego must be a string or null, not a list"},
		{"rate_limit is a number", `{"tool_rules": {"wire": {"rate_limit": 60}}}`, "x:1:40: rate_limit must be an object, not a number"},
		{"scope is null", `{"tool_rules": {"wire": {"scope": null}}}`, "x:1:35: scope must be an object, not null"},
		{"a key of obligations twice", `{"tool_rules": {"wire": {"obligations": {"a": 1, "a": 2}}}}`, "x:1:50: duplicate object member name"},
		{"rego_wasm_base64 is a number", `{"rego_wasm_base64": 1}`, "x:1:22: rego_wasm_base64 must be a string or null, not a number"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := allowlist.Parse("x", []byte(c.src))
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v, want %s…", err, c.want)
			}
			if l != nil {
				t.Error("a faulty document is given out")
			}
		})
	}
}

func TestParseAccepts(t *testing.T) {
	for _, src := range []string{
		`{}`,
		`{"policy_rules": {}}`,
		`{"capabilities": {}, "tool_rules": {}, "rego": null, "rego_wasm_base64": null}`,
		`{"rego": "package x", "policy_rules": {"allowed_orgs": []}}`,
	} {
		l, err := allowlist.Parse("x", []byte(src))
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if !strings.Contains(strings.Join(l.Warnings(), "\n"), "x: the allowlist holds no rule and allows everything") {
			t.Errorf("%s: no warning that it allows everything: %q", src, l.Warnings())
		}
	}
}

func TestLoadTooLargeOrMissing(t *testing.T) {
	big := filepath.Join(t.TempDir(), "big.json")
	if err := os.WriteFile(big, make([]byte, allowlist.MaxSize+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := allowlist.Load(big); !errors.Is(err, allowlist.ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
	if _, err := allowlist.Load(big + ".none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want ErrNotExist", err)
	}
}

// What tools' rules carry for others is kept; it is told once that it decides
// nothing.
func TestParseKept(t *testing.T) {
	l := parse(t, `{"tool_rules": {
	"a": {"scope": {"x": [1]}, "rate_limit": {"per_minute": 60}},
	"b": {"scope": {}, "obligations": {}}
}}`)
	want := []string{
		"policy_rules.json:2:8: scope is kept and decides nothing (in 2 rules)",
		"policy_rules.json:2:29: rate_limit is kept and decides nothing (in 1 rule)",
		"policy_rules.json:3:21: obligations is kept and decides nothing (in 1 rule)",
	}
	if diff := cmp.Diff(want, l.Warnings()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if allow, reason := l.Decide(call("x", "a", "", "")); !allow {
		t.Error(reason)
	}
}

// FuzzParse: a document is refused with a place, or decides at every stage, with
// a reason for each deny, and as before when it was written and read again.
func FuzzParse(f *testing.F) {
	doc, err := os.ReadFile("testdata/policy_rules.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(doc)
	f.Add([]byte(`{"tool_rules": {"allowed_tools": ["a"], "b": {"allowed_principals": []}}}`))
	f.Add([]byte(`{"capabilities": {}, "rego": null}`))
	f.Add([]byte(`{"blocked_agents": ["\ud800"]}`))
	f.Add([]byte(`{"blocked_agents": ["<\u2028é\ud83d\ude00>", "\u0000"], "tool_rules": {"\t": {"scope": {"a":1e400}}}, "rego": "\\\"\n"}`))
	for seed := range uint64(8) {
		f.Add([]byte(randomDocument(rand.New(rand.NewPCG(seed, 0)))))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		l, err := allowlist.Parse("x", src)
		if err != nil {
			if l != nil || !strings.HasPrefix(err.Error(), "x:") {
				t.Fatalf("got %v %v", l, err)
			}
			return
		}
		for _, s := range append(policy.Stages(), "other") {
			in := call("orga::a", "wire", "gpt-4o", "bank")
			in.Stage = s
			if allow, reason := l.Decide(in); allow == (reason != "") {
				t.Errorf("%s: allow %v with the reason %q", s, allow, reason)
			}
		}
		again(t, l)
	})
}
