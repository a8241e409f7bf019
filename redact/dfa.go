package redact

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"sync"
	"sync/atomic"
)

// An entry is one cell of a transition table: flags, and the offset of the
// target state's row. The zero entry has not been computed yet.
type entry = uint32

const (
	// entryPlain: computed, and nothing is accepted.
	entryPlain entry = 1 << 31
	// entryIdle: no thread is alive in the target state.
	entryIdle entry = 1 << 30
	// entryAccept: a match ends after the byte that was consumed.
	entryAccept entry = 1 << 29
	// entryBefore: a match ended before it (known now that an assertion could
	// be checked against it).
	entryBefore entry = 1 << 28
	entryRow    entry = 1<<28 - 1
)

// Kinds of the byte before a state, as far as they matter.
const (
	afterOther uint8 = iota
	afterWord
	afterNewline
	afterNothing // the beginning of the text
	kinds
)

// A dfaState is immutable once it is in a table.
type dfaState struct {
	pcs    []uint32 // opSet and opAssert instructions, sorted
	accept []uint32 // detectors with a match that ends on entering, sorted
	after  uint8
	before bool // see entryBefore
	row    entry
}

// A table holds the part of the deterministic automaton that is known. Cells
// are read without a lock and filled under automaton.mu; a table that is full
// is replaced, and those who still hold the old one move over when they miss.
type table struct {
	cells  []uint32    // entries; atomic access
	states []*dfaState // by row number; set before a cell leads to it
	n      int         // of states
	index  map[string]*dfaState
	weight int // instructions in all states
}

// An automaton is a deterministic automaton that is built on demand from a
// nondeterministic one. What it may hold is bounded by maxStates and
// maxWeight; beyond that it starts afresh, so a text that makes every step a
// new state costs one simulated step of the program for each byte and no more.
type automaton struct {
	prog
	starts     []uint32  // opSet instructions to try at each position
	wordStarts []uint32  // the same, where the byte before is no ASCII word byte
	anchor     uint32    // entered at the first position only
	class      [256]byte // byte to column
	repr       []byte    // column to a byte of it
	eof, stop  int       // columns of an anchored automaton for the end of the text, and for an end that says nothing
	shift      uint
	owner      []uint32 // pc to detector, for automata with many; see alive

	cur    atomic.Pointer[table]
	builds atomic.Int64 // transitions computed

	mu      sync.Mutex
	seen    []uint32 // sparse set of pcs; seen[pc] == mark is a member
	mark    uint32
	stack   []uint32
	pcs     []uint32
	accepts []uint32
	key     []byte
}

// Bounds of a table: how many states it begins with, how many it may have, and
// how many instructions these may hold together.
const (
	firstStates = 32
	maxStates   = 4096
	maxWeight   = 1 << 20
)

// newAnchored returns the automaton of the matches that begin where it is
// started; anchor is the entry of its program.
func newAnchored(p prog, anchor uint32) *automaton {
	a := &automaton{prog: p, anchor: anchor}
	a.init()
	return a
}

// newScanning returns the automaton that enters start at every position and
// wordStart at those where a word may begin. It must be free of assertions.
func newScanning(p prog, start, wordStart uint32, owner []uint32) *automaton {
	a := &automaton{prog: p, owner: owner, seen: make([]uint32, len(p.insts))}
	a.clear()
	a.follow(start)
	a.starts = slices.Clone(a.pcs)
	a.clear()
	a.follow(wordStart)
	a.wordStarts = slices.Clone(a.pcs)
	a.init()
	return a
}

func (a *automaton) init() {
	sets := a.sets
	if len(a.wordStarts) > 0 || a.asserts {
		sets = append(slices.Clip(sets), wordBytes)
	}
	if a.asserts {
		sets = append(sets, rangeSet('\n', '\n'))
	}
	var n int
	a.class, n = byteClasses(sets)
	a.repr = make([]byte, n)
	for b, c := range a.class {
		a.repr[c] = byte(b)
	}
	if a.anchor != 0 {
		a.eof, a.stop = n, n+1
		n += 2
	}
	for 1<<a.shift < n {
		a.shift++
	}
	a.seen = make([]uint32, len(a.insts))
	a.cur.Store(a.newTable(firstStates))
}

