package bench_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/rego"
)

const seeds = "../policy/rego/testdata/seeds/"

// open loads policies from texts or, where a name ends in .rego, from files.
func open(b testing.TB, sources ...string) policy.Policy {
	b.Helper()
	c := rego.Config{Timeout: time.Minute}
	for i, s := range sources {
		if !strings.HasSuffix(s, ".rego") {
			name := filepath.Join(b.TempDir(), fmt.Sprintf("p%d.rego", i))
			if err := os.WriteFile(name, []byte(s), 0o600); err != nil {
				b.Fatal(err)
			}
			s = name
		}
		c.Paths = append(c.Paths, s)
	}
	src, err := rego.Open(context.Background(), c)
	if err != nil {
		b.Fatal(err)
	}
	return src.Current()
}

// input is what the gate knows of a request, with content of a size.
func input(stage policy.Stage, unique int, size int) *policy.Input {
	in := &policy.Input{
		Stage: stage,
		Principal: policy.Principal{
			TenantID: "acme", UserID: "alice", Roles: []string{"dev", "oncall"}, AgentID: "orga::treasury", Auth: "api_key",
		},
		Request: policy.Request{
			ID: "0199-1", Protocol: "openai.chat", Endpoint: "/v1/chat/completions", Host: "gate", RemoteIP: "10.0.0.1",
			Time: time.Unix(1_790_000_000, 0),
		},
		Model: "gpt-4o", Tools: []string{"search", "shell.exec"}, Tool: "treasury_wire",
		Session: policy.SessionRequest{
			InitiatorAgentID: "orga::a", TargetAgentID: "orgb::b", InitiatorOrgID: "orga", TargetOrgID: "orgb",
			Context: "initiator", Capabilities: []string{"kyc.partner-disclose"},
		},
	}
	if unique > 0 {
		in.Principal.TenantID = fmt.Sprintf("t%d", unique)
		in.Principal.AgentID = fmt.Sprintf("orga::a%d", unique)
		in.Session.InitiatorAgentID = fmt.Sprintf("orga::a%d", unique)
		in.Session.TargetOrgID = fmt.Sprintf("org%d", unique)
	}
	if size > 0 {
		in.Messages = json.RawMessage(`[{"role":"user","text":"` + strings.Repeat("word ", size/5) + `"}]`)
		in.MessagesHash = strings.Repeat("a", 64)
	}
	return in
}

// BenchmarkDecision is one decision of the seeds' policies, from the facts of a
// request to the decision, the input document included.
func BenchmarkDecision(b *testing.B) {
	for _, c := range []struct {
		name  string
		stage policy.Stage
		files []string
	}{
		{"tako/pre_chat", policy.PreChat, []string{seeds + "tako_policy.rego"}},
		{"tako/pre_tool", policy.PreTool, []string{seeds + "tako_policy.rego"}},
		{"tool_call", policy.PreTool, []string{seeds + "cullis_tool_call.rego"}},
		{"session", policy.Session, []string{seeds + "cullis_session.rego"}},
		{"together/pre_tool", policy.PreTool, []string{seeds + "tako_policy.rego", seeds + "cullis_tool_call.rego", seeds + "cullis_session.rego"}},
	} {
		p := open(b, c.files...)
		b.Run(c.name+"/remembered", func(b *testing.B) {
			ctx := b.Context()
			p.Decide(ctx, input(c.stage, 0, 0))
			in := input(c.stage, 0, 0)
			b.ReportAllocs()
			for b.Loop() {
				if d := p.Decide(ctx, in); !d.Remembered {
					b.Fatal("not remembered")
				}
			}
		})
		b.Run(c.name+"/new", func(b *testing.B) {
			ctx := b.Context()
			in := make([]*policy.Input, 1<<16) // more than are remembered
			for i := range in {
				in[i] = input(c.stage, i+1, 0)
			}
			b.ReportAllocs()
			i, known := 0, 0
			for b.Loop() {
				if p.Decide(ctx, in[i%len(in)]).Remembered {
					known++
				}
				i++
			}
			b.ReportMetric(float64(known)/float64(i), "remembered/op")
		})
	}
}

// BenchmarkUnreadContent: a policy that does not read the conversation costs the
// same whatever its size; beside it one that reads it.
func BenchmarkUnreadContent(b *testing.B) {
	unread := open(b, seeds+"tako_policy.rego")
	// The clock keeps it from being remembered.
	read := open(b, "package headgate\n\ndefault allow := true\n\ndeny contains \"x\" if {\n\tinput.messages[_].text == \"x\"\n\ttime.now_ns() > 0\n}\n")
	for _, size := range []int{1 << 10, 100 << 10, 1 << 20} {
		for name, p := range map[string]policy.Policy{"unread": unread, "read": read} {
			b.Run(fmt.Sprintf("%s/%dKB", name, size>>10), func(b *testing.B) {
				in := input(policy.PreChat, 0, size)
				b.ReportAllocs()
				for b.Loop() {
					p.Decide(b.Context(), in)
				}
			})
		}
	}
}

// BenchmarkTenants: a policy that looks a tenant up in a document, with more
// and more tenants.
func BenchmarkTenants(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var rules strings.Builder
			rules.WriteString("package headgate\n\ndefault allow := true\n\nmodels := {\n")
			for i := range n {
				fmt.Fprintf(&rules, "\t\"t%d\": {\"m1\", \"m2\", \"gpt-4o\"},\n", i)
			}
			rules.WriteString("}\n\ndeny contains \"no\" if {\n\tinput.stage == \"pre_chat\"\n\tnot input.model in models[input.principal.tenant_id]\n\ttime.now_ns() > 0\n}\n")
			p := open(b, rules.String())
			in := input(policy.PreChat, 0, 0)
			in.Principal.TenantID = "t0"
			for b.Loop() {
				if d := p.Decide(b.Context(), in); d.Action != policy.Allow {
					b.Fatal(d.Reason)
				}
			}
		})
	}
}
