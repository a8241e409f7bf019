package allowlist_test

import (
	"testing"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/allowlist"
)

func parse(t testing.TB, src string) *allowlist.List {
	t.Helper()
	l, err := allowlist.Parse("policy_rules.json", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func call(agent, tool, model, server string) *policy.Input {
	return &policy.Input{
		Stage: policy.PreTool, Principal: policy.Principal{AgentID: agent},
		Tool: tool, Model: model, Server: server,
	}
}

func by(p policy.Principal, s policy.Stage) *policy.Input {
	return &policy.Input{Stage: s, Principal: p, Tool: "wire"}
}

func session(context string, capabilities ...string) *policy.Input {
	return &policy.Input{Stage: policy.Session, Session: policy.SessionRequest{
		InitiatorAgentID: "orga::a", TargetAgentID: "orgb::b", InitiatorOrgID: "orga", TargetOrgID: "orgb",
		Context: context, Capabilities: capabilities,
	}}
}

type principal = policy.Principal

// The reason of blocked_agents is public contract.
func TestReasonAgent(t *testing.T) {
	if allowlist.ReasonAgent != "Agent blocked by policy" {
		t.Errorf("got %q", allowlist.ReasonAgent)
	}
}

func TestDecide(t *testing.T) {
	const yes = ""
	bare := session("initiator")
	bare.Session.InitiatorAgentID, bare.Session.TargetAgentID = "a", "b"
	noOrg := session("initiator")
	noOrg.Session.TargetOrgID = ""
	for _, c := range []struct {
		name, list string
		in         *policy.Input
		want       string
	}{
		{"an empty list allows", `{}`, call("", "", "", ""), yes},
		{"an unknown stage", `{}`, by(principal{}, "pre_flight"), allowlist.ReasonStage},

		{"a blocked agent asks a model", `{"blocked_agents":["orga::a"]}`, by(principal{AgentID: "orga::a"}, policy.PreChat), allowlist.ReasonAgent},
		{"a blocked agent calls a tool", `{"blocked_agents":["orga::a"]}`, by(principal{AgentID: "orga::a"}, policy.PreTool), allowlist.ReasonAgent},
		{"another agent", `{"blocked_agents":["orga::a"]}`, by(principal{AgentID: "orga::b"}, policy.PreTool), yes},
		{"a blocked agent by tenant and agent", `{"blocked_agents":["orga::a"]}`, by(principal{TenantID: "orga", AgentID: "a"}, policy.PreTool), allowlist.ReasonAgent},
		{"the same name in another tenant", `{"blocked_agents":["orga::a"]}`, by(principal{TenantID: "orgb", AgentID: "a"}, policy.PreTool), yes},
		{"a blocked user", `{"blocked_agents":["alice"]}`, by(principal{UserID: "alice", AgentID: "orga::a"}, policy.PreChat), allowlist.ReasonAgent},
		{"a blocked user by tenant and user", `{"blocked_agents":["orga::alice"]}`, by(principal{TenantID: "orga", UserID: "alice"}, policy.PreChat), allowlist.ReasonAgent},
		{"a tenant is no name", `{"blocked_agents":["orga"]}`, by(principal{TenantID: "orga", UserID: "alice"}, policy.PreChat), yes},
		{"nobody is on no list", `{"blocked_agents":["a"]}`, by(principal{}, policy.PreChat), yes},
		{"post_chat passes", `{"blocked_agents":["orga::a"]}`, by(principal{AgentID: "orga::a"}, policy.PostChat), yes},
		{"post_tool passes", `{"blocked_agents":["orga::a"],"tool_rules":{"blocked_tools":["wire"]}}`, by(principal{AgentID: "orga::a"}, policy.PostTool), yes},

		{"session: the initiator is blocked", `{"blocked_agents":["orga::a"]}`, session("initiator"), allowlist.ReasonAgent},
		{"session: the target is blocked", `{"blocked_agents":["orgb::b"]}`, session("initiator"), allowlist.ReasonAgent},
		{"session: the initiator is blocked, seen from the target", `{"blocked_agents":["orga::a"]}`, session("target"), allowlist.ReasonAgent},
		{"session: a bare id is blocked by its organisation", `{"blocked_agents":["orgb::b"]}`, bare, allowlist.ReasonAgent},
		{"session: nobody is blocked", `{"blocked_agents":["orgc::c"]}`, session("initiator"), yes},
		{"session: the peer of an initiator is the target", `{"allowed_orgs":["orgb"]}`, session("initiator"), yes},
		{"session: the own organisation does not help", `{"allowed_orgs":["orga"]}`, session("initiator"), allowlist.ReasonOrg},
		{"session: the peer of a target is the initiator", `{"allowed_orgs":["orga"]}`, session("target"), yes},
		{"session: not so the target", `{"allowed_orgs":["orgb"]}`, session("target"), allowlist.ReasonOrg},
		{"session: no context is the initiator's", `{"allowed_orgs":["orgb"]}`, session(""), yes},
		{"session: an unknown context", `{"allowed_orgs":["orga","orgb"]}`, session("both"), allowlist.ReasonOrg},
		{"session: no organisation", `{"allowed_orgs":["orgb"]}`, noOrg, allowlist.ReasonOrg},
		{"session: no organisations are any", `{"allowed_orgs":[]}`, session("target"), yes},
		{"session: agents go before organisations", `{"blocked_agents":["orga::a"],"allowed_orgs":["x"]}`, session("initiator"), allowlist.ReasonAgent},
		{"session: every capability is listed", `{"capabilities":["r","w"]}`, session("initiator", "w", "r"), yes},
		{"session: one is not", `{"capabilities":["r"]}`, session("initiator", "r", "w"), allowlist.ReasonCapability},
		{"session: none is asked for", `{"capabilities":["r"]}`, session("initiator"), yes},
		{"session: an empty list is any", `{"capabilities":[]}`, session("initiator", "w"), yes},
		{"session: an empty object is any", `{"capabilities":{}}`, session("initiator", "w"), yes},
		{"session: tool rules do not count", `{"tool_rules":{"allowed_tools":[]}}`, session("initiator"), yes},
		{"organisations do not count for a tool", `{"allowed_orgs":["x"],"capabilities":["x"]}`, call("a", "t", "", ""), yes},
		{"tool rules do not count for a prompt", `{"tool_rules":{"allowed_tools":[]}}`, by(principal{AgentID: "a"}, policy.PreChat), yes},

		{"a blocked tool", `{"tool_rules":{"blocked_tools":["shell"]}}`, call("a", "shell", "", ""), allowlist.ReasonBlocked},
		{"another tool", `{"tool_rules":{"blocked_tools":["shell"]}}`, call("a", "search", "", ""), yes},
		{"names are exact", `{"tool_rules":{"blocked_tools":["shell"]}}`, call("a", "Shell", "", ""), yes},
		{"an unknown tool beside blocked ones", `{"tool_rules":{"blocked_tools":["shell"]}}`, call("a", "", "", ""), allowlist.ReasonTool},
		{"no tool is blocked", `{"tool_rules":{"blocked_tools":[]}}`, call("a", "", "", ""), yes},
		{"an allowed tool", `{"tool_rules":{"allowed_tools":["search"]}}`, call("a", "search", "", ""), yes},
		{"a tool that is not listed", `{"tool_rules":{"allowed_tools":["search"]}}`, call("a", "shell", "", ""), allowlist.ReasonTool},
		{"no tool is allowed", `{"tool_rules":{"allowed_tools":[]}}`, call("a", "search", "", ""), allowlist.ReasonTool},
		{"blocked beats allowed", `{"tool_rules":{"allowed_tools":["x"],"blocked_tools":["x"]}}`, call("a", "x", "", ""), allowlist.ReasonBlocked},
		{"blocked beats a rule", `{"tool_rules":{"x":{},"blocked_tools":["x"]}}`, call("a", "x", "", ""), allowlist.ReasonBlocked},

		{"a rule without conditions", `{"tool_rules":{"x":{}}}`, call("a", "x", "", ""), yes},
		{"a tool without a rule", `{"tool_rules":{"x":{}}}`, call("a", "y", "", ""), allowlist.ReasonTool},
		{"an unknown tool beside rules", `{"tool_rules":{"x":{}}}`, call("a", "", "", ""), allowlist.ReasonTool},
		{"allowed, but without a rule where others have one", `{"tool_rules":{"x":{},"allowed_tools":["y"]}}`, call("a", "y", "", ""), allowlist.ReasonTool},
		{"a rule, but not among the allowed", `{"tool_rules":{"x":{},"allowed_tools":["y"]}}`, call("a", "x", "", ""), allowlist.ReasonTool},
		{"both", `{"tool_rules":{"x":{},"allowed_tools":["x"]}}`, call("a", "x", "", ""), yes},

		{"an allowed principal", `{"tool_rules":{"x":{"allowed_principals":["orga::a"]}}}`, call("orga::a", "x", "", ""), yes},
		{"another principal", `{"tool_rules":{"x":{"allowed_principals":["orga::a"]}}}`, call("orga::b", "x", "", ""), allowlist.ReasonPrincipal},
		{"nobody in particular", `{"tool_rules":{"x":{"allowed_principals":["orga::a"]}}}`, call("", "x", "", ""), allowlist.ReasonPrincipal},
		{"an empty list allows nobody", `{"tool_rules":{"x":{"allowed_principals":[]}}}`, call("orga::a", "x", "", ""), allowlist.ReasonPrincipal},
		{"an empty list does not allow nobody in particular", `{"tool_rules":{"x":{"allowed_principals":[]}}}`, call("", "x", "", ""), allowlist.ReasonPrincipal},
		{"denied beats allowed", `{"tool_rules":{"x":{"allowed_principals":["a"],"denied_principals":["a"]}}}`, call("a", "x", "", ""), allowlist.ReasonPrincipal},
		{"denied alone", `{"tool_rules":{"x":{"denied_principals":["a"]}}}`, call("a", "x", "", ""), allowlist.ReasonPrincipal},
		{"not denied", `{"tool_rules":{"x":{"denied_principals":["a"]}}}`, call("b", "x", "", ""), yes},
		{"an allowed agent by tenant and agent", `{"tool_rules":{"wire":{"allowed_principals":["orga::a"]}}}`, by(principal{TenantID: "orga", AgentID: "a"}, policy.PreTool), yes},
		{"another tenant's", `{"tool_rules":{"wire":{"allowed_principals":["orga::a"]}}}`, by(principal{TenantID: "orgb", AgentID: "a"}, policy.PreTool), allowlist.ReasonPrincipal},
		{"a user does not become an agent", `{"tool_rules":{"wire":{"allowed_principals":["orga::a"]}}}`, by(principal{TenantID: "orga", UserID: "a"}, policy.PreTool), allowlist.ReasonPrincipal},
		{"a user whose name looks like an agent", `{"tool_rules":{"wire":{"allowed_principals":["orga::a"]}}}`, by(principal{UserID: "orga::a"}, policy.PreTool), allowlist.ReasonPrincipal},
		{"parts that only join to the name", `{"tool_rules":{"wire":{"allowed_principals":["orga::x::y"]}}}`, by(principal{TenantID: "orga::x", AgentID: "y"}, policy.PreTool), allowlist.ReasonPrincipal},
		{"a tenant does not allow its agents", `{"tool_rules":{"wire":{"allowed_principals":["orga"]}}}`, by(principal{TenantID: "orga", AgentID: "a"}, policy.PreTool), allowlist.ReasonPrincipal},
		{"a denied user", `{"tool_rules":{"wire":{"denied_principals":["alice"]}}}`, by(principal{UserID: "alice", AgentID: "a"}, policy.PreTool), allowlist.ReasonPrincipal},

		{"an allowed user", `{"tool_rules":{"wire":{"allowed_principals":["orga::user::alice"]}}}`, by(principal{TenantID: "orga", UserID: "alice"}, policy.PreTool), yes},
		{"an allowed user by an agent", `{"tool_rules":{"wire":{"allowed_principals":["orga::user::alice"]}}}`, by(principal{TenantID: "orga", UserID: "alice", AgentID: "a"}, policy.PreTool), yes},
		{"another tenant's user", `{"tool_rules":{"wire":{"allowed_principals":["orga::user::alice"]}}}`, by(principal{TenantID: "orgb", UserID: "alice"}, policy.PreTool), allowlist.ReasonPrincipal},
		{"an agent with that user's name", `{"tool_rules":{"wire":{"allowed_principals":["orga::user::alice"]}}}`, by(principal{TenantID: "orga", AgentID: "alice"}, policy.PreTool), allowlist.ReasonPrincipal},
		{"a user who is named like the whole", `{"tool_rules":{"wire":{"allowed_principals":["orga::user::alice"]}}}`, by(principal{TenantID: "orga", UserID: "orga::user::alice"}, policy.PreTool), allowlist.ReasonPrincipal},
		{"a user whose name joins to another's", `{"tool_rules":{"wire":{"allowed_principals":["orga::user::x::y"]}}}`, by(principal{TenantID: "orga", UserID: "x::y"}, policy.PreTool), allowlist.ReasonPrincipal},
		{"a user without a tenant", `{"tool_rules":{"wire":{"allowed_principals":["::user::alice"]}}}`, by(principal{UserID: "alice"}, policy.PreTool), allowlist.ReasonPrincipal},
		{"a denied user, written out", `{"tool_rules":{"wire":{"denied_principals":["orga::user::alice"]}}}`, by(principal{TenantID: "orga", UserID: "alice", AgentID: "a"}, policy.PreTool), allowlist.ReasonPrincipal},
		{"a denied user beats the allowed agent", `{"tool_rules":{"wire":{"allowed_principals":["a"],"denied_principals":["orga::user::alice"]}}}`, by(principal{TenantID: "orga", UserID: "alice", AgentID: "a"}, policy.PreTool), allowlist.ReasonPrincipal},
		{"a blocked user, written out", `{"blocked_agents":["orga::user::alice"]}`, by(principal{TenantID: "orga", UserID: "alice"}, policy.PreChat), allowlist.ReasonAgent},

		{"an allowed model", `{"tool_rules":{"x":{"allowed_models":["gpt-4o"]}}}`, call("a", "x", "gpt-4o", ""), yes},
		{"another model", `{"tool_rules":{"x":{"allowed_models":["gpt-4o"]}}}`, call("a", "x", "gpt-4o-mini", ""), allowlist.ReasonModel},
		{"an unknown model", `{"tool_rules":{"x":{"allowed_models":["gpt-4o"]}}}`, call("a", "x", "", ""), allowlist.ReasonModel},
		{"no model", `{"tool_rules":{"x":{"allowed_models":[]}}}`, call("a", "x", "", ""), allowlist.ReasonModel},
		{"an allowed server", `{"tool_rules":{"x":{"allowed_mcp_servers":["bank"]}}}`, call("a", "x", "", "bank"), yes},
		{"another server", `{"tool_rules":{"x":{"allowed_mcp_servers":["bank"]}}}`, call("a", "x", "", "web"), allowlist.ReasonServer},
		{"an unknown server", `{"tool_rules":{"x":{"allowed_mcp_servers":["bank"]}}}`, call("a", "x", "", ""), allowlist.ReasonServer},
		{"no server", `{"tool_rules":{"x":{"allowed_mcp_servers":[]}}}`, call("a", "x", "", "bank"), allowlist.ReasonServer},
		{"inside policy_rules", `{"policy_rules":{"tool_rules":{"blocked_tools":["x"]}}}`, call("a", "x", "", ""), allowlist.ReasonBlocked},
	} {
		t.Run(c.name, func(t *testing.T) {
			allow, reason := parse(t, c.list).Decide(c.in)
			if reason != c.want || allow != (c.want == yes) {
				t.Errorf("got %v %q, want %q", allow, reason, c.want)
			}
		})
	}
}

func BenchmarkDecide(b *testing.B) {
	l := parse(b, `{"blocked_agents":["orga::z"],"tool_rules":{"blocked_tools":["shell"],"wire":{"allowed_principals":["orga::a"]}}}`)
	in := by(principal{TenantID: "orga", UserID: "alice", AgentID: "a"}, policy.PreTool)
	b.ReportAllocs()
	for b.Loop() {
		if allow, reason := l.Decide(in); !allow {
			b.Fatal(reason)
		}
	}
}
