package rego

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/headgate/headgate/policy"
)

func load(t testing.TB, text string) *Policy {
	t.Helper()
	p, err := tryLoad(t, text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return p
}

func tryLoad(t testing.TB, text string) (*Policy, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "p.rego")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := Open(context.Background(), Config{Paths: []string{name}, Timeout: time.Minute})
	if err != nil {
		return nil, err
	}
	return s.Policy(), nil
}

func TestNeeds(t *testing.T) {
	const everywhere = policy.FieldFindings | policy.FieldClaims | policy.FieldRequest | policy.FieldHeaders
	for _, c := range []struct {
		name, rules string
		stage       policy.Stage
		want        policy.Fields
	}{
		{"nothing", `deny contains "x" if input.tool == "x"`, policy.PreTool, 0},
		{"a field", `deny contains "x" if input.args.a`, policy.PreTool, policy.FieldArgs},
		{"the other spelling", `deny contains "x" if input.arguments.a`, policy.PreTool, policy.FieldArgs},
		{"a hash", `deny contains "x" if input.args_hash == "a"`, policy.PreTool, policy.FieldArgsHash},
		{"a field of another stage", `deny contains "x" if input.args.a`, policy.PostChat, 0},
		{"a head", `deny contains input.response.text`, policy.PostChat, policy.FieldResponse},
		{"findings", `deny contains "x" if count(input.findings) > 0`, policy.PostTool, policy.FieldFindings},
		{"claims", `deny contains "x" if input.principal.claims.a`, policy.PreChat, policy.FieldClaims},
		{"roles are no claims", `deny contains "x" if input.principal.roles[_] == "a"`, policy.PreChat, 0},
		{"the principal as a whole", `deny contains "x" if count(input.principal) == 0`, policy.PreChat, policy.FieldClaims},
		{"a part of the principal known later", `deny contains "x" if input.principal[input.model]`, policy.PreChat, policy.FieldClaims},
		{"request", `deny contains "x" if input.request.stream`, policy.PreChat, policy.FieldRequest},
		{"headers", `deny contains "x" if input.request.headers["x-a"]`, policy.PreChat, policy.FieldRequest | policy.FieldHeaders},
		{"the whole input", `deny contains "x" if count(input) == 0`, policy.PostChat, everywhere | policy.FieldResponse | policy.FieldResponseHash},
		{"a name known later", `deny contains "x" if input[input.model]`, policy.PreChat, everywhere | policy.FieldMessages | policy.FieldMessagesHash},
		{"a variable over the input", `deny contains k if some k, _ in input`, policy.PreTool, everywhere | policy.FieldArgs | policy.FieldArgsHash},
		{"a local variable", `deny contains "x" if { i := input; i.response.text }`, policy.PostChat, everywhere | policy.FieldResponse | policy.FieldResponseHash},
		{"an import", "import input.response as r\ndeny contains \"x\" if r.text", policy.PostChat, policy.FieldResponse},

		{"guarded, this stage", `deny contains "x" if { input.stage == "post_chat"; input.response.text }`, policy.PostChat, policy.FieldResponse},
		{"guarded, another stage", `deny contains "x" if { input.stage == "pre_chat"; input.findings[_] }`, policy.PostChat, 0},
		{"guard last", `deny contains "x" if { count(input.findings) > 0; input.stage == "pre_chat" }`, policy.PostChat, 0},
		{"guard reversed", `deny contains "x" if { "pre_chat" == input.stage; input.findings[_] }`, policy.PostChat, 0},
		{"guard by unification", `deny contains "x" if { input.stage = "pre_chat"; input.findings[_] }`, policy.PostChat, 0},
		{"guard by a local", `deny contains "x" if { input.findings[_]; s := input.stage; s == "pre_chat" }`, policy.PostChat, 0},
		{"guard by membership", `deny contains "x" if { input.findings[_]; input.stage in {"pre_chat", "pre_tool"} }`, policy.PostChat, 0},
		{"guard by membership, this stage", `deny contains "x" if { input.findings[_]; input.stage in ["pre_chat", "post_chat"] }`, policy.PostChat, policy.FieldFindings},
		{"guard by a rule", "is_pre if input.stage == \"pre_chat\"\ndeny contains \"x\" if { is_pre; input.findings[_] }", policy.PostChat, 0},
		{"guard by a rule, this stage", "is_pre if input.stage == \"pre_chat\"\ndeny contains \"x\" if { is_pre; input.findings[_] }", policy.PreChat, policy.FieldFindings},
		{"a rule with a default is no guard", "default is_pre := true\nis_pre if input.stage == \"pre_chat\"\ndeny contains \"x\" if { is_pre; input.findings[_] }", policy.PostChat, policy.FieldFindings},
		{"a rule with an else is no guard", "is_pre if { input.stage == \"pre_chat\" } else := true\ndeny contains \"x\" if { is_pre; input.findings[_] }", policy.PostChat, policy.FieldFindings},
		{"a negated rule is no guard", "is_pre if input.stage == \"pre_chat\"\ndeny contains \"x\" if { not is_pre; input.findings[_] }", policy.PostChat, policy.FieldFindings},
		{"a set of that name is no guard", "is_pre contains 1 if input.stage == \"pre_chat\"\ndeny contains \"x\" if { is_pre; input.findings[_] }", policy.PostChat, policy.FieldFindings},
		{"one rule of two is no guard", "is_pre if input.stage == \"pre_chat\"\nis_pre if input.model\ndeny contains \"x\" if { is_pre; input.findings[_] }", policy.PostChat, policy.FieldFindings},
		{"a guard in a function", "f(x) if { input.stage == \"pre_chat\"; x.findings }\ndeny contains \"x\" if f(input.request.stream)", policy.PostChat, policy.FieldRequest},
		{"guard of the head", `deny contains input.findings[0].type if input.stage == "pre_chat"`, policy.PostChat, 0},
		{"negated is no guard", `deny contains "x" if { not input.stage == "pre_chat"; input.findings[_] }`, policy.PostChat, policy.FieldFindings},
		{"unequal is no guard", `deny contains "x" if { input.stage != "post_chat"; input.findings[_] }`, policy.PostChat, policy.FieldFindings},
		{"another field is no guard", `deny contains "x" if { input.model == "pre_chat"; input.findings[_] }`, policy.PostChat, policy.FieldFindings},
		{"else has a guard of its own", `x := 1 if { input.stage == "pre_chat" } else := input.findings
deny contains "x" if x`, policy.PostChat, policy.FieldFindings},
		{"in a comprehension", `deny contains "x" if count([f | input.stage == "pre_chat"; f := input.findings[_]]) > 0`, policy.PostChat, 0},
		{"in every", `deny contains "x" if every f in input.findings { f.type == "EMAIL" }`, policy.PostChat, policy.FieldFindings},
		{"through rules and functions", `deny contains f(b) if true
f(x) := x + input.args.n
b := c
c := object.get(input.result, "n", 0)`, policy.PreTool, policy.FieldArgs},
		{"through a package", "lib.a := input.args\ndeny contains \"x\" if data.headgate.lib", policy.PreTool, policy.FieldArgs},
		{"through a name known later", "lib.a := input.args\ndeny contains \"x\" if data.headgate.lib[input.tool]", policy.PreTool, policy.FieldArgs},
		{"an unused rule", `unused := input.args`, policy.PreTool, 0},

		{"with another input", `p if { input.stage == "pre_chat"; input.findings }
deny contains "x" if p with input.stage as "pre_chat"`, policy.PostChat, everywhere | policy.FieldResponse | policy.FieldResponseHash},
		{"with data as the input", `deny contains "x" if data.headgate.lib.a with data.headgate.lib as input.response
lib.a := 1`, policy.PostChat, policy.FieldResponse},
		{"with a guard replaced", `is_pre if input.stage == "pre_chat"
q if { is_pre; input.findings }
deny contains "x" if q with data.headgate.is_pre as true`, policy.PostChat, policy.FieldFindings},
		{"with a function replaced", `f(x) := input.response_hash
deny contains "x" if count([1]) == 2 with count as f`, policy.PostChat, everywhere | policy.FieldResponse | policy.FieldResponseHash},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := load(t, "package headgate\n\n"+strings.TrimPrefix(withImportsFirst(c.rules), "\n"))
			if got := p.Needs(c.stage); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// withImportsFirst puts the default rule behind the imports.
func withImportsFirst(rules string) string {
	const allow = "default allow := true\n"
	if imports, rest, ok := strings.Cut(rules, "\n"); ok && strings.HasPrefix(imports, "import ") {
		return imports + "\n" + allow + rest
	}
	return allow + rules
}

func TestNeedsOfStyles(t *testing.T) {
	for text, want := range map[string]map[policy.Stage]policy.Fields{
		"package tako.post_chat\n\ndecision := \"deny\" if input.response.text == \"\"\n": {policy.PostChat: policy.FieldResponse},
		"package tako.pre_chat\n\ndecision := \"deny\" if input.findings[_]\n":            {policy.PreChat: policy.FieldFindings},
		"package cullis.policy\n\ntool_call if input.arguments.x\n":                       {policy.PreTool: policy.FieldArgs},
		"package cullis.policy\n\nsession if input.principal.claims.x\n":                  {policy.Session: policy.FieldClaims},
	} {
		p := load(t, text)
		for _, s := range policy.Stages() {
			if got := p.Needs(s); got != want[s] {
				t.Errorf("%s: %s needs %s, want %s", text, s, got, want[s])
			}
		}
	}
}

// Leaving out what is not needed must not change any decision, for policies
// and inputs made at random from a small grammar.
func TestNeedsIsSound(t *testing.T) {
	policies, inputs := 150, 8
	if testing.Short() {
		policies = 50
	}
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 1))
	reached := 0
	for policies > 0 {
		text := (&grammar{Rand: rnd}).policy()
		p, err := tryLoad(t, text)
		if err != nil { // the type checker refuses some
			continue
		}
		policies--
		for _, s := range policy.Stages() {
			q := p.queries[s]
			if p.Needs(s) != 0 {
				reached++
			}
			for range inputs {
				in := randomInput(rnd, s)
				all, _ := p.decide(context.Background(), q, in, partsAll)
				// The caller leaves out what it need not compute, the document
				// what the policy cannot reach.
				without, _ := p.decide(context.Background(), q, leaveOut(in, p.Needs(s)), q.parts)
				ignore := cmpopts.IgnoreFields(policy.Decision{}, "Eval")
				if diff := cmp.Diff(all, without, ignore); diff != "" {
					t.Fatalf("seed %d: %s needs %s, but\n%s\nof\n%s\n%+v", seed, s, p.Needs(s), diff, text, in)
				}
			}
		}
	}
	if reached == 0 {
		t.Error("no policy reached anything, the grammar tests nothing")
	}
}

