package redact

import (
	"regexp/syntax"
	"unicode"
	"unicode/utf8"
)

// A byteSet is a set of byte values.
type byteSet [4]uint64

func (s *byteSet) add(b byte)      { s[b>>6] |= 1 << (b & 63) }
func (s *byteSet) has(b byte) bool { return s[b>>6]&(1<<(b&63)) != 0 }

func (s *byteSet) addRange(lo, hi byte) {
	for b := int(lo); b <= int(hi); b++ {
		s.add(byte(b))
	}
}

func rangeSet(lo, hi byte) (s byteSet) {
	s.addRange(lo, hi)
	return s
}

type opcode uint8

const (
	opFail   opcode = iota // no way on
	opSet                  // consume one byte of sets[arg], go on at out
	opSplit                // go on at out and at arg
	opAssert               // go on at out if the syntax.EmptyOp in arg holds here
	opAccept               // detector arg has a match that ends here; go on at out
)

// An inst is one instruction of a byte automaton. Instruction 0 is always
// opFail, so that "nowhere" is the zero pc.
type inst struct {
	op       opcode
	out, arg uint32
}

// A prog is a nondeterministic automaton over bytes. UTF-8 is compiled into
// it: a character class becomes the byte sequences of its runes, so a byte
// that is part of no valid rune matches nothing.
type prog struct {
	insts   []inst
	sets    []byteSet
	asserts bool // has opAssert
}

// A builder compiles parsed expressions into a prog, back to front: every
// method takes the pc that follows and returns the pc to enter at.
type builder struct {
	prog
	setIndex map[byteSet]uint32
	limit    int  // of instructions
	full     bool // the limit was reached; the prog is unusable

	// relax drops the upper bounds of wide repetitions. The automaton matches
	// more than the expression, and needs far fewer states.
	relax bool
	// noAsserts compiles assertions as if they held everywhere.
	noAsserts bool
}

func newBuilder(limit int) *builder {
	return &builder{
		prog:     prog{insts: make([]inst, 1, 64)},
		setIndex: make(map[byteSet]uint32),
		limit:    limit,
	}
}

func (b *builder) emit(in inst) uint32 {
	if len(b.insts) >= b.limit {
		b.full = true
		return 0
	}
	b.insts = append(b.insts, in)
	return uint32(len(b.insts) - 1)
}

func (b *builder) set(s byteSet, next uint32) uint32 {
	i, ok := b.setIndex[s]
	if !ok {
		i = uint32(len(b.sets))
		b.sets = append(b.sets, s)
		b.setIndex[s] = i
	}
	return b.emit(inst{op: opSet, out: next, arg: i})
}

func (b *builder) accept(det, next uint32) uint32 {
	return b.emit(inst{op: opAccept, out: next, arg: det})
}

// split enters all of pcs.
func (b *builder) split(pcs []uint32) uint32 {
	if len(pcs) == 0 {
		return 0
	}
	at := pcs[len(pcs)-1]
	for i := len(pcs) - 2; i >= 0; i-- {
		at = b.emit(inst{op: opSplit, out: pcs[i], arg: at})
	}
	return at
}

func (b *builder) expr(re *syntax.Regexp, next uint32) uint32 {
	if b.full {
		return 0
	}
	switch re.Op {
	case syntax.OpEmptyMatch:
		return next
	case syntax.OpLiteral:
		for i := len(re.Rune) - 1; i >= 0; i-- {
			next = b.class(literalClass(re.Rune[i], re.Flags), next)
		}
		return next
	case syntax.OpCharClass:
		return b.class(re.Rune, next)
	case syntax.OpAnyCharNotNL:
		return b.class(anyNotNL, next)
	case syntax.OpAnyChar:
		return b.class(anyRune, next)
	case syntax.OpBeginLine:
		return b.assert(syntax.EmptyBeginLine, next)
	case syntax.OpEndLine:
		return b.assert(syntax.EmptyEndLine, next)
	case syntax.OpBeginText:
		return b.assert(syntax.EmptyBeginText, next)
	case syntax.OpEndText:
		return b.assert(syntax.EmptyEndText, next)
	case syntax.OpWordBoundary:
		return b.assert(syntax.EmptyWordBoundary, next)
	case syntax.OpNoWordBoundary:
		return b.assert(syntax.EmptyNoWordBoundary, next)
	case syntax.OpCapture:
		return b.expr(re.Sub[0], next)
	case syntax.OpStar:
		return b.repeat(re.Sub[0], 0, -1, next)
	case syntax.OpPlus:
		return b.repeat(re.Sub[0], 1, -1, next)
	case syntax.OpQuest:
		return b.repeat(re.Sub[0], 0, 1, next)
	case syntax.OpRepeat:
		return b.repeat(re.Sub[0], re.Min, re.Max, next)
	case syntax.OpConcat:
		for i := len(re.Sub) - 1; i >= 0; i-- {
			next = b.expr(re.Sub[i], next)
		}
		return next
	case syntax.OpAlternate:
		pcs := make([]uint32, 0, len(re.Sub))
		for _, sub := range re.Sub {
			pcs = append(pcs, b.expr(sub, next))
		}
		return b.split(pcs)
	default: // syntax.OpNoMatch
		return 0
	}
}

