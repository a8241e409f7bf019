package sse

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"
)

// DefaultMaxEvent is the limit on one event where [Reader].MaxEvent is zero, in bytes.
const DefaultMaxEvent = 8 << 20

// ErrEventTooLarge is the error of [Reader.Next] for an event over MaxEvent.
var ErrEventTooLarge = errors.New("sse: event too large")

// Event is one event of a stream. Its slices are never overwritten by the Reader:
// they stay valid for as long as they are referred to, so that events may be
// queued without a copy. They share memory and must not be written to.
type Event struct {
	// Raw is the event as received: the lines, comments among them, and the blank
	// line that ends it. The Raw of all events, in order, is the stream.
	//
	// An event whose blank line is a CR is complete at the CR. If an LF follows
	// that belongs to the same line ending, it is the first byte of the next Raw,
	// however the stream was cut.
	Raw []byte
	// Lead is the number of bytes of Raw before its first line: the stream's byte
	// order mark, or the LF of the CRLF that ended the event before.
	Lead int
	// Data is the values of the data fields, joined with LF. It is nil if there
	// is no data field, and not nil, though perhaps empty, if there is one.
	Data []byte
	// HasData tells whether there is a data field: whether a browser would
	// dispatch the event.
	HasData bool
	// Name is the value of the last event field; "" where there is none, which
	// stands for "message".
	Name string
	// ID is the value of the last id field without a NUL; "" where there is none.
	ID string
}

// Reader cuts a stream into events. The zero Reader is ready for use. It works by
// calls of Feed with what has arrived, each followed by calls of Next until there
// is no further event, and calls of Close at the end of the stream. A Reader is
// not for use by several goroutines at once.
type Reader struct {
	// MaxEvent is the greatest length of one event's Raw, in bytes; zero stands
	// for DefaultMaxEvent.
	MaxEvent int

	// buf is only ever appended to, since events refer to it; when it is full,
	// what is not yet yielded moves to a new one. Positions are indices into it.
	buf     []byte
	start   int // of the event
	line    int // start of the line
	scan    int // up to where the line's end has been sought
	afterCR bool
	begun   bool // the first line, which may have a byte order mark, was seen
	cur     fields
	name    string // the last event's, since most streams repeat it
	err     error
}

// fields is what the lines of the current event have said so far. Positions are
// relative to the event's start.
type fields struct {
	lead             int
	hasData          bool
	dataFrom, dataTo int
	joined           []byte // the data, if it has more than one line
	name             string
	id               string
}

const (
	minBuffer = 4 << 10
	maxAhead  = 64 << 10
)

// Feed takes the next bytes of the stream, which it copies. After an error it
// does nothing.
func (r *Reader) Feed(p []byte) {
	if r.err != nil {
		return
	}
	if len(p) > cap(r.buf)-len(r.buf) {
		r.move(len(p))
	}
	r.buf = append(r.buf, p...)
}

// move continues in a new buffer that has room for n bytes and some more: a few
// times n where events are short, as much again as is pending where they are long.
func (r *Reader) move(n int) {
	pending := r.buf[r.start:]
	room := max(n, min(4*n, maxAhead), minBuffer)
	buf := make([]byte, len(pending), 2*len(pending)+room)
	copy(buf, pending)
	r.buf, r.line, r.scan, r.start = buf, r.line-r.start, r.scan-r.start, 0
}

// Next returns the next whole event. If ok is false, more input is needed. An
// event is yielded as soon as its blank line is there. The only error is
// [ErrEventTooLarge], and it is permanent: nothing of that event or behind it is
// yielded.
func (r *Reader) Next() (ev Event, ok bool, err error) {
	for r.err == nil {
		if r.afterCR && r.scan < len(r.buf) {
			r.skipLF()
		}
		n := indexLineEnd(r.buf[r.scan:])
		if n < 0 {
			r.scan = len(r.buf)
			r.limit(len(r.buf))
			break
		}
		end := r.scan + n
		r.scan = end + 1
		r.afterCR = r.buf[end] == '\r'
		blank := r.endLine(end)
		r.line = r.scan
		if blank {
			if !r.limit(r.scan) {
				break
			}
			return r.event(), true, nil
		}
	}
	return Event{}, false, r.err
}

