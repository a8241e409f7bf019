package frame

import (
	"bytes"

	"github.com/headgate/headgate/wire/sse"
)

// SSE is the format of server-sent events.
var SSE Format = events{}

type events struct{}

func (events) NewReader() Reader { return &eventReader{} }

type eventReader struct{ rd sse.Reader }

func (r *eventReader) Feed(b []byte) { r.rd.Feed(b) }

func (r *eventReader) Next() (Frame, bool, error) {
	ev, ok, err := r.rd.Next()
	return ofEvent(ev), ok, err
}

func (r *eventReader) Close() (Frame, bool, error) {
	ev, ok := r.rd.Close()
	return ofEvent(ev), ok, nil
}

func ofEvent(ev sse.Event) Frame {
	return Frame{Raw: ev.Raw, Lead: ev.Lead, Data: ev.Data, HasData: ev.HasData, Name: ev.Name}
}

func (events) Append(dst []byte, f Frame, data []byte) []byte {
	return sse.AppendData(dst, sse.Event{Raw: f.Raw, Lead: f.Lead}, data)
}

func (events) AppendNew(dst []byte, name string, data []byte) []byte {
	return sse.AppendEvent(dst, name, data)
}

// Stray tells whether an event has a line that the format does not know. To a
// browser it is nothing, but there are clients that read it all the same: bare
// JSON, or data behind a blank. There are also clients that end a line where
// Unicode does: beside the data, no line may hold such an end.
func (events) Stray(f Frame) bool {
	for rest := f.Raw[f.Lead:]; len(rest) > 0; {
		var line []byte
		line, rest = cutLine(rest)
		switch fieldName(line) {
		case "data":
			continue
		case "", "event", "id", "retry":
		default:
			return true
		}
		if bytes.ContainsAny(line, lineEnds) {
			return true
		}
	}
	return false
}

// lineEnds are those of Unicode that server-sent events do not have.
const lineEnds = "\v\f\x1c\x1d\x1e\u0085\u2028\u2029"

// Asides are an event's lines beside its data: comments, name and id.
func (events) Asides(f Frame) []byte {
	if !f.HasData {
		return f.Raw
	}
	var asides []byte
	for rest := f.Raw[f.Lead:]; len(rest) > 0; {
		var line []byte
		if line, rest = cutLine(rest); isAside(line) {
			asides = append(asides, line...)
		}
	}
	return asides
}

func (events) Without(f Frame) Frame {
	kept := bytes.Clone(f.Raw[:f.Lead])
	for rest := f.Raw[f.Lead:]; len(rest) > 0; {
		var line []byte
		if line, rest = cutLine(rest); !isAside(line) {
			kept = append(kept, line...)
		}
	}
	f.Raw = kept
	return f
}

func isAside(line []byte) bool {
	return fieldName(line) != "data" && line[0] != '\r' && line[0] != '\n'
}

// cutLine cuts the first line off, with the CR, LF or CRLF that ends it.
func cutLine(b []byte) (line, rest []byte) {
	end := len(b)
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		end = i + 1
	}
	if i := bytes.IndexByte(b[:end], '\r'); i >= 0 && i+1 < end && b[i+1] != '\n' {
		end = i + 1
	}
	return b[:end], b[end:]
}

// fieldName is a line up to its colon; "" for a comment and a blank line.
func fieldName(line []byte) string {
	name, _, _ := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(":"))
	return string(name)
}
