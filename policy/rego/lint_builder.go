package rego

import (
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/headgate/headgate/policy"
)

// builder makes the formulas of bodies at one stage; they share their atoms.
type builder struct {
	c     *ast.Compiler
	stage policy.Stage
	atoms []atom
	index map[string]int
	// helpers are the formulas of helper rules.
	helpers map[string]*formula
	size    int // expressions looked into
	depth   int // of helper rules
	budget  *int
}

func (l *linter) builder(s policy.Stage) *builder {
	return &builder{c: l.c, stage: s, index: map[string]int{}, helpers: map[string]*formula{}, budget: &l.budget}
}

// whole is the formula of a rule without its else branches, nil where it is
// too large, and the scope of its head.
func (b *builder) whole(r *ast.Rule) (*formula, *scope) {
	b.size = 0
	f, s := b.rule(r)
	if b.size > maxFormula {
		return nil, s
	}
	return f, s
}

// any is the formula of one of the rules holding, else branches included; nil
// where it is too large.
func (b *builder) any(rules []*ast.Rule) *formula {
	var fs []*formula
	for _, r := range rules {
		b.size = 0
		fs = append(fs, b.chain(r))
		if b.size > maxFormula {
			return nil
		}
	}
	return or(fs...)
}

// rule is the formula of a rule's body, with that of its arguments, and the
// scope that its head is to be read in.
func (b *builder) rule(r *ast.Rule) (*formula, *scope) {
	s := newScope(b.c, b.stage)
	var args []*formula
	for i, t := range r.Head.Args {
		if v, ok := t.Value.(ast.Var); ok {
			s.vals[v] = fixed(i)
			continue
		}
		args = append(args, b.same(fixed(i), t.Value))
		ast.WalkVars(t, func(v ast.Var) bool {
			s.vals[v] = ast.Var(string(fixed(i)) + "." + string(v))
			return false
		})
	}
	return and(append(args, b.body(r.Body, s))...), s
}

// chain is the formula of a rule with its else branches: one of them holds.
func (b *builder) chain(r *ast.Rule) *formula {
	var branches []*formula
	for ; r != nil; r = r.Else {
		f, _ := b.rule(r)
		branches = append(branches, f)
	}
	return or(branches...)
}

// body is the formula of a body; s learns what its variables are. Expressions
// that share a variable that stands for anything are one atom.
func (b *builder) body(body ast.Body, s *scope) *formula {
	var fs []*formula
	var groups []*group
	for _, e := range body {
		if b.size++; b.size > maxFormula {
			return no // the caller sees that it is too large
		}
		vars := map[ast.Var]bool{}
		f := b.expr(e, s, vars)
		if len(vars) == 0 {
			fs = append(fs, f)
			continue
		}
		maps.Copy(s.loose, vars)
		groups = gather(groups, &group{vars: vars, exprs: []string{s.text(e)}, first: e})
	}
	for _, g := range groups {
		fs = append(fs, b.group(g, s))
	}
	return and(fs...)
}

// group is a set of expressions that are tied together by variables.
type group struct {
	vars  map[ast.Var]bool
	exprs []string
	first *ast.Expr
}

// gather adds a group and merges those that it ties together.
func gather(groups []*group, g *group) []*group {
	var out []*group
	for _, old := range groups {
		shared := false
		for v := range old.vars {
			shared = shared || g.vars[v]
		}
		if !shared {
			out = append(out, old)
			continue
		}
		maps.Copy(old.vars, g.vars)
		g = &group{vars: old.vars, exprs: slices.Concat(old.exprs, g.exprs), first: old.first}
	}
	return append(out, g)
}

// group is one atom; `xs[_] == "x"` is the same one as `"x" in xs`.
func (b *builder) group(g *group, s *scope) *formula {
	if list, x, ok := elementEqual(s, g.first); ok && len(g.exprs) == 1 {
		return b.member(x, list)
	}
	return b.atomOf("some "+strings.Join(g.exprs, "; "), atom{})
}

