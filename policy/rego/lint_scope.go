package rego

import (
	"maps"
	"regexp"
	"strconv"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/headgate/headgate/policy"
)

// scope knows what the local variables of a body stand for, so that two
// expressions can be compared whatever names the compiler gave.
type scope struct {
	c *ast.Compiler
	// stage is what input.stage stands for; "" for no stage in particular.
	stage policy.Stage
	vals  map[ast.Var]ast.Value
	// loose are variables that stand for more than one value.
	loose map[ast.Var]bool
	// iterate makes what iterates a value like any other.
	iterate bool
}

func newScope(c *ast.Compiler, stage policy.Stage) *scope {
	return &scope{c: c, stage: stage, vals: map[ast.Var]ast.Value{}, loose: map[ast.Var]bool{}}
}

// child is a scope for a body inside.
func (s *scope) child() *scope {
	sub := *s
	sub.vals, sub.loose = maps.Clone(s.vals), maps.Clone(s.loose)
	return &sub
}

// value is v with what is known put in the place of variables. Comprehensions
// stay as they are.
func (s *scope) value(v ast.Value) ast.Value {
	switch v := v.(type) {
	case ast.Var:
		if known, ok := s.vals[v]; ok {
			return known
		}
	case ast.Ref:
		return s.ref(v)
	case *ast.Array:
		terms := make([]*ast.Term, 0, v.Len())
		v.Foreach(func(t *ast.Term) { terms = append(terms, s.term(t)) })
		return ast.NewArray(terms...)
	case ast.Set:
		out := ast.NewSet()
		v.Foreach(func(t *ast.Term) { out.Add(s.term(t)) })
		return out
	case ast.Object:
		out := ast.NewObject()
		v.Foreach(func(k, t *ast.Term) { out.Insert(s.term(k), s.term(t)) })
		return out
	case ast.Call:
		out := ast.Call{v[0]}
		for _, t := range v[1:] {
			out = append(out, s.term(t))
		}
		return out
	}
	return v
}

func (s *scope) term(t *ast.Term) *ast.Term { return ast.NewTerm(s.value(t.Value)) }

func (s *scope) ref(ref ast.Ref) ast.Value {
	var out ast.Ref
	switch head := s.value(ref[0].Value).(type) {
	case ast.Ref:
		out = append(out, head...)
	default:
		out = append(out, ast.NewTerm(head))
	}
	for _, t := range ref[1:] {
		out = append(out, s.term(t))
	}
	if s.stage != "" && out.Equal(stageRef) {
		return ast.String(s.stage)
	}
	return out
}

// fixed is a variable that stands for one value that is not known, such as a
// function's argument.
func fixed(i int) ast.Var { return ast.Var("#" + strconv.Itoa(i)) }

// open collects the variables of v, in which what is known was put in, that
// stand for anything.
func (s *scope) open(v ast.Value, into map[ast.Var]bool) {
	terms := func(list ...*ast.Term) {
		for _, t := range list {
			s.open(t.Value, into)
		}
	}
	switch v := v.(type) {
	case ast.Var:
		if !strings.HasPrefix(string(v), "#") && !ast.RootDocumentNames.Contains(ast.NewTerm(v)) {
			into[v] = true
		}
	case ast.Ref:
		terms(v...)
	case *ast.Array:
		v.Foreach(func(t *ast.Term) { terms(t) })
	case ast.Set:
		v.Foreach(func(t *ast.Term) { terms(t) })
	case ast.Object:
		v.Foreach(func(k, t *ast.Term) { terms(k, t) })
	case ast.Call:
		terms(v[1:]...)
	case *ast.ArrayComprehension, *ast.SetComprehension, *ast.ObjectComprehension:
		s.touched(v, into)
	}
}

// touched collects the loose variables that a node mentions.
func (s *scope) touched(node any, into map[ast.Var]bool) {
	ast.WalkVars(node, func(v ast.Var) bool {
		if s.loose[v] {
			into[v] = true
		}
		return false
	})
}

