package redact

import (
	"math"
	"sync/atomic"
)

// An Edit replaces a piece of a stream's text.
type Edit struct {
	// Start and End are byte offsets in the text of the stream, which is all
	// writes joined.
	Start, End int64
	// Text takes the place of what lies between them.
	Text string
	// Entity is what was found: a built-in entity, EntityRegex or
	// EntityLiteral.
	Entity string
}

// A Stream finds what its set asks for in a text that arrives in pieces. The
// edits do not depend on how it was cut. A Stream is for one goroutine.
//
// A position that no thread of an automaton has come across is a cut: no match
// lies on both sides of it. What follows the last cut is undecided; where no
// cut comes for long, what begins further back than the set's hold is decided.
type Stream struct {
	set     *Set
	at      []position // in the automata, group by group
	pos     int64      // bytes written
	from    int64      // all before it is decided
	flagged []int      // rules that may have a match that begins at from or later
	isFlag  []bool     // the same, by rule
	edits   []Edit     // found in this call
	probe   bool       // no replacements are wanted

	chunk    []byte // the current write
	chunkOff int64
	tail     []byte // the text before it that is still needed, and perhaps some of it
	tailOff  int64

	last     int64  // the end of the last edit, or far below 0
	after    []byte // the end of the redacted text there, at most leftKept bytes
	place    int64  // the end of the last placeholder that came in, or -1
	userMade bool   // it was a user selector's

	work int // bytes that anchored automata have looked at

	// Scratch.
	left, spare []byte
	ends        []int
	judged      candidate
}

type position struct {
	t *table
	e entry
}

const (
	// blockSize is how much is scanned before what is undecided is reviewed.
	blockSize = 4096
	// slack is how much of the text that is no longer needed is dropped at once.
	slack = 1024
)

// NewStream returns a stream at its beginning.
func (s *Set) NewStream() *Stream {
	st := &Stream{
		set:    s,
		at:     make([]position, len(s.groups)),
		isFlag: make([]bool, len(s.rules)),
	}
	st.Reset()
	return st
}

// Reset makes st ready for another text.
func (st *Stream) Reset() {
	for i, g := range st.set.groups {
		st.at[i] = position{g.cur.Load(), g.initial(afterOther)}
	}
	st.clearFlags()
	st.pos, st.from, st.edits, st.probe = 0, 0, nil, false
	st.chunk, st.chunkOff, st.tail, st.tailOff = nil, 0, st.tail[:0], 0
	st.last, st.after, st.place, st.userMade = math.MinInt64/2, nil, -1, false
	st.work, st.judged = 0, candidate{}
}

// Write takes the next piece of the text, cut anywhere. All that lies before
// resolved is final: no later edit touches it. The edits, which are new ones,
// are whole, in order, do not overlap, and end at or before resolved.
func (st *Stream) Write(p []byte) (resolved int64, edits []Edit) {
	if st.set.Empty() {
		st.pos += int64(len(p))
		return st.pos, nil
	}
	st.edits = nil
	st.chunk, st.chunkOff = p, st.pos
	for len(p) > 0 {
		block := p[:min(len(p), blockSize)]
		st.scan(block)
		p = p[len(block):]
		if undecided := st.pos - st.set.hold; st.from < undecided {
			st.decide(undecided, st.pos, false)
		}
	}
	st.retain()
	return st.from, st.edits
}

// Close ends the text and resolves the rest of it. Before another text can be
// written, st must be reset.
func (st *Stream) Close() (resolved int64, edits []Edit) {
	st.edits = nil
	for i, g := range st.set.groups {
		for _, pc := range g.state(st.at[i].t, st.at[i].e).pcs {
			st.flag(g.rules[g.owner[pc]])
		}
	}
	st.chunk, st.chunkOff = nil, st.pos
	if st.from < st.pos {
		st.decide(st.pos, st.pos, true)
	}
	st.clearFlags()
	st.from = st.pos
	return st.from, st.edits
}

func (st *Stream) flag(rule int) {
	if !st.isFlag[rule] {
		st.isFlag[rule] = true
		st.flagged = append(st.flagged, rule)
	}
}