func leaveOut(in *policy.Input, f policy.Fields) *policy.Input {
	out := *in
	for field, drop := range map[policy.Fields]func(){
		policy.FieldMessages:     func() { out.Messages = nil },
		policy.FieldMessagesHash: func() { out.MessagesHash = "" },
		policy.FieldArgs:         func() { out.Args = nil },
		policy.FieldArgsHash:     func() { out.ArgsHash = "" },
		policy.FieldResponse:     func() { out.Response = nil },
		policy.FieldResponseHash: func() { out.ResponseHash = "" },
		policy.FieldResult:       func() { out.Result = nil },
		policy.FieldResultHash:   func() { out.ResultHash = "" },
		policy.FieldFindings:     func() { out.Findings = nil },
		policy.FieldClaims:       func() { out.Principal.Claims = nil },
		policy.FieldHeaders:      func() { out.Request.Headers = nil },
	} {
		if !f.Has(field) {
			drop()
		}
	}
	return &out
}

// grammar writes random policies.
type grammar struct {
	*rand.Rand
	rules []string
}

func (g *grammar) pick(list ...string) string { return list[g.IntN(len(list))] }

func (g *grammar) policy() string {
	var b strings.Builder
	b.WriteString("package headgate\n\n")
	b.WriteString(g.pick("default allow := true\n\n", "allow if "+g.condition()+"\n\n", "default allow := false\n\nallow if "+g.condition()+"\n\n"))
	for i := range 1 + g.IntN(3) {
		name := fmt.Sprintf("h%d", i)
		switch g.IntN(9) {
		case 6, 7, 8:
			fmt.Fprintf(&b, "%s if input.stage == %q\n\n", name, g.pick("pre_chat", "pre_tool", "post_chat", "post_tool"))
			if g.IntN(3) == 0 {
				fmt.Fprintf(&b, "default %s := %s\n\n", name, g.pick("true", "false"))
			}
		case 0:
			fmt.Fprintf(&b, "default %s := false\n", name)
			fallthrough
		case 1:
			fmt.Fprintf(&b, "%s if %s\n\n", name, g.body())
			if g.IntN(2) == 0 {
				fmt.Fprintf(&b, "%s if %s\n\n", name, g.body())
			}
		case 2:
			fmt.Fprintf(&b, "%s if %s else if %s\n\n", name, g.body(), g.body())
		case 3:
			fmt.Fprintf(&b, "%s contains x if {\n\tx := %s\n\t%s\n}\n\n", name, g.value(), g.condition())
		case 4:
			fmt.Fprintf(&b, "%s := %s if %s\n\n", name, g.value(), g.body())
		case 5:
			fmt.Fprintf(&b, "%s := [x | %s; x := %s]\n\n", name, g.condition(), g.value())
		}
		g.rules = append(g.rules, name)
	}
	fmt.Fprintf(&b, "f(x) if {\n\t%s\n\tx == %s\n}\n\n", g.condition(), g.value())
	g.rules = append(g.rules, "f("+g.value()+")")
	for i := range 1 + g.IntN(4) {
		set := g.pick("deny", "deny", "require_approval", "redact_messages", "redact_response", "redact_args", "redact_result", "force_model")
		fmt.Fprintf(&b, "%s contains %s if %s\n\n", set, g.pick(fmt.Sprintf("%q", fmt.Sprint(set, i)), "sprintf(\"%v\", ["+g.value()+"])"), g.body())
	}
	return b.String()
}

