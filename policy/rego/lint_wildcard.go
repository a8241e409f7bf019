package rego

import (
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// negationWarning begins the text of the warnings that [unit.warn] makes.
const negationWarning = "a wildcard in a negated expression"

// wildcards tells of the wildcards under a negation that were mended at load,
// and finds the trap beside them: `xs[_] != "x"` says that some element
// differs, not that none is equal.
func (l *linter) wildcards() {
	for _, w := range l.policy.warnings {
		if strings.HasPrefix(w.Message, negationWarning) {
			w.Code = CodeWildcardNot
			l.out = append(l.out, w)
		}
	}
	for _, r := range l.rules {
		for ; r != nil; r = r.Else {
			l.someDiffers(r)
		}
	}
}

// someDiffers looks for an element of a list that is compared by != alone and
// used for nothing else.
func (l *linter) someDiffers(r *ast.Rule) {
	s := newScope(l.c, "")
	s.iterate = true
	for _, e := range r.Body {
		s.bind(e)
	}
	for _, e := range r.Body {
		op, args, out := s.call(e)
		if op == nil || out != nil || len(args) != 2 || !op.Equal(ast.NotEqual.Ref()) {
			continue
		}
		for i := range args {
			list, ok := l.element(s, r, args[i])
			other := s.value(args[1-i].Value)
			if !ok || s.isOpen(other) {
				continue
			}
			x, xs := l.names(other.String()), l.shown(list)
			l.warn(CodeWildcardNot, e.Location, fmt.Sprintf(
				"true as soon as one element of %s is not %s, whatever the others are; for %q write `not %s in %s`",
				xs, x, "no element is "+x, x, xs))
			break
		}
	}
}

// element returns the list that a term is any element of, if nothing else in
// the rule mentions that element.
func (l *linter) element(s *scope, r *ast.Rule, t *ast.Term) (ast.Ref, bool) {
	ref, ok := s.value(t.Value).(ast.Ref)
	if !ok || len(ref) < 2 {
		return nil, false
	}
	last := len(ref) - 1
	key, ok := ref[last].Value.(ast.Var)
	if !ok || !s.isOpen(key) || s.isOpen(ref[:last]) || mentions(r, key) != 1 {
		return nil, false
	}
	// The element's own name: where it gets its value, and here.
	if v, ok := t.Value.(ast.Var); ok && mentions(r, v) != 2 {
		return nil, false
	}
	return ref[:last], true
}

// mentions counts where a rule without its else branches mentions a variable.
func mentions(r *ast.Rule, v ast.Var) int {
	n := 0
	count := func(x ast.Var) bool {
		if x == v {
			n++
		}
		return false
	}
	ast.WalkVars(r.Body, count)
	for _, t := range r.Head.Args {
		ast.WalkVars(t, count)
	}
	for _, t := range []*ast.Term{r.Head.Key, r.Head.Value} {
		if t != nil {
			ast.WalkVars(t, count)
		}
	}
	for _, t := range r.Head.Reference[min(1, len(r.Head.Reference)):] {
		if t != r.Head.Key {
			ast.WalkVars(t, count)
		}
	}
	return n
}
