package rego_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/rego"
)

// Endless evaluations end in a deny with the fixed reason.
func TestTimeout(t *testing.T) {
	for name, body := range map[string]string{
		"comprehension": `count([x | x := numbers.range(1, 100000)[_]; numbers.range(1, 100000)[_] == x + 200000]) > 0`,
		"range":         `count(numbers.range(1, 1000000000)) == 0`,
		"walk":          `some i in numbers.range(1, 1000000); walk(input, [_, i])`,
		"search":        `some a in numbers.range(1, 2000); some b in numbers.range(1, 2000); some c in numbers.range(1, 2000); a + b + c == -1`,
	} {
		t.Run(name, func(t *testing.T) {
			text := "package headgate\n\ndefault allow := true\n\ndeny contains \"found\" if {\n\t" + body + "\n}\n"
			src := open(t, rego.Config{Paths: []string{writeTemp(t, text)}, Timeout: 20 * time.Millisecond})
			d := preChat(src.Current())
			if d.Action != policy.Deny || d.Reason != policy.ReasonTimeout || d.NoAnswer {
				t.Errorf("got %+v", d)
			}
		})
	}
}

func TestCancelledContext(t *testing.T) {
	p := open(t, rego.Config{Paths: []string{writeTemp(t, allowAll)}}).Current()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	d := p.Decide(ctx, &policy.Input{Stage: policy.PreChat})
	if d.Action != policy.Deny || d.Reason != policy.ReasonTimeout {
		t.Errorf("got %+v", d)
	}
}

func TestContextEndsAnEvaluation(t *testing.T) {
	text := allowAll + "\ndeny contains \"found\" if count([x | x := numbers.range(1, 100000)[_]; numbers.range(1, 100000)[_] == x + 200000]) > 0\n"
	p := open(t, rego.Config{Paths: []string{writeTemp(t, text)}, Timeout: time.Hour}).Current()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if d := p.Decide(ctx, &policy.Input{Stage: policy.PreChat}); d.Reason != policy.ReasonTimeout {
		t.Errorf("got %+v", d)
	}
}

func TestInputLimits(t *testing.T) {
	text := "package headgate\n\ndefault allow := true\n\ndeny contains \"never\" if input.messages == 0\n"
	p := open(t, rego.Config{Paths: []string{writeTemp(t, text)}, MaxInput: 5 << 20, Timeout: time.Minute}).Current()
	for _, c := range []struct {
		name, content string
		ok            bool
	}{
		{"null", "null", true},
		{"nested", strings.Repeat("[", 128) + strings.Repeat("]", 128), true},
		{"empty", "", false},
		{"spaces around", " [] ", true},
		{"two values", "[] []", false},
		{"trailing bytes", "[]x", false},
		{"cut short", `["a"`, false},
		{"duplicate names", `{"a": 1, "\u0061": 2}`, false},
		{"invalid UTF-8", "\"\xff\"", false},
		{"lone surrogate", `"\ud800"`, false},
		{"NaN", "NaN", false},
		{"leading zero", "01", false},
		{"a number without end", "1e999", false},
		{"many digits", strings.Repeat("9", 2000), false},
		{"a small number", "1e-400", true},
		{"a number too small to count with", "1e-99999999", false},
		{"zero with an endless exponent", "0e99999999999999999999", false},
		{"too deep", strings.Repeat("[", 200) + strings.Repeat("]", 200), false},
		{"far too deep", strings.Repeat("[", 100_000), false},
		{"too many values", "[" + strings.Repeat("1,", 1<<20) + "1]", false},
		{"too long", `"` + strings.Repeat("x", 5<<20) + `"`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := &policy.Input{Stage: policy.PreChat, Messages: json.RawMessage(c.content)}
			d := policyDecide(p, in)
			if c.ok && d.Action != policy.Allow {
				t.Errorf("got %+v", d)
			}
			if !c.ok && (d.Action != policy.Deny || d.Reason != policy.ReasonInput || d.NoAnswer) {
				t.Errorf("got %+v", d)
			}
		})
	}
}

func policyDecide(p policy.Policy, in *policy.Input) policy.Decision {
	return p.Decide(context.Background(), in)
}

// What a policy does not read is not even looked at.
func TestUnreadContentIsNotParsed(t *testing.T) {
	p := open(t, rego.Config{Paths: []string{writeTemp(t, allowAll)}}).Current()
	in := &policy.Input{Stage: policy.PreChat, Messages: json.RawMessage("not JSON")}
	if d := policyDecide(p, in); d.Action != policy.Allow {
		t.Errorf("got %+v", d)
	}
}