func (g *grammar) body() string {
	conditions := make([]string, 1+g.IntN(4))
	for i := range conditions {
		conditions[i] = "\t" + g.condition()
	}
	return "{\n" + strings.Join(conditions, "\n") + "\n}"
}

func (g *grammar) condition() string {
	stage := func() string {
		return fmt.Sprintf("%q", g.pick("pre_chat", "pre_tool", "post_chat", "post_tool", "session"))
	}
	switch g.IntN(20) {
	case 0, 1:
		return "input.stage == " + stage()
	case 2:
		return stage() + " == input.stage"
	case 3:
		return "input.stage in {" + stage() + ", " + stage() + "}"
	case 4:
		return "not input.stage == " + stage()
	case 5:
		v := fmt.Sprintf("s%d", g.IntN(1_000_000))
		return v + " := input.stage\n\t" + v + " == " + stage()
	case 6:
		return "count(" + g.value() + ") > 0" // a type error for some values
	case 7:
		return "not " + g.value()
	case 8:
		return fmt.Sprintf("some x%d in %s", g.IntN(1_000_000), g.value())
	case 9:
		return "count([1 | input.stage == " + stage() + "; " + g.value() + "]) > 0"
	case 10:
		return "every y in [1, 2] { y > 0; " + g.value() + " }"
	case 11, 12, 13, 14, 15:
		if len(g.rules) > 0 {
			rule := g.pick(g.rules...)
			switch g.IntN(6) {
			case 0, 3:
				return "not " + rule
			case 1:
				return rule + " with input.stage as " + stage()
			case 2:
				return rule + " with data.headgate.h0 as true"
			}
			return rule
		}
		fallthrough
	case 16:
		return g.value() + " == " + g.value()
	default:
		return g.value()
	}
}

