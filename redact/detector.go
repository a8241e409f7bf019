package redact

import (
	"bytes"
	"regexp/syntax"
	"sync"
	"sync/atomic"
)

// A detector finds one entity, or what one user selector asks for. What it
// finds is defined on the whole text: at a position, the longest match of its
// shape that no rule below rejects.
type detector struct {
	entity string // Edit.Entity
	label  string // in placeholders

	literal []byte // if not nil, what is matched, and then shape and match are nil
	shape   *syntax.Regexp
	match   *automaton // anchored, exactly shape
	first   byteSet    // bytes that a match may begin with
	length  int        // of the longest match, in bytes

	// words: no letter, digit or "_" may touch the match on either side.
	words bool
	// valid decides on what the shape lets through; nil accepts all.
	valid func(c *candidate) bool
}

// builtin describes an entity. shape is an RE2 expression without assertions,
// every match of which is bounded; valid is documented at its declaration.
type builtin struct {
	entity string
	shape  string
	valid  func(c *candidate) bool
}

// builtins are the entities of this build in their order of priority: of two
// matches with the same bounds the earlier entity's is taken.
var builtins = []builtin{
	{"CREDIT_CARD", cardShape, validCard},
	{"IBAN", ibanShape, validIBAN},
	{"US_SSN", ssnShape, validSSN},
	{"EMAIL", emailShape, validEmail},
	{"IP", ipShape, validIP},
}

// groups are the selectors that stand for several entities; "*" stands for all.
var groups = map[string][]string{
	"PII": {"EMAIL", "CREDIT_CARD", "US_SSN", "IBAN", "IP"},
}

// planned are names that the project's documentation gives to entities and
// groups which this version does not have.
var planned = []string{
	"AU_ABN", "AU_ACN", "AU_MEDICARE", "AU_TFN", "BIC", "BR_CNPJ", "BR_CPF",
	"CA_SIN", "CARD_EXPIRY", "CN_ID", "CRYPTO", "CVV", "DEA", "DE_TAX_ID",
	"ES_NIE", "ES_NIF", "FI_HETU", "FR_NIR", "IMEI", "IN_AADHAAR", "IN_GSTIN",
	"IN_PAN", "IT_FISCAL_CODE", "KR_RRN", "MAC", "NL_BSN", "PHONE", "PL_PESEL",
	"SECRETS", "SE_PERSONNUMMER", "SG_NRIC", "TH_ID", "TR_ID", "UK_NHS",
	"UK_NINO", "URL", "US_BANK_ACCOUNT", "US_DRIVER_LICENSE", "US_ITIN",
	"US_MBI", "US_NPI", "US_PASSPORT", "US_ROUTING", "VIN", "ZA_ID",
}

// builtinDetectors are compiled once; their automata are shared by all sets.
var builtinDetectors = sync.OnceValue(func() map[string]*detector {
	all := make(map[string]*detector, len(builtins))
	for _, b := range builtins {
		re, err := syntax.Parse(b.shape, syntax.Perl)
		if err != nil {
			panic("redact: shape of " + b.entity + ": " + err.Error())
		}
		d := newDetector(b.entity, b.entity, re)
		d.words, d.valid = true, b.valid
		all[b.entity] = d
	}
	return all
})

// newDetector compiles re, which must not match the empty string. It returns
// nil if the program is too large.
func newDetector(entity, label string, re *syntax.Regexp) *detector {
	d := &detector{entity: entity, label: label, shape: re}
	b := newBuilder(maxInsts)
	start := b.expr(re, b.accept(0, 0))
	if b.full {
		return nil
	}
	d.match = newAnchored(b.prog, start)
	_, d.length = matchLength(re)
	if d.length < 0 {
		d.length = unboundedMatch
	}
	firstRunes(re, func(pairs []rune) {
		for i := 0; i+1 < len(pairs); i += 2 {
			utf8Ranges(pairs[i], pairs[i+1], func(lo, hi []byte) { d.first.addRange(lo[0], hi[0]) })
		}
	})
	return d
}

func newLiteral(entity, label, text string) *detector {
	d := &detector{entity: entity, label: label, literal: []byte(text), length: len(text)}
	d.first.add(text[0])
	return d
}

// size is the number of instructions that d needs.
func (d *detector) size() int {
	if d.literal != nil {
		return len(d.literal)
	}
	return len(d.match.insts)
}

// compile adds d's relaxed shape to b, the program of a scanning automaton in
// which d is number det. Behind the shape it keeps the thread alive over the
// right context that a decision about the match needs.
func (d *detector) compile(b *builder, det uint32) uint32 {
	if d.literal != nil {
		at := b.accept(det, 0)
		for i := len(d.literal) - 1; i >= 0; i-- {
			at = b.set(rangeSet(d.literal[i], d.literal[i]), at)
		}
		return at
	}
	switch {
	case d.words:
		return b.expr(d.shape, b.rightEdge(det))
	case d.match.asserts:
		return b.expr(d.shape, b.accept(det, b.set(rangeSet(0, 0xFF), 0)))
	default:
		return b.expr(d.shape, b.accept(det, 0))
	}
}

// rightEdge accepts at the first byte after a value, unless that is an ASCII
// word byte, and lives on until the runes of rightContext are complete.
func (b *builder) rightEdge(det uint32) uint32 {
	anything, high := rangeSet(0, 0xFF), rangeSet(0x80, 0xFF)
	var connector, other byteSet
	for c := range byte(0x80) {
		switch {
		case isConnector(c):
			connector.add(c)
		case !wordBytes.has(c):
			other.add(c)
		}
	}
	rest := b.set(anything, b.set(anything, b.set(anything, 0))) // of a rune
	second := b.split([]uint32{b.set(rangeSet(0, 0x7F), 0), b.set(high, rest)})
	return b.split([]uint32{
		b.set(other, b.accept(det, 0)),
		b.set(connector, b.accept(det, second)),
		b.set(high, b.accept(det, rest)),
	})
}

// ends appends the ends of all matches of d's shape that begin at i to dst, in
// rising order, and says how many bytes it looked at. The text is known up to
// len(text), which is its end if eof; after is the kind of the byte before i.
func (d *detector) ends(dst []int, text []byte, i int, after uint8, eof bool) (ends []int, work int) {
	if d.literal != nil {
		if bytes.HasPrefix(text[i:], d.literal) {
			dst = append(dst, i+len(d.literal))
		}
		return dst, len(d.literal)
	}
	a := d.match
	t := a.cur.Load()
	e := a.initial(after)
	for j := i; ; j++ {
		col := a.stop
		switch {
		case j < len(text):
			col = int(a.class[text[j]])
		case eof:
			col = a.eof
		}
		n := atomic.LoadUint32(&t.cells[e&entryRow+uint32(col)])
		if n == 0 {
			t, n = a.miss(t, e, col)
		}
		if n&entryBefore != 0 && (len(dst) == 0 || dst[len(dst)-1] != j) {
			dst = append(dst, j)
		}
		if j == len(text) || j == i+d.length {
			return dst, j - i
		}
		if n&entryAccept != 0 {
			dst = append(dst, j+1)
		}
		if n&entryIdle != 0 {
			return dst, j + 1 - i
		}
		e = n
	}
}