func (b *builder) assert(op syntax.EmptyOp, next uint32) uint32 {
	if b.noAsserts {
		return next
	}
	b.asserts = true
	return b.emit(inst{op: opAssert, out: next, arg: uint32(op)})
}

// relaxWidth is the width of a repetition (its most less its least) from
// which a relaxed automaton forgets the upper bound.
const relaxWidth = 5

func (b *builder) repeat(sub *syntax.Regexp, least, most int, next uint32) uint32 {
	if b.relax && most-least >= relaxWidth {
		most = -1
	}
	at := next
	if most < 0 {
		loop := b.emit(inst{op: opSplit, arg: next})
		if b.full {
			return 0
		}
		b.insts[loop].out = b.expr(sub, loop)
		at = loop
	}
	for range most - least {
		at = b.split([]uint32{b.expr(sub, at), next})
		if b.full {
			return 0
		}
	}
	for range least {
		at = b.expr(sub, at)
		if b.full {
			return 0
		}
	}
	return at
}

var (
	anyRune  = []rune{0, unicode.MaxRune}
	anyNotNL = []rune{0, '\n' - 1, '\n' + 1, unicode.MaxRune}
)

// literalClass returns the class of r: itself, and with folding on, the runes
// that simple case folding makes equal to it.
func literalClass(r rune, flags syntax.Flags) []rune {
	class := []rune{r, r}
	if flags&syntax.FoldCase != 0 {
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			class = append(class, f, f)
		}
	}
	return class
}

// class compiles pairs of first and last runes. Byte sequences with equal
// tails share them, and heads that lead to the same tail are one instruction.
func (b *builder) class(pairs []rune, next uint32) uint32 {
	type tail struct {
		lo, hi byte
		next   uint32
	}
	tails := make(map[tail]uint32)
	heads := make(map[uint32]*byteSet)
	var order []uint32
	for i := 0; i+1 < len(pairs); i += 2 {
		utf8Ranges(pairs[i], pairs[i+1], func(lo, hi []byte) {
			at := next
			for k := len(lo) - 1; k > 0; k-- {
				t := tail{lo[k], hi[k], at}
				pc, ok := tails[t]
				if !ok {
					pc = b.set(rangeSet(lo[k], hi[k]), at)
					tails[t] = pc
				}
				at = pc
			}
			if heads[at] == nil {
				heads[at] = new(byteSet)
				order = append(order, at)
			}
			heads[at].addRange(lo[0], hi[0])
		})
		if b.full {
			return 0
		}
	}
	pcs := make([]uint32, 0, len(order))
	for _, at := range order {
		pcs = append(pcs, b.set(*heads[at], at))
	}
	return b.split(pcs)
}

// utf8Ranges calls f with the first and the last byte sequence of each piece
// of [lo, hi] whose runes' encodings are exactly the product of the byte
// ranges between the two. Surrogates have no encoding and are left out.
func utf8Ranges(lo, hi rune, f func(lo, hi []byte)) {
	const surrogateMin, surrogateMax = 0xD800, 0xDFFF
	if lo > hi {
		return
	}
	if lo <= surrogateMax && hi >= surrogateMin {
		utf8Ranges(lo, surrogateMin-1, f)
		utf8Ranges(surrogateMax+1, hi, f)
		return
	}
	for _, last := range []rune{0x7F, 0x7FF, 0xFFFF} { // of 1, 2 and 3 bytes
		if lo <= last && last < hi {
			utf8Ranges(lo, last, f)
			utf8Ranges(last+1, hi, f)
			return
		}
	}
	for n := 1; hi > 0x7F && n < utf8.UTFMax; n++ { // align to continuation bytes
		m := rune(1)<<(6*n) - 1
		if lo&^m == hi&^m {
			continue
		}
		if lo&m != 0 {
			utf8Ranges(lo, lo|m, f)
			utf8Ranges((lo|m)+1, hi, f)
			return
		}
		if hi&m != m {
			utf8Ranges(lo, hi&^m-1, f)
			utf8Ranges(hi&^m, hi, f)
			return
		}
	}
	f(utf8.AppendRune(nil, lo), utf8.AppendRune(nil, hi))
}

// byteClasses numbers the classes of bytes that no set of sets tells apart.
func byteClasses(sets []byteSet) (class [256]uint8, n int) {
	for i := range sets {
		type key struct {
			old uint8
			in  bool
		}
		renumber := make(map[key]uint8)
		for b := range 256 {
			k := key{class[b], sets[i].has(byte(b))}
			c, ok := renumber[k]
			if !ok {
				c = uint8(len(renumber))
				renumber[k] = c
			}
			class[b] = c
		}
		n = len(renumber)
	}
	return class, max(n, 1)
}
