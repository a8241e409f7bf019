package frame

import (
	"bytes"
	"errors"
)

// ErrTooLarge is the error of a frame over [MaxFrame].
var ErrTooLarge = errors.New("frame too large")

// Lines is the format of newline-delimited JSON: one document a line, ended by
// LF or CRLF. The last line may lack its end. Blank lines are frames without
// data.
var Lines Format = lines{}

type lines struct{}

func (lines) NewReader() Reader { return &lineReader{} }

// lineReader only ever appends to buf, since frames refer to it.
type lineReader struct {
	buf []byte
	at  int // up to where a line's end has been sought
}

func (r *lineReader) Feed(b []byte) {
	if len(r.buf) == 0 {
		r.buf = bytes.Clone(b)
		return
	}
	r.buf = append(r.buf, b...)
}

func (r *lineReader) Next() (Frame, bool, error) {
	i := bytes.IndexByte(r.buf[r.at:], '\n')
	if i < 0 && len(r.buf) <= MaxFrame {
		r.at = len(r.buf)
		return Frame{}, false, nil
	}
	if i += r.at; i < r.at || i >= MaxFrame {
		return Frame{}, false, ErrTooLarge
	}
	raw := r.buf[: i+1 : i+1]
	r.buf, r.at = r.buf[i+1:], 0
	return ofLine(raw), true, nil
}

func (r *lineReader) Close() (Frame, bool, error) {
	if len(r.buf) == 0 {
		return Frame{}, false, nil
	}
	raw := r.buf
	r.buf, r.at = nil, 0
	return ofLine(raw), true, nil
}

func ofLine(raw []byte) Frame {
	data := bytes.TrimRight(raw, "\r\n")
	if len(bytes.TrimSpace(data)) == 0 {
		return Frame{Raw: raw}
	}
	return Frame{Raw: raw, Data: data, HasData: true}
}

func (lines) Append(dst []byte, f Frame, data []byte) []byte {
	dst = append(dst, data...)
	return append(dst, f.Raw[len(f.Data):]...)
}

func (lines) AppendNew(dst []byte, _ string, data []byte) []byte {
	return append(append(dst, data...), '\n')
}

func (lines) Stray(Frame) bool      { return false }
func (lines) Asides(Frame) []byte   { return nil }
func (lines) Without(f Frame) Frame { return f }
