package redact

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Options are what operators need.
type Options struct {
	// Key is the key of Hash, which is refused without one.
	Key []byte
}

// A Set is a compiled list of selectors. It does not change, and any number
// of goroutines may use it.
type Set struct {
	rules  []rule
	groups []group
	// hold is how much of the text may be undecided, in bytes: nothing that
	// begins further back has an open end or an open neighbour.
	hold    int64
	streams sync.Pool // of *Stream
}

// A rule is a detector with what to do about its matches. Of two matches with
// the same bounds the one whose rule has the lower rank is taken.
type rule struct {
	*detector
	op   operator
	rank int
}

// A group is a scanning automaton; rules maps its detectors to the set's.
type group struct {
	*automaton
	rules []int
}

// Compile returns the set of what the selectors ask for; an error is a
// *SelectorError.
//
// An entity that is asked for twice is handled as the selector says that names
// it alone; among such, and otherwise, as the first says.
func Compile(sel []Selector, o Options) (*Set, error) {
	s := new(Set)
	direct := make(map[string]bool)
	size := 0
	for i, l := range sel {
		refuse := func(err error) error {
			return &SelectorError{Index: i, Selector: l.Spec, Reason: err.Error(), err: unwrapAll(err)}
		}
		op, err := newOperator(l, o)
		if err != nil {
			return nil, refuse(err)
		}
		ds, alone, err := resolveSelector(l.Spec)
		if err != nil {
			return nil, refuse(err)
		}
		for _, d := range ds {
			if size += d.size(); size > maxTotal {
				return nil, refuse(fmt.Errorf("%w: the selectors have more than %d instructions together; use fewer or smaller ones", ErrTooLong, maxTotal))
			}
			r := rule{detector: d, op: op}
			at := slices.IndexFunc(s.rules, func(have rule) bool { return have.detector == d })
			switch {
			case at < 0:
				s.rules = append(s.rules, r)
			case alone && !direct[d.entity]:
				s.rules[at] = r
			}
			if alone {
				direct[d.entity] = true
			}
		}
	}
	s.rank()
	s.group()
	return s, nil
}

