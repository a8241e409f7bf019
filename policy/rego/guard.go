package rego

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

var (
	stageRef  = ast.MustParseRef("input.stage")
	memberRef = ast.Member.Ref()
)

// hoistStage runs hoistGuards after all checks and before the rules are indexed.
var hoistStage = ast.CompilerStageDefinition{
	Name: "HoistStageGuards", MetricName: "compile_stage_hoist_stage_guards", Stage: hoistGuards,
}

// hoistGuards moves the expressions that let only some stages through, as
// input.stage == "post_chat" and the rules that hold only there, to the front of
// their bodies, so that at another stage nothing else of the body is evaluated:
// neither a built-in function's error nor the absence of content that is not
// computed there can be noticed. The order of a conjunction has no meaning in
// Rego.
func hoistGuards(c *ast.Compiler) *ast.Error {
	for _, m := range c.Modules {
		ast.WalkBodies(m, func(b ast.Body) bool {
			hoist(c, b)
			return false
		})
	}
	return nil
}

func hoist(c *ast.Compiler, b ast.Body) {
	aliases := stageAliases(b)
	used := map[ast.Var]bool{}
	guards := 0
	for _, e := range b {
		if guardRules(c, e) != nil {
			guards++
		}
		if g, ok := asGuard(e, aliases); ok {
			guards++
			if g.alias != "" {
				used[g.alias] = true
			}
		}
	}
	if guards == 0 {
		return
	}
	rank := func(e *ast.Expr) int {
		if v, ok := asAlias(e); ok && used[v] {
			return 0
		}
		if _, ok := asGuard(e, aliases); ok {
			return 1
		}
		if guardRules(c, e) != nil {
			return 2
		}
		return 3
	}
	slices.SortStableFunc(b, func(x, y *ast.Expr) int { return rank(x) - rank(y) })
	for i, e := range b {
		e.Index = i
	}
}

// guardRules are the rules that an expression refers to, where it is nothing but
// that reference and each of their branches holds at some stages only; else nil.
func guardRules(c *ast.Compiler, e *ast.Expr) []*ast.Rule {
	if e.Negated || len(e.With) > 0 {
		return nil
	}
	t, ok := e.Terms.(*ast.Term)
	if !ok {
		return nil
	}
	ref, ok := t.Value.(ast.Ref)
	if !ok || !ref.IsGround() {
		return nil
	}
	node := c.RuleTree
	for _, x := range ref {
		if node = node.Child(x.Value); node == nil {
			return nil
		}
	}
	if len(node.Values) == 0 || len(node.Children) > 0 {
		return nil
	}
	for _, rule := range node.Values {
		if rule.Head.RuleKind() != ast.SingleValue || !rule.Head.Ref().IsGround() {
			return nil
		}
		for branch := rule; branch != nil; branch = branch.Else {
			if !isGuarded(branch.Body) {
				return nil
			}
		}
	}
	return node.Values
}

// isGuarded tells whether a body has a guard of its own.
func isGuarded(b ast.Body) bool {
	aliases := stageAliases(b)
	return slices.ContainsFunc(b, func(e *ast.Expr) bool {
		_, ok := asGuard(e, aliases)
		return ok
	})
}

// guard is an expression that holds at some stages only.
type guard struct {
	stages []string
	alias  ast.Var // the local variable that holds the stage, or ""
}

func (g guard) admits(stage string) bool { return slices.Contains(g.stages, stage) }

// asGuard recognises, after the compiler's rewriting,
//
//	input.stage == "x"    input.stage in {"x", "y"}
//
// in either order of the operands, also through a local variable. A negated
// expression or one under a with modifier is no guard.
func asGuard(e *ast.Expr, aliases map[ast.Var]bool) (guard, bool) {
	terms, ok := plainCall(e)
	if !ok || len(terms) != 3 {
		return guard{}, false
	}
	op, ok := terms[0].Value.(ast.Ref)
	if !ok {
		return guard{}, false
	}
	switch {
	case op.Equal(ast.Equality.Ref()), op.Equal(ast.Equal.Ref()):
		for i := 1; i <= 2; i++ {
			alias, isStage := stageTerm(terms[i], aliases)
			s, isString := terms[3-i].Value.(ast.String)
			if isStage && isString {
				return guard{stages: []string{string(s)}, alias: alias}, true
			}
		}
	case op.Equal(memberRef):
		alias, isStage := stageTerm(terms[1], aliases)
		words, ok := stringList(terms[2])
		if isStage && ok {
			return guard{stages: words, alias: alias}, true
		}
	}
	return guard{}, false
}

// plainCall returns the terms of an expression that is a call, neither negated
// nor under a with modifier.
func plainCall(e *ast.Expr) ([]*ast.Term, bool) {
	if e.Negated || len(e.With) > 0 {
		return nil, false
	}
	terms, ok := e.Terms.([]*ast.Term)
	return terms, ok
}

// stageTerm reports whether a term is the stage, itself or by a local variable.
func stageTerm(t *ast.Term, aliases map[ast.Var]bool) (ast.Var, bool) {
	switch v := t.Value.(type) {
	case ast.Ref:
		return "", v.Equal(stageRef)
	case ast.Var:
		return v, aliases[v]
	}
	return "", false
}

// stageAliases are the local variables of a body that hold the stage.
func stageAliases(b ast.Body) map[ast.Var]bool {
	var aliases map[ast.Var]bool
	for _, e := range b {
		if v, ok := asAlias(e); ok {
			if aliases == nil {
				aliases = map[ast.Var]bool{}
			}
			aliases[v] = true
		}
	}
	return aliases
}

// asAlias recognises `v = input.stage`.
func asAlias(e *ast.Expr) (ast.Var, bool) {
	terms, ok := plainCall(e)
	if !ok || len(terms) != 3 {
		return "", false
	}
	op, ok := terms[0].Value.(ast.Ref)
	if !ok || !op.Equal(ast.Equality.Ref()) {
		return "", false
	}
	for i := 1; i <= 2; i++ {
		v, isVar := terms[i].Value.(ast.Var)
		ref, isRef := terms[3-i].Value.(ast.Ref)
		if isVar && isRef && ref.Equal(stageRef) {
			return v, true
		}
	}
	return "", false
}

// stringList reads an array or a set of constant strings.
func stringList(t *ast.Term) ([]string, bool) {
	var words []string
	ok := true
	each := func(t *ast.Term) {
		s, isString := t.Value.(ast.String)
		ok = ok && isString
		words = append(words, string(s))
	}
	switch v := t.Value.(type) {
	case *ast.Array:
		v.Foreach(each)
	case ast.Set:
		v.Foreach(each)
	default:
		return nil, false
	}
	return words, ok
}
