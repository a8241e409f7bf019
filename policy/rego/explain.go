package rego

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/headgate/headgate/policy"
)

// traceLimit bounds the traced evaluation, which is many times slower than a
// decision.
const traceLimit = 10 * time.Second

// Explanation tells what a policy decides about an input and which rules made
// it so. Its JSON form has the names in snake_case, see MarshalJSON.
type Explanation struct {
	Stage    policy.Stage
	Decision policy.Decision
	// Surfaces are what the stage asks, in the order of [Policy.Table].
	Surfaces []SurfaceAnswer
	// Note tells why the rules may not be the whole truth: the evaluation
	// failed, or the traced one came to something else.
	Note string

	// Verbose and ShowValues are for WriteText: show the rules that did not
	// fire as well; show the values of the input that were read, and of helper
	// rules, cut to 80 bytes. They can be text of a prompt.
	Verbose, ShowValues bool

	document ast.Value
	refs     map[string]ast.Ref // the reads that are ground, by path
}

// SurfaceAnswer is what one surface answered.
type SurfaceAnswer struct {
	Path  string `json:"path"`  // "data.tako.policy.deny"
	Style string `json:"style"` // rule_set, stage_decision or verdict
	// Covers is whether the surface must allow.
	Covers  bool            `json:"covers"`
	Defined bool            `json:"defined"`
	Value   json.RawMessage `json:"value,omitempty"` // sets as arrays
	// Rules are the rules of the surface, in the order of their places.
	Rules []RuleTrace `json:"rules"`
}

