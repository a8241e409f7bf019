package rego

import (
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/types"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/rego/content"
)

// DefaultPackages hold rule sets unless the configuration names others.
var DefaultPackages = []string{"tako.policy", "headgate"}

// decisionPackage holds <stage>.decision besides the configured packages.
const decisionPackage = "tako"

// packageRef is the reference to a configured package, "tako.policy".
func packageRef(name string) (ast.Ref, error) {
	ref, err := ast.ParseRef("data." + name)
	if err != nil || !ref.IsGround() || len(ref) < 2 {
		return nil, fmt.Errorf("package %q is not a package name", name)
	}
	return ref, nil
}

// Row is one line of the load-time table: what a stage asks.
type Row struct {
	Stage    policy.Stage
	Surfaces []policy.Surface
	// Covered is whether one of the surfaces covers the stage.
	Covered bool
}

// findSurfaces lists what each stage asks, in the order of policy.Stages.
func findSurfaces(c *ast.Compiler, packages []ast.Ref) []Row {
	rows := make([]Row, 0, len(policy.Stages()))
	for _, stage := range policy.Stages() {
		row := Row{Stage: stage}
		for _, s := range candidates(stage, packages) {
			if !exists(c, ast.MustParseRef(s.Path)) {
				continue
			}
			row.Surfaces = append(row.Surfaces, s)
			row.Covered = row.Covered || s.Covers()
		}
		rows = append(rows, row)
	}
	return rows
}

// candidates lists the surfaces that a stage would ask if all existed.
func candidates(stage policy.Stage, packages []ast.Ref) []policy.Surface {
	var out []policy.Surface
	for _, pkg := range packages {
		for _, set := range stage.Actions() {
			if set == policy.Allow && stage == policy.Session {
				continue // an allow never covers sessions
			}
			out = append(out, policy.Surface{Path: child(pkg, string(set)).String(), Style: policy.RuleSet, Set: set})
		}
	}
	seen := map[string]bool{}
	for _, pkg := range append([]ast.Ref{ast.MustParseRef("data." + decisionPackage)}, packages...) {
		path := child(pkg, string(stage), "decision").String()
		if !seen[path] {
			seen[path] = true
			out = append(out, policy.Surface{Path: path, Style: policy.StageDecision})
		}
	}
	switch stage {
	case policy.PreTool:
		out = append(out, policy.Surface{Path: "data.cullis.policy.tool_call", Style: policy.Verdict})
	case policy.Session:
		out = append(out, policy.Surface{Path: "data.cullis.policy.session", Style: policy.Verdict})
	}
	return out
}

func child(ref ast.Ref, names ...string) ast.Ref {
	ref = ref.Copy()
	for _, n := range names {
		ref = append(ref, ast.StringTerm(n))
	}
	return ref
}

// exists reports whether rules can make a document at ref: there is a rule at
// it, below it or on the way to it, and the types allow for a value. So a rule
// that makes names only known later counts, a function does not, and neither
// does a boolean rule on the way to a longer path.
func exists(c *ast.Compiler, ref ast.Ref) bool {
	rules := c.GetRulesDynamicWithOpts(ref, ast.RulesOptions{IncludeHiddenModules: true})
	for _, r := range rules {
		if len(r.Head.Args) == 0 {
			return c.TypeEnv.GetByRef(ref) != nil
		}
	}
	return false
}

// shapeWarnings tells of surfaces whose type can never be right, so that every
// answer of theirs will be refused.
func shapeWarnings(c *ast.Compiler, rows []Row, files []content.File) []Warning {
	var out []Warning
	seen := map[string]bool{}
	for _, row := range rows {
		for _, s := range row.Surfaces {
			if seen[s.Path] {
				continue
			}
			seen[s.Path] = true
			ref := ast.MustParseRef(s.Path)
			tpe := c.TypeEnv.GetByRef(ref)
			if canFit(s, tpe) {
				continue
			}
			w := Warning{Message: fmt.Sprintf("%s is never %s: all that it answers will be denied as %s",
				s.Path, wanted(s), policy.ReasonShape)}
			w.locate(c.GetRules(ref), files)
			out = append(out, w)
		}
	}
	return out
}

// locate puts the warning at the first of the rules.
func (w *Warning) locate(rules []*ast.Rule, files []content.File) {
	for _, r := range rules {
		for i, f := range files {
			if r.Location == nil || f.Name != r.Location.File {
				continue
			}
			if w.Line == 0 || i < w.file || i == w.file && r.Location.Row < w.Line {
				w.File, w.file, w.Line, w.Col = f.Name, i, r.Location.Row, r.Location.Col
			}
		}
	}
}

func wanted(s policy.Surface) string {
	switch {
	case s.Style == policy.RuleSet && s.Set == policy.Allow:
		return "a boolean"
	case s.Style == policy.RuleSet:
		return "a set"
	case s.Style == policy.Verdict:
		return "a boolean or an object"
	default:
		return "a string or an object"
	}
}

// canFit reports whether a value of the type can have the surface's shape. The
// answer is no only where it is certain.
func canFit(s policy.Surface, t types.Type) bool {
	switch t := t.(type) {
	case types.Any:
		if len(t) == 0 {
			return true
		}
		for _, one := range t {
			if canFit(s, one) {
				return true
			}
		}
		return false
	case types.Boolean:
		return s.Style == policy.Verdict || s.Style == policy.RuleSet && s.Set == policy.Allow
	case *types.Set:
		return s.Style == policy.RuleSet && s.Set != policy.Allow
	case *types.Object:
		return s.Style != policy.RuleSet
	case types.String:
		return s.Style == policy.StageDecision
	case types.Number, types.Null, *types.Array:
		return false
	}
	return true
}
