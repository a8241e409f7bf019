package rego

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// formula is what has to hold for a body to hold, in propositional logic over
// atoms: expressions that are not looked into any further.
type formula struct {
	op   op
	atom int // of isAtom
	kids []*formula
}

type op uint8

const (
	isFalse op = iota
	isTrue
	isAtom
	isNot
	isAnd
	isOr
)

var (
	yes = &formula{op: isTrue}
	no  = &formula{op: isFalse}
)

func truthOf(b bool) *formula {
	if b {
		return yes
	}
	return no
}

func not(f *formula) *formula {
	switch f.op {
	case isTrue:
		return no
	case isFalse:
		return yes
	case isNot:
		return f.kids[0]
	}
	return &formula{op: isNot, kids: []*formula{f}}
}

func and(kids ...*formula) *formula { return join(isAnd, yes, no, kids) }

func or(kids ...*formula) *formula { return join(isOr, no, yes, kids) }

// join drops what changes nothing and stops at what decides.
func join(o op, neutral, decides *formula, kids []*formula) *formula {
	kids = slices.DeleteFunc(slices.Clone(kids), func(f *formula) bool { return f.op == neutral.op })
	switch {
	case slices.ContainsFunc(kids, func(f *formula) bool { return f.op == decides.op }):
		return decides
	case len(kids) == 0:
		return neutral
	case len(kids) == 1:
		return kids[0]
	}
	return &formula{op: o, kids: kids}
}

// atom is something that holds or does not.
type atom struct {
	kind  atomKind
	term  string    // what is compared, of the comparisons
	value ast.Value // with what, a constant
	count bool      // the term is never below 0
	path  ast.Ref   // of isThere, a path of the input
}

type atomKind uint8

const (
	isOpaque atomKind = iota
	isThere           // the path has a value
	isSame            // term == value
	isLess            // term < value
	isAtMost          // term <= value
)

// atomOf is the formula of one atom; equal keys are one atom.
func (b *builder) atomOf(key string, a atom) *formula {
	key = canonical(key)
	i, ok := b.index[key]
	if !ok {
		i = len(b.atoms)
		b.index[key] = i
		b.atoms = append(b.atoms, a)
	}
	return &formula{op: isAtom, atom: i}
}

// satisfiable reports whether f can hold, and whether that could be found out
// within the limits. A nil formula is too large.
func (b *builder) satisfiable(f *formula) (can, known bool) {
	if f == nil {
		return false, false
	}
	s := solver{atoms: b.atoms, vals: make([]tri, len(b.atoms)), left: min(maxWork, *b.budget)}
	before := s.left
	s.collect(f, map[*formula]bool{}, map[int]bool{})
	can = s.force(f) && s.solve(f, 0)
	*b.budget -= before - max(s.left, 0)
	return can, s.left > 0
}

// Limits of what is looked into: the expressions of one rule with its helpers,
// and the parts of formulas that a search may visit, for one answer and for
// all of them.
const (
	maxFormula = 2000
	maxWork    = 1 << 18
	maxBudget  = 1 << 25
)
