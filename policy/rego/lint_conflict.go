package rego

import (
	"fmt"
	"path/filepath"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/headgate/headgate/policy"
)

// maxPairs bounds the pairs of rules of one document that are compared.
const maxPairs = 5000

// conflicts finds pairs of rules for one document, or one function's result,
// that can both hold with different values.
func (l *linter) conflicts() {
	groups := map[string][]*ast.Rule{}
	var names []string
	for _, r := range l.rules {
		if r.Default || r.Else != nil || r.Head.RuleKind() != ast.SingleValue || !r.Ref().IsGround() {
			continue
		}
		name := r.Ref().String()
		if groups[name] == nil {
			names = append(names, name)
		}
		groups[name] = append(groups[name], r)
	}
	for _, name := range names {
		l.conflict(name, groups[name])
	}
}

// conflict warns of each rule that conflicts with one before it.
func (l *linter) conflict(name string, rules []*ast.Rule) {
	if len(rules) < 2 {
		return
	}
	bodies := l.bodies(rules)
	pairs := 0
	for i, r := range rules {
		for j, first := range rules[:i] {
			if pairs++; pairs > maxPairs {
				return
			}
			if !l.collide(first, r, bodies[j], bodies[i]) {
				continue
			}
			l.warn(CodeConflict, r.Location, fmt.Sprintf(
				"%s can have two values: this rule and the one at %s:%d:%d can hold together, which is an error (%s); make them exclude each other, or join them with else",
				name, filepath.Base(first.Location.File), first.Location.Row, first.Location.Col, policy.ReasonConflict))
			break
		}
	}
}

// staged is a rule as it is at one stage.
type staged struct {
	b       *builder
	formula *formula
	value   ast.Value
	scope   *scope
}

// bodies are the rules as they are at the stages at which they may be
// evaluated.
func (l *linter) bodies(rules []*ast.Rule) []map[policy.Stage]staged {
	out := make([]map[policy.Stage]staged, len(rules))
	builders := map[policy.Stage]*builder{}
	for i, r := range rules {
		out[i] = map[policy.Stage]staged{}
		for _, stage := range l.stagesOf(r) {
			if builders[stage] == nil {
				builders[stage] = l.builder(stage)
			}
			b := builders[stage]
			f, s := b.whole(r)
			out[i][stage] = staged{b: b, formula: f, value: s.value(r.Head.Value.Value), scope: s}
		}
	}
	return out
}

// collide reports whether both rules can hold, at one stage, with different
// values. What cannot be found out counts as no.
func (l *linter) collide(x, y *ast.Rule, atX, atY map[policy.Stage]staged) bool {
	if constantValue(x) && constantValue(y) && x.Head.Value.Equal(y.Head.Value) || !samePatterns(x.Head.Args, y.Head.Args) {
		return false
	}
	for _, stage := range policy.Stages() {
		sx, okX := atX[stage]
		sy, okY := atY[stage]
		if !okX || !okY || sx.formula == nil || sy.formula == nil || sameValue(sx, sy) {
			continue
		}
		if can, known := sx.b.satisfiable(and(sx.formula, sy.formula)); can && known {
			return true
		}
	}
	return false
}

func constantValue(r *ast.Rule) bool { return ast.IsConstant(r.Head.Value.Value) }

// samePatterns reports whether two functions' arguments can be told apart by
// constants alone: their other patterns are equal.
func samePatterns(x, y ast.Args) bool {
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if simple(x[i]) && simple(y[i]) {
			continue
		}
		if canonical(x[i].String()) != canonical(y[i].String()) {
			return false
		}
	}
	return true
}

func simple(t *ast.Term) bool {
	_, isVar := t.Value.(ast.Var)
	return isVar || ast.IsConstant(t.Value)
}

// sameValue reports whether two heads give the same value whatever the input
// is.
func sameValue(x, y staged) bool {
	return canonical(x.value.String()) == canonical(y.value.String()) && !x.scope.isOpen(x.value) && !y.scope.isOpen(y.value)
}

// noDefaults finds covering surfaces that may have no answer at a stage: they
// have no default, and for some input none of their bodies holds.
func (l *linter) noDefaults() {
	for _, s := range l.surfaces {
		if !s.Covers() {
			continue
		}
		rules := l.rulesAt(s.ref)
		if len(rules) == 0 || total(rules) || !single(rules) {
			continue
		}
		var stages []policy.Stage
		for _, stage := range s.stages {
			b := l.builder(stage)
			some := b.any(rules)
			if some != nil {
				some = not(some)
			}
			if open, known := b.satisfiable(some); open || !known {
				stages = append(stages, stage)
			}
		}
		if len(stages) > 0 {
			l.warn(CodeNoDefault, rules[0].Location, fmt.Sprintf(
				"%s has no default and may be undefined at %s, which denies as %s without a reason of yours; write `default %s := %s`",
				s.Path, stageList(stages), policy.ReasonUndefined, rules[0].Head.Ref(), deniedAs(s, rules[0])))
		}
	}
}

// single reports whether the rules make one whole document.
func single(rules []*ast.Rule) bool {
	for _, r := range rules {
		if r.Head.RuleKind() != ast.SingleValue || !r.Ref().IsGround() || len(r.Head.Args) > 0 {
			return false
		}
	}
	return true
}

// deniedAs is the default to write for a surface. A rule on the way to it makes
// an object.
func deniedAs(s surface, r *ast.Rule) string {
	switch {
	case s.Style == policy.RuleSet:
		return "false"
	case s.Style == policy.StageDecision && len(r.Ref()) < len(s.ref):
		return `{"decision": "deny"}`
	case s.Style == policy.StageDecision:
		return `"deny"`
	}
	return `{"decision": "deny", "reason": "no rule allows it"}`
}
