package rego

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// Bounds of a trace.
const (
	maxFrames     = 1 << 18 // queries that are followed
	maxValues     = 64      // distinct values of one rule
	maxReadPlaces = 16      // paths of one pattern that are told apart
)

// tracer follows an evaluation and collects for each rule what it read, what it
// used and where it failed.
type tracer struct {
	compiler *ast.Compiler
	root     *traceNode // stands for the query
	frames   map[uint64]*frame
	nodes    map[nodeKey]*traceNode
	// functions holds the first node of each function; a cached result shows
	// no evaluation of its own.
	functions map[nodeKey]*traceNode
	faults    map[string]string // code of a built-in function's error, by place
	limit     int               // how many queries are followed
	full      bool              // the limit was reached, the rest is not followed
}

// nodeKey identifies what is collected together: a rule's evaluations under the
// same with modifiers, and those of a function by the rule that calls it.
type nodeKey struct {
	caller *traceNode
	world  string
	rule   *ast.Rule
}

// traceNode is what was seen of one rule.
type traceNode struct {
	rule *ast.Rule
	// entered is whether it was tried, fired whether it held at least once.
	entered, fired bool
	values         []*ast.Term
	reads          map[string]*reads // by pattern
	calls          []*traceNode
	uses           []use
	used           map[string]bool
	failed         *ast.Expr // the furthest expression that failed
}

// use is a reference to rules in the world of its with modifiers.
type use struct {
	ref   ast.Ref
	world string
}

// frame is one query that is being evaluated: a rule's body, or a closure in it.
type frame struct {
	node  *traceNode
	body  bool // the rule's own body
	world string
	// mocks are the paths of the input that with modifiers replace.
	mocks []ast.Ref
	now   *ast.Expr
	// open are references to the input whose variables are not bound when their
	// expression begins.
	open   []*ast.Term
	exited bool
}

func newTracer(c *ast.Compiler) *tracer {
	return &tracer{
		compiler: c, limit: maxFrames, root: newNode(nil), frames: map[uint64]*frame{}, nodes: map[nodeKey]*traceNode{},
		functions: map[nodeKey]*traceNode{}, faults: map[string]string{},
	}
}

func newNode(r *ast.Rule) *traceNode {
	return &traceNode{rule: r, reads: map[string]*reads{}, used: map[string]bool{}}
}

// Enabled reports that events are wanted.
func (t *tracer) Enabled() bool { return true }

// Config asks for no copies of the variables.
func (t *tracer) Config() topdown.TraceConfig { return topdown.TraceConfig{} }

// TraceEvent takes one step of the evaluation.
func (t *tracer) TraceEvent(e topdown.Event) {
	if t.full {
		return
	}
	f := t.frames[e.QueryID]
	if f == nil {
		rule, _ := e.Node.(*ast.Rule)
		if f = t.enter(t.frames[e.ParentID], rule); f == nil {
			return
		}
		t.frames[e.QueryID] = f
	}
	switch e.Op {
	case topdown.EvalOp:
		if expr, ok := e.Node.(*ast.Expr); ok {
			f.now = expr
			t.eval(f, expr, &e)
		}
	case topdown.RedoOp:
		if expr, ok := e.Node.(*ast.Expr); ok {
			f.now = expr
		}
	case topdown.FailOp:
		if expr, ok := e.Node.(*ast.Expr); ok && f.body {
			f.node.fail(expr)
		}
	case topdown.ExitOp:
		t.exit(f, &e)
	}
}

// enter makes the frame of a query below parent.
func (t *tracer) enter(parent *frame, rule *ast.Rule) *frame {
	if len(t.frames) == t.limit {
		t.full = true
		return nil
	}
	if parent == nil {
		parent = &frame{node: t.root}
	}
	f := &frame{node: parent.node}
	f.world, f.mocks = parent.inside(parent.now)
	if rule != nil {
		f.node, f.body = t.call(parent.node, f.world, rule), true
		f.node.entered = true
	}
	return f
}

// inside is the world, and the replaced paths, within an expression of the frame.
func (f *frame) inside(e *ast.Expr) (string, []ast.Ref) {
	if e == nil || len(e.With) == 0 {
		return f.world, f.mocks
	}
	world, mocks := f.world, slices.Clone(f.mocks)
	for _, w := range e.With {
		world += "|" + w.String()
		if ref, ok := w.Target.Value.(ast.Ref); ok && ref[0].Equal(ast.InputRootDocument) {
			mocks = append(mocks, ref)
		} else if w.Target.Equal(ast.InputRootDocument) {
			mocks = append(mocks, ast.Ref{ast.InputRootDocument})
		}
	}
	return world, mocks
}

// call is the node of a rule that caller uses.
func (t *tracer) call(caller *traceNode, world string, rule *ast.Rule) *traceNode {
	key := nodeKey{world: world, rule: rule}
	if len(rule.Head.Args) > 0 {
		key.caller = caller
	}
	n := t.nodes[key]
	if n == nil {
		n = newNode(rule)
		t.nodes[key] = n
		if first := (nodeKey{world: world, rule: rule}); key.caller != nil && t.functions[first] == nil {
			t.functions[first] = n
		}
	}
	caller.link(n)
	return n
}

