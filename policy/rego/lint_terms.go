package rego

import (
	"strconv"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/types"
)

// maxHelpers is how deep helper rules are looked into.
const maxHelpers = 6

// truth is the formula of a value that stands as an expression: there is one,
// and it is not false.
func (b *builder) truth(v ast.Value) *formula {
	switch v := v.(type) {
	case ast.Boolean:
		return truthOf(bool(v))
	case ast.Ref:
		if f, ok := b.helper(v); ok {
			return f
		}
	case ast.Call:
		return b.callTruth(v)
	case ast.Var:
	default:
		return b.defined(v)
	}
	return and(b.defined(v), b.notFalse(v))
}

// notFalse is the formula of a value, if there is one, not being false.
func (b *builder) notFalse(v ast.Value) *formula {
	if ref, ok := v.(ast.Ref); ok && isInput(ref) {
		if _, shape := find(b.stage, ref); shape != nil && shape.Type != "" && shape.Type != "boolean" {
			return yes
		}
	}
	return not(b.equals(v, ast.Boolean(false)))
}

func (b *builder) equals(v, constant ast.Value) *formula {
	text := canonical(v.String())
	return b.atomOf(text+" == "+constant.String(), atom{kind: isSame, term: text, value: constant, count: isCount(v)})
}

// callTruth is the formula of a call that stands as an expression.
func (b *builder) callTruth(call ast.Call) *formula {
	op, _ := call[0].Value.(ast.Ref)
	if len(call) == 3 {
		x, y := call[1].Value, call[2].Value
		switch {
		case isEqual(op):
			return b.same(x, y)
		case op.Equal(ast.NotEqual.Ref()):
			return and(b.defined(x), b.defined(y), not(b.same(x, y)))
		case op.Equal(ast.LessThan.Ref()):
			return b.less(x, y, true)
		case op.Equal(ast.LessThanEq.Ref()):
			return b.less(x, y, false)
		case op.Equal(ast.GreaterThan.Ref()):
			return b.less(y, x, true)
		case op.Equal(ast.GreaterThanEq.Ref()):
			return b.less(y, x, false)
		case op.Equal(memberRef):
			return b.member(x, y)
		}
	}
	return and(b.defined(call), b.atomOf(call.String(), atom{}))
}

// same is the formula of x == y, both being there.
func (b *builder) same(x, y ast.Value) *formula {
	defined := and(b.defined(x), b.defined(y))
	cx, cy := ast.IsConstant(x), ast.IsConstant(y)
	switch {
	case cx && cy:
		return truthOf(ast.Compare(x, y) == 0)
	case cx:
		x, y = y, x
		fallthrough
	case cy:
		if truth, isBool := y.(ast.Boolean); isBool && b.isBoolean(x) {
			if truth {
				return b.truth(x)
			}
			return and(defined, not(b.truth(x)))
		}
		return and(defined, b.equals(x, y))
	}
	first, second := x.String(), y.String()
	if first == second {
		return defined
	}
	if first > second {
		first, second = second, first
	}
	return and(defined, b.atomOf(first+" == "+second, atom{}))
}

// less is the formula of x < y, or of x <= y, both being there.
func (b *builder) less(x, y ast.Value, strict bool) *formula {
	defined := and(b.defined(x), b.defined(y))
	cx, cy := ast.IsConstant(x), ast.IsConstant(y)
	switch {
	case cx && cy:
		c := ast.Compare(x, y)
		return truthOf(c < 0 || c == 0 && !strict)
	case cy:
		return and(defined, b.limit(x, y, strict))
	case cx: // x < y is not y <= x
		return and(defined, not(b.limit(y, x, !strict)))
	case strict:
		return and(defined, b.atomOf(x.String()+" < "+y.String(), atom{}))
	}
	return and(defined, not(b.atomOf(y.String()+" < "+x.String(), atom{})))
}

// limit is the formula of v < constant, or of v <= constant.
func (b *builder) limit(v, constant ast.Value, strict bool) *formula {
	if n, whole := constant.(ast.Number); whole && strict && isCount(v) {
		if i, ok := n.Int(); ok { // of whole numbers
			constant, strict = ast.Number(strconv.Itoa(i-1)), false
		}
	}
	kind, sign := isAtMost, " <= "
	if strict {
		kind, sign = isLess, " < "
	}
	text := canonical(v.String())
	return b.atomOf(text+sign+constant.String(), atom{kind: kind, term: text, value: constant, count: isCount(v)})
}

// isCount reports whether a value is a count, a whole number from 0.
func isCount(v ast.Value) bool {
	call, ok := v.(ast.Call)
	return ok && call[0].Value.Compare(ast.Count.Ref()) == 0
}