// wordBytes are the ASCII letters, digits and "_".
var wordBytes = func() (s byteSet) {
	s.addRange('0', '9')
	s.addRange('A', 'Z')
	s.addRange('a', 'z')
	s.add('_')
	return s
}()

// newTable returns an empty table that begins with the initial states, one
// for each kind of byte before, in the order of the kinds.
func (a *automaton) newTable(rows int) *table {
	t := &table{
		cells:  make([]uint32, rows<<a.shift),
		states: make([]*dfaState, rows),
		index:  make(map[string]*dfaState, rows),
	}
	for k := range kinds {
		a.clear()
		a.follow(a.anchor)
		a.intern(t, k, false)
	}
	return t
}

// initial is the row of the state to begin with.
func (a *automaton) initial(after uint8) entry {
	return entry(after) << a.shift
}

func (a *automaton) clear() {
	a.mark++
	if a.mark == 0 {
		clear(a.seen)
		a.mark = 1
	}
	a.pcs, a.accepts = a.pcs[:0], a.accepts[:0]
}

// follow adds pc, and all that it leads to without consuming a byte.
func (a *automaton) follow(pc uint32) {
	a.stack = append(a.stack[:0], pc)
	for len(a.stack) > 0 {
		pc = a.stack[len(a.stack)-1]
		a.stack = a.stack[:len(a.stack)-1]
		if pc == 0 || a.seen[pc] == a.mark {
			continue
		}
		a.seen[pc] = a.mark
		switch in := &a.insts[pc]; in.op {
		case opSet, opAssert:
			a.pcs = append(a.pcs, pc)
		case opSplit:
			a.stack = append(a.stack, in.arg, in.out)
		case opAccept:
			if !slices.Contains(a.accepts, in.arg) {
				a.accepts = append(a.accepts, in.arg)
			}
			a.stack = append(a.stack, in.out)
		}
	}
}

// intern returns the state that a.pcs and a.accepts describe, adding it to t
// if it is new. There must be room.
func (a *automaton) intern(t *table, after uint8, before bool) *dfaState {
	slices.Sort(a.pcs)
	slices.Sort(a.accepts)
	k := a.key[:0]
	k = append(k, after)
	if before {
		k[0] |= 1 << 7
	}
	for _, pc := range a.pcs {
		k = binary.AppendUvarint(k, uint64(pc))
	}
	k = append(k, 0) // no pc is 0
	for _, d := range a.accepts {
		k = binary.AppendUvarint(k, uint64(d))
	}
	a.key = k
	if s := t.index[string(k)]; s != nil {
		return s
	}
	s := &dfaState{
		pcs:    slices.Clone(a.pcs),
		accept: slices.Clone(a.accepts),
		after:  after,
		before: before,
		row:    entry(t.n) << a.shift,
	}
	t.states[t.n] = s
	t.n++
	t.index[string(k)] = s
	t.weight += len(s.pcs) + len(s.accept)
	return s
}

// miss computes the transition of state e of t on column col. The answer
// belongs to the table that is returned with it.
func (a *automaton) miss(t *table, e entry, col int) (*table, entry) {
	a.mu.Lock()
	defer a.mu.Unlock()
	from := a.state(t, e)
	cur := a.cur.Load()
	if cur.n+2 > len(cur.states) || cur.weight > maxWeight {
		cur = a.replace(cur)
	}
	if cur != t {
		a.clear()
		a.pcs = append(a.pcs, from.pcs...)
		a.accepts = append(a.accepts, from.accept...)
		from = a.intern(cur, from.after, from.before)
	}
	cell := &cur.cells[from.row+entry(col)]
	if *cell != 0 {
		return cur, *cell
	}
	after, before := a.step(from, col)
	to := a.intern(cur, after, before)
	n := to.row
	if len(to.pcs) == 0 {
		n |= entryIdle
	}
	if len(to.accept) > 0 {
		n |= entryAccept
	}
	if before {
		n |= entryBefore
	}
	if n&(entryAccept|entryBefore) == 0 {
		n |= entryPlain
	}
	a.builds.Add(1)
	atomic.StoreUint32(cell, n)
	return cur, n
}