func (g *grammar) value() string {
	switch g.IntN(24) {
	case 0:
		return "input.messages[0].text"
	case 1:
		return "input.messages_hash"
	case 2:
		return "input.args.a"
	case 3:
		return "input.arguments"
	case 4:
		return "input.args_hash"
	case 5:
		return "input.response.text"
	case 6:
		return "input.response_hash"
	case 7:
		return "input.result"
	case 8:
		return "input.result_hash"
	case 9, 10:
		return "input.findings"
	case 11:
		return "input.principal.claims.c"
	case 12:
		return "input.principal.tenant_id"
	case 13:
		return "input.request.headers.h"
	case 14:
		return "input[input.model]"
	case 15:
		return "input.principal[input.model]"
	case 16:
		return "input.principal"
	case 17:
		return "to_number(input.model)" // mostly an error
	case 18:
		return "input.tool"
	case 19:
		return "input.request"
	case 20:
		if g.IntN(4) == 0 {
			return "input"
		}
		return "input.model"
	default:
		return g.pick(`"a"`, "1", "true", "false", "[]", `{"a": 1}`)
	}
}

func randomInput(r *rand.Rand, s policy.Stage) *policy.Input {
	text := func() string {
		return []string{"", "a", "1", "messages", "response", "findings", "claims", "args"}[r.IntN(8)]
	}
	content := func(shape string) json.RawMessage {
		return json.RawMessage(strings.ReplaceAll(shape, "?", []string{`"a"`, "1", "true", "false", "[]", `[1]`, `{"a": 1}`}[r.IntN(7)]))
	}
	in := &policy.Input{
		Stage: s, Model: text(), Tool: text(), Tools: []string{text()},
		MessagesHash: "a" + text(), ArgsHash: "a" + text(), ResponseHash: "a" + text(), ResultHash: "a" + text(),
		Messages: content(`[{"text": ?}]`), Args: content(`{"a": ?}`), Response: content(`{"text": ?}`), Result: content("?"),
		Principal: policy.Principal{TenantID: text(), Claims: map[string]any{"c": text()}},
		Request:   policy.Request{ID: text(), Headers: map[string]string{"h": text()}},
	}
	if r.IntN(2) == 0 {
		in.Findings = []policy.Finding{{Type: "EMAIL", Count: 1, At: "messages[0]"}}
	}
	return in
}

// A rule that holds at another stage only stands in front too: behind a call
// that fails, whether that failure shows would depend on whether content, which
// is not computed at this stage, lets the rule be tried at all.
func TestGuardRuleBehindAFailingCall(t *testing.T) {
	p := load(t, `package headgate

default allow := true

later if input.stage == "post_tool"

deny contains "x" if {
	to_number(input.model)
	later
	input.response_hash == "h"
}
`)
	in := &policy.Input{Stage: policy.PostChat, Model: "no number", ResponseHash: "h"}
	all, _ := p.decide(context.Background(), p.queries[policy.PostChat], in, partsAll)
	without, _ := p.decide(context.Background(), p.queries[policy.PostChat], leaveOut(in, p.Needs(policy.PostChat)), p.queries[policy.PostChat].parts)
	if all.Action != policy.Allow || without.Action != policy.Allow {
		t.Errorf("with everything %s %s, without what is not needed %s %s", all.Action, all.Reason, without.Action, without.Reason)
	}
}
