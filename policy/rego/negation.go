package rego

import (
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// wildcardUnsafe begins the message of the one fault that [unit.negation] mends.
const wildcardUnsafe = "var _ is unsafe"

// onlyWildcards reports whether unsafe wildcards are the only faults.
func onlyWildcards(errs ast.Errors) bool {
	for _, e := range errs {
		if e.Code != ast.UnsafeVarErr || !strings.HasPrefix(e.Message, wildcardUnsafe) {
			return false
		}
	}
	return len(errs) > 0
}

// negation adds the reading of a v0 module in which a negated expression with
// wildcards says that no element makes it true: `not e` becomes `[] = [true | e]`.
// A wildcard stands nowhere else, so the comprehension closes over nothing that
// the expression binds; every other variable keeps its meaning and its faults.
func (u *unit) negation(v0 *ast.Module) {
	m := v0.Copy()
	ast.WalkBodies(m, func(b ast.Body) bool {
		for _, e := range b {
			if e.Negated && hasWildcard(e) {
				u.warn(e)
				noneTrue(e)
			}
		}
		return false
	})
	if len(u.warnings) > 0 {
		u.readings = append(u.readings, reading{version: ast.RegoV0, module: m, negation: true})
	}
}

// hasWildcard reports whether the expression itself, not a comprehension
// inside it, holds a wildcard.
func hasWildcard(e *ast.Expr) bool {
	vis := ast.NewVarVisitor().WithParams(ast.VarVisitorParams{SkipClosures: true})
	vis.Walk(e)
	for v := range vis.Vars() {
		if v.IsWildcard() {
			return true
		}
	}
	return false
}

// noneTrue rewrites the negated expression in place.
func noneTrue(e *ast.Expr) {
	loc := e.Location
	inner := e.CopyWithoutTerms()
	inner.Negated, inner.Index, inner.Terms = false, 0, e.Terms
	found := ast.ArrayComprehensionTerm(ast.BooleanTerm(true).SetLocation(loc), ast.NewBody(inner)).SetLocation(loc)
	none := ast.ArrayTerm().SetLocation(loc)
	e.Negated, e.With = false, nil
	e.Terms = ast.Equality.Expr(none, found).SetLocation(loc).Terms
}

func (u *unit) warn(e *ast.Expr) {
	u.warnings = append(u.warnings, Warning{
		File: u.file.Name,
		Line: e.Location.Row,
		Col:  e.Location.Col,
		Message: fmt.Sprintf("a wildcard in a negated expression is read as %q; write `%s`",
			"no element makes it true", modern(e)),
		file: u.index,
	})
}

// modern is today's spelling of a negated expression with a wildcard.
func modern(e *ast.Expr) string {
	if isEquality(e) && len(e.With) == 0 {
		for i := range 2 {
			list, ok := e.Operand(i).Value.(ast.Ref)
			other := e.Operand(1 - i)
			if !ok || hasWildcardTerm(other) {
				continue
			}
			last := len(list) - 1
			if v, ok := list[last].Value.(ast.Var); ok && v.IsWildcard() && !hasWildcardTerm(ast.NewTerm(list[:last])) {
				return fmt.Sprintf("not %s in %s", other, list[:last])
			}
		}
	}
	text := strings.Join(strings.Fields(string(e.Location.Text)), " ")
	return fmt.Sprintf("count([true | %s]) == 0", strings.TrimPrefix(text, "not "))
}

func isEquality(e *ast.Expr) bool {
	terms, ok := e.Terms.([]*ast.Term)
	if !ok || len(terms) != 3 {
		return false
	}
	op, ok := terms[0].Value.(ast.Ref)
	return ok && (op.Equal(ast.Equal.Ref()) || op.Equal(ast.Equality.Ref()))
}

func hasWildcardTerm(t *ast.Term) bool {
	return hasWildcard(&ast.Expr{Terms: t})
}
