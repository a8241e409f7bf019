package rego

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/policy"
)

// tools are those that the tables ask about.
var tools = []string{"read", "shell", "write"}

// toolCall is a call by a developer whose arguments nobody knows.
func toolCall(tool string) *policy.Input {
	return &policy.Input{
		Stage: policy.PreTool, Tool: tool, Server: "files",
		Principal: policy.Principal{TenantID: "acme", UserID: "alice", Roles: []string{"dev"}, AgentID: "acme::coder"},
	}
}

// hopelessTools lists the tools that a policy hides from the developer.
func hopelessTools(p policy.Prober) string {
	var out []string
	for _, tool := range tools {
		if p.Hopeless(context.Background(), toolCall(tool), policy.FieldArgs) {
			out = append(out, tool)
		}
	}
	return strings.Join(out, " ")
}

const all = "read shell write"

// headgateV1 begins a policy of the package headgate.
const headgateV1 = "package headgate\n\nimport rego.v1\n\n"

func TestHopeless(t *testing.T) {
	for _, c := range []struct{ name, policy, want string }{
		{"all allowed", `default allow := true`, ""},
		{"all denied", `default allow := false`, all},
		{"denied by name", "default allow := true\ndeny contains \"no\" if input.tool == \"shell\"", "shell"},
		{"denied by name, arguments read elsewhere", `default allow := true
deny contains "no" if input.tool == "shell"
deny contains "not there" if startswith(input.args.path, "/etc")`, "shell"},
		{"denied by argument", "default allow := true\ndeny contains \"no\" if input.args.x == 1", ""},
		{"denied without an argument", "default allow := true\ndeny contains \"no\" if not input.args.x", ""},
		{"denied without an argument by name", "default allow := true\ndeny contains \"no\" if { input.tool == \"shell\"; not input.args.x }", ""},
		{"denied with a reason made of arguments", `default allow := true
deny contains sprintf("not %v", [object.get(input.args, "x", 0)]) if input.tool == "shell"`, ""},
		{"denied whatever the argument is, too clever to be told", `default allow := true
deny contains "a" if { input.tool == "shell"; input.args.x }
deny contains "b" if { input.tool == "shell"; not input.args.x }`, ""},
		{"allowed for a role that is there", `allow if "dev" in input.principal.roles`, ""},
		{"allowed for a role that is not", `allow if "admin" in input.principal.roles`, all},
		{"allowed for a role that is not, with arguments", `allow if { input.args.x; "admin" in input.principal.roles }`, all},
		{"allowed by argument", `allow if input.args.x == 1`, ""},
		{"allowed by argument and name", `allow if { input.tool == "read"; input.args.x == 1 }`, "shell write"},
		{"allowed by argument through rules", `default allow := false
allow if { ours; fits(input.args) }
ours if input.tool in {"read", "write"}
fits(a) if a.x == 1
fits(a) if not a.y`, "shell"},
		{"allowed by arguments as a whole", `allow if { input.tool == "read"; count(input.arguments) > 2 }`, "shell write"},
		{"allowed by a default of an object", `allow if { input.tool == "read"; mode.name == "open" }
default mode := {"name": "open"}
mode := {"name": "closed"} if not input.args.x`, "shell write"},
		{"allowed by every", `allow if { input.tool == "read"; every x in input.args.list { x == 1 } }`, "shell write"},
		{"refused by a rule that is false", `default allow := true
allow := false if input.tool == "shell"
allow := false if input.args.x`, "shell"},
		{"the whole input", `allow if { input.tool == "read"; object.get(input, ["args", "x"], 0) == 1 }`, "shell write"},
		{"an else", `allow if { input.args.x == 1 } else := false`, ""},
		{"an else after what is known, too clever to be told", `allow := false if { input.tool == "shell" } else := true if { input.args.x }`, ""},
		{"a value of the wrong type", `default allow := true
allow := "yes" if { input.tool == "shell"; not input.args.x; input.args.y }
allow := "yes" if input.tool == "shell"`, "shell"},
		{"an approval is no deny", `default allow := true
require_approval contains "ask" if input.tool == "shell"
deny contains "no" if input.args.x`, ""},
		{"an error", `default allow := true
deny contains "no" if { input.tool == "shell"; to_number("x") == 1 }`, ""},
		{"an error beside a deny that stands", `default allow := true
deny contains "no" if input.tool == "shell"
deny contains "odd" if to_number(object.get(input.args, "n", "x")) == 1`, "shell"},
		{"another stage", `default allow := true
deny contains "no" if { input.stage == "post_tool"; input.tool == "shell" }`, ""},
		{"what belongs to a call", `allow if { input.tool == "read"; input.request.id == "x" }
allow if { input.tool == "read"; input.unscanned[_] == "image" }`, "shell write"},
		{"the clock", `allow if { input.tool == "read"; not late }
allow if { input.tool == "write"; every n in [1] { n > time.now_ns() } }
late if time.now_ns() > 10`, "shell"},
		{"the clock beside a deny", `default allow := true
deny contains "closed" if time.now_ns() > 10
deny contains "no" if input.tool == "shell"`, "shell"},
		{"a host", `allow if { input.args.x; input.request.host == "other" }`, all},
		{"replaced documents are not followed", `allow if { input.tool == "read"; ok with input.args as {"x": 1} }
ok if input.args.x`, ""},
		{"only restrictions", `deny contains "no" if input.args.x`, all},

		{"style 2, words", `default pre_tool.decision := "deny"
pre_tool.decision := "allow" if { input.tool == "read"; input.args.x }`, "shell write"},
		{"style 2, objects", `default pre_tool.decision := {"decision": "deny", "reason": "no"}
pre_tool.decision := {"decision": "deny", "reason": input.args.why} if input.tool == "shell"
pre_tool.decision := {"decision": "allow"} if { input.tool == "read"; input.args.x }
pre_tool.decision := {"decision": "require_approval", "reason": "ask"} if { input.tool == "write"; input.args.x }`, "shell"},
		{"style 2, denied by name", `default pre_tool.decision := "allow"
pre_tool.decision := {"decision": "deny", "reason": "no"} if input.tool == "shell"
pre_tool.decision := "deny" if input.args.x`, "shell"},
		{"style 2, a word made of arguments", `pre_tool.decision := input.args.word if input.tool == "read"`, "shell write"},
		{"style 2, an object in parts", `pre_tool.decision.decision := "deny" if input.tool == "shell"
pre_tool.decision.reason := input.args.x`, ""},
		{"style 2, chained", `pre_tool.decision := "deny" if { input.args.x } else := "allow"`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := hopelessTools(load(t, headgateV1+c.policy)); got != c.want {
				t.Errorf("hopeless are %q, want %q", got, c.want)
			}
		})
	}
}

