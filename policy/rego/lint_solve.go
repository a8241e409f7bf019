package rego

import "github.com/open-policy-agent/opa/v1/ast"

// tri is true, false or not known yet.
type tri uint8

const (
	unknown tri = iota
	holds
	fails
)

// solver searches for values of the atoms that make a formula hold.
type solver struct {
	atoms []atom
	vals  []tri
	left  int // steps
}

// solve gives the atoms from i on their values.
func (s *solver) solve(f *formula, i int) bool {
	if s.left--; s.left <= 0 {
		return false
	}
	switch s.eval(f) {
	case holds:
		return true // the rest may be false
	case fails:
		return false
	}
	if i == len(s.atoms) {
		return false
	}
	for _, v := range []tri{holds, fails} {
		s.vals[i] = v
		if s.possible(i) && s.solve(f, i+1) {
			return true
		}
	}
	s.vals[i] = unknown
	return false
}

func (s *solver) eval(f *formula) tri {
	switch f.op {
	case isTrue:
		return holds
	case isFalse:
		return fails
	case isAtom:
		return s.vals[f.atom]
	case isNot:
		return negate(s.eval(f.kids[0]))
	}
	decides, out := fails, holds
	if f.op == isOr {
		decides, out = holds, fails
	}
	for _, k := range f.kids {
		switch v := s.eval(k); v {
		case decides:
			return decides
		case unknown:
			out = unknown
		}
	}
	return out
}

func negate(v tri) tri {
	switch v {
	case holds:
		return fails
	case fails:
		return holds
	}
	return unknown
}

// possible reports whether the value of atom i can go with the values before:
// a longer path is there only with a shorter one, and one value cannot be equal
// to two constants, or on both sides of one.
func (s *solver) possible(i int) bool {
	switch s.atoms[i].kind {
	case isThere:
		for j := range i {
			if s.atoms[j].kind == isThere && (s.breaks(i, j) || s.breaks(j, i)) {
				return false
			}
		}
	case isSame, isLess, isAtMost:
		return s.inBounds(s.atoms[i].term)
	}
	return true
}

// breaks: the shorter path is not there, the longer one is.
func (s *solver) breaks(short, long int) bool {
	return s.vals[short] == fails && s.vals[long] == holds && s.atoms[long].path.HasPrefix(s.atoms[short].path)
}

// bound is a limit of a value; nil is none.
type bound struct {
	value  ast.Value
	strict bool
}

// inBounds reports whether a value is left for a term.
func (s *solver) inBounds(term string) bool {
	var lower, upper bound
	for i, a := range s.atoms {
		if a.term != term || s.vals[i] == unknown {
			continue
		}
		is := s.vals[i] == holds
		switch {
		case a.kind == isSame && is:
			lower.raise(a.value, false, 1)
			upper.raise(a.value, false, -1)
		case a.kind == isLess && is:
			upper.raise(a.value, true, -1)
		case a.kind == isAtMost && is:
			upper.raise(a.value, false, -1)
		case a.kind == isLess:
			lower.raise(a.value, false, 1)
		case a.kind == isAtMost:
			lower.raise(a.value, true, 1)
		}
	}
	if lower.value == nil || upper.value == nil {
		return true
	}
	c := ast.Compare(lower.value, upper.value)
	if c != 0 {
		return c < 0
	}
	if lower.strict || upper.strict {
		return false
	}
	for i, a := range s.atoms { // one value is left
		if a.term == term && a.kind == isSame && s.vals[i] == fails && ast.Compare(a.value, lower.value) == 0 {
			return false
		}
	}
	return true
}

// raise tightens a bound; direction is 1 for a lower, -1 for an upper one.
func (b *bound) raise(v ast.Value, strict bool, direction int) {
	c := 1
	if b.value != nil {
		c = ast.Compare(v, b.value) * direction
	}
	if c > 0 || c == 0 && strict {
		b.value, b.strict = v, strict
	}
}
