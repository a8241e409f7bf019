package strictjson

import (
	"bytes"
	"math"
	"slices"
	"sync"
)

// The limits that hold where a field of [Limits] is zero.
const (
	DefaultDepth = 64
	DefaultKeys  = 4096
	DefaultNodes = 1 << 20
)

// Limits bound what a body may make the gate and its readers do. A field that is
// zero or negative takes its default.
type Limits struct {
	// Depth is the greatest number of arrays and objects open at once.
	Depth int
	// Keys is the greatest number of members of one object.
	Keys int
	// Nodes is the greatest number of values and member names in the whole body.
	Nodes int
}

// node is one entry of the tape. The tape is in document order: an object is
// followed by name, value, name, value…; an array by its elements.
type node struct {
	start, end uint32 // span in the body, quotes included
	next       uint32 // index of the first node after this one and all inside it
	meta       uint32 // the kind, escapedBit, and from countShift on the number of members or elements
}

const (
	kindMask   = 7
	escapedBit = 8 // a string with at least one backslash
	countShift = 4
	maxNodes   = 1 << (32 - countShift) // what counts and indices have room for
)

func (n *node) kind() Kind    { return Kind(n.meta & kindMask) }
func (n *node) escaped() bool { return n.meta&escapedBit != 0 }
func (n *node) count() int    { return int(n.meta >> countShift) }

// Doc is a body that passed the gate, and its tape.
type Doc struct {
	body []byte
	tape *tape
}

// tape is what the pool holds. Doc is not pooled: a Value that outlives Release
// panics on the missing tape instead of reading the next body's.
type tape struct{ nodes []node }

// maxPooledNodes bounds the tapes that are kept for reuse, to 4 MB each.
const maxPooledNodes = 1 << 18

var (
	tapes   = sync.Pool{New: func() any { return &tape{nodes: make([]node, 0, 256)} }}
	parsers = sync.Pool{New: func() any { return new(parser) }}
)

// Parse validates body and returns its tape. The root may be any value; that it
// is an object is for the caller to check. body is neither copied nor changed,
// and must not be changed while the Doc is used. A refusal is an [*Error].
func Parse(body []byte, l Limits) (*Doc, error) {
	if len(body) > math.MaxUint32 {
		return nil, &Error{ReasonTooLarge, math.MaxUint32}
	}
	p := parsers.Get().(*parser)
	t := tapes.Get().(*tape)
	err := p.parse(body, t.nodes[:0], l)
	t.nodes = p.nodes
	p.release()
	if err != nil {
		t.release()
		return nil, err
	}
	return &Doc{body: body, tape: t}, nil
}

// Release returns the tape to the pool. The Doc and its Values must not be used
// afterwards (they panic); a second Release does nothing.
func (d *Doc) Release() {
	if d == nil || d.tape == nil {
		return
	}
	t := d.tape
	d.tape = nil
	t.release()
}

func (t *tape) release() {
	if cap(t.nodes) <= maxPooledNodes {
		tapes.Put(t)
	}
}

// Root returns the body's only top-level value.
func (d *Doc) Root() Value { return Value{d, 0} }

// Bytes returns the body that was given to Parse.
func (d *Doc) Bytes() []byte { return d.body }

// parser walks one body. Its methods take the position of the next byte and
// return the position after what they read, or -1 after a call of fail.
type parser struct {
	body  []byte
	nodes []node
	lim   Limits
	depth int
	err   *Error
	names nameSets
}

func (p *parser) parse(body []byte, nodes []node, l Limits) error {
	if l.Depth <= 0 {
		l.Depth = DefaultDepth
	}
	if l.Keys <= 0 {
		l.Keys = DefaultKeys
	}
	if l.Nodes <= 0 {
		l.Nodes = DefaultNodes
	}
	l.Nodes = min(l.Nodes, maxNodes)
	p.body, p.nodes, p.lim, p.depth, p.err = body, nodes, l, 0, nil
	p.names.reset()
	if hasByteOrderMark(body) {
		p.fail(ReasonByteOrderMark, 0)
		return p.err
	}
	i := p.value(p.space(0))
	if i < 0 {
		return p.err
	}
	if i = p.space(i); i < len(body) {
		p.fail(ReasonTrailingData, i)
		return p.err
	}
	return nil
}

func (p *parser) release() {
	p.body, p.nodes, p.err = nil, nil, nil
	if p.names.small() {
		parsers.Put(p)
	}
}

func (p *parser) fail(reason string, offset int) int {
	if p.err == nil {
		p.err = &Error{reason, int64(offset)}
	}
	return -1
}