// Close returns, one by one, what is left at the end of the stream: whole events
// that were not taken yet, then lines without a blank line after them, a partial
// one too, as a last event. If ok is false, nothing is left. After an error
// nothing is.
func (r *Reader) Close() (ev Event, ok bool) {
	if ev, ok, err := r.Next(); ok || err != nil {
		return ev, ok
	}
	if r.start == len(r.buf) {
		return Event{}, false
	}
	if r.line < len(r.buf) {
		r.endLine(len(r.buf))
		r.line = len(r.buf)
	}
	return r.event(), true
}

// skipLF takes an LF at the start of a line as part of the CRLF before it.
func (r *Reader) skipLF() {
	r.afterCR = false
	if r.buf[r.scan] != '\n' {
		return
	}
	r.scan++
	if r.line == r.start {
		r.cur.lead = 1
	}
	r.line = r.scan
}

// endLine interprets the line that ends before end. It returns true if the line
// is blank.
func (r *Reader) endLine(end int) bool {
	if !r.begun {
		r.begun = true
		if bytes.HasPrefix(r.buf[r.line:end], []byte(byteOrderMark)) {
			r.cur.lead = len(byteOrderMark)
			r.line += len(byteOrderMark)
		}
	}
	if r.line == end {
		return true
	}
	name, from := splitField(r.buf[r.line:end])
	value := r.buf[r.line+from : end]
	switch string(name) {
	case "data":
		r.addData(r.line+from-r.start, end-r.start)
	case "event":
		if r.name != string(value) {
			r.name = string(value)
		}
		r.cur.name = r.name
	case "id":
		if bytes.IndexByte(value, 0) < 0 {
			r.cur.id = string(value)
		}
	}
	return false
}

func (r *Reader) addData(from, to int) {
	c := &r.cur
	switch {
	case !c.hasData:
		c.hasData, c.dataFrom, c.dataTo = true, from, to
		return
	case c.joined == nil:
		first := r.buf[r.start+c.dataFrom : r.start+c.dataTo]
		c.joined = make([]byte, 0, 2*(len(first)+1+to-from))
		c.joined = append(c.joined, first...)
	}
	c.joined = append(c.joined, '\n')
	c.joined = append(c.joined, r.buf[r.start+from:r.start+to]...)
}

// event returns what lies between start and line, and begins the next event.
func (r *Reader) event() Event {
	c := &r.cur
	ev := Event{Raw: r.buf[r.start:r.line:r.line], Lead: c.lead, HasData: c.hasData, Name: c.name, ID: c.id}
	switch {
	case c.joined != nil:
		ev.Data = c.joined
	case c.hasData:
		ev.Data = ev.Raw[c.dataFrom:c.dataTo:c.dataTo]
	}
	r.start, r.cur = r.line, fields{}
	return ev
}

// limit checks the length of an event that reaches at least up to end.
func (r *Reader) limit(end int) bool {
	most := r.MaxEvent
	if most <= 0 {
		most = DefaultMaxEvent
	}
	if end-r.start > most {
		r.err = ErrEventTooLarge
		r.buf, r.cur = nil, fields{}
	}
	return r.err == nil
}

const byteOrderMark = "\xEF\xBB\xBF"

// splitField returns the name of a line's field and where its value begins: after
// the colon and one space, at the line's end if there is no colon. A comment has
// an empty name.
func splitField(line []byte) (name []byte, value int) {
	colon := bytes.IndexByte(line, ':')
	if colon < 0 {
		return line, len(line)
	}
	value = colon + 1
	if value < len(line) && line[value] == ' ' {
		value++
	}
	return line[:colon], value
}

// indexLineEnd returns the position of the first CR or LF, or -1. It looks at
// eight bytes at once.
func indexLineEnd(b []byte) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	i := 0
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i : i+8])
		cr, lf := x^ones*'\r', x^ones*'\n'
		if m := ((cr-ones)&^cr | (lf-ones)&^lf) & highs; m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for ; i < len(b); i++ {
		if b[i] == '\n' || b[i] == '\r' {
			return i
		}
	}
	return -1
}