// RuleTrace is what became of one rule.
type RuleTrace struct {
	Name string `json:"name"` // "data.tako.policy.deny"
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"col"`
	Text string `json:"text"` // the head as it is written, in one line
	// Fired is whether the body held, at least once.
	Fired   bool `json:"fired"`
	Default bool `json:"default,omitempty"`
	// Value is what a surface's rule gave: of a set its members, as an array.
	// Helper rules have none here, because theirs can be text of the input.
	Value json.RawMessage `json:"value,omitempty"`
	// Reads are the paths of the input that the rule and its helpers looked at,
	// sorted. An index is the one that made the body hold; [_] is any of them.
	Reads []string `json:"reads,omitempty"`
	// Calls are the helper rules that it used, whether they fired or not.
	Calls []RuleTrace `json:"calls,omitempty"`
	// Why tells of a rule that did not fire what stopped it: "file:line:col:
	// expression", or why it was not tried.
	Why string `json:"why,omitempty"`

	value *ast.Term
}

// Explain decides about an input, as Decide does, and tells which rules made
// the decision. To see the rules that did not fire too, the stage is evaluated
// a second time with a tracer, without the index that passes rules over, and
// with failing built-in functions taken as undefined; the decision is the first
// evaluation's. The errors are an unknown stage and a context that has ended.
func (p *Policy) Explain(ctx context.Context, in *policy.Input) (*Explanation, error) {
	q := p.queries[in.Stage]
	if q == nil {
		return nil, fmt.Errorf("unknown stage %q", clip(string(in.Stage), 64))
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	e := &Explanation{Stage: in.Stage, Decision: p.Decide(ctx, in)}
	doc, err := newDocument(in, partsAll, p.settings.maxInput)
	if err != nil {
		e.Note = "the input cannot be evaluated"
		doc = ast.NewObject()
	}
	e.document = doc
	t := newTracer(p.compiler)
	var answers []policy.Answer
	if err == nil && len(q.surfaces) > 0 {
		answers, err = p.trace(ctx, q, doc, t)
		e.Note = p.note(e, answers, err, t)
	}
	t.finish()
	r := report{tracer: t, compiler: p.compiler, refs: map[string]ast.Ref{}, early: err != nil}
	for i, s := range q.surfaces {
		a := SurfaceAnswer{Path: s.Path, Style: styleName(s.Style), Covers: s.Covers(), Rules: r.surface(s.Path)}
		if answers != nil && e.Note == "" {
			a.Defined = answers[i].Defined
			if a.Defined {
				a.Value = asJSON(answers[i].Value)
			}
		}
		e.Surfaces = append(e.Surfaces, a)
	}
	e.refs = r.refs
	return e, nil
}

// trace evaluates the query once more with the tracer.
func (p *Policy) trace(ctx context.Context, q *query, doc ast.Value, t *tracer) (answers []policy.Answer, err error) {
	defer func() {
		if r := recover(); r != nil {
			answers, err = nil, fmt.Errorf("panic in evaluation: %T", r)
		}
	}()
	cancel := &deadline{}
	timer := time.AfterFunc(max(traceLimit, p.settings.timeout), cancel.Cancel)
	defer timer.Stop()
	stop := context.AfterFunc(ctx, cancel.Cancel)
	defer stop()

	var faults []topdown.Error
	found := false
	err = topdown.NewQuery(q.body).
		WithQueryCompiler(q.compiler).
		WithCompiler(p.compiler).
		WithStore(p.store.store).
		WithTransaction(p.store.txn).
		WithMetrics(metrics.NoOp()).
		WithIndexing(false).
		WithBuiltinErrorList(&faults).
		WithInput(ast.NewTerm(doc)).
		WithCancel(cancel).
		WithQueryTracer(t).
		Iter(ctx, func(row topdown.QueryResult) error {
			found = true
			answers, err = q.answers(row)
			return err
		})
	for _, f := range faults {
		t.fault(f.Location, f.Code)
	}
	switch {
	case err != nil && cancel.Cancelled():
		return nil, errDeadline
	case err != nil:
		return nil, err
	case !found && len(q.surfaces) == 1:
		return []policy.Answer{{Surface: q.surfaces[0]}}, nil
	}
	return answers, nil
}

// note tells what is wrong with an explanation, "" for nothing.
func (p *Policy) note(e *Explanation, answers []policy.Answer, err error, t *tracer) string {
	switch {
	case t.full:
		return "the evaluation is too large to show all of it"
	case errors.Is(err, errDeadline):
		return "the rules were not traced to the end: it took too long"
	case err != nil:
		_, detail := failure(err)
		return "the evaluation ended early: " + detail
	case !sameOutcome(e.Decision, policy.Combine(e.Stage, answers, p.settings.defaultAllow[e.Stage])):
		if e.Decision.Reason == policy.ReasonTimeout {
			return "the decision ran out of time; the rules are as they are without its limit"
		}
		return "the decision failed; the rules are shown as if what failed were undefined"
	}
	return ""
}

// sameOutcome reports whether two decisions agree in what they decide.
func sameOutcome(a, b policy.Decision) bool {
	return a.Action == b.Action && a.Reason == b.Reason && a.ForceModel == b.ForceModel &&
		a.NoAnswer == b.NoAnswer && a.Layer == b.Layer &&
		slices.Equal(a.Approvals, b.Approvals) && slices.Equal(a.Redact, b.Redact) && slices.Equal(a.HideTools, b.HideTools)
}

func styleName(s policy.Style) string {
	switch s {
	case policy.RuleSet:
		return "rule_set"
	case policy.StageDecision:
		return "stage_decision"
	default:
		return "verdict"
	}
}

// asJSON writes an answer as JSON; a set is an array.
func asJSON(v any) json.RawMessage {
	if s, ok := v.(policy.Set); ok && s == nil {
		v = []any{}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil
	}
	return bytes.TrimSpace(b.Bytes())
}

// MarshalJSON writes
//
//	{"stage", "decision": policy.Decision, "surfaces": [SurfaceAnswer], "note"?}
func (e *Explanation) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Stage    policy.Stage    `json:"stage"`
		Decision policy.Decision `json:"decision"`
		Surfaces []SurfaceAnswer `json:"surfaces"`
		Note     string          `json:"note,omitempty"`
	}{e.Stage, e.Decision, slices.Concat([]SurfaceAnswer{}, e.Surfaces), e.Note})
}

var (
	_ json.Marshaler      = (*Explanation)(nil)
	_ topdown.QueryTracer = (*tracer)(nil)
)
