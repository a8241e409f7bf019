package rego

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// failures evaluates a test that failed once more and tells where each of its
// cases failed, by the case's key; a test without cases has the key of no path.
func (s *suite) failures(ctx context.Context, r *tester.Result) map[string]*TestFailure {
	out := map[string]*TestFailure{}
	rule := s.find(r)
	if rule == nil {
		return out
	}
	f := &failTracer{last: map[string]*topdown.Event{}}
	s.trace(ctx, rule, f)
	for key, e := range f.last {
		out[key] = failureOf(e)
	}
	if none := caseKey(nil); out[none] == nil {
		l := rule.Head.Location
		out[none] = &TestFailure{File: l.File, Line: l.Row, Col: l.Col, Text: headText(rule), Detail: headText(rule) + " is not true"}
	}
	return out
}

// find is the rule of a result.
func (s *suite) find(r *tester.Result) *ast.Rule {
	m := s.compiler.Modules[r.Location.File]
	if m == nil {
		return nil
	}
	i := slices.IndexFunc(m.Rules, func(rule *ast.Rule) bool {
		return rule.Location.Equal(r.Location) && strings.HasPrefix(rule.Head.Ref().String(), r.Name)
	})
	if i < 0 {
		return nil
	}
	return m.Rules[i]
}

// trace evaluates a rule's document. Errors were reported by the run before.
func (s *suite) trace(ctx context.Context, rule *ast.Rule, tracer topdown.QueryTracer) {
	qc := s.compiler.QueryCompiler()
	body, err := qc.Compile(ast.NewBody(ast.NewExpr(ast.NewTerm(rule.Ref().GroundPrefix()))))
	if err != nil {
		return
	}
	txn, err := s.store.NewTransaction(ctx, storage.TransactionParams{})
	if err != nil {
		return
	}
	defer s.store.Abort(ctx, txn)
	cancel := &deadline{}
	timer := time.AfterFunc(s.config.Timeout, cancel.Cancel)
	defer timer.Stop()
	stop := context.AfterFunc(ctx, cancel.Cancel)
	defer stop()
	_ = topdown.NewQuery(body).
		WithQueryCompiler(qc).
		WithCompiler(s.compiler).
		WithStore(s.store).
		WithTransaction(txn).
		WithMetrics(metrics.NoOp()).
		WithCancel(cancel).
		WithQueryTracer(tracer).
		Iter(ctx, func(topdown.QueryResult) error { return nil })
}

// failTracer keeps the last expression that failed in each case.
type failTracer struct {
	now  string
	last map[string]*topdown.Event
}

// Enabled reports that events are wanted.
func (f *failTracer) Enabled() bool { return true }

// Config asks for the values of the variables.
func (f *failTracer) Config() topdown.TraceConfig { return topdown.TraceConfig{PlugLocalVars: true} }

// TraceEvent takes one step of the evaluation.
func (f *failTracer) TraceEvent(e topdown.Event) {
	expr, ok := e.Node.(*ast.Expr)
	if !ok {
		return
	}
	switch e.Op {
	case topdown.TestCaseOp:
		if path, ok := expr.Operand(0).Value.(*ast.Array); ok {
			var names []string
			path.Foreach(func(t *ast.Term) { names = append(names, caseName(t)) })
			f.now = caseKey(names)
		}
	case topdown.FailOp:
		if _, every := expr.Terms.(*ast.Every); every || e.Location == nil || e.QueryID == 0 {
			return // of every it is the expression inside that tells
		}
		f.last[f.now] = &e
	}
}

func caseName(t *ast.Term) string {
	if s, ok := t.Value.(ast.String); ok {
		return string(s)
	}
	return t.String()
}

func caseKey(path []string) string { return strings.Join(path, "\x00") }

// failureOf tells of an expression that failed, with the values of its variables.
func failureOf(e *topdown.Event) *TestFailure {
	expr := e.Node.(*ast.Expr)
	base := expr.BaseCogeneratedExpr()
	f := &TestFailure{
		File: e.Location.File, Line: base.Location.Row, Col: base.Location.Col,
		Text: oneLine(string(base.Location.Text)),
	}
	var pretty bytes.Buffer
	if topdown.PrettyEvent(&pretty, e, topdown.PrettyEventOpts{PrettyVars: true}) == nil {
		f.Detail = strings.TrimRight(pretty.String(), "\n ")
	}
	vars := map[string]string{}
	e.Locals.Iter(func(k, value ast.Value) bool {
		if v, ok := k.(ast.Var); ok {
			if name := e.LocalMetadata[v].Name; name != "" && !name.IsGenerated() && !name.IsWildcard() {
				vars[string(name)] = clip(value.String(), maxShownGiven)
			}
		}
		return false
	})
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		f.Vars = append(f.Vars, TestVar{Name: name, Value: vars[name]})
	}
	return f
}

var _ topdown.QueryTracer = (*failTracer)(nil)
