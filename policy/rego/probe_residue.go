package rego

import (
	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/headgate/headgate/policy"
)

// settles reports whether what a partial evaluation left of a surface says that
// the stage is denied. left are the ways in which the query can hold, support
// the rules that they refer to.
func (a *question) settles(left []ast.Body, support []*ast.Module) bool {
	r := residue{question: a, support: support}
	never := a.surface.Covers()
	for _, body := range left {
		if r.always(body) {
			return true
		}
		never = never && r.denies(body, answerVar)
	}
	return never
}

// residue reads what a partial evaluation left.
type residue struct {
	*question
	support []*ast.Module
}

// always reports whether a body holds without a condition and means a deny. A
// second value for the same document would be a conflict, which is a deny too.
func (r *residue) always(body ast.Body) bool {
	for _, e := range body {
		t := equals(e, answerVar)
		switch {
		case t == nil:
			return false
		case !r.surface.Covers(): // a member of a deny set
			if !ast.IsConstant(t.Value) {
				return false
			}
		case r.supported(t) != nil:
			if !r.unconditional(t) {
				return false
			}
		case !ast.IsConstant(t.Value) || !r.denying(t):
			return false
		}
	}
	return len(body) > 0
}

// unconditional reports whether one of the rules that a term refers to has
// nothing left of its body, and a value that denies.
func (r *residue) unconditional(t *ast.Term) bool {
	for _, rule := range r.supported(t) {
		if !rule.Default && holds(rule.Body) && ast.IsConstant(rule.Head.Value.Value) && r.denying(rule.Head.Value) {
			return true
		}
	}
	return false
}

// holds reports whether a body is nothing but true.
func holds(body ast.Body) bool {
	for _, e := range body {
		t, ok := e.Terms.(*ast.Term)
		if !ok || e.Negated || len(e.With) > 0 || !t.Equal(ast.InternedTerm(true)) {
			return false
		}
	}
	return true
}

// denies reports whether a body, where it holds, gives v a value that denies.
func (r *residue) denies(body ast.Body, v ast.Var) bool {
	for _, e := range body {
		if t := equals(e, v); t != nil && r.denying(t) {
			return true
		}
	}
	return false
}

// denying reports whether a term is a denying answer whatever it depends on.
func (r *residue) denying(t *ast.Term) bool {
	if ast.IsConstant(t.Value) {
		answer := policy.Answer{Surface: r.surface, Defined: true, Value: plain(t.Value)}
		d := policy.Combine(r.stage, []policy.Answer{answer}, true)
		return d.Action == policy.Deny
	}
	switch v := t.Value.(type) {
	case ast.Object:
		// Whatever else is in it, it is a deny or has the wrong shape.
		word := v.Get(ast.StringTerm("decision"))
		return word != nil && word.Value.Compare(ast.String(policy.Deny)) == 0
	case ast.Ref:
		rules := r.supported(t)
		for _, rule := range rules {
			for ; rule != nil; rule = rule.Else {
				if !r.denying(rule.Head.Value) {
					return false
				}
			}
		}
		return len(rules) > 0
	}
	return false
}

// supported are the rules that a term refers to and that the partial evaluation
// wrote, each with one value; nil where it refers to something else.
func (r *residue) supported(t *ast.Term) []*ast.Rule {
	ref, ok := t.Value.(ast.Ref)
	if !ok {
		return nil
	}
	var out []*ast.Rule
	for _, m := range r.support {
		for _, rule := range m.Rules {
			path := m.Package.Path.Extend(rule.Head.Ref())
			switch {
			case path.Equal(ref):
				if rule.Head.RuleKind() != ast.SingleValue || len(rule.Head.Args) > 0 || rule.Head.Value == nil {
					return nil
				}
				out = append(out, rule)
			case path.HasPrefix(ref), ref.HasPrefix(path):
				return nil // it is made of parts
			}
		}
	}
	return out
}

// equals gives what an expression says that v is, nil where it says nothing.
func equals(e *ast.Expr, v ast.Var) *ast.Term {
	if e.Negated || len(e.With) > 0 || !e.IsEquality() {
		return nil
	}
	for i := range 2 {
		if v.Equal(e.Operand(i).Value) {
			return e.Operand(1 - i)
		}
	}
	return nil
}
