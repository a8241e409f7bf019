package rego

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/headgate/headgate/policy"
)

// query is the prepared query of one stage: it asks for all surfaces of the
// stage in one evaluation, so that what they share is evaluated once.
type query struct {
	surfaces []policy.Surface
	vars     []ast.Var // the variable that holds each surface's answer
	total    []bool    // the answer is the variable's value; else its elements
	body     ast.Body
	compiler ast.QueryCompiler
	parts    parts // what the surfaces can reach
	impure   bool  // a built-in function that they can reach depends on more than its arguments
	memo     *memo // the decisions that were made; nil where none can be remembered
	probe    *probe
}

// prepare compiles the query
//
//	a0 = data.tako.policy.deny; a1 = [v1 | v1 = data.tako.policy.allow]; …
//
// A document that may be undefined is asked for in a comprehension, which tells
// "undefined" from "false". Where it is the only one, no row tells the same.
func prepare(c *ast.Compiler, stage policy.Stage, surfaces []policy.Surface) (*query, error) {
	q := &query{surfaces: surfaces}
	q.parts, q.impure = needs(c, stage, surfaces)
	if !q.impure && !q.parts.has(partsUnique) {
		q.memo = newMemo()
	}
	if len(surfaces) == 0 {
		return q, nil
	}
	q.probe = newProbe(c, stage, surfaces)
	for i, s := range surfaces {
		ref := ast.MustParseRef(s.Path)
		answer := ast.VarTerm("a" + strconv.Itoa(i))
		value := ast.NewTerm(ref)
		total := alwaysDefined(c, ref) || len(surfaces) == 1
		if !total {
			v := ast.VarTerm("v" + strconv.Itoa(i))
			value = ast.ArrayComprehensionTerm(v, ast.NewBody(ast.Equality.Expr(v, value)))
		}
		q.vars = append(q.vars, answer.Value.(ast.Var))
		q.total = append(q.total, total)
		q.body.Append(ast.Equality.Expr(answer, value))
	}
	q.compiler = c.QueryCompiler()
	body, err := q.compiler.Compile(q.body)
	if err != nil {
		return nil, fmt.Errorf("stage %s: %w", stage, err)
	}
	q.body = body
	return q, nil
}

// alwaysDefined reports whether the document at ref has a value whatever the
// input is: a partial set, or a rule with a default.
func alwaysDefined(c *ast.Compiler, ref ast.Ref) bool {
	rules := c.GetRulesExact(ref)
	sets := len(rules) > 0
	for _, r := range rules {
		if r.Default {
			return true
		}
		sets = sets && r.Head.RuleKind() == ast.MultiValue && r.Ref().IsGround()
	}
	return sets
}

// run evaluates the query on an input and returns the surfaces' answers. The
// deadline is timeout from now, or the context's if that is sooner; building the
// document counts.
func (q *query) run(ctx context.Context, p *Policy, in *policy.Input, want parts) ([]policy.Answer, error) {
	if ctx.Err() != nil {
		return nil, errDeadline
	}
	limit := &deadline{}
	limit.start(p.settings.timeout)
	defer limit.stop()
	if q.impure { // a built-in function may wait for the network
		var end context.CancelFunc
		ctx, end = context.WithTimeout(ctx, p.settings.timeout)
		defer end()
	}
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, limit.Cancel)
		defer stop()
	}
	doc, err := newDocumentWithin(in, want, p.settings.maxInput, limit)
	if err != nil {
		return nil, err
	}
	return q.evaluate(ctx, p, doc, limit)
}

func (q *query) evaluate(ctx context.Context, p *Policy, doc ast.Value, limit *deadline) ([]policy.Answer, error) {
	var answers []policy.Answer
	err := evaluation(q.body, q.compiler, p.compiler, p.store, doc, limit).
		Iter(ctx, func(row topdown.QueryResult) error {
			if answers != nil {
				return errRows
			}
			var err error
			answers, err = q.answers(row)
			return err
		})
	switch {
	case err != nil && limit.over():
		return nil, errDeadline
	case err != nil:
		return nil, err
	case answers != nil:
		return answers, nil
	case len(q.surfaces) == 1:
		return []policy.Answer{{Surface: q.surfaces[0]}}, nil
	}
	return nil, errRows
}

// evaluation is how every query is evaluated.
func evaluation(body ast.Body, qc ast.QueryCompiler, c *ast.Compiler, st *store, document ast.Value, cancel topdown.Cancel) *topdown.Query {
	return topdown.NewQuery(body).
		WithQueryCompiler(qc).
		WithCompiler(c).
		WithStore(st.store).
		WithTransaction(st.txn).
		WithMetrics(metrics.NoOp()).
		WithStrictBuiltinErrors(true).
		WithInput(ast.NewTerm(document)).
		WithCancel(cancel)
}

// answers reads one row of results.
func (q *query) answers(row topdown.QueryResult) ([]policy.Answer, error) {
	out := make([]policy.Answer, len(q.vars))
	for i, v := range q.vars {
		t, ok := row[v]
		if !ok {
			return nil, errRows
		}
		out[i].Surface = q.surfaces[i]
		value := t.Value
		if !q.total[i] {
			list, ok := value.(*ast.Array)
			if !ok || list.Len() > 1 {
				return nil, errRows
			}
			if list.Len() == 0 {
				continue
			}
			value = list.Elem(0).Value
		}
		out[i].Defined, out[i].Value = true, plain(value)
	}
	return out, nil
}

var (
	errDeadline = errors.New("deadline")
	// errRows: the query did not give exactly one row with all answers, which
	// its form rules out.
	errRows = errors.New("unexpected result")
)

// failure maps an evaluation's error to a fixed reason and a detail that holds
// the place and the kind of the error, never its text.
func failure(err error) (reason, detail string) {
	var e *topdown.Error
	switch {
	case errors.Is(err, errDeadline), topdown.IsCancel(err):
		return policy.ReasonTimeout, "evaluation did not end in time"
	case errors.Is(err, errInput):
		return policy.ReasonInput, err.Error()
	case errors.Is(err, errRows):
		return policy.ReasonError, err.Error()
	case !errors.As(err, &e):
		return policy.ReasonError, fmt.Sprintf("%T", err)
	}
	detail = e.Code
	if l := e.Location; l != nil && l.File != "" {
		detail = fmt.Sprintf("%s:%d:%d: %s", l.File, l.Row, l.Col, e.Code)
	}
	if e.Code == topdown.ConflictErr {
		return policy.ReasonConflict, detail
	}
	return policy.ReasonError, detail
}
