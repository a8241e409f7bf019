package rego_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/rego"
)

// seeds are the worked policies that must run byte for byte.
const seeds = "testdata/seeds"

func open(t testing.TB, c rego.Config) *rego.Source {
	t.Helper()
	if c.Timeout == 0 {
		c.Timeout = time.Minute // a machine may be slow
	}
	s, err := rego.Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func openSeed(t testing.TB, names ...string) policy.Policy {
	t.Helper()
	var paths []string
	for _, n := range names {
		paths = append(paths, filepath.Join(seeds, n))
	}
	return open(t, rego.Config{Paths: paths}).Current()
}

func TestSeedTako(t *testing.T) {
	p := openSeed(t, "tako_policy.rego")
	shell := func(roles ...string) *policy.Input {
		return &policy.Input{
			Stage: policy.PreTool, Tool: "shell.exec",
			Principal: policy.Principal{TenantID: "acme", UserID: "alice", Roles: roles},
		}
	}
	const denied = "shell.exec requires admin (tenant acme)"
	for _, c := range []struct {
		name   string
		in     *policy.Input
		action policy.Action
		reason string
		model  string
	}{
		{"admin may", shell("admin"), policy.Allow, "", ""},
		{"admin among others may", shell("dev", "admin", "ops"), policy.Allow, "", ""},
		{"no admin may not", shell("dev"), policy.Deny, denied, ""},
		{"several that are no admin", shell("dev", "administrator"), policy.Deny, denied, ""},
		{"no roles", shell(), policy.Deny, denied, ""},
		{
			"another tool",
			&policy.Input{Stage: policy.PreTool, Tool: "shell.exe", Principal: policy.Principal{TenantID: "acme"}},
			policy.Allow, "", "",
		},
		{
			"free tier",
			&policy.Input{Stage: policy.PreChat, Model: "gpt-5", Principal: policy.Principal{TenantID: "free"}},
			policy.ForceModel, "", "gpt-3.5-turbo",
		},
		{
			"paid tier",
			&policy.Input{Stage: policy.PreChat, Model: "gpt-5", Principal: policy.Principal{TenantID: "acme"}},
			policy.Allow, "", "",
		},
		{"reply", &policy.Input{Stage: policy.PostChat}, policy.Allow, "", ""},
		{"result", &policy.Input{Stage: policy.PostTool, Tool: "shell.exec"}, policy.Allow, "", ""},
		{"session is never covered by an allow", &policy.Input{Stage: policy.Session}, policy.Deny, policy.ReasonUncovered, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := p.Decide(context.Background(), c.in)
			if d.Action != c.action || d.Reason != c.reason || d.ForceModel != c.model {
				t.Errorf("got %s %q model %q (%s), want %s %q model %q",
					d.Action, d.Reason, d.ForceModel, d.Detail, c.action, c.reason, c.model)
			}
		})
	}
}

func TestSeedToolCall(t *testing.T) {
	p := openSeed(t, "cullis_tool_call.rego")
	for _, c := range []struct {
		agent, tool string
		allowed     bool
	}{
		{"orga::kyc-screener", "sanctions_lookup", true},
		{"orga::kyc-screener", "kyc_status_check", true},
		{"orga::kyc-screener", "treasury_wire", false},
		{"orga::kyc-screener", "knowledge_base_query", true},
		{"orga::treasury", "treasury_wire", true},
		{"orga::treasury", "sepa_credit_transfer", true},
		{"orga::treasury", "sanctions_lookup", false},
		{"orgb::treasury", "treasury_wire", false},
		{"orgb::any", "knowledge_base_query", false},
		{"", "", false},
	} {
		in := &policy.Input{Stage: policy.PreTool, Tool: c.tool, Principal: policy.Principal{AgentID: c.agent}}
		d := p.Decide(context.Background(), in)
		want, reason := policy.Allow, ""
		if !c.allowed {
			want, reason = policy.Deny, "agent "+c.agent+" is not authorised to call tool "+c.tool
		}
		if d.Action != want || d.Reason != reason {
			t.Errorf("%s calls %s: got %s %q (%s), want %s %q", c.agent, c.tool, d.Action, d.Reason, d.Detail, want, reason)
		}
	}
	d := p.Decide(context.Background(), &policy.Input{Stage: policy.PreChat})
	if d.Action != policy.Deny || d.Reason != policy.ReasonUncovered || d.Layer != policy.LayerDefault {
		t.Errorf("pre_chat is not covered, got %+v", d)
	}
	if d := p.Decide(context.Background(), &policy.Input{Stage: policy.PostTool}); d.Action != policy.Allow || d.Layer != policy.LayerDefault {
		t.Errorf("an uncovered post stage passes, got %+v", d)
	}
}