// elementEqual recognises `list[_] == x`.
func elementEqual(s *scope, e *ast.Expr) (list ast.Ref, x ast.Value, ok bool) {
	op, args, _ := s.call(e)
	if op == nil || !isEqual(op) || len(args) != 2 {
		return nil, nil, false
	}
	for i := range args {
		ref, isRef := s.value(args[i].Value).(ast.Ref)
		x := s.value(args[1-i].Value)
		if !isRef || len(ref) < 2 || s.isOpen(x) {
			continue
		}
		last := len(ref) - 1
		if _, isVar := ref[last].Value.(ast.Var); isVar && s.isOpen(ref[last].Value) && !s.isOpen(ref[:last]) {
			return ref[:last], x, true
		}
	}
	return nil, nil, false
}

// expr is the formula of one expression. Where it has variables that stand for
// anything it only names them in vars.
func (b *builder) expr(e *ast.Expr, s *scope, vars map[ast.Var]bool) *formula {
	if inner, ok := negated(e); ok {
		if s.touched(inner, vars); len(vars) > 0 {
			return nil
		}
		return not(b.body(inner, s.child()))
	}
	if len(e.With) > 0 {
		s.touched(e, vars)
		return b.opaque(e, s, vars)
	}
	switch t := e.Terms.(type) {
	case *ast.SomeDecl:
		return yes
	case *ast.LogicalAnd:
		return b.logical(e, t.Lhs, t.Rhs, and, s, vars)
	case *ast.LogicalOr:
		return b.logical(e, t.Lhs, t.Rhs, or, s, vars)
	case *ast.Term:
		v := s.value(t.Value)
		if s.open(v, vars); len(vars) > 0 {
			return nil
		}
		return b.truth(v)
	case []*ast.Term:
		return b.call(e, s, vars)
	}
	s.touched(e, vars)
	return b.opaque(e, s, vars)
}

func (b *builder) opaque(e *ast.Expr, s *scope, vars map[ast.Var]bool) *formula {
	if len(vars) > 0 {
		return nil
	}
	return b.atomOf(s.text(e), atom{})
}

func (b *builder) logical(e *ast.Expr, lhs, rhs ast.Body, join func(...*formula) *formula, s *scope, vars map[ast.Var]bool) *formula {
	if s.touched(e, vars); len(vars) > 0 {
		return nil
	}
	return join(b.body(lhs, s.child()), b.body(rhs, s.child()))
}

// negated returns what an expression says does not hold: `not e`, and
// `[] = [true | e]`, which is how a mended wildcard is written.
func negated(e *ast.Expr) (ast.Body, bool) {
	if e.Negated {
		inner := e.CopyWithoutTerms()
		inner.Negated, inner.Terms = false, e.Terms
		return ast.Body{inner}, true
	}
	if len(e.With) > 0 {
		return nil, false
	}
	if n, ok := e.Terms.(*ast.Not); ok {
		return n.Body, true
	}
	if !isEquality(e) {
		return nil, false
	}
	for i := range 2 {
		none, isArray := e.Operand(i).Value.(*ast.Array)
		found, isFound := e.Operand(1 - i).Value.(*ast.ArrayComprehension)
		if isArray && isFound && none.Len() == 0 && found.Term.Equal(ast.BooleanTerm(true)) {
			return found.Body, true
		}
	}
	return nil, false
}

// call is the formula of a call.
func (b *builder) call(e *ast.Expr, s *scope, vars map[ast.Var]bool) *formula {
	if val, ok := s.bind(e); ok {
		return and(b.defined(val), b.succeeds(val))
	}
	op, args, out := s.call(e)
	if op == nil {
		s.touched(e, vars)
		return b.opaque(e, s, vars)
	}
	terms := ast.Call{ast.NewTerm(op)}
	for _, t := range args {
		terms = append(terms, s.term(t))
	}
	s.open(terms, vars)
	if out != nil {
		s.open(s.value(out.Value), vars)
	}
	switch {
	case len(vars) > 0:
		return nil
	case out != nil:
		return b.same(terms, s.value(out.Value))
	}
	return b.truth(terms)
}

// succeeds is whether a call gives a result at all. Of the built-in functions
// only two have none without failing the whole evaluation.
func (b *builder) succeeds(v ast.Value) *formula {
	call, ok := v.(ast.Call)
	if !ok {
		return yes
	}
	name := call[0].Value.String()
	if _, builtin := ast.BuiltinMap[name]; builtin && name != ast.Max.Name && name != ast.Min.Name {
		return yes
	}
	return b.atomOf("defined "+v.String(), atom{})
}