// replace makes a larger copy of a full table, or an empty one when it has
// become as large as it may.
func (a *automaton) replace(t *table) *table {
	if rows := len(t.states); rows < maxStates && t.weight <= maxWeight {
		c := &table{
			cells:  make([]uint32, 4*len(t.cells)),
			states: make([]*dfaState, 4*rows),
			n:      t.n,
			index:  t.index, // only ever touched under mu
			weight: t.weight,
		}
		copy(c.cells, t.cells)
		copy(c.states, t.states)
		a.cur.Store(c)
		return c
	}
	c := a.newTable(firstStates)
	a.cur.Store(c)
	return c
}

// step leaves the target of the transition in a.pcs and a.accepts.
func (a *automaton) step(from *dfaState, col int) (after uint8, before bool) {
	sources := from.pcs
	if a.asserts {
		sources, before = a.resolve(from, col)
	}
	a.clear()
	if col >= len(a.repr) {
		return afterOther, before
	}
	b := a.repr[col]
	for _, pc := range sources {
		a.consume(pc, b)
	}
	for _, pc := range a.starts {
		a.consume(pc, b)
	}
	if from.after != afterWord {
		for _, pc := range a.wordStarts {
			a.consume(pc, b)
		}
	}
	switch {
	case a.asserts && b == '\n':
		after = afterNewline
	case (a.asserts || len(a.wordStarts) > 0) && wordBytes.has(b):
		after = afterWord
	}
	return after, before
}

func (a *automaton) consume(pc uint32, b byte) {
	if in := &a.insts[pc]; in.op == opSet && a.sets[in.arg].has(b) {
		a.follow(in.out)
	}
}

// resolve follows the assertions that hold between from and the column. The
// result is what can consume a byte, and whether a match ends here.
func (a *automaton) resolve(from *dfaState, col int) (sources []uint32, before bool) {
	flags := a.flags(from.after, col)
	a.clear()
	for _, pc := range from.pcs {
		a.follow(pc)
	}
	for i := 0; i < len(a.pcs); i++ { //nolint:intrange // the list grows while it is read
		if in := &a.insts[a.pcs[i]]; in.op == opAssert && syntax.EmptyOp(in.arg)&^flags == 0 {
			a.follow(in.out)
		}
	}
	return slices.Clone(a.pcs), len(a.accepts) > 0
}

func (a *automaton) flags(after uint8, col int) (flags syntax.EmptyOp) {
	switch after {
	case afterNothing:
		flags |= syntax.EmptyBeginText | syntax.EmptyBeginLine
	case afterNewline:
		flags |= syntax.EmptyBeginLine
	}
	nextWord := false
	switch {
	case col == a.eof:
		flags |= syntax.EmptyEndText | syntax.EmptyEndLine
	case col == a.stop:
		return flags
	case a.repr[col] == '\n':
		flags |= syntax.EmptyEndLine
	default:
		nextWord = wordBytes.has(a.repr[col])
	}
	if nextWord != (after == afterWord) {
		flags |= syntax.EmptyWordBoundary
	} else {
		flags |= syntax.EmptyNoWordBoundary
	}
	return flags
}

// state returns the state that e, an entry of t, leads to.
func (a *automaton) state(t *table, e entry) *dfaState {
	return t.states[(e&entryRow)>>a.shift]
}
