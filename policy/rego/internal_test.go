package rego

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/rego/content"
)

func TestCompileTimeout(t *testing.T) {
	var b strings.Builder
	b.WriteString("package headgate\n\ndefault allow := true\n")
	for i := range 2000 {
		fmt.Fprintf(&b, "\ndeny contains \"%d\" if input.tool == \"%d\"\n", i, i)
	}
	caps, err := capabilities(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = compileWithin(time.Nanosecond, []content.File{{Name: "p.rego", Rel: "p.rego", Src: b.String()}}, caps)
	if !errors.Is(err, ErrCompileTimeout) || !strings.Contains(err.Error(), "10 seconds") {
		t.Errorf("got %v", err)
	}
}

// A fault in the evaluator must deny, not end the process.
func TestPanicDenies(t *testing.T) {
	p := *load(t, "package headgate\n\nallow if data.base.x == input.tool\n")
	p.store = nil
	d := p.Decide(context.Background(), &policy.Input{Stage: policy.PreTool, Tool: "secret"})
	if d.Action != policy.Deny || d.Reason != policy.ReasonError || !strings.HasPrefix(d.Detail, "panic in evaluation: ") {
		t.Errorf("got %+v", d)
	}
	if strings.Contains(d.Detail, "secret") {
		t.Errorf("the detail %q holds text of the input", d.Detail)
	}
}

// Reloads must not pile up compiled policies.
func TestCacheForgets(t *testing.T) {
	const revisions = 3 * keepPolicies
	mark := time.Now().UnixNano()
	for i := range revisions {
		load(t, fmt.Sprintf("package headgate\n\n# %d %d\ndefault allow := true\n", mark, i))
	}
	policies.mu.Lock()
	recent := len(policies.recent)
	policies.mu.Unlock()
	if recent > keepPolicies {
		t.Errorf("%d policies are kept, want at most %d", recent, keepPolicies)
	}
	live := func() int {
		policies.mu.Lock()
		defer policies.mu.Unlock()
		return len(policies.live)
	}
	before := live()
	for deadline := time.Now().Add(10 * time.Second); live() > keepPolicies; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d policies live of %d, nobody uses them", live(), before)
		}
		runtime.GC()
	}
}

// The document holds what is wanted and nothing else.
func TestDocumentHoldsOnlyWhatIsWanted(t *testing.T) {
	in := &policy.Input{
		Stage: policy.PreTool, Tool: "t", Args: []byte(`{"a":1}`), ArgsHash: "h",
		Principal: policy.Principal{TenantID: "acme", Claims: map[string]any{"c": 1}},
	}
	for want, text := range map[parts]string{
		0:                             `{"stage": "pre_tool"}`,
		partTool | partTenantID:       `{"principal": {"tenant_id": "acme"}, "stage": "pre_tool", "tool": "t"}`,
		parts(policy.FieldArgs):       `{"args": {"a": 1}, "arguments": {"a": 1}, "stage": "pre_tool"}`,
		parts(policy.FieldArgsHash):   `{"args_hash": "h", "stage": "pre_tool"}`,
		parts(policy.FieldClaims):     `{"principal": {"claims": {"c": 1}}, "stage": "pre_tool"}`,
		parts(policy.FieldMessages):   `{"stage": "pre_tool"}`,
		partPrincipal &^ partTenantID: `{"principal": {"agent_id": "", "auth": "", "claims": {"c": 1}, "roles": [], "user_id": ""}, "stage": "pre_tool"}`,
	} {
		doc, err := newDocument(in, want, 1<<20)
		if err != nil || doc.String() != text {
			t.Errorf("%x: got %s, %v, want %s", want, doc, err, text)
		}
	}
}

func BenchmarkContent(b *testing.B) {
	p := load(b, `package headgate

default allow := true

deny contains "secret" if {
	some m in input.messages
	contains(m.text, "secret")
}
`)
	var msgs []string
	for i := range 20 {
		msgs = append(msgs, fmt.Sprintf(`{"role":"user","text":"message %d %s"}`, i, strings.Repeat("some text ", 8)))
	}
	in := &policy.Input{Stage: policy.PreChat, Model: "m", Messages: []byte("[" + strings.Join(msgs, ",") + "]")}
	b.SetBytes(int64(len(in.Messages)))
	b.ReportAllocs()
	for b.Loop() {
		p.Decide(context.Background(), in)
	}
}
