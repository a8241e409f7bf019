package rego

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/policy"
)

// A partial evaluation that does not come to an end tells nothing, and is not
// tried twice.
func TestHopelessIsBounded(t *testing.T) {
	p := load(t, headgateV1+`allow if {
	n := numbers.range(1, 1000)
	some a in n
	some b in n
	some c in n
	some d in n
	a + b + c + d == input.args.x
}`)
	q := p.queries[policy.PreTool]
	hidden := unknownParts(policy.PreTool, policy.FieldArgs)
	hopeless, whole := q.probe.run(context.Background(), p, toolCall("read"), q.parts, hidden)
	if hopeless || !whole {
		t.Errorf("hopeless %t, whole %t", hopeless, whole)
	}
	if p.hopeless(context.Background(), q, toolCall("read"), hidden) {
		t.Error("it is hopeless")
	}
	if remembered := q.probe.memo.size(); remembered != 1 {
		t.Errorf("%d answers are remembered", remembered)
	}
}

// size counts what is remembered.
func (m *memo) size() int {
	n := 0
	for i := range m.shards {
		m.shards[i].mu.Lock()
		n += len(m.shards[i].young) + len(m.shards[i].old)
		m.shards[i].mu.Unlock()
	}
	return n
}

// What was cut short is no answer.
func TestHopelessOfNobody(t *testing.T) {
	p := load(t, headgateV1+`allow if { input.args.x; input.tool == "none" }`)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	in := toolCall("read")
	if p.Hopeless(gone, in, policy.FieldArgs) || p.Refused(gone, in, policy.FieldArgs) {
		t.Error("an answer for nobody")
	}
	q, hidden := p.queries[policy.PreTool], unknownParts(policy.PreTool, policy.FieldArgs)
	if p.hopeless(gone, q, in, hidden) || q.probe.memo.size() != 0 {
		t.Error("an answer that was cut short is remembered")
	}
	if !p.hopeless(context.Background(), q, in, hidden) || q.probe.memo.size() != 1 {
		t.Error("it is not hopeless")
	}
}

func TestHopelessIsRemembered(t *testing.T) {
	p := load(t, headgateV1+`allow if { input.args.x; input.tool == "read"; input.principal.roles[_] == "dev" }`)
	q := p.queries[policy.PreTool]
	for range 3 {
		if got := hopelessTools(p); got != "shell write" {
			t.Errorf("hopeless are %q", got)
		}
	}
	if n := q.probe.memo.size(); n != len(tools) {
		t.Errorf("%d answers are remembered", n)
	}
	// The same input with other fields unknown is another question.
	p.Hopeless(context.Background(), toolCall("read"), policy.FieldArgs|policy.FieldRequest)
	if n := q.probe.memo.size(); n != len(tools)+1 {
		t.Errorf("%d answers are remembered", n)
	}
	other := toolCall("read")
	other.Principal.Roles = nil
	if !p.Hopeless(context.Background(), other, policy.FieldArgs) {
		t.Error("remembered for another caller")
	}
}

func TestHopelessConcurrently(t *testing.T) {
	p := load(t, headgateV1+`default allow := false
allow if { input.args.x; input.tool == "read"; mode.name == "open" }
default mode := {"name": "open"}
mode := {"name": "closed"} if input.args.y
hide_tools contains input.principal.tenant_id`)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := range 20 {
				in := toolCall("read")
				in.Principal.TenantID = fmt.Sprint(i, n)
				if p.Hopeless(context.Background(), in, policy.FieldArgs) {
					t.Error("read is hopeless")
				}
				if got := hopelessTools(p); got != "shell write" {
					t.Errorf("hopeless are %q", got)
				}
				in.Stage = policy.PreChat
				if got := p.Hidden(context.Background(), in); len(got) != 1 || got[0] != in.Principal.TenantID {
					t.Errorf("hidden are %q", got)
				}
			}
		})
	}
	wg.Wait()
}

