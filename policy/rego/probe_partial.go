package rego

import (
	"context"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/headgate/headgate/policy"
)

// probeSteps is how many steps the partial evaluation of one probe may take.
// Counted in steps the bound is the same on a busy machine, so that a probe
// that is too large can be remembered as one.
const probeSteps = 4 * slowSteps

// probe finds out by partial evaluation whether a stage's surfaces deny
// whatever is unknown. They do
//
//   - where one of the covering surfaces can have no value but such as deny, or
//     none at all;
//   - where a surface has a denying value without a condition that is left;
//   - where a deny set has a member without a condition that is left;
//   - where nothing covers the stage and the default is deny.
//
// What a partial evaluation leaves is taken as possible, whether or not it can
// ever hold.
type probe struct {
	asks    []question
	apart   []ast.Ref // rules that are not to be inlined
	memo    *memo
	covered bool
}

// question is what a probe wants to know of one surface.
type question struct {
	surface policy.Surface
	stage   policy.Stage
	body    ast.Body
}

// answerVar stands for a surface's answer, or for a member of a deny set.
const answerVar = ast.Var("answer")

// newProbe prepares a probe; nil where partial evaluation is not to be relied
// on: it is then never told that something is hopeless.
func newProbe(c *ast.Compiler, stage policy.Stage, surfaces []policy.Surface) *probe {
	if unsuited(c) {
		return nil
	}
	b := &probe{apart: apart(c), memo: newMemo()}
	for _, s := range surfaces {
		answer := ast.NewTerm(answerVar)
		switch {
		case s.Covers():
			b.covered = true
			b.asks = append(b.asks, question{s, stage, ast.NewBody(ast.Equality.Expr(ast.RefTerm(ast.MustParseRef(s.Path)...), answer))})
		case s.Set == policy.Deny:
			member := append(ast.MustParseRef(s.Path), answer)
			b.asks = append(b.asks, question{s, stage, ast.NewBody(ast.NewExpr(ast.NewTerm(member)))})
		}
	}
	return b
}

// unsuited reports whether the rules replace documents or functions, or call
// functions that depend on the clock and would be evaluated all the same.
func unsuited(c *ast.Compiler) bool {
	found := false
	for _, m := range c.Modules {
		ast.NewGenericVisitor(func(x any) bool {
			switch x := x.(type) {
			case *ast.With:
				found = true
			case ast.Ref:
				found = found || impureBuiltins[x.String()] != ""
			}
			return found
		}).Walk(m)
	}
	return found
}

// apart are the rules whose default value is a composite one with something in
// it. OPA v1.22.2 forgets that default where it inlines a reference into it:
// with
//
//	default mode := {"name": "open"}
//	mode := {"name": "closed"} if input.args.x
//
// and x unknown, it takes mode.name == "open" for false.
func apart(c *ast.Compiler) []ast.Ref {
	var out []ast.Ref
	for _, m := range c.Modules {
		for _, r := range m.Rules {
			if r.Default && r.Head.Value != nil && filled(r.Head.Value.Value) {
				out = append(out, r.Ref().GroundPrefix())
			}
		}
	}
	return out
}

func filled(v ast.Value) bool {
	switch v := v.(type) {
	case *ast.Array:
		return v.Len() > 0
	case ast.Object:
		return v.Len() > 0
	case ast.Set:
		return v.Len() > 0
	}
	return !ast.IsScalar(v)
}

// run asks for the surfaces one by one, under the limits of a decision. whole
// tells that it was not cut short by the clock.
func (b *probe) run(ctx context.Context, p *Policy, in *policy.Input, reads, unknown parts) (hopeless, whole bool) {
	if ctx.Err() != nil {
		return false, false
	}
	if !b.covered && !in.Stage.Post() && !p.settings.defaultAllow[in.Stage] {
		return true, true
	}
	defer func() {
		if recover() != nil {
			hopeless, whole = false, true
		}
	}()
	limit := &steps{left: probeSteps}
	limit.start(p.settings.timeout)
	defer limit.stop()
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, limit.Cancel)
		defer stop()
	}
	known, terms := split(reads, unknown)
	doc, err := newDocumentWithin(in, known, p.settings.maxInput, &limit.deadline)
	if err != nil {
		return false, !limit.over()
	}
	for _, a := range b.asks {
		left, support, err := evaluation(a.body, nil, p.compiler, p.store, doc, limit).
			WithUnknowns(terms).
			WithDisableInlining(b.apart).
			PartialRun(ctx)
		if err != nil {
			return false, !limit.over()
		}
		if a.settles(left, support) {
			return true, true
		}
	}
	return false, true
}

// steps is a deadline that also bounds the number of steps.
type steps struct {
	deadline
	left int
}

// Cancelled counts a step and reports whether the evaluation is to end.
func (s *steps) Cancelled() bool {
	s.left--
	return s.left < 0 || s.deadline.Cancelled()
}

var _ topdown.Cancel = (*steps)(nil)
