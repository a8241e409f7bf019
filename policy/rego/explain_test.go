package rego

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/headgate/headgate/policy"
)

// stylePolicies are of every style; the seeds are added to them.
var stylePolicies = []string{
	"package tako.pre_tool\n\ndecision := \"deny\" if input.tool == \"a\"\n\ndecision := \"allow\" if not input.tool == \"a\"\n",
	"package tako.post_chat\n\ndecision := {\"decision\": \"redact_response\", \"mask\": [input.response.text]} if input.findings[_]\n",
	"package cullis.policy\n\ntool_call if input.args.a\n\nsession := {\"decision\": \"deny\", \"reason\": input.initiator_agent_id}\n",
	"package headgate\n\nallow if data.lib.ok\n\ndeny contains r if some r in data.lib.reasons\n\nhide_tools contains t if some t in input.tools\n",
}

func explained(t testing.TB) []*Policy {
	t.Helper()
	var out []*Policy
	for _, name := range []string{"tako_policy", "cullis_tool_call", "cullis_session"} {
		b, err := os.ReadFile("testdata/seeds/" + name + ".rego")
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, load(t, string(b)))
	}
	for _, text := range stylePolicies {
		out = append(out, load(t, text))
	}
	return out
}

// An explanation's decision is Decide's, its rules are those that made it, and
// what no rule read decides nothing. For the seeds, policies of every style and
// policies made at random.
func TestExplainIsTrue(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 3))
	policies, inputs := explained(t), 6
	for n := 40; n > 0; {
		if p, err := tryLoad(t, (&grammar{Rand: rnd}).policy()); err == nil {
			policies, n = append(policies, p), n-1
		}
	}
	whole, left := 0, 0
	for _, p := range policies {
		for _, s := range policy.Stages() {
			for range inputs {
				in := randomInput(rnd, s)
				e, err := p.Explain(context.Background(), in)
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				want := p.Decide(context.Background(), in)
				if diff := cmp.Diff(want, e.Decision, cmpopts.IgnoreFields(policy.Decision{}, "Eval", "Remembered")); diff != "" {
					t.Fatalf("seed %d: %s", seed, diff)
				}
				if failed := want.Detail != "" && strings.Contains(want.Detail, "_error"); e.Note != "" {
					if !failed {
						t.Fatalf("seed %d: %q of %+v\n%+v", seed, e.Note, want, in)
					}
					continue
				}
				whole++
				rulesMadeIt(t, e)
				left += unreadDecidesNothing(t, p, in, e)
			}
		}
	}
	if whole == 0 || left == 0 {
		t.Errorf("%d whole explanations, %d parts left out: nothing was tested", whole, left)
	}
}

// rulesMadeIt checks that a surface's answer comes from its rules that fired.
func rulesMadeIt(t *testing.T, e *Explanation) {
	t.Helper()
	for _, a := range e.Surfaces {
		var given []string
		fired := false
		for _, r := range a.Rules {
			fired = fired || r.Fired
			if r.Fired == (r.Why != "") {
				t.Errorf("%s:%d fired %v, why %q", r.File, r.Line, r.Fired, r.Why)
			}
			if a.Style == "rule_set" && strings.HasPrefix(string(r.Value), "[") {
				var members []json.RawMessage
				if err := json.Unmarshal(r.Value, &members); err != nil {
					t.Fatal(err)
				}
				for _, m := range members {
					given = append(given, string(m))
				}
			} else if r.Fired && a.Defined && string(r.Value) != string(a.Value) {
				t.Errorf("%s gave %s, the answer is %s", r.Text, r.Value, a.Value)
			}
		}
		if !fired && a.Defined && string(a.Value) != "[]" {
			t.Errorf("%s is %s, but nothing fired", a.Path, a.Value)
		}
		var members []json.RawMessage
		if json.Unmarshal(a.Value, &members) != nil {
			continue
		}
		for _, m := range members {
			if !slices.Contains(given, string(m)) {
				t.Errorf("%s has %s, no rule gave it", a.Path, m)
			}
		}
	}
}

