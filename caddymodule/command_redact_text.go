package caddymodule

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/headgate/headgate/redact"
)

// redactBlock is how much of a file is read at once, in bytes.
const redactBlock = 64 << 10

// redactText copies r to w with everything replaced that set finds.
func redactText(w io.Writer, set *redact.Set, name string, r io.Reader) error {
	var out []byte
	return pieces(set, name, r, func(text []byte, edits []redact.Edit) error {
		out = out[:0]
		at := int64(0)
		for _, e := range edits {
			out = append(out, text[at:e.Start]...)
			out = append(out, e.Text...)
			at = e.End
		}
		out = append(out, text[at:]...)
		_, err := w.Write(out)
		return err
	})
}

// explainText writes where set finds something in r, a line each, without the
// text: "notes.txt:3:17 EMAIL 14". Lines and columns count from 1; columns and
// lengths are in code points.
func explainText(w io.Writer, set *redact.Set, name string, r io.Reader) error {
	line, column := 1, 1
	return pieces(set, name, r, func(text []byte, edits []redact.Edit) error {
		at := int64(0)
		advance := func(to int64) {
			passed := text[at:to]
			if n := bytes.Count(passed, []byte("\n")); n > 0 {
				line += n
				column = 1
				passed = passed[bytes.LastIndexByte(passed, '\n')+1:]
			}
			column += codePoints(passed)
			at = to
		}
		var out bytes.Buffer
		for _, e := range edits {
			advance(e.Start)
			fmt.Fprintf(&out, "%s:%d:%d %s %d\n", name, line, column, e.Entity, codePoints(text[e.Start:e.End]))
		}
		advance(int64(len(text)))
		_, err := w.Write(out.Bytes())
		return err
	})
}

// codePoints counts the code points that begin in text, which may be cut
// anywhere. Of what is not UTF-8 every byte that does not continue a code point
// is one.
func codePoints(text []byte) int {
	n := 0
	for _, b := range text {
		if b&0xC0 != 0x80 {
			n++
		}
	}
	return n
}

// pieces streams r through set, and gives f the text piece by piece as soon as
// it is decided, with the edits in it, whose offsets are those in the piece. f
// keeps neither.
func pieces(set *redact.Set, name string, r io.Reader, f func(text []byte, edits []redact.Edit) error) error {
	stream := set.NewStream()
	block := make([]byte, redactBlock)
	var pending []byte // what was read and is not decided
	begin := int64(0)  // where it begins in the text
	hand := func(resolved int64, edits []redact.Edit) error {
		n := resolved - begin
		if n == 0 {
			return nil
		}
		for i := range edits {
			edits[i].Start -= begin
			edits[i].End -= begin
		}
		err := f(pending[:n], edits)
		pending = pending[:copy(pending, pending[n:])]
		begin = resolved
		return err
	}
	for {
		n, err := r.Read(block)
		pending = append(pending, block[:n]...)
		if failed := hand(stream.Write(block[:n])); failed != nil {
			return failed
		}
		switch {
		case errors.Is(err, io.EOF):
			return hand(stream.Close())
		case err != nil:
			return unread(name, err)
		}
	}
}

// unread says that reading failed; an error of a file names it already.
func unread(name string, err error) error {
	if name == "<stdin>" {
		return fmt.Errorf("%s: %w", name, err)
	}
	return err
}
