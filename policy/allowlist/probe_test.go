package allowlist_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/allowlist"
	"github.com/headgate/headgate/policy/rego"
)

// prober is a policy with a list behind it.
func prober(t *testing.T, source, list string, through bool) policy.Prober {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "p.rego"), source)
	first, err := rego.Open(context.Background(), rego.Config{Paths: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	p, ok := engine(t, first, list, through, nil).Current().(policy.Prober)
	if !ok {
		t.Fatal("the layers are no prober")
	}
	return p
}

func TestHopeless(t *testing.T) {
	const (
		byName = "package headgate\n\nimport rego.v1\n\ndefault allow := true\n\ndeny contains \"no\" if input.tool == \"shell\"\n"
		byArgs = byName + "\ndeny contains \"odd\" if to_number(input.args.x) > 1\n"
		silent = "package headgate\n\nimport rego.v1\n\nallow if input.tool == \"read\"\n"
	)
	for _, c := range []struct {
		name, policy, list string
		through            bool
		want               string
	}{
		{"neither", byName, `{}`, false, "shell"},
		{"the list", byArgs, `{"tool_rules": {"blocked_tools": ["write"]}}`, false, "shell write"},
		{"the list alone", byArgs, `{"tool_rules": {"allowed_tools": ["shell"]}}`, false, "read shell write"},
		{"a rule of a tool", byName, `{"tool_rules": {"shell": {}, "read": {"allowed_principals": ["acme::coder"]}, "write": {"denied_principals": ["acme::coder"]}}}`, false, "shell write"},
		{"the caller", byName, `{"blocked_agents": ["acme::coder"]}`, false, "read shell write"},
		{"no answer", silent, `{}`, false, "shell write"},
		{"no answer, the list decides", silent, `{"tool_rules": {"blocked_tools": ["write"]}}`, true, "write"},
		{"an answer, the list has no say", byName, `{}`, true, "shell"},
		{"an answer that can fail to come", byArgs, `{}`, true, ""},
	} {
		p := prober(t, c.policy, c.list, c.through)
		var got []string
		for _, tool := range []string{"read", "shell", "write"} {
			in := &policy.Input{Stage: policy.PreTool, Tool: tool, Principal: policy.Principal{TenantID: "acme", AgentID: "coder"}}
			if p.Hopeless(context.Background(), in, policy.FieldArgs) {
				got = append(got, tool)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: hopeless are %q, want %q", c.name, got, c.want)
		}
	}
}

func TestHidden(t *testing.T) {
	in := &policy.Input{Stage: policy.PreChat}
	p := prober(t, "package headgate\n\nimport rego.v1\n\nhide_tools contains \"shell\"\n", `{"tool_rules": {"blocked_tools": ["write"]}}`, false)
	if got := p.Hidden(context.Background(), in); len(got) != 1 || got[0] != "shell" {
		t.Errorf("hidden are %q", got)
	}
}

// A document can decide without a policy.
func TestProbesOfTheListAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy_rules.json")
	if err := os.WriteFile(path, []byte(`{"tool_rules": {"blocked_tools": ["write"]}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := allowlist.New(allowlist.Config{Path: path, Fallthrough: true})
	if err != nil {
		t.Fatal(err)
	}
	p := e.Current().(policy.Prober)
	for tool, want := range map[string]bool{"read": false, "write": true} {
		if got := p.Hopeless(context.Background(), &policy.Input{Stage: policy.PreTool, Tool: tool}, policy.FieldArgs); got != want {
			t.Errorf("%s: hopeless %t", tool, got)
		}
	}
	if got := p.Hidden(context.Background(), &policy.Input{Stage: policy.PreChat}); len(got) != 0 {
		t.Errorf("hidden are %q", got)
	}
}

// A policy that is no prober tells nothing, and hides what it can.
func TestProbesOfAnotherPolicy(t *testing.T) {
	first := &fixed{policy.Decision{Action: policy.Deny, Reason: "no"}}
	for _, through := range []bool{false, true} {
		p := engine(t, first, `{}`, through, nil).Current().(policy.Prober)
		if p.Hopeless(context.Background(), &policy.Input{Stage: policy.PreTool, Tool: "read"}, policy.FieldArgs) {
			t.Error("it is hopeless")
		}
		if got := p.Hidden(context.Background(), &policy.Input{Stage: policy.PreChat}); len(got) != 1 || got[0] != "*" {
			t.Errorf("hidden are %q", got)
		}
	}
}