func TestSeedSession(t *testing.T) {
	p := openSeed(t, "cullis_session.rego")
	for _, c := range []struct {
		name         string
		from, to     string
		capabilities []string
		allowed      bool
	}{
		{"same org", "orga", "orga", nil, true},
		{"partner with the capability", "orga", "orgb", []string{"kyc.read", "kyc.partner-disclose"}, true},
		{"the other partner", "orga", "treasury-partner-eu", []string{"kyc.partner-disclose"}, true},
		{"partner without the capability", "orga", "orgb", []string{"kyc.read"}, false},
		{"partner without any capability", "orga", "orgb", nil, false},
		{"stranger with the capability", "orga", "orgz", []string{"kyc.partner-disclose"}, false},
		{"no org is not the same org", "", "", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := &policy.Input{Stage: policy.Session, Session: policy.SessionRequest{
				InitiatorOrgID: c.from, TargetOrgID: c.to, Context: "initiator", Capabilities: c.capabilities,
			}}
			want, reason := policy.Allow, ""
			if !c.allowed {
				want = policy.Deny
				reason = "cross-org session " + c.from + " -> " + c.to +
					" requires partner approval AND kyc.partner-disclose capability"
			}
			if d := p.Decide(context.Background(), in); d.Action != want || d.Reason != reason {
				t.Errorf("got %s %q (%s), want %s %q", d.Action, d.Reason, d.Detail, want, reason)
			}
		})
	}
}

// All three seeds in one directory: the surfaces of both styles must allow.
func TestSeedsTogether(t *testing.T) {
	src := open(t, rego.Config{Paths: []string{seeds}})
	versions := map[string]string{}
	for _, f := range src.Policy().Files() {
		versions[filepath.Base(f.Path)] = f.Version
	}
	for name, want := range map[string]string{
		"tako_policy.rego": "v0", "cullis_tool_call.rego": "v1", "cullis_session.rego": "v1",
	} {
		if versions[name] != want {
			t.Errorf("%s was read as %q, want %q", name, versions[name], want)
		}
	}
	p := src.Current()
	in := &policy.Input{
		Stage: policy.PreTool, Tool: "shell.exec",
		Principal: policy.Principal{TenantID: "acme", AgentID: "orga::x"},
	}
	want := "agent orga::x is not authorised to call tool shell.exec; shell.exec requires admin (tenant acme)"
	if d := p.Decide(context.Background(), in); d.Reason != want {
		t.Errorf("both reasons, sorted: got %q, want %q", d.Reason, want)
	}
	in.Tool = "knowledge_base_query"
	if d := p.Decide(context.Background(), in); d.Action != policy.Allow || d.Layer != policy.LayerRego {
		t.Errorf("both allow, got %+v", d)
	}
}

// The seeds must stay as they were written; a policy of one file has its hash.
func TestSeedsAreVerbatim(t *testing.T) {
	for name, want := range map[string]string{
		"cullis_session.rego":   "636024e0da9310c5fab7a4612bc3c51c083b16f96801e5ec4e197afdb3f34e56",
		"cullis_tool_call.rego": "06ec3bc277d268c663c523b9f6083ba3d150552c753966f7eb6ca0f17ec13601",
		"tako_policy.rego":      "deca2f1748721ef5ed5f98ccf4afc9824a7e366412ca74b53f525277ed70af7c",
	} {
		if got := openSeed(t, name).SHA256(); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestSeedsReachNothingComputed(t *testing.T) {
	p := open(t, rego.Config{Paths: []string{seeds}}).Current()
	for _, s := range policy.Stages() {
		if got := p.Needs(s); got != 0 {
			t.Errorf("%s needs %s, the seeds read no content", s, got)
		}
	}
}

func BenchmarkSeeds(b *testing.B) {
	ctx := context.Background()
	req := policy.Request{ID: "0192", Protocol: "openai.chat", Endpoint: "/v1/chat/completions", RemoteIP: "192.0.2.1"}
	alice := policy.Principal{TenantID: "acme", UserID: "alice", Roles: []string{"dev"}, AgentID: "orga::treasury"}
	for _, c := range []struct {
		name string
		file string
		in   policy.Input
	}{
		{"tako/pre_chat", "tako_policy.rego", policy.Input{Stage: policy.PreChat, Model: "gpt-5", Tools: []string{"a", "b"}}},
		{"tako/pre_tool", "tako_policy.rego", policy.Input{Stage: policy.PreTool, Tool: "web.search"}},
		{"tako/pre_tool_deny", "tako_policy.rego", policy.Input{Stage: policy.PreTool, Tool: "shell.exec"}},
		{"tako/post_chat", "tako_policy.rego", policy.Input{Stage: policy.PostChat, Model: "gpt-5"}},
		{"cullis/tool_call", "cullis_tool_call.rego", policy.Input{Stage: policy.PreTool, Tool: "treasury_wire"}},
		{"cullis/tool_call_deny", "cullis_tool_call.rego", policy.Input{Stage: policy.PreTool, Tool: "shell.exec"}},
		{"cullis/session", "cullis_session.rego", policy.Input{Stage: policy.Session, Session: policy.SessionRequest{
			InitiatorOrgID: "orga", TargetOrgID: "orgb", Capabilities: []string{"kyc.partner-disclose"},
		}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := openSeed(b, c.file)
			c.in.Principal, c.in.Request = alice, req
			b.ReportAllocs()
			for b.Loop() {
				p.Decide(ctx, &c.in)
			}
		})
	}
}
