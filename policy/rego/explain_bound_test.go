package rego

import (
	"context"
	"strings"
	"testing"

	"github.com/headgate/headgate/policy"
)

// An evaluation that is too large to follow is followed up to a bound, and the
// explanation says so.
func TestTracerIsBounded(t *testing.T) {
	p := load(t, `package headgate

default allow := true

deny contains "never" if {
	some i in input.tools
	f(i)
}

f(i) if i == "x"
`)
	in := &policy.Input{Stage: policy.PreChat, Tools: []string{"a", "b", "c", "d", "e", "f"}}
	doc, err := newDocument(in, partsAll, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	tr := newTracer(p.compiler)
	tr.limit = 8
	answers, err := p.trace(context.Background(), p.queries[in.Stage], doc, tr)
	e := &Explanation{Stage: in.Stage, Decision: p.Decide(context.Background(), in)}
	if note := p.note(e, answers, err, tr); len(tr.frames) != 8 || !strings.Contains(note, "too large") {
		t.Errorf("%d frames, %q, %v", len(tr.frames), note, err)
	}
}

// Of many places of one pattern only the pattern is told.
func TestExplainCollapsesReads(t *testing.T) {
	p := load(t, "package headgate\n\ndefault allow := true\n\ndeny contains m.text if some m in input.messages\n")
	for n, want := range map[int]string{2: "input.messages[0] input.messages[1]", maxReadPlaces + 1: "input.messages[_]"} {
		texts := make([]string, n)
		for i := range texts {
			texts[i] = `{"text":"a"}`
		}
		e, err := p.Explain(context.Background(), &policy.Input{
			Stage: policy.PreChat, Messages: []byte("[" + strings.Join(texts, ",") + "]"),
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range e.Surfaces {
			if a.Path == "data.headgate.deny" && strings.Join(a.Rules[0].Reads, " ") != want {
				t.Errorf("%d: got %v, want %s", n, a.Rules[0].Reads, want)
			}
		}
	}
}
