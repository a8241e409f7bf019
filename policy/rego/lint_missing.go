package rego

import (
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/headgate/headgate/policy"
)

// formats are built-in functions that make a text of what they are given, as
// for a reason: nothing is meant to be tested by them.
var formats = []string{
	"sprintf", "concat", "format_int", "lower", "upper", "replace", "strings.replace_n", "strings.reverse", "substring", "split",
	"trim", "trim_left", "trim_right", "trim_prefix", "trim_suffix", "trim_space",
	"json.marshal", "yaml.marshal", "base64.encode", "base64url.encode", "urlquery.encode", "hex.encode",
}

// missingFields finds restricting rules that format a field of the input, or
// give one to a call under not, that may be missing: the rule then does not
// hold, and nobody notices.
func (l *linter) missingFields() {
	seen := map[*ast.Rule]bool{}
	for _, s := range l.surfaces {
		for _, r := range l.rulesAt(s.ref) {
			if seen[r] || r.Default {
				continue
			}
			seen[r] = true
			for branch := r; branch != nil; branch = branch.Else {
				if restricts(s, branch) {
					l.missingField(branch, s.stages)
				}
			}
		}
	}
}

// restricts reports whether a rule of a surface takes something away.
func restricts(s surface, r *ast.Rule) bool {
	if s.Style == policy.RuleSet {
		return s.Set != policy.Allow
	}
	if r.Head.Value == nil {
		return false
	}
	obj, ok := r.Head.Value.Value.(ast.Object)
	if !ok {
		return false
	}
	word := obj.Get(ast.StringTerm("decision"))
	return word != nil && !word.Equal(ast.StringTerm(string(policy.Allow)))
}

func (l *linter) missingField(r *ast.Rule, stages []policy.Stage) {
	stages, _ = admittedBy(r.Body, stages)
	if len(stages) == 0 {
		return
	}
	type use struct {
		loc  *ast.Location
		path ast.Ref
		then string // what comes of it
		mend string // "" is a default
	}
	var uses []use
	s := newScope(l.c, "")
	s.iterate = true
	var tested []ast.Ref
	for _, e := range r.Body {
		if _, isNot := negated(e); isNot {
			for _, path := range lookedUp(s, e) {
				uses = append(uses, use{
					e.Location, path, "it is looked up before the not",
					"a helper rule that tests it, and not before that,",
				})
			}
			continue
		}
		op, args, out := s.call(e)
		_, bound := s.bind(e)
		switch {
		case bound && op != nil && slices.Contains(formats, op.String()):
			for _, path := range inputPaths(s, args...) {
				uses = append(uses, use{e.Location, path, op.String() + " then has no result", ""})
			}
		case bound && out == nil: // a name for something is no test of it
		default:
			tested = append(tested, l.exprPaths(s, e, 0)...)
		}
	}
	for i, u := range uses {
		if covers(tested, u.path) || slices.ContainsFunc(uses[:i], func(x use) bool { return x.path.Equal(u.path) }) {
			continue
		}
		if missing := missingAt(u.path, stages); len(missing) > 0 {
			mend := l.withDefault(u.path)
			if u.mend != "" {
				mend = u.mend + " or " + mend
			}
			l.warn(CodeMissingField, u.loc, fmt.Sprintf("%s may be missing at %s: %s and the rule silently does not hold; write %s",
				l.shown(u.path), stageList(missing), u.then, mend))
		}
	}
}

// lookedUp lists the paths of the input that a negated call is given. The
// compiler puts their look-up before the not, where a path that is missing ends
// the body. In a comparison they stay behind it.
func lookedUp(s *scope, e *ast.Expr) []ast.Ref {
	terms, ok := e.Terms.([]*ast.Term)
	if !ok || !e.Negated || len(e.With) > 0 || len(terms) < 2 {
		return nil
	}
	if op, ok := terms[0].Value.(ast.Ref); !ok || isEqual(op) {
		return nil
	}
	var paths []ast.Ref
	for _, t := range terms[1:] {
		if _, isVar := t.Value.(ast.Var); isVar {
			paths = append(paths, inputPaths(s, t)...)
		}
	}
	return paths
}

// missingAt lists the stages at which a path may be missing; none where no
// stage has it, which is for another lint to say.
func missingAt(path ast.Ref, stages []policy.Stage) []policy.Stage {
	var missing []policy.Stage
	nowhere := true
	for _, stage := range stages {
		at, _ := find(stage, path)
		if at != always {
			missing = append(missing, stage)
		}
		nowhere = nowhere && at == never
	}
	if nowhere {
		return nil
	}
	return missing
}

// covers reports whether one of the tested paths is path or goes on from it.
func covers(tested []ast.Ref, path ast.Ref) bool {
	return slices.ContainsFunc(tested, func(t ast.Ref) bool { return t.HasPrefix(path) })
}

// inputPaths lists the paths of the input in terms. What is missing inside a
// comprehension only makes it shorter.
func inputPaths(s *scope, terms ...*ast.Term) []ast.Ref {
	var paths []ast.Ref
	for _, t := range terms {
		ast.NewGenericVisitor(func(x any) bool {
			switch x := x.(type) {
			case *ast.ArrayComprehension, *ast.SetComprehension, *ast.ObjectComprehension:
				return true
			case ast.Ref:
				if isInput(x) {
					paths = append(paths, x)
				}
			}
			return false
		}).Walk(s.term(t))
	}
	return paths
}

// exprPaths lists the paths that an expression tests: without them it does not
// hold. A helper rule tests what all its bodies test.
func (l *linter) exprPaths(s *scope, e *ast.Expr, depth int) []ast.Ref {
	if len(e.With) > 0 {
		return nil
	}
	switch t := e.Terms.(type) {
	case *ast.Term:
		if ref, ok := t.Value.(ast.Ref); ok && isData(ref) && ref.IsGround() {
			return l.helperPaths(l.c.GetRulesExact(ref), depth+1)
		}
		return inputPaths(s, t)
	case []*ast.Term:
		return inputPaths(s, t[1:]...)
	}
	return nil
}

// helperPaths lists the paths that all rules test.
func (l *linter) helperPaths(rules []*ast.Rule, depth int) []ast.Ref {
	var common []ast.Ref
	first := true
	for _, r := range rules {
		if r.Default {
			continue
		}
		if r.Else != nil || len(r.Head.Args) > 0 || depth > maxHelpers {
			return nil
		}
		var own []ast.Ref
		s := newScope(l.c, "")
		s.iterate = true
		for _, e := range r.Body {
			if _, isNot := negated(e); isNot {
				continue
			}
			s.bind(e)
			own = append(own, l.exprPaths(s, e, depth)...)
		}
		if first {
			common, first = own, false
			continue
		}
		common = slices.DeleteFunc(common, func(p ast.Ref) bool { return !covers(own, p) })
	}
	return common
}

// withDefault is how to write a path that may be missing.
func (l *linter) withDefault(path ast.Ref) string {
	var keys []string
	at := len(path)
	for ; at > 1; at-- {
		if _, ok := path[at-1].Value.(ast.String); !ok {
			break
		}
		keys = append(keys, path[at-1].String())
	}
	if len(keys) == 0 {
		return "a test of it before, or a helper rule with a default"
	}
	slices.Reverse(keys)
	return fmt.Sprintf("object.get(%s, [%s], \"?\")", l.shown(path[:at]), strings.Join(keys, ", "))
}
