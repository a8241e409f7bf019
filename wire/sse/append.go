package sse

import "bytes"

// AppendData appends the event with other data to dst. Its data lines are
// replaced, at the place of the first one, by "data: " and data, one line for
// each line of data, with the line ending that the first one had; a CR or CRLF in
// data, which the format cannot carry, ends a line as LF does. All other lines,
// comments, the byte order mark and the LF that ends the event before stay as
// they are. An event without a data field gets one before its blank line; one
// without a blank line gets that too.
//
// ev must come from a [Reader] (Raw and Lead are used).
func AppendData(dst []byte, ev Event, data []byte) []byte {
	dst = append(dst, ev.Raw[:ev.Lead]...)
	rest := ev.Raw[ev.Lead:]
	ending := firstLineEnding(rest)
	written, ended, open := false, false, false
	for len(rest) > 0 && !ended {
		var line, end []byte
		line, end, rest = cutLine(rest)
		name, _ := splitField(line)
		switch {
		case len(line) == 0:
			if !written {
				dst = appendLines(dst, data, ending)
				written = true
			}
			dst = appendBlank(dst, end)
			ended = true
		case string(name) != "data":
			dst = append(append(dst, line...), end...)
			open = len(end) == 0
		case !written:
			if len(end) == 0 {
				end = ending
			}
			dst = appendLines(dst, data, end)
			written = true
		}
	}
	if ended {
		return dst
	}
	if open {
		dst = append(dst, ending...)
	}
	if !written {
		dst = appendLines(dst, data, ending)
	}
	return appendBlank(dst, ending)
}

// AppendEvent appends a new event to dst, with LF line endings: an event field
// unless name is empty, then data, one data line for each of its lines. A CR or
// LF in name, which the format cannot carry, ends it.
func AppendEvent(dst []byte, name string, data []byte) []byte {
	if i := bytes.IndexAny([]byte(name), "\r\n"); i >= 0 {
		name = name[:i]
	}
	if name != "" {
		dst = append(dst, "event: "...)
		dst = append(dst, name...)
		dst = append(dst, '\n')
	}
	return append(appendLines(dst, data, []byte("\n")), '\n')
}

// appendLines appends a data line for each line of data.
func appendLines(dst, data, ending []byte) []byte {
	for {
		line, end, rest := cutLine(data)
		dst = append(dst, "data: "...)
		dst = append(dst, line...)
		dst = append(dst, ending...)
		if len(end) == 0 {
			return dst
		}
		data = rest
	}
}

// appendBlank appends a blank line. Where dst ends with a CR and the blank line
// is an LF, the two would be read as one CRLF; a second LF keeps the line.
func appendBlank(dst, ending []byte) []byte {
	if ending[0] == '\n' && dst[len(dst)-1] == '\r' {
		dst = append(dst, '\n')
	}
	return append(dst, ending...)
}

// cutLine splits b after its first line: the line, its ending (empty if b is all
// one line), the rest.
func cutLine(b []byte) (line, ending, rest []byte) {
	i := indexLineEnd(b)
	if i < 0 {
		return b, nil, nil
	}
	n := i + 1
	if b[i] == '\r' && n < len(b) && b[n] == '\n' {
		n++
	}
	return b[:i], b[i:n], b[n:]
}

// firstLineEnding returns the ending of the first line that has one, else LF.
func firstLineEnding(b []byte) []byte {
	if _, end, _ := cutLine(b); len(end) > 0 {
		return end
	}
	return []byte("\n")
}