// member is the formula of `x in list`.
func (b *builder) member(x, list ast.Value) *formula {
	defined := and(b.defined(x), b.defined(list))
	if ast.IsConstant(list) {
		if words, ok := constants(list); ok && len(words) <= maxWords {
			var same []*formula
			for _, w := range words {
				same = append(same, b.same(x, w))
			}
			return and(defined, or(same...))
		}
	}
	return and(defined, b.atomOf(x.String()+" in "+list.String(), atom{}))
}

// maxWords is the length of a list that is looked at word by word.
const maxWords = 32

func constants(v ast.Value) ([]ast.Value, bool) {
	var out []ast.Value
	each := func(t *ast.Term) { out = append(out, t.Value) }
	switch v := v.(type) {
	case *ast.Array:
		v.Foreach(each)
	case ast.Set:
		v.Foreach(each)
	default:
		return nil, false
	}
	return out, true
}

// isBoolean reports whether a value, if there is one, is true or false.
func (b *builder) isBoolean(v ast.Value) bool {
	switch v := v.(type) {
	case ast.Ref:
		if isInput(v) {
			_, shape := find(b.stage, v)
			return shape != nil && shape.Type == "boolean"
		}
		if isData(v) && v.IsGround() {
			_, ok := b.c.TypeEnv.GetByRef(v).(types.Boolean)
			return ok
		}
	case ast.Call:
		builtin, ok := ast.BuiltinMap[v[0].Value.String()]
		if ok {
			_, ok = builtin.Decl.Result().(types.Boolean)
		}
		return ok
	}
	return false
}

// defined is the formula of everything that a value refers to being there.
func (b *builder) defined(v ast.Value) *formula {
	var fs []*formula
	terms := func(list ...*ast.Term) {
		for _, t := range list {
			fs = append(fs, b.defined(t.Value))
		}
	}
	switch v := v.(type) {
	case ast.Ref:
		fs = append(fs, b.there(v))
		terms(v[1:]...)
		if _, ok := v[0].Value.(ast.Call); ok {
			terms(v[0])
		}
	case *ast.Array:
		v.Foreach(func(t *ast.Term) { terms(t) })
	case ast.Set:
		v.Foreach(func(t *ast.Term) { terms(t) })
	case ast.Object:
		v.Foreach(func(k, t *ast.Term) { terms(k, t) })
	case ast.Call:
		terms(v[1:]...)
	}
	return and(fs...)
}

// there is the formula of a reference having a value.
func (b *builder) there(ref ast.Ref) *formula {
	switch {
	case len(ref) < 2:
		return yes
	case isInput(ref):
		switch at, _ := find(b.stage, ref); at {
		case always:
			return yes
		case never:
			return no
		}
		return b.atomOf("defined "+ref.String(), atom{kind: isThere, path: ref})
	case isData(ref) && total(b.c.GetRulesExact(ref)):
		return yes
	}
	return b.atomOf("defined "+ref.String(), atom{})
}

// total reports whether the document of rules is there whatever the input is:
// it is a set or an object of parts, has a default, or a body that is true.
func total(rules []*ast.Rule) bool {
	parts := len(rules) > 0
	for _, r := range rules {
		if r.Default || certain(r) {
			return true
		}
		parts = parts && len(r.Head.Args) == 0 && (r.Head.RuleKind() == ast.MultiValue || !r.Ref().IsGround())
	}
	return parts
}

// certain reports whether a rule gives a constant whatever the input is.
func certain(r *ast.Rule) bool {
	return len(r.Head.Args) == 0 && r.Head.RuleKind() == ast.SingleValue && r.Ref().IsGround() &&
		r.Head.Value != nil && ast.IsConstant(r.Head.Value.Value) &&
		len(r.Body) == 1 && r.Body[0].Equal(ast.NewExpr(ast.BooleanTerm(true)))
}

// helper is the formula of a reference to rules that say no more than that
// they hold: one of their bodies does.
func (b *builder) helper(ref ast.Ref) (*formula, bool) {
	if !isData(ref) || !ref.IsGround() || b.depth == maxHelpers {
		return nil, false
	}
	rules := b.c.GetRulesExact(ref)
	for _, r := range rules {
		h := r.Head
		if r.Else != nil || len(h.Args) > 0 || h.RuleKind() != ast.SingleValue || !r.Ref().IsGround() {
			return nil, false
		}
		if truth, ok := h.Value.Value.(ast.Boolean); !ok || !bool(truth) && !r.Default || bool(truth) && r.Default {
			return nil, false
		}
	}
	if len(rules) == 0 {
		return nil, false
	}
	if f, ok := b.helpers[ref.String()]; ok {
		return f, true
	}
	b.depth++
	defer func() { b.depth-- }()
	var bodies []*formula
	for _, r := range rules {
		if !r.Default {
			f, _ := b.rule(r)
			bodies = append(bodies, f)
		}
	}
	f := or(bodies...)
	if b.size <= maxFormula {
		b.helpers[ref.String()] = f
	}
	return f, true
}