func (st *Stream) clearFlags() {
	for _, r := range st.flagged {
		st.isFlag[r] = false
	}
	st.flagged = st.flagged[:0]
}

// scan advances over block in all automata at once.
func (st *Stream) scan(block []byte) {
	cut := -1
	for i := 0; i < len(block); {
		if len(st.flagged) == 0 {
			i, cut = st.skim(block, i, cut)
			if cut >= 0 { // nothing was found before it
				st.from = max(st.from, st.pos+int64(cut))
			}
			if i == len(block) {
				break
			}
		}
		idle := st.step(block[i])
		i++
		if idle {
			cut = i
			st.decide(st.pos+int64(i), st.pos+int64(i), false)
			st.clearFlags()
		}
	}
	st.pos += int64(len(block))
}

// step consumes one byte, and reports whether no automaton has a thread left.
func (st *Stream) step(b byte) bool {
	idle := entryIdle
	for k := range st.at {
		p, g := &st.at[k], &st.set.groups[k]
		col := g.class[b]
		n := atomic.LoadUint32(&p.t.cells[p.e&entryRow+uint32(col)])
		if n == 0 {
			p.t, n = g.miss(p.t, p.e, int(col))
		}
		if n&entryAccept != 0 {
			for _, det := range g.state(p.t, n).accept {
				st.flag(g.rules[det])
			}
		}
		p.e = n
		idle &= n
	}
	return idle != 0
}

// skim consumes bytes from i on for as long as that takes no more than a look
// into the tables. It returns where it stopped, and the last cut.
func (st *Stream) skim(block []byte, i, cut int) (int, int) {
	switch len(st.at) {
	case 1:
		return skimOne(&st.at[0], &st.set.groups[0].class, block, i, cut)
	case 2:
		return skimTwo(&st.at[0], &st.at[1], &st.set.groups[0].class, &st.set.groups[1].class, block, i, cut)
	}
	return i, cut
}

func skimOne(p *position, class *[256]byte, block []byte, i, cut int) (int, int) {
	cells, e := p.t.cells, p.e
	for i < len(block) {
		n := atomic.LoadUint32(&cells[e&entryRow+uint32(class[block[i]])])
		if n&entryPlain == 0 {
			break
		}
		e = n
		i++
		if n&entryIdle != 0 {
			cut = i
		}
	}
	p.e = e
	return i, cut
}

func skimTwo(p, q *position, pClass, qClass *[256]byte, block []byte, i, cut int) (int, int) {
	pCells, pe := p.t.cells, p.e
	qCells, qe := q.t.cells, q.e
	for i < len(block) {
		b := block[i]
		pn := atomic.LoadUint32(&pCells[pe&entryRow+uint32(pClass[b])])
		qn := atomic.LoadUint32(&qCells[qe&entryRow+uint32(qClass[b])])
		if pn&qn&entryPlain == 0 {
			break
		}
		pe, qe = pn, qn
		i++
		if pn&qn&entryIdle != 0 {
			cut = i
		}
	}
	p.e, q.e = pe, qe
	return i, cut
}

// text returns the text between two offsets, of which the first is not before
// what retain has kept.
func (st *Stream) text(lo, hi int64) []byte {
	if lo >= st.chunkOff {
		return st.chunk[lo-st.chunkOff : hi-st.chunkOff]
	}
	if end := st.tailOff + int64(len(st.tail)); end < hi {
		st.tail = append(st.tail, st.chunk[end-st.chunkOff:hi-st.chunkOff]...)
	}
	return st.tail[lo-st.tailOff : hi-st.tailOff]
}

// retain keeps what later calls need of the text.
func (st *Stream) retain() {
	lo := max(st.from-leftKept, 0)
	if lo >= st.chunkOff {
		st.tail = append(st.tail[:0], st.chunk[lo-st.chunkOff:]...)
		st.tailOff = lo
	} else {
		st.text(lo, st.pos)
		if lo-st.tailOff > slack {
			st.tail = append(st.tail[:0], st.tail[lo-st.tailOff:]...)
			st.tailOff = lo
		}
	}
	st.chunk, st.chunkOff = nil, st.pos
}