// unexpected refuses the byte at i, or the end of the body.
func (p *parser) unexpected(i int) int {
	if i >= len(p.body) {
		return p.fail(ReasonTruncated, len(p.body))
	}
	return p.fail(ReasonNotJSON, i)
}

// push appends a node for the span [start, end) and says whether there was room.
// meta is its kind, for a string with escapes together with escapedBit.
func (p *parser) push(meta uint32, start, end int) bool {
	n := len(p.nodes)
	if n == cap(p.nodes) {
		p.nodes = slices.Grow(p.nodes, max(n, 64)) // append would grow large tapes by a quarter
	}
	if n >= p.lim.Nodes {
		p.fail(ReasonTooManyValues, start)
		return false
	}
	p.nodes = append(p.nodes, node{uint32(start), uint32(end), uint32(n + 1), meta})
	return true
}

// close completes the node of an array or object that ends before end.
func (p *parser) close(self, end, count int) int {
	n := &p.nodes[self]
	n.end, n.next = uint32(end), uint32(len(p.nodes))
	n.meta |= uint32(count) << countShift
	p.depth--
	return end
}

// space skips white space from i on.
func (p *parser) space(i int) int {
	for i < len(p.body) && p.body[i] <= ' ' && isSpace(p.body[i]) {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

func (p *parser) value(i int) int {
	if i >= len(p.body) {
		return p.fail(ReasonTruncated, len(p.body))
	}
	switch c := p.body[i]; c {
	case '"':
		end, meta := p.str(i)
		if end < 0 || !p.push(meta, i, end) {
			return -1
		}
		return end
	case '{':
		return p.object(i)
	case '[':
		return p.array(i)
	case 't':
		return p.literal(i, "true", True)
	case 'f':
		return p.literal(i, "false", False)
	case 'n':
		return p.literal(i, "null", Null)
	default:
		if c == '-' || isDigit(c) {
			return p.number(i)
		}
		return p.fail(ReasonNotJSON, i)
	}
}

func (p *parser) array(i int) int {
	if p.depth++; p.depth > p.lim.Depth {
		return p.fail(ReasonTooDeep, i)
	}
	self := len(p.nodes)
	if !p.push(uint32(Array), i, i) {
		return -1
	}
	i = p.space(i + 1)
	if i < len(p.body) && p.body[i] == ']' {
		return p.close(self, i+1, 0)
	}
	for count := 1; ; count++ {
		if i = p.value(i); i < 0 {
			return -1
		}
		if i = p.space(i); i >= len(p.body) {
			return p.unexpected(i)
		}
		switch p.body[i] {
		case ',':
			i = p.space(i + 1)
		case ']':
			return p.close(self, i+1, count)
		default:
			return p.unexpected(i)
		}
	}
}

func (p *parser) object(i int) int {
	if p.depth++; p.depth > p.lim.Depth {
		return p.fail(ReasonTooDeep, i)
	}
	self := len(p.nodes)
	if !p.push(uint32(Object), i, i) {
		return -1
	}
	i = p.space(i + 1)
	if i < len(p.body) && p.body[i] == '}' {
		return p.close(self, i+1, 0)
	}
	set := p.names.open()
	for count := 1; ; count++ {
		if i = p.key(i, count, &set); i < 0 {
			return -1
		}
		if i = p.value(i); i < 0 {
			return -1
		}
		if i = p.space(i); i >= len(p.body) {
			return p.unexpected(i)
		}
		switch p.body[i] {
		case ',':
			i = p.space(i + 1)
		case '}':
			p.names.close(&set)
			return p.close(self, i+1, count)
		default:
			return p.unexpected(i)
		}
	}
}

// key reads the count-th member name of an object and its colon, and returns the
// position of the member's value.
func (p *parser) key(i, count int, set *nameSet) int {
	if i >= len(p.body) || p.body[i] != '"' {
		return p.unexpected(i)
	}
	if count > p.lim.Keys {
		return p.fail(ReasonTooManyKeys, i)
	}
	end, meta := p.str(i)
	if end < 0 {
		return -1
	}
	name := p.body[i+1 : end-1]
	var control bool
	if meta&escapedBit != 0 {
		name = Unescape(nil, p.body[i:end])
		control = hasControl(name)
	} else {
		control = bytes.IndexByte(name, 0x7F) >= 0 // str has refused the others
	}
	if control {
		return p.fail(ReasonControlInKey, i)
	}
	self := len(p.nodes)
	if !p.push(meta, i, end) {
		return -1
	}
	if !p.addName(set, name, uint32(self)) {
		return p.fail(ReasonDuplicateKey, i)
	}
	if i = p.space(end); i >= len(p.body) || p.body[i] != ':' {
		return p.unexpected(i)
	}
	return p.space(i + 1)
}
