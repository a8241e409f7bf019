package content

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// strictJSON tells whether src is one JSON text (RFC 8259) without a name that
// is twice in one object, and else where it is not: line and column from 1, the
// column in bytes.
func strictJSON(src []byte) (line, col int, ok bool) {
	dec := jsontext.NewDecoder(bytes.NewReader(src))
	at := int64(len(src))
	if err := dec.SkipValue(); err != nil {
		var s *jsontext.SyntacticError
		if errors.As(err, &s) && !errors.Is(err, io.ErrUnexpectedEOF) {
			at = s.ByteOffset
		}
	} else {
		end := dec.InputOffset()
		if _, err := dec.ReadToken(); errors.Is(err, io.EOF) {
			return 0, 0, true
		}
		at = end
	}
	before := src[:min(max(at, 0), int64(len(src)))]
	return 1 + bytes.Count(before, []byte{'\n'}), len(before) - bytes.LastIndexByte(before, '\n'), false
}