func TestHidden(t *testing.T) {
	for _, c := range []struct {
		name, policy string
		want         []string
	}{
		{"nothing", `default allow := true`, nil},
		{"a set", "hide_tools contains \"shell\"\nhide_tools contains \"admin_*\" if not \"admin\" in input.principal.roles\nhide_tools contains \"x\" if \"ops\" in input.principal.roles", []string{"admin_*", "shell"}},
		{"whatever else is decided", "default allow := false\ndeny contains \"no\" if to_number(\"x\") == 1\nhide_tools contains \"shell\"", []string{"shell"}},
		{"style 2", `pre_chat.decision := {"decision": "hide_tools", "tools": ["shell"]}`, []string{"shell"}},
		{"style 2, denied", `pre_chat.decision := {"decision": "deny", "reason": "no"}`, nil},
		{"style 2, undefined", `pre_chat.decision := "allow" if input.messages[0].text == "x"`, nil},
		{"both", "pre_chat.decision := {\"decision\": \"hide_tools\", \"tools\": [\"shell\"]}\nhide_tools contains \"shell\"\nhide_tools contains \"a\"", []string{"a", "shell"}},
		{"an error", `hide_tools contains "shell" if to_number("x") == 1`, []string{"*"}},
		{"the wrong shape", `hide_tools contains 1`, []string{"*"}},
		{"a word that is none", `pre_chat.decision := "maybe"`, []string{"*"}},
	} {
		in := toolCall("")
		in.Stage = policy.PreChat
		got := load(t, headgateV1+c.policy).Hidden(context.Background(), in)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	if got := load(t, headgateV1+`default allow := true`).Hidden(context.Background(), toolCall("read")); len(got) != 1 || got[0] != "*" {
		t.Errorf("at another stage: %q", got)
	}
}

// BenchmarkHopeless compares a probe with the decision that it spares: not
// remembered (every caller is another one) and remembered.
func BenchmarkHopeless(b *testing.B) {
	rules := `default allow := false
allow if { input.tool in granted[input.principal.roles[_]]; not blocked }
blocked if startswith(input.args.path, "/etc")
deny contains sprintf("%s needs a reason", [input.tool]) if { input.tool == "write"; not input.args.reason; input.principal.user_id != "root" }
granted := {"dev": {"read", "write"}, "ops": {"shell"}}
`
	many := &strings.Builder{}
	for i := range 200 {
		fmt.Fprintf(many, "deny contains \"no %d\" if { input.tool == \"tool%d\"; input.args.x == %d }\n", i, i, i)
	}
	for _, c := range []struct{ name, policy, tool string }{
		{"allowed", rules, "read"},
		{"hopeless", rules, "shell"},
		{"hopeless of 200 rules", rules + many.String(), "shell"},
		{"hopeful of 200 rules", rules + many.String() + `allow if input.args.all`, "shell"},
	} {
		p := openPaths(b, Config{Paths: []string{dir(b, map[string]string{"p.rego": headgateV1 + c.policy})}})
		in := toolCall(c.tool)
		call := toolCall(c.tool)
		call.Args = []byte(`{"path": "/src/main.go", "reason": "because"}`)
		ctx := context.Background()
		n := 0
		b.Run("decision/"+c.name, func(b *testing.B) {
			for b.Loop() {
				n++
				call.Principal.UserID = fmt.Sprint(n)
				p.Decide(ctx, call)
			}
		})
		b.Run("probe/"+c.name, func(b *testing.B) {
			for b.Loop() {
				n++
				in.Principal.UserID = fmt.Sprint(n)
				p.Hopeless(ctx, in, policy.FieldArgs)
			}
		})
		b.Run("remembered/"+c.name, func(b *testing.B) {
			for b.Loop() {
				p.Hopeless(ctx, in, policy.FieldArgs)
			}
		})
	}
}
