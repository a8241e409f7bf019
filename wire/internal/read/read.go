// Package read holds what the codecs of all dialects do with a JSON value.
package read

import (
	"slices"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

// Wrong is the error of a field that is not as it must be.
func Wrong(path, reason string) error { return &wire.Error{Path: path, Reason: reason} }

// Elem is an array's element i; missing if there is none.
func Elem(v strictjson.Value, i int) strictjson.Value {
	for j, e := range v.Elems() {
		if j == i {
			return e
		}
	}
	return strictjson.Value{}
}

// Sort brings replacements into the order of the bytes.
func Sort(r []strictjson.Replacement) {
	slices.SortFunc(r, func(a, b strictjson.Replacement) int { return a.Start - b.Start })
}

// Replace puts text, which is JSON, in the place of a value.
func Replace(v strictjson.Value, text []byte) strictjson.Replacement {
	start, end := v.Span()
	return strictjson.Replacement{Start: start, End: end, Text: text}
}

// Drop takes the elements of an array that are gone out of it, each with a
// comma beside it.
func Drop(list strictjson.Value, gone []bool) []strictjson.Replacement {
	var edits []strictjson.Replacement
	start, end := -1, -1 // where those that go begin, and where the last one that stays ends
	stop := 0            // where the element before ends
	for i, e := range list.Elems() {
		from, to := e.Span()
		switch {
		case gone[i] && start < 0:
			start = from
		case !gone[i]:
			if start >= 0 {
				edits = append(edits, strictjson.Replacement{Start: start, End: from})
			}
			start, end = -1, to
		}
		stop = to
	}
	switch {
	case start < 0:
	case end < 0:
		edits = append(edits, strictjson.Replacement{Start: start, End: stop})
	default:
		edits = append(edits, strictjson.Replacement{Start: end, End: stop})
	}
	return edits
}

// Without is a body without the elements of a list, one of its members, that
// are gone.
func Without(body []byte, list string, gone []bool) ([]byte, error) {
	doc, err := strictjson.Parse(body, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	defer doc.Release()
	return strictjson.Splice(nil, body, Drop(doc.Root().Get(list), gone)), nil
}

// AnyJSON tells whether a key of a schema holds any JSON, a value that would be
// valid, of which every string counts.
func AnyJSON(key string) bool {
	switch key {
	case "default", "example", "examples", "const", "enum":
		return true
	}
	return false
}

// EveryString calls f for every string value below v, whatever its key.
func EveryString(v strictjson.Value, f func(leaf strictjson.Value)) {
	switch v.Kind() {
	case strictjson.String:
		f(v)
	case strictjson.Array:
		for _, e := range v.Elems() {
			EveryString(e, f)
		}
	case strictjson.Object:
		for _, m := range v.Members() {
			EveryString(m, f)
		}
	}
}
