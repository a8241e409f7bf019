// Package jsonl reads lines of JSON (JSON Lines, https://jsonlines.org) inside
// a body.
package jsonl

import (
	"bytes"
	"strconv"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// Line is one line that holds an object.
type Line struct {
	// Name is "line 3"; the first is line 1.
	Name string
	// Offset is where the line begins in the body. Spans of Root's values are
	// relative to it.
	Offset int
	Root   strictjson.Value
}

// Span is where a value of the line stands in the body.
func (l *Line) Span(v strictjson.Value) (start, end int) {
	start, end = v.Span()
	return start + l.Offset, end + l.Offset
}

// Text is a string of the line.
func (l *Line) Text(v strictjson.Value, list string) wire.Text {
	start, end := l.Span(v)
	return wire.Text{Start: start, End: end, Place: wire.Place{List: list, Index: -1}, Choice: -1}
}

// Each calls f for every line of the bytes from start to end of a body. Each
// line must hold one object that passes the gate, and the last may end in a
// line break. Errors are *[wire.Error] and name the line.
func Each(body []byte, start, end int, f func(l *Line) error) error {
	for n := 1; start < end; n++ {
		stop := end
		next := end
		if i := bytes.IndexByte(body[start:end], '\n'); i >= 0 {
			stop, next = start+i, start+i+1
		}
		if err := one(body[start:stop], n, start, f); err != nil {
			return err
		}
		start = next
	}
	return nil
}

func one(line []byte, n, offset int, f func(l *Line) error) error {
	name := "line " + strconv.Itoa(n)
	doc, err := strictjson.Parse(line, strictjson.Limits{})
	if err != nil {
		return &wire.Error{Path: name, Err: err}
	}
	defer doc.Release()
	if doc.Root().Kind() != strictjson.Object {
		return read.Wrong(name, "must be a JSON object")
	}
	if err := f(&Line{Name: name, Offset: offset, Root: doc.Root()}); err != nil {
		return &wire.Error{Path: name, Err: err}
	}
	return nil
}