func TestHopelessOtherPackages(t *testing.T) {
	for _, c := range []struct{ name, policy, want string }{
		{"v0", "package tako.policy\n\ndefault allow = true\ndeny[msg] { input.tool == \"shell\"; msg := \"no\" }\ndeny[msg] { input.args.x; msg := \"odd\" }", "shell"},
		{"v0, a negated wildcard", `package tako.policy

default allow = true
deny["no"] { input.tool == "shell"; not input.principal.roles[_] == "admin" }
deny["odd"] { not input.args.list[_] == "x" }`, "shell"},
		{"cullis", "package cullis.policy\n\nimport rego.v1\n\ndefault tool_call := false\ntool_call if { input.tool_name == \"read\"; input.arguments.x }", "shell write"},
		{"cullis, objects", `package cullis.policy

import rego.v1

tool_call := {"decision": "deny", "reason": input.arguments.x} if input.tool_name == "shell"
tool_call := {"decision": "allow"} if { input.tool_name != "shell"; input.arguments.x }`, "shell"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := hopelessTools(load(t, c.policy)); got != c.want {
				t.Errorf("hopeless are %q, want %q", got, c.want)
			}
		})
	}
}

// dir makes a folder of files.
func dir(t testing.TB, files map[string]string) string {
	t.Helper()
	d := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(d, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func openPaths(t testing.TB, c Config) *Policy {
	t.Helper()
	if c.Timeout == 0 {
		c.Timeout = time.Minute
	}
	s, err := Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s.Policy()
}

func TestHopelessOfSeveralPackages(t *testing.T) {
	p := openPaths(t, Config{Paths: []string{dir(t, map[string]string{
		"a.rego": "package headgate\n\nimport rego.v1\n\nallow if { input.tool != \"shell\"; not input.args.x }",
		"b.rego": "package tako.policy\n\ndefault allow = true\n\ndeny[\"no\"] { input.tool == \"write\" }",
	})}})
	if got := hopelessTools(p); got != "shell write" {
		t.Errorf("hopeless are %q", got)
	}
}

func TestHopelessWithData(t *testing.T) {
	d := dir(t, map[string]string{
		"p.rego": headgateV1 + `allow if {
	some rule in data.grants[input.principal.roles[_]]
	rule.tool == input.tool
	startswith(input.args.path, rule.below)
}`,
		"d.json": `{"grants": {"dev": [{"tool": "read", "below": "/src"}], "ops": [{"tool": "shell", "below": "/"}]}}`,
	})
	p := openPaths(t, Config{Paths: []string{d}, Data: []string{filepath.Join(d, "d.json")}})
	if got := hopelessTools(p); got != "shell write" {
		t.Errorf("hopeless are %q", got)
	}
}

func TestHopelessSeeds(t *testing.T) {
	seed := func(name string) *Policy {
		return openPaths(t, Config{Paths: []string{filepath.Join("testdata", "seeds", name)}})
	}
	ask := func(p *Policy, in *policy.Input) bool {
		return p.Hopeless(context.Background(), in, policy.FieldArgs|policy.FieldMessages)
	}
	tako := seed("tako_policy.rego")
	in := toolCall("shell.exec")
	if !ask(tako, in) {
		t.Error("shell.exec is not hopeless for a developer")
	}
	in.Principal.Roles = []string{"admin"}
	if ask(tako, in) {
		t.Error("shell.exec is hopeless for an admin")
	}
	cullis := seed("cullis_tool_call.rego")
	in = toolCall("treasury_wire")
	if !ask(cullis, in) {
		t.Error("treasury_wire is not hopeless for a coder")
	}
	in.Principal.AgentID = "orga::treasury"
	if ask(cullis, in) {
		t.Error("treasury_wire is hopeless for the treasury")
	}
	chat := &policy.Input{Stage: policy.PreChat, Model: "gpt-4o", Principal: in.Principal}
	if ask(tako, chat) {
		t.Error("a model is hopeless that may be asked")
	}
}

func TestHopelessModels(t *testing.T) {
	p := load(t, headgateV1+`default allow := false
allow if { input.model in models[input.principal.roles[_]]; count(input.messages) < 100 }
models := {"dev": {"small", "medium"}, "ops": {"large"}}
deny contains "no tools with medium" if { input.model == "medium"; count(input.tools) > 0 }
deny contains "images need the large one" if { "image" in input.unscanned }`)
	var got []string
	for _, model := range []string{"small", "medium", "large"} {
		in := &policy.Input{
			Stage: policy.PreChat, Model: model, Principal: policy.Principal{Roles: []string{"dev"}},
			Tools: []string{"search"}, Unscanned: []string{"image"}, // of the request that asks for the list
		}
		if p.Hopeless(context.Background(), in, policy.FieldMessages) {
			got = append(got, model)
		}
	}
	if diff := cmp.Diff([]string{"large"}, got); diff != "" {
		t.Errorf("hopeless (-want +got):\n%s", diff)
	}
}

// What is not named as unknown is known.
func TestHopelessUnknownFields(t *testing.T) {
	p := load(t, headgateV1+`allow if { input.principal.claims.team == "x"; input.request.host == "h"; input.request.headers.a == "b" }`)
	for _, c := range []struct {
		unknown policy.Fields
		want    bool
	}{
		{0, true},
		{policy.FieldArgs, true},
		{policy.FieldHeaders, true},
		{policy.FieldClaims | policy.FieldHeaders, true},
		{policy.FieldClaims | policy.FieldRequest, true},
		{policy.FieldClaims | policy.FieldRequest | policy.FieldHeaders, false},
		{policy.FieldsAll, false},
	} {
		if got := p.Hopeless(context.Background(), toolCall("read"), c.unknown); got != c.want {
			t.Errorf("%s unknown: %t", c.unknown, got)
		}
	}
}

// An object is unknown as a whole where it is searched.
func TestHopelessUnknownNames(t *testing.T) {
	for _, rule := range []string{
		`allow if { some k; input.request[k] == "h"; k == "host" }`,
		`allow if { r := input.request; r.host == "h" }`,
		`allow if { some k; input.principal[k] == {"team": "x"} }`,
		`allow if { some a, b; input[a][b] == "h"; b == "host" }`,
		`allow if { input[input.args.name].host == "h" }`,
		`allow if { walk(input, [path, 1]); path == ["args", "x"] }`,
	} {
		p := load(t, headgateV1+rule)
		if p.Hopeless(context.Background(), toolCall("read"), policy.FieldsAll) {
			t.Errorf("it is hopeless, which it is not: %s", rule)
		}
	}
}

func TestHopelessDefaultAllow(t *testing.T) {
	d := dir(t, map[string]string{"p.rego": headgateV1 + `deny contains "no" if input.args.x`})
	p := openPaths(t, Config{Paths: []string{d}, DefaultAllow: map[policy.Stage]bool{policy.PreTool: true}})
	if got := hopelessTools(p); got != "" {
		t.Errorf("hopeless are %q", got)
	}
	if p.Hopeless(context.Background(), &policy.Input{Stage: "later"}, policy.FieldArgs) {
		t.Error("an unknown stage is hopeless")
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ name, policy, want string }{
		{"an answer", "default allow := true\ndeny contains \"no\" if input.tool == \"shell\"", "shell"},
		{"no answer", `allow if input.tool == "read"`, ""},
		{"could fail", "default allow := true\ndeny contains \"no\" if input.tool == \"shell\"\ndeny contains \"x\" if to_number(input.args.x) > 1", ""},
		{"not covered", `deny contains "no" if input.tool == "shell"`, "shell"},
		{"the clock", "default allow := false\ndeny contains \"x\" if time.now_ns() > 10", ""},
	} {
		p := load(t, headgateV1+c.policy)
		got := slices.DeleteFunc(slices.Clone(tools), func(tool string) bool {
			return !p.Refused(context.Background(), toolCall(tool), policy.FieldArgs)
		})
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: refused are %q, want %q", c.name, got, c.want)
		}
	}
}
