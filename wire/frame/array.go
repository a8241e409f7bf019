package frame

import (
	"bytes"
	"errors"
)

// Array is the format of one JSON array of objects that is written as it
// grows. Each object is a frame, whose lead is the bracket or comma before it.
// The closing bracket is a frame whose data is "]".
//
// Whether a document is valid JSON is for its reader to find out: only strings
// and brackets are looked at here.
var Array Format = array{}

var errArray = errors.New("the stream is not a JSON array of objects")

type array struct{}

func (array) NewReader() Reader { return &arrayReader{} }

// arrayReader only ever appends to buf, since frames refer to it.
type arrayReader struct {
	buf    []byte
	at     int // up to where buf was looked at
	begin  int // where the object begins, in its frame
	depth  int // of the brackets that are open; 0 between objects
	quoted bool
	escape bool
	state  arrayState
	err    error
}

type arrayState int

const (
	wantOpen   arrayState = iota // "["
	wantFirst                    // an object or "]"
	wantObject                   // an object, after a comma
	wantComma                    // "," or "]"
	closed
)

func (r *arrayReader) Feed(b []byte) {
	if len(r.buf) == 0 {
		r.buf = bytes.Clone(b)
		return
	}
	r.buf = append(r.buf, b...)
}

func (r *arrayReader) Next() (Frame, bool, error) {
	for ; r.err == nil && r.at < len(r.buf); r.at++ {
		if r.at >= MaxFrame {
			r.err = ErrTooLarge
			break
		}
		c := r.buf[r.at]
		if r.depth > 0 {
			if r.inside(c) {
				return r.cut(r.buf[r.begin : r.at+1]), true, nil
			}
			continue
		}
		if c == ' ' || c == '\t' || c == '\r' || c == '\n' {
			continue
		}
		switch {
		case c == '[' && r.state == wantOpen:
			r.state = wantFirst
		case c == '{' && (r.state == wantFirst || r.state == wantObject):
			r.begin, r.depth = r.at, 1
		case c == ',' && r.state == wantComma:
			r.state = wantObject
		case c == ']' && (r.state == wantFirst || r.state == wantComma):
			r.begin = r.at
			f := r.cut(r.buf[r.at : r.at+1])
			r.state = closed
			return f, true, nil
		default:
			r.err = errArray
		}
	}
	return Frame{}, false, r.err
}

// inside reads a byte of an object and tells whether it ends it.
func (r *arrayReader) inside(c byte) bool {
	switch {
	case r.escape:
		r.escape = false
	case r.quoted:
		r.escape = c == '\\'
		r.quoted = c != '"'
	case c == '"':
		r.quoted = true
	case c == '{' || c == '[':
		r.depth++
	case c == '}' || c == ']':
		r.depth--
	}
	return r.depth == 0
}

func (r *arrayReader) cut(data []byte) Frame {
	end := r.at + 1
	f := Frame{Raw: r.buf[:end:end], Lead: r.begin, Data: data, HasData: true}
	r.buf = r.buf[end:]
	r.at, r.begin = 0, 0
	r.state = wantComma
	return f
}

// Close gives white space after the array; an array that is not closed is an
// error.
func (r *arrayReader) Close() (Frame, bool, error) {
	if r.err == nil && r.state != closed {
		r.err = errArray
	}
	if r.err != nil || len(r.buf) == 0 {
		return Frame{}, false, r.err
	}
	f := Frame{Raw: r.buf}
	r.buf, r.at = nil, 0
	return f, true, nil
}

func (array) Append(dst []byte, f Frame, data []byte) []byte {
	dst = append(dst, f.Raw[:f.Lead]...)
	return append(dst, data...)
}

func (array) AppendNew(dst []byte, _ string, data []byte) []byte {
	return append(append(dst, ','), data...)
}

func (array) Stray(Frame) bool      { return false }
func (array) Asides(Frame) []byte   { return nil }
func (array) Without(f Frame) Frame { return f }