func (s *scope) isOpen(v ast.Value) bool {
	vars := map[ast.Var]bool{}
	s.open(v, vars)
	return len(vars) > 0
}

// unbound returns the variable that a term is, if nothing is known of it.
func (s *scope) unbound(t *ast.Term) (ast.Var, bool) {
	v, ok := t.Value.(ast.Var)
	if !ok || s.loose[v] || ast.RootDocumentNames.Contains(t) {
		return "", false
	}
	_, known := s.vals[v]
	return v, !known
}

// bind learns from an expression that gives a variable its value, as
//
//	x = input.tool    sprintf("%s", [x], y)
//
// and returns that value; false for any other expression.
func (s *scope) bind(e *ast.Expr) (ast.Value, bool) {
	op, args, out := s.call(e)
	if op == nil {
		return nil, false
	}
	if out != nil {
		v, ok := s.unbound(out)
		if !ok {
			return nil, false
		}
		return s.learn(v, ast.Call(append([]*ast.Term{ast.NewTerm(op)}, args...)))
	}
	if !isEqual(op) || len(args) != 2 {
		return nil, false
	}
	for i := range args {
		if v, ok := s.unbound(args[i]); ok {
			return s.learn(v, args[1-i].Value)
		}
	}
	return nil, false
}

func (s *scope) learn(v ast.Var, val ast.Value) (ast.Value, bool) {
	val = s.value(val)
	vars := map[ast.Var]bool{}
	s.open(val, vars)
	if vars[v] || len(vars) > 0 && !s.iterate {
		return nil, false
	}
	s.vals[v] = val
	return val, true
}

// call takes apart a plain call: its operator, its arguments and the variable
// or value that takes its result, nil where it has none.
func (s *scope) call(e *ast.Expr) (op ast.Ref, args []*ast.Term, out *ast.Term) {
	terms, ok := plainCall(e)
	if !ok || len(terms) == 0 {
		return nil, nil, nil
	}
	if op, ok = terms[0].Value.(ast.Ref); !ok {
		return nil, nil, nil
	}
	args = terms[1:]
	if n := s.c.GetArity(op); n >= 0 && len(args) == n+1 {
		return op, args[:n], args[n]
	}
	return op, args, nil
}

func isEqual(op ast.Ref) bool {
	return op.Equal(ast.Equality.Ref()) || op.Equal(ast.Equal.Ref())
}

var generated = regexp.MustCompile(`__local[0-9]+__`)

// text is an expression with what is known put in, for comparing.
func (s *scope) text(e *ast.Expr) string {
	if terms, ok := plainCall(e); ok {
		words := make([]string, 0, len(terms))
		for _, t := range terms {
			words = append(words, s.value(t.Value).String())
		}
		return s.known(strings.Join(words, " "))
	}
	if t, ok := e.Terms.(*ast.Term); ok && !e.Negated && len(e.With) == 0 {
		return s.known(s.value(t.Value).String())
	}
	text := s.known(e.String())
	ast.WalkVars(e, func(v ast.Var) bool {
		if val, ok := s.vals[v]; ok && !v.IsGenerated() {
			text += " | " + string(v) + " = " + val.String()
		}
		return false
	})
	return text
}

// known puts what is known in the place of the compiler's names in a text.
func (s *scope) known(text string) string {
	return generated.ReplaceAllStringFunc(text, func(name string) string {
		if val, ok := s.vals[ast.Var(name)]; ok {
			return val.String()
		}
		return name
	})
}

// canonical numbers the compiler's names in a text in the order of their first
// appearance.
func canonical(text string) string {
	names := map[string]string{}
	return generated.ReplaceAllStringFunc(text, func(name string) string {
		if names[name] == "" {
			names[name] = "v" + strconv.Itoa(len(names))
		}
		return names[name]
	})
}
