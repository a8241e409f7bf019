package rego

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/headgate/headgate/policy"
)

// needs finds the parts of the input that the surfaces can reach at a stage,
// and whether they can reach a built-in function whose answer does not depend on
// its arguments alone. It follows the compiled rules from the surfaces and
// collects the references. It errs on the side of more: what it cannot follow
// counts as everything.
//
// A body is followed up to its first expression that cannot hold at the stage.
// [hoistGuards] has moved the stage's own guards to the front.
func needs(c *ast.Compiler, stage policy.Stage, surfaces []policy.Surface) (reads parts, impure bool) {
	r := reach{compiler: c, stage: string(stage), mocks: mocksData(c), seen: map[*ast.Rule]bool{}}
	for _, s := range surfaces {
		r.ref(ast.MustParseRef(s.Path))
	}
	return r.parts, r.impure
}

type reach struct {
	compiler *ast.Compiler
	stage    string
	// mocks is whether rules are replaced somewhere (with data.x as y), so that
	// a rule's body does not tell whether a reference to it can hold.
	mocks  bool
	parts  parts
	impure bool
	seen   map[*ast.Rule]bool
}

// mocksData reports whether a with modifier replaces a document of data.
func mocksData(c *ast.Compiler) bool {
	found := false
	for _, m := range c.Modules {
		ast.WalkWiths(m, func(w *ast.With) bool {
			ref, ok := w.Target.Value.(ast.Ref)
			found = found || ok && ref[0].Equal(ast.DefaultRootDocument)
			return found
		})
	}
	return found
}

// rule follows a rule with its else branches.
func (r *reach) rule(rule *ast.Rule) {
	if r.seen[rule] {
		return
	}
	r.seen[rule] = true
	for ; rule != nil; rule = rule.Else {
		if r.body(rule.Body) {
			r.head(rule.Head)
		}
	}
}

// head follows what a head evaluates once its body holds.
func (r *reach) head(h *ast.Head) {
	for _, t := range h.Reference {
		r.walk(t)
	}
	for _, t := range h.Args {
		r.walk(t)
	}
	if h.Key != nil {
		r.walk(h.Key)
	}
	if h.Value != nil {
		r.walk(h.Value)
	}
}

// body follows a body and reports whether it can hold at the stage.
func (r *reach) body(b ast.Body) bool {
	aliases := stageAliases(b)
	for _, e := range b {
		if g, ok := asGuard(e, aliases); ok && !g.admits(r.stage) {
			return false
		}
		r.walk(e)
		if r.never(e) {
			return false
		}
	}
	return true
}

// never reports whether an expression that is only a reference to a rule
// cannot hold because all of the rule's bodies begin with a guard that excludes
// the stage.
func (r *reach) never(e *ast.Expr) bool {
	if r.mocks {
		return false
	}
	rules := guardRules(r.compiler, e)
	return rules != nil && !slices.ContainsFunc(rules, r.mayHold)
}

// mayHold reports whether a branch of the rule has no guard in front that
// excludes the stage.
func (r *reach) mayHold(rule *ast.Rule) bool {
	for ; rule != nil; rule = rule.Else {
		aliases := stageAliases(rule.Body)
		excluded := false
		for _, e := range rule.Body {
			if g, ok := asGuard(e, aliases); ok && !g.admits(r.stage) {
				excluded = true
				break
			}
		}
		if !excluded {
			return true
		}
	}
	return false
}

// walk follows everything that a node refers to.
func (r *reach) walk(node any) {
	ast.NewGenericVisitor(func(x any) bool {
		switch x := x.(type) {
		case ast.Body:
			r.body(x)
			return true
		case *ast.With:
			// Under another input, or another meaning of a built-in function,
			// no guard tells the stage.
			if target, ok := x.Target.Value.(ast.Ref); !ok || !target[0].Equal(ast.DefaultRootDocument) {
				r.parts = partsAll
			}
		case ast.Ref:
			r.ref(x)
			return true
		case ast.Var:
			if x.Equal(ast.InputRootDocument.Value) {
				r.parts = partsAll
			}
		}
		return false
	}).Walk(node)
}

// ref follows a reference and what stands in its brackets.
func (r *reach) ref(ref ast.Ref) {
	if len(ref) == 0 {
		return
	}
	switch {
	case ref[0].Equal(ast.InputRootDocument):
		r.input(ref)
	case ref[0].Equal(ast.DefaultRootDocument):
		for _, rule := range r.compiler.GetRulesDynamicWithOpts(ref, ast.RulesOptions{IncludeHiddenModules: true}) {
			r.rule(rule)
		}
	default:
		if b := ast.BuiltinMap[ref.String()]; b != nil && !pure(b) {
			r.impure = true
		}
		r.walk(ref[0])
	}
	for _, t := range ref[1:] {
		r.walk(t)
	}
}

// input records a reference to the input.
func (r *reach) input(ref ast.Ref) {
	name, ok := constant(ref, 1)
	if !ok {
		r.parts = partsAll // the whole input, or a name known only later
		return
	}
	second, known := constant(ref, 2)
	switch name {
	case "principal":
		if known {
			r.parts |= principalParts[second]
		} else {
			r.parts |= partPrincipal
		}
	case "request":
		if known {
			r.parts |= requestParts[second]
		} else {
			r.parts |= partRequest
		}
	default:
		r.parts |= topParts[name]
	}
}

// constant is the i-th element of a reference where it is a string that is
// known now.
func constant(ref ast.Ref, i int) (string, bool) {
	if i >= len(ref) {
		return "", false
	}
	s, ok := ref[i].Value.(ast.String)
	return string(s), ok
}
