package audit

import "slices"

// Bounds on an event. With them the longest event is well below a line's bound.
const (
	maxAttributes = 64
	maxName       = 64
)

// appendEvent appends the attributes as an object, and how many it left out.
func appendEvent(dst []byte, event []Attribute) []byte {
	if len(event) == 0 {
		return dst
	}
	var few [16]string
	names := few[:0]
	dst = append(appendKey(dst, "event"), '{')
	for _, a := range event {
		name := cut(a.Name, maxName)
		if len(names) == maxAttributes || slices.Contains(names, name) {
			continue
		}
		if len(names) > 0 {
			dst = append(dst, ',')
		}
		names = append(names, name)
		dst = append(appendString(dst, name, maxName), ':')
		dst = appendString(dst, a.Value, maxText)
	}
	return appendInt(append(dst, '}'), "event_omitted", int64(len(event)-len(names)))
}