func (n *traceNode) link(callee *traceNode) {
	if !slices.Contains(n.calls, callee) {
		n.calls = append(n.calls, callee)
	}
}

// eval collects what an expression refers to.
func (t *tracer) eval(f *frame, expr *ast.Expr, e *topdown.Event) {
	world, mocks := f.inside(expr)
	for _, w := range expr.With {
		t.refs(f, w.Value, e, f.world, f.mocks)
	}
	if _, every := expr.Terms.(*ast.Every); every || expr.Negated {
		return // has a query of its own
	}
	switch terms := expr.Terms.(type) {
	case *ast.Term:
		t.refs(f, terms, e, world, mocks)
	case []*ast.Term:
		for _, term := range terms {
			t.refs(f, term, e, world, mocks)
		}
	}
}

func (t *tracer) refs(f *frame, term *ast.Term, e *topdown.Event, world string, mocks []ast.Ref) {
	ast.WalkTerms(term, func(x *ast.Term) bool {
		switch v := x.Value.(type) {
		case *ast.ArrayComprehension, *ast.SetComprehension, *ast.ObjectComprehension:
			return true // has a query of its own
		case ast.Var:
			if x.Equal(ast.InputRootDocument) {
				f.node.read(ast.Ref{x}, ast.Ref{x}, mocks)
			}
		case ast.Ref:
			switch {
			case v[0].Equal(ast.InputRootDocument):
				t.input(f, x, v, e, mocks)
			case v[0].Equal(ast.DefaultRootDocument):
				f.node.use(v, e, x, world)
			}
			for _, y := range v[1:] {
				t.refs(f, y, e, world, mocks)
			}
			return true
		}
		return false
	})
}

// input collects a reference to the input, at once or when its variables are known.
func (t *tracer) input(f *frame, x *ast.Term, ref ast.Ref, e *topdown.Event, mocks []ast.Ref) {
	plugged, ok := e.Plug(x).Value.(ast.Ref)
	if !ok || slices.ContainsFunc(mocks, plugged.HasPrefix) {
		return
	}
	if plugged.IsGround() {
		f.node.read(ref, plugged, nil)
		return
	}
	if !slices.Contains(f.open, x) {
		f.open = append(f.open, x)
	}
}

// exit takes a solution of a query.
func (t *tracer) exit(f *frame, e *topdown.Event) {
	f.exited = true
	for _, x := range f.open {
		ref, _ := x.Value.(ast.Ref)
		if plugged, ok := e.Plug(x).Value.(ast.Ref); ok {
			f.node.read(ref, plugged, f.mocks)
		}
	}
	rule, ok := e.Node.(*ast.Rule)
	if !ok {
		return
	}
	f.node.fired = true
	value := rule.Head.Value
	if rule.Head.RuleKind() == ast.MultiValue {
		value = rule.Head.Key
	}
	if value == nil || len(f.node.values) == maxValues {
		return
	}
	value = e.Plug(value)
	if !slices.ContainsFunc(f.node.values, value.Equal) {
		f.node.values = append(f.node.values, value)
	}
}

// finish settles what is known only at the end: references of queries that
// never held, and uses of rules that were evaluated for another rule before.
func (t *tracer) finish() {
	for _, f := range t.frames {
		if f.exited {
			continue
		}
		for _, x := range f.open {
			if ref, ok := x.Value.(ast.Ref); ok {
				f.node.read(ref, ref, f.mocks)
			}
		}
	}
	t.cached(t.root)
	for _, n := range t.nodes {
		t.cached(n)
	}
}

// cached links the rules that a node used without evaluating them.
func (t *tracer) cached(n *traceNode) {
	for _, u := range n.uses {
		rules := t.compiler.GetRulesDynamicWithOpts(u.ref, ast.RulesOptions{IncludeHiddenModules: true})
		for _, r := range sortRules(rules) {
			key := nodeKey{world: u.world, rule: r}
			if callee := t.nodes[key]; callee != nil {
				n.link(callee)
			}
			if callee := t.functions[key]; callee != nil && t.nodes[nodeKey{n, u.world, r}] == nil {
				n.link(callee)
			}
		}
	}
}

// fault records the place of a built-in function's error.
func (t *tracer) fault(l *ast.Location, code string) {
	if l != nil {
		t.faults[placeOf(l)] = code
	}
}

// fail keeps the furthest expression that failed, the first time.
func (n *traceNode) fail(e *ast.Expr) {
	if n.failed == nil || e.Index > n.failed.Index {
		n.failed = e
	}
}

// use records a reference to rules.
func (n *traceNode) use(ref ast.Ref, e *topdown.Event, x *ast.Term, world string) {
	if !ref.IsGround() {
		if plugged, ok := e.Plug(x).Value.(ast.Ref); ok {
			ref = plugged
		}
	}
	if key := world + " " + ref.String(); !n.used[key] {
		n.used[key] = true
		n.uses = append(n.uses, use{ref: ref, world: world})
	}
}