// A claim that is no JSON value must not become an error in the middle of an
// evaluation.
func TestClaimsThatAreNoJSON(t *testing.T) {
	text := allowAll + "\ndeny contains \"x\" if input.principal.claims.x\n"
	p := open(t, rego.Config{Paths: []string{writeTemp(t, text)}}).Current()
	in := &policy.Input{Stage: policy.PreChat, Principal: policy.Principal{Claims: map[string]any{"x": func() {}}}}
	if d := policyDecide(p, in); d.Action != policy.Deny || d.Reason != policy.ReasonInput {
		t.Errorf("got %+v", d)
	}
}

func FuzzDecide(f *testing.F) {
	const undefined = `package headgate

allow if input.messages[_].role == input.nothing

deny contains msg if {
	some m in input.messages
	contains(m.text, "secret")
	msg := sprintf("%v", [m])
}

redact_messages contains input.messages[0].mask
`
	p := open(f, rego.Config{Paths: []string{writeTemp(f, undefined)}}).Current()
	f.Add(`[{"role": "user", "text": "a secret", "mask": "EMAIL"}]`, "m", "acme")
	f.Add(`[{"text": 1}]`, "", "")
	f.Add(`{"a": [1e400, -0, 1.0]}`, "\xff", "\u2028")
	f.Add(`[[[[]]]]`, "m", "t")
	f.Fuzz(func(t *testing.T, messages, model, tenant string) {
		in := &policy.Input{
			Stage: policy.PreChat, Model: model, Messages: json.RawMessage(messages),
			Principal: policy.Principal{TenantID: tenant},
		}
		d := policyDecide(p, in)
		if d.Action != policy.Deny || d.Reason == "" {
			t.Errorf("allow is undefined, got %+v", d)
		}
		if strings.HasPrefix(d.Detail, "panic") {
			t.Errorf("%s", d.Detail)
		}
	})
}

func FuzzCompile(f *testing.F) {
	for _, text := range []string{
		allowAll,
		"package tako.policy\n\ndeny[msg] { not input.roles[_] == \"a\"; msg := \"b\" }\n",
		"package a\n\np { not q[_] with input as {\"x\": [y | not input[_]; y := 1]} }\n",
		"package cullis.policy\n\ntool_call if input.stage in [\"pre_tool\"]\n",
		"package headgate\n\nallow if { s := input.stage; s == \"x\"; every k, v in input { k != v } } else := input[_]\n",
		"package headgate.pre_tool\n\ndecision[x] := y if { some x, y in data }\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name := writeTemp(t, text)
		src, err := rego.Open(context.Background(), rego.Config{Paths: []string{name}, Timeout: 50 * time.Millisecond})
		var faults *rego.CompileError
		if errors.As(err, &faults) {
			for _, fault := range faults.Faults {
				if fault.File != name || fault.Line < 1 || fault.Col < 1 || fault.Reason == "" {
					t.Errorf("a fault without a place: %+v", fault)
				}
			}
		}
		if err != nil {
			if strings.Contains(err.Error(), "compiler failed") {
				t.Error(err)
			}
			return
		}
		for _, s := range policy.Stages() {
			d := policyDecide(src.Current(), &policy.Input{Stage: s, Tools: []string{"a"}})
			if d.Action == policy.Deny && d.Reason == "" {
				t.Errorf("%s: a deny without a reason", s)
			}
		}
	})
}

// The data document's one read transaction serves all decisions.
func TestConcurrentDecisions(t *testing.T) {
	text := allowAll + `
deny contains "base" if data.base.list[_] == input.tool

deny contains "pattern" if regex.match("^x+$", input.tool)

deny contains sprintf("%s", [input.args.a]) if input.args.a
`
	p := open(t, rego.Config{Paths: []string{writeTemp(t, text)}, Timeout: time.Minute}).Current()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			reason := strings.Repeat("r", i+1)
			for range 200 {
				in := &policy.Input{Stage: policy.PreTool, Tool: "y", Args: json.RawMessage(`{"a": "` + reason + `"}`)}
				if d := policyDecide(p, in); d.Reason != reason {
					t.Errorf("got %+v, want %s", d, reason)
					return
				}
			}
		})
	}
	wg.Wait()
}

// A number of twelve bytes in a call's arguments must not occupy the process:
// the policy's arithmetic would write it out digit by digit, which nothing can
// interrupt.
func TestTinyNumberInArithmetic(t *testing.T) {
	text := "package headgate\n\ndefault allow := true\n\ndeny contains \"high\" if input.args.price * 2 > 100\n"
	p := open(t, rego.Config{Paths: []string{writeTemp(t, text)}}).Current()
	in := &policy.Input{Stage: policy.PreTool, Tool: "pay", Args: json.RawMessage(`{"price": 1e-99999999}`)}
	if d := policyDecide(p, in); d.Action != policy.Deny || d.Reason != policy.ReasonInput {
		t.Errorf("got %+v", d)
	}
}
