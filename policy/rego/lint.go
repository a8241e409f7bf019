package rego

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/headgate/headgate/policy"
)

// Codes of the lints. docs/schema.md has an example of each.
const (
	// CodeConflict: two rules can give one document two values.
	CodeConflict = "conflict"
	// CodeNoDefault: a covering surface may have no answer.
	CodeNoDefault = "no-default"
	// CodeMissingField: a restricting rule formats a field that may be missing.
	CodeMissingField = "missing-field"
	// CodeWildcardNot: a wildcard beside a negation.
	CodeWildcardNot = "wildcard-not"
	// CodeUnknownInput: a name that the input does not have.
	CodeUnknownInput = "unknown-input"
	// CodeUnusedStageSet: a rule holds only at stages that do not ask for it.
	CodeUnusedStageSet = "unused-stage-set"
	// CodeType: values that can never have the type that an expression needs.
	CodeType = "type"
	// CodeUncovered: a stage that nothing decides.
	CodeUncovered = "uncovered"
)

// Lint tells what is probably not what the authors of the files mean, sorted
// by file, line and column, each with its Code. It looks at the policy as it
// was compiled and never at the files again.
//
// It errs on the side of silence, except where an answer that may be missing
// or twice denies: rules are taken to be exclusive, or exhaustive, only where
// that can be shown.
func (p *Policy) Lint() []Warning {
	l := newLinter(p)
	l.conflicts()
	l.noDefaults()
	l.missingFields()
	l.wildcards()
	l.types()
	l.stages()
	l.uncovered()
	slices.SortFunc(l.out, func(a, b Warning) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message),
		)
	})
	return slices.Compact(l.out)
}

// linter is one run over a policy.
type linter struct {
	policy *Policy
	c      *ast.Compiler
	files  map[string]int // index of a file by its path
	// rules are all rules, else branches left out, in the order of the files
	// and of their places.
	rules []*ast.Rule
	// reached lists the stages at which a rule may be evaluated.
	reached map[*ast.Rule][]policy.Stage
	// surfaces are the surfaces in the order of the table, each once.
	surfaces []surface
	budget   int // work left for searches
	out      []Warning
}

func newLinter(p *Policy) *linter {
	l := &linter{
		policy: p, c: p.compiler, files: map[string]int{}, reached: map[*ast.Rule][]policy.Stage{},
		surfaces: surfacesOf(p.rows), budget: maxBudget,
	}
	for i, f := range p.files {
		l.files[f.Path] = i
	}
	for _, name := range slices.Sorted(maps.Keys(l.c.Modules)) {
		l.rules = append(l.rules, l.c.Modules[name].Rules...)
	}
	mocks := mocksData(l.c)
	for _, row := range p.rows {
		r := reach{compiler: l.c, stage: string(row.Stage), mocks: mocks, seen: map[*ast.Rule]bool{}}
		for _, s := range row.Surfaces {
			r.ref(ast.MustParseRef(s.Path))
		}
		for rule := range r.seen {
			l.reached[rule] = append(l.reached[rule], row.Stage)
		}
	}
	return l
}

// warn adds a warning at a place; the start of the first file where the place
// is not known.
func (l *linter) warn(code string, loc *ast.Location, message string) {
	w := Warning{Line: 1, Col: 1, Message: message, Code: code}
	if len(l.policy.files) > 0 {
		w.File = l.policy.files[0].Path
	}
	if loc != nil {
		if i, ok := l.files[loc.File]; ok {
			w.File, w.file = loc.File, i
		}
		w.Line, w.Col = max(loc.Row, 1), max(loc.Col, 1)
	}
	l.out = append(l.out, w)
}

// stagesOf lists the stages at which a rule may be evaluated: those at which a
// surface reaches it, all for a rule that nothing reaches.
func (l *linter) stagesOf(r *ast.Rule) []policy.Stage {
	if s := l.reached[r]; len(s) > 0 {
		return s
	}
	return policy.Stages()
}

// surface is a surface with the stages that ask for it.
type surface struct {
	policy.Surface
	ref    ast.Ref
	stages []policy.Stage
}

func surfacesOf(rows []Row) []surface {
	var out []surface
	at := map[string]int{}
	for _, row := range rows {
		for _, s := range row.Surfaces {
			i, ok := at[s.Path]
			if !ok {
				i = len(out)
				at[s.Path] = i
				out = append(out, surface{Surface: s, ref: ast.MustParseRef(s.Path)})
			}
			out[i].stages = append(out[i].stages, row.Stage)
		}
	}
	return out
}

// rulesAt are the rules that make the document at ref, of those that stand at
// it or on the way to it.
func (l *linter) rulesAt(ref ast.Ref) []*ast.Rule {
	for n := len(ref); n > 1; n-- {
		if rules := l.c.GetRulesExact(ref[:n]); len(rules) > 0 {
			return rules
		}
	}
	return nil
}

// admittedBy narrows stages to those that the guards of a body let through;
// whether it has any.
func admittedBy(b ast.Body, stages []policy.Stage) (admitted []policy.Stage, found bool) {
	aliases := stageAliases(b)
	admitted = slices.Clone(stages)
	for _, e := range b {
		if g, ok := asGuard(e, aliases); ok {
			found = true
			admitted = slices.DeleteFunc(admitted, func(s policy.Stage) bool { return !g.admits(string(s)) })
		}
	}
	return admitted, found
}

// stageList is "pre_chat, pre_tool and session".
func stageList(stages []policy.Stage) string {
	words := make([]string, 0, len(stages))
	for _, s := range stages {
		words = append(words, string(s))
	}
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// shown is a path with the names that its author gave.
func (l *linter) shown(path ast.Ref) string { return l.names(path.String()) }

// names puts the author's names in the place of the compiler's.
func (l *linter) names(text string) string {
	return generated.ReplaceAllStringFunc(text, func(name string) string {
		v := ast.Var(name)
		if old, ok := l.c.RewrittenVars[v]; ok {
			v = old
		}
		if v.IsGenerated() {
			return "_"
		}
		return v.String()
	})
}
