package rego

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/headgate/headgate/policy/schema"
)

// types runs OPA's type checker once more, now with the schema of the input:
// what the checker at load did not know of is a name that no stage has, or a
// value of another type than the policy takes it for.
func (l *linter) types() {
	sorted, ok := l.c.Graph.Sort()
	if !ok {
		return // the compiler refuses recursion
	}
	var text any
	if err := json.Unmarshal(schema.Input(), &text); err != nil {
		panic("rego: the input's schema is not JSON") // it is compiled in
	}
	set := ast.NewSchemaSet()
	set.Put(ast.SchemaRootRef, text)
	rules := make([]*ast.Rule, 0, len(sorted))
	for _, r := range sorted {
		rules = append(rules, r.(*ast.Rule))
	}
	replaced := l.replaced()
	for _, e := range ast.NewCompiler().WithSchemas(set).PassesTypeCheckRules(rules) {
		if e.Location == nil || replaced[line{e.Location.File, e.Location.Row}] {
			continue
		}
		switch d := e.Details.(type) {
		case *ast.RefErrInvalidDetail:
			l.warn(CodeUnknownInput, e.Location, "undefined ref: "+l.shown(d.Ref)+hint(d))
		case *ast.RefErrUnsupportedDetail:
			l.warn(CodeUnknownInput, e.Location, fmt.Sprintf("undefined ref: %s: %s is a %s, with nothing below it",
				l.shown(d.Ref), l.shown(d.Ref[:d.Pos+1]), d.Have))
		default:
			text := e.Message
			if d != nil {
				text += ": " + strings.Join(d.Lines()[:min(2, len(d.Lines()))], ", ")
			}
			l.warn(CodeType, e.Location, l.names(strings.Join(strings.Fields(text), " ")))
		}
	}
}

// hint names the known name that is nearest to a wrong one, or all of them
// where none is near.
func hint(d *ast.RefErrInvalidDetail) string {
	if d.Pos >= len(d.Ref) || len(d.OneOf) == 0 {
		return ""
	}
	wrong, ok := d.Ref[d.Pos].Value.(ast.String)
	if !ok {
		return ""
	}
	nearest, distance := "", max(2, len(wrong)/3)+1
	var names []string
	for _, v := range d.OneOf {
		name, ok := v.(ast.String)
		if !ok {
			continue
		}
		names = append(names, string(name))
		if n := levenshtein.ComputeDistance(string(wrong), string(name)); n < distance {
			nearest, distance = string(name), n
		}
	}
	if nearest != "" {
		return "; did you mean " + nearest + "?"
	}
	return "; there are " + strings.Join(names, ", ")
}

// line is a line of a file.
type line struct {
	file string
	row  int
}

// replaced lists the lines of expressions under a with modifier. What types the
// replaced documents have is not known to a check of rules alone.
func (l *linter) replaced() map[line]bool {
	lines := map[line]bool{}
	for _, r := range l.rules {
		ast.WalkExprs(r, func(e *ast.Expr) bool {
			if len(e.With) == 0 {
				return false
			}
			ast.WalkNodes(e, func(n ast.Node) bool {
				if loc := n.Loc(); loc != nil {
					lines[line{loc.File, loc.Row}] = true
				}
				return false
			})
			return false
		})
	}
	return lines
}
