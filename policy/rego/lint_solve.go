package rego

import "github.com/open-policy-agent/opa/v1/ast"

// tri is true, false or not known yet.
type tri uint8

const (
	triUnknown tri = iota
	triTrue
	triFalse
)

// solver searches for values of the atoms that make a formula hold.
type solver struct {
	atoms []atom
	vals  []tri
	order []int // the atoms of the formula
	left  int   // work
}

// collect lists the atoms of a formula in the order of their appearance.
func (s *solver) collect(f *formula, seen map[*formula]bool, found map[int]bool) {
	if seen[f] {
		return
	}
	seen[f] = true
	if f.op == isAtom && !found[f.atom] {
		found[f.atom] = true
		s.order = append(s.order, f.atom)
	}
	for _, k := range f.kids {
		s.collect(k, seen, found)
	}
}

// force gives those atoms their value that have only one; false where that is
// a contradiction.
func (s *solver) force(f *formula) bool {
	switch {
	case f.op == isAnd:
		for _, k := range f.kids {
			if !s.force(k) {
				return false
			}
		}
	case f.op == isAtom:
		return s.set(f.atom, triTrue)
	case f.op == isNot && f.kids[0].op == isAtom:
		return s.set(f.kids[0].atom, triFalse)
	}
	return true
}

// set gives an atom a value; false where it cannot have it.
func (s *solver) set(i int, v tri) bool {
	if s.vals[i] != triUnknown {
		return s.vals[i] == v
	}
	s.vals[i] = v
	return s.possible(i)
}

// solve gives the atoms from the i-th on their values.
func (s *solver) solve(f *formula, i int) bool {
	for i < len(s.order) && s.vals[s.order[i]] != triUnknown {
		i++
	}
	switch s.eval(f) {
	case triTrue:
		return s.left > 0 // the rest can be anything
	case triFalse:
		return false
	}
	if i == len(s.order) {
		return false
	}
	a := s.order[i]
	for _, v := range []tri{triTrue, triFalse} {
		s.vals[a] = v
		if s.possible(a) && s.solve(f, i+1) {
			return true
		}
		if s.left <= 0 {
			return false
		}
	}
	s.vals[a] = triUnknown
	return false
}

func (s *solver) eval(f *formula) tri {
	if s.left--; s.left <= 0 {
		return triFalse
	}
	switch f.op {
	case isTrue:
		return triTrue
	case isFalse:
		return triFalse
	case isAtom:
		return s.vals[f.atom]
	case isNot:
		return negate(s.eval(f.kids[0]))
	}
	decides, out := triFalse, triTrue
	if f.op == isOr {
		decides, out = triTrue, triFalse
	}
	for _, k := range f.kids {
		switch v := s.eval(k); v {
		case decides:
			return decides
		case triUnknown:
			out = triUnknown
		}
	}
	return out
}

func negate(v tri) tri {
	switch v {
	case triTrue:
		return triFalse
	case triFalse:
		return triTrue
	}
	return triUnknown
}

// possible reports whether the value of atom i can go with the others' values:
// a longer path is there only with a shorter one, and one value cannot be equal
// to two constants, or on both sides of one.
func (s *solver) possible(i int) bool {
	s.left -= len(s.order)
	switch s.atoms[i].kind {
	case isThere:
		for _, j := range s.order {
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
	return s.vals[short] == triFalse && s.vals[long] == triTrue && s.atoms[long].path.HasPrefix(s.atoms[short].path)
}

// bound is a limit of a value; nil is none.
type bound struct {
	value  ast.Value
	strict bool
}

// inBounds reports whether a value is left for a term.
func (s *solver) inBounds(term string) bool {
	var lower, upper bound
	for _, i := range s.order {
		a := s.atoms[i]
		if a.term != term || s.vals[i] == triUnknown {
			continue
		}
		if a.count {
			lower.raise(ast.Number("0"), false, 1)
		}
		is := s.vals[i] == triTrue
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
	for _, i := range s.order { // one value is left
		if a := s.atoms[i]; a.term == term && a.kind == isSame && s.vals[i] == triFalse && ast.Compare(a.value, lower.value) == 0 {
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
