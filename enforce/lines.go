package enforce

import (
	"bytes"

	"github.com/headgate/headgate/wire/sse"
)

// stray tells whether an event has a line that the format does not know. To a
// browser it is nothing, but there are clients that read it all the same: bare
// JSON, or data behind a blank.
func stray(ev sse.Event) bool {
	for rest := ev.Raw[ev.Lead:]; len(rest) > 0; {
		var line []byte
		line, rest = cutLine(rest)
		switch fieldName(line) {
		case "", "data", "event", "id", "retry":
		default:
			return true
		}
	}
	return false
}

// withoutAsides takes an event's lines beside its data away, comments, name and
// id, where a detector finds something in them. A detector looks at all of them
// at once.
func (f *flow) withoutAsides(ev sse.Event) sse.Event {
	if f.set.Empty() {
		return ev
	}
	var asides, kept []byte
	for rest := ev.Raw[ev.Lead:]; len(rest) > 0; {
		var line []byte
		if line, rest = cutLine(rest); isAside(line) {
			asides = append(asides, line...)
		}
	}
	if len(asides) == 0 || len(f.set.Scan(asides)) == 0 {
		return ev
	}
	kept = append(kept, ev.Raw[:ev.Lead]...)
	for rest := ev.Raw[ev.Lead:]; len(rest) > 0; {
		var line []byte
		if line, rest = cutLine(rest); !isAside(line) {
			kept = append(kept, line...)
		}
	}
	ev.Raw = kept
	return ev
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