// unreadDecidesNothing leaves out each part of the input that no rule read, and
// returns how many these were.
func unreadDecidesNothing(t *testing.T, p *Policy, in *policy.Input, e *Explanation) int {
	t.Helper()
	read := func(path string) bool {
		for _, a := range e.Surfaces {
			for _, r := range a.Rules {
				for _, got := range r.Reads {
					if got == "input" || strings.HasPrefix(got, path) || strings.HasPrefix(path, got+".") || strings.HasPrefix(got, "input[_]") {
						return true
					}
				}
			}
		}
		return false
	}
	left := 0
	for path, drop := range map[string]func(*policy.Input){
		"input.messages":            func(in *policy.Input) { in.Messages, in.MessagesHash = nil, "" },
		"input.arg":                 func(in *policy.Input) { in.Args, in.ArgsHash = nil, "" },
		"input.response":            func(in *policy.Input) { in.Response, in.ResponseHash = nil, "" },
		"input.result":              func(in *policy.Input) { in.Result, in.ResultHash = nil, "" },
		"input.findings":            func(in *policy.Input) { in.Findings = nil },
		"input.model":               func(in *policy.Input) { in.Model = "other" },
		"input.tool":                func(in *policy.Input) { in.Tool, in.Tools = "other", nil },
		"input.principal.claims":    func(in *policy.Input) { in.Principal.Claims = nil },
		"input.principal.tenant_id": func(in *policy.Input) { in.Principal.TenantID = "other" },
		"input.request.headers":     func(in *policy.Input) { in.Request.Headers = nil },
		"input.initiator_agent_id":  func(in *policy.Input) { in.Session.InitiatorAgentID = "other" },
	} {
		if read(path) {
			continue
		}
		left++
		other := *in
		drop(&other)
		if d := p.Decide(context.Background(), &other); !sameOutcome(d, e.Decision) {
			t.Errorf("nothing read %s, but without it %+v became %+v", path, e.Decision, d)
		}
	}
	return left
}

func TestExplainErrors(t *testing.T) {
	p := load(t, "package headgate\n\ndefault allow := true\n")
	if e, err := p.Explain(context.Background(), &policy.Input{Stage: "lunch"}); err == nil || !strings.Contains(err.Error(), `unknown stage "lunch"`) {
		t.Errorf("got %+v, %v", e, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if e, err := p.Explain(ctx, &policy.Input{Stage: policy.PreTool}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %+v, %v", e, err)
	}
	e, err := p.Explain(context.Background(), &policy.Input{Stage: policy.PreTool, Args: []byte("{")})
	if err != nil || e.Note != "the input cannot be evaluated" {
		t.Errorf("got %+v, %v", e, err)
	}
}

// A fault in the evaluator is told, it does not end the process.
func TestExplainPanic(t *testing.T) {
	p := *load(t, "package headgate\n\nallow if data.base.x == input.tool\n")
	p.store = nil
	e, err := p.Explain(context.Background(), &policy.Input{Stage: policy.PreTool, Tool: "secret"})
	if err != nil || !strings.Contains(e.Note, "ended early") || strings.Contains(e.Note, "secret") {
		t.Errorf("got %+v, %v", e, err)
	}
}

// The trace may take longer than a decision may; the decision keeps its limit.
func TestExplainTimeout(t *testing.T) {
	p := *load(t, "package headgate\n\nallow if count([1 | some i in numbers.range(1, 200); some j in numbers.range(1, 200); i + j == 0]) == 0\n")
	p.settings.timeout = time.Nanosecond
	e, err := p.Explain(context.Background(), &policy.Input{Stage: policy.PreTool})
	if err != nil || e.Decision.Reason != policy.ReasonTimeout || e.Note == "" {
		t.Fatalf("got %+v, %v", e, err)
	}
	if r := e.Surfaces[0].Rules[0]; !r.Fired {
		t.Errorf("got %+v", r)
	}
}

// Text of the input is shown only where that is asked for.
func TestExplainHoldsValuesBack(t *testing.T) {
	p := load(t, `package headgate

default allow := true

words := input.messages[_].text

deny contains "no" if {
	words == "the secret words"
	input.principal.claims[input.model]
	input.messages[_][input.messages[_].text]
}
`)
	in := &policy.Input{
		Stage: policy.PreChat, Model: "a key of the claims", Messages: []byte(`[{"text":"the secret words"}]`),
		Principal: policy.Principal{Claims: map[string]any{"a key of the claims": true}},
	}
	e, err := p.Explain(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	e.Verbose = true
	var text strings.Builder
	if err := e.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	rule := strings.ReplaceAll(text.String()+string(b), `words == "the secret words"`, "")
	rule = strings.ReplaceAll(rule, `words == \"the secret words\"`, "")
	for _, held := range []string{"secret", "a key of"} {
		if strings.Contains(rule, held) {
			t.Errorf("%q is shown in\n%s", held, rule)
		}
	}
	e.ShowValues = true
	text.Reset()
	if err := e.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), `reads input.messages[0].text = "the secret words"`) {
		t.Errorf("got\n%s", text.String())
	}
}