// unwrapAll returns the innermost error: the sentinel.
func unwrapAll(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

func newOperator(l Selector, o Options) (operator, error) {
	op := operator{as: l.As, keep: l.KeepLast}
	switch l.As {
	case "":
		op.as = Placeholder
	case Placeholder, Mask, Remove:
	case Hash:
		if len(o.Key) == 0 {
			return op, fmt.Errorf(`%w: "hash" needs a key; set redaction_key`, ErrInvalid)
		}
		op.key = slices.Clone(o.Key)
	case token:
		return op, fmt.Errorf(`"token" is %w; use "placeholder" or "hash"`, ErrUnsupported)
	default:
		return op, fmt.Errorf(`%w: no such operator; use "placeholder", "mask", "hash" or "remove"`, ErrInvalid)
	}
	if l.KeepLast < 0 || l.KeepLast > 0 && op.as != Mask {
		return op, fmt.Errorf(`%w: keep_last is a number of runes for "mask" to leave`, ErrInvalid)
	}
	return op, nil
}

// rank puts the built-in entities before the users' selectors, and ranks them
// behind: who writes a selector of his own means just that.
func (s *Set) rank() {
	order := func(d *detector) int {
		i := slices.IndexFunc(builtins, func(b builtin) bool { return b.entity == d.entity })
		if i < 0 {
			return len(builtins)
		}
		return i
	}
	slices.SortStableFunc(s.rules, func(a, b rule) int { return order(a.detector) - order(b.detector) })
	for i := range s.rules {
		s.rules[i].rank = i
		if s.rules[i].words {
			s.rules[i].rank += len(s.rules)
		}
	}
}

// group builds the scanning automata: one for the built-in entities, which all
// sets with the same ones share, and one for the users' selectors. The rule
// that keeps placeholders joins the first.
func (s *Set) group() {
	if len(s.rules) == 0 {
		return
	}
	users := slices.IndexFunc(s.rules, func(r rule) bool { return !r.words })
	if users < 0 {
		users = len(s.rules)
	}
	s.rules = append(s.rules, rule{detector: placeholderDetector(), rank: len(s.rules)})
	keep := len(s.rules) - 1
	var mine []int
	for i := users; i < keep; i++ {
		mine = append(mine, i)
	}
	if users > 0 {
		var shared []int
		for i := range users {
			shared = append(shared, i)
		}
		shared = append(shared, keep)
		s.groups = append(s.groups, group{automaton: s.sharedAutomaton(shared), rules: shared})
	} else {
		mine = append(mine, keep)
	}
	if len(mine) > 0 {
		s.groups = append(s.groups, group{automaton: s.scanning(mine), rules: mine})
	}
	longest := 0
	for _, r := range s.rules {
		longest = max(longest, r.length)
	}
	s.hold = int64(longest + rightKept + maxPlaceholder)
}

// rightKept is more than the length of what rightContext returns.
const rightKept = 8

// shared holds the scanning automata of built-in entities by their names:
// what one set has learnt of them serves all.
var shared sync.Map

func (s *Set) sharedAutomaton(rules []int) *automaton {
	var names []string
	for _, r := range rules {
		names = append(names, s.rules[r].entity)
	}
	key := strings.Join(names, " ")
	if a, ok := shared.Load(key); ok {
		return a.(*automaton)
	}
	a, _ := shared.LoadOrStore(key, s.scanning(rules))
	return a.(*automaton)
}

func (s *Set) scanning(rules []int) *automaton {
	b := newBuilder(1 << 30)
	b.relax, b.noAsserts = true, true
	var start, wordStart, owner []uint32
	owner = append(owner, 0)
	for det, r := range rules {
		d := s.rules[r].detector
		pc := d.compile(b, uint32(det))
		if d.words {
			wordStart = append(wordStart, pc)
		} else {
			start = append(start, pc)
		}
		for len(owner) < len(b.insts) {
			owner = append(owner, uint32(det))
		}
	}
	first, wordFirst := b.split(start), b.split(wordStart)
	return newScanning(b.prog, first, wordFirst, owner)
}

// Empty reports whether s finds nothing.
func (s *Set) Empty() bool { return len(s.rules) == 0 }

// Redact returns text with everything replaced that s finds, and the
// replacements. If there are none, out is text itself.
func (s *Set) Redact(text []byte) (out []byte, edits []Edit) {
	edits = s.Scan(text)
	if len(edits) == 0 {
		return text, nil
	}
	size := len(text)
	for _, e := range edits {
		size += len(e.Text)
	}
	out = make([]byte, 0, size)
	at := int64(0)
	for _, e := range edits {
		out = append(out, text[at:e.Start]...)
		out = append(out, e.Text...)
		at = e.End
	}
	return append(out, text[at:]...), edits
}

// Scan returns the replacements that Redact makes.
func (s *Set) Scan(text []byte) []Edit {
	return s.scan(text, false)
}

// finds reports whether s finds anything in text.
func (s *Set) finds(text []byte) bool {
	return len(s.scan(text, true)) > 0
}

func (s *Set) scan(text []byte, probe bool) []Edit {
	if s.Empty() {
		return nil
	}
	st, ok := s.streams.Get().(*Stream)
	if !ok {
		st = s.NewStream()
	}
	st.probe = probe
	_, edits := st.Write(text)
	_, rest := st.Close()
	st.Reset()
	s.streams.Put(st)
	if len(edits) == 0 {
		return rest
	}
	return append(edits, rest...)
}

// Counts is how many matches there were of each entity.
type Counts map[string]int

// Add counts edits.
func (c Counts) Add(edits []Edit) {
	for _, e := range edits {
		c[e.Entity]++
	}
}
