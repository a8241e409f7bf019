package rego

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Bounds of a report.
const (
	maxHead  = 120 // bytes of a head or an expression
	maxCalls = 8   // depth of helpers of helpers
)

// report turns what a tracer saw into rule traces.
type report struct {
	tracer   *tracer
	compiler *ast.Compiler
	refs     map[string]ast.Ref // the reads that are ground, by path
	early    bool               // the evaluation did not come to its end
}

// surface tells of all rules of a surface.
func (r *report) surface(path string) []RuleTrace {
	rules := r.compiler.GetRulesDynamicWithOpts(ast.MustParseRef(path), ast.RulesOptions{IncludeHiddenModules: true})
	out := []RuleTrace{}
	var gave *ast.Rule
	for _, rule := range sortRules(rules) {
		n := r.tracer.nodes[nodeKey{rule: rule}]
		if n != nil && n.fired && gave == nil && rule.Head.RuleKind() == ast.SingleValue {
			gave = rule
		}
	}
	for _, rule := range sortRules(rules) {
		n := r.tracer.nodes[nodeKey{rule: rule}]
		if n == nil {
			n = newNode(rule)
		}
		t := r.rule(n, map[*traceNode]bool{}, 0)
		t.Value = ruleValue(n)
		if !t.Fired && gave != nil && (t.Why == notTried || rule.Default) {
			t.Why = notTried + ": " + placeOf(gave.Location) + " gave the answer"
		}
		out = append(out, t)
	}
	return out
}

const notTried = "not tried"

// rule tells of one rule and, where that was not done before, of its helpers.
func (r *report) rule(n *traceNode, told map[*traceNode]bool, depth int) RuleTrace {
	l := n.rule.Location
	t := RuleTrace{
		Name: n.rule.Ref().ConstantPrefix().String(), File: l.File, Line: l.Row, Col: l.Col,
		Text: headText(n.rule), Fired: n.fired, Default: n.rule.Default, Reads: r.reads(n),
	}
	if len(n.values) > 0 {
		t.value = n.values[0]
	}
	if !n.fired {
		t.Why = r.why(n)
	}
	if told[n] || depth == maxCalls {
		return t
	}
	told[n] = true
	for _, c := range n.calls {
		t.Calls = append(t.Calls, r.rule(c, told, depth+1))
	}
	return t
}

// why tells what stopped a rule.
func (r *report) why(n *traceNode) string {
	e := n.failed
	switch {
	case e == nil && n.entered && r.early:
		return "the evaluation ended in it"
	case e == nil && r.early:
		return notTried + ": the evaluation ended before"
	case e == nil && n.entered && len(n.rule.Head.Args) > 0:
		return "its arguments do not match"
	case e == nil && n.entered:
		return "it does not give what was asked for"
	case e == nil:
		return notTried
	}
	base := e.BaseCogeneratedExpr()
	text := placeOf(base.Location) + ": " + oneLine(string(base.Location.Text))
	for _, l := range []*ast.Location{e.Location, base.Location} {
		if code := r.tracer.faults[placeOf(l)]; code != "" {
			return text + " (" + code + ")"
		}
	}
	return text
}

// reads are the paths that a rule and its helpers read, sorted.
func (r *report) reads(n *traceNode) []string {
	all := map[string]bool{}
	seen := map[*traceNode]bool{}
	var walk func(n *traceNode)
	walk = func(n *traceNode) {
		if seen[n] {
			return
		}
		seen[n] = true
		for _, set := range n.reads {
			for path, ref := range set.paths {
				all[path] = true
				if ref != nil {
					r.refs[path] = ref
				}
			}
		}
		for _, c := range n.calls {
			walk(c)
		}
	}
	walk(n)
	return slices.Sorted(maps.Keys(all))
}

// sortRules puts rules, with their else branches and without doubles, in the
// order of their places.
func sortRules(rules []*ast.Rule) []*ast.Rule {
	var out []*ast.Rule
	for _, r := range rules {
		for ; r != nil; r = r.Else {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *ast.Rule) int {
		return cmp.Or(cmp.Compare(a.Location.File, b.Location.File),
			cmp.Compare(a.Location.Row, b.Location.Row), cmp.Compare(a.Location.Col, b.Location.Col))
	})
	return slices.Compact(out)
}

// ruleValue is what a rule gave: of a set its members, else the value.
func ruleValue(n *traceNode) json.RawMessage {
	if len(n.values) == 0 {
		return nil
	}
	if n.rule.Head.RuleKind() == ast.SingleValue {
		return asJSON(plain(n.values[0].Value))
	}
	members := make([]any, len(n.values))
	for i, v := range n.values {
		members[i] = plain(v.Value)
	}
	return asJSON(members)
}

// headText is a rule's head as it is written.
func headText(r *ast.Rule) string {
	text := oneLine(string(r.Head.Location.Text))
	if r.Default {
		text = "default " + text
	}
	return text
}

// oneLine is a source text in one line, cut.
func oneLine(s string) string { return clip(strings.Join(strings.Fields(s), " "), maxHead) }

func placeOf(l *ast.Location) string { return fmt.Sprintf("%s:%d:%d", l.File, l.Row, l.Col) }
