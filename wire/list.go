package wire

import (
	"slices"
	"strings"

	"github.com/headgate/headgate/wire/strictjson"
)

// ListCodec is the codec of an endpoint that lists models, or tells about one.
// A path that names a model does so by a wildcard "model".
//
// What a policy would deny whatever was asked is taken out of a list, and is
// unknown where it is asked for alone.
type ListCodec interface {
	Codec
	// List reads a successful JSON reply. Errors are *[Error].
	List(body []byte) (*List, error)
}

// ModelList is a [ListCodec] for
//
//	{"data": [{"id": "m"}]}
//
// and its relatives, also where the array is the whole document.
type ModelList struct {
	// API is the protocol: "openai.models".
	API string
	// Array is the member that holds the array: "data".
	Array string
	// Name is the member of an entry that names the model, without Prefix:
	// "id"; or "name" with the prefix "models/".
	Name, Prefix string
	// One marks the endpoint of a single model, whose reply is an entry.
	One bool
}

// Protocol is the API's name.
func (c ModelList) Protocol() string { return c.API }

// List is a list of models as it came.
type List struct {
	// Models are their names, in order.
	Models []string
	// Words are all texts beside the names.
	Words []Text

	body    []byte
	name    string
	array   strictjson.Value
	entries []strictjson.Value
	cursors []strictjson.Value // members that repeat the first and the last name
}

var cursorNames = []string{"first_id", "last_id"}

// List reads a reply.
func (c ModelList) List(body []byte) (*List, error) {
	doc, err := strictjson.Parse(body, strictjson.Limits{})
	if err != nil {
		return nil, &Error{Err: err}
	}
	l := &List{body: body, name: c.Name}
	root := doc.Root()
	if c.One {
		if err := l.entry(root, c, ""); err != nil {
			return nil, err
		}
		return l, nil
	}
	l.array = root
	if root.Kind() == strictjson.Object {
		if err := root.CheckKeys(strictjson.Keys(append([]string{c.Array}, cursorNames...)...)); err != nil {
			return nil, &Error{Err: err}
		}
		l.array = root.Get(c.Array)
		for k, v := range root.Members() {
			switch key := k.Str(); key {
			case c.Array, "object":
			case "first_id", "last_id":
				l.cursors = append(l.cursors, k, v)
			default:
				l.words(v, key)
			}
		}
	}
	if l.array.Kind() != strictjson.Array {
		return nil, &Error{Path: c.Array, Reason: "must be an array"}
	}
	for _, e := range l.array.Elems() {
		if err := l.entry(e, c, c.Array); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l *List) entry(e strictjson.Value, c ModelList, path string) error {
	if e.Kind() != strictjson.Object {
		return &Error{Path: path, Reason: "must hold objects"}
	}
	if err := e.CheckKeys(strictjson.Keys(c.Name)); err != nil {
		return &Error{Path: path, Err: err}
	}
	name := strings.TrimPrefix(e.Get(c.Name).Str(), c.Prefix)
	if name == "" {
		return &Error{Path: path, Reason: "a model without a name"}
	}
	l.Models = append(l.Models, name)
	l.entries = append(l.entries, e)
	for k, v := range e.Members() {
		if !k.EqualStr(c.Name) {
			l.words(v, "models")
		}
	}
	return nil
}

func (l *List) words(v strictjson.Value, list string) {
	switch v.Kind() {
	case strictjson.String:
		start, end := v.Span()
		l.Words = append(l.Words, Text{Start: start, End: end, Place: Place{List: list, Index: -1}, Choice: -1})
	case strictjson.Array:
		for _, e := range v.Elems() {
			l.words(e, list)
		}
	case strictjson.Object:
		for _, m := range v.Members() {
			l.words(m, list)
		}
	}
}

// Without is the list without the entries i for which hide[i] is true; what is
// left stays as it was. Members that repeat the first and the last name follow,
// and are null where none is left.
func (l *List) Without(hide []bool) []byte {
	var left []strictjson.Value
	for i, e := range l.entries {
		if !hide[i] {
			left = append(left, e)
		}
	}
	if len(left) == len(l.entries) || !l.array.Exists() {
		return l.body
	}
	text := []byte{'['}
	for i, e := range left {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, e.Raw()...)
	}
	start, end := l.array.Span()
	edits := []strictjson.Replacement{{Start: start, End: end, Text: append(text, ']')}}
	for i := 0; i < len(l.cursors); i += 2 {
		if start, end = l.cursors[i+1].Span(); l.cursors[i+1].Kind() != strictjson.String {
			continue
		}
		name := []byte("null")
		if len(left) > 0 {
			at := left[0]
			if l.cursors[i].EqualStr("last_id") {
				at = left[len(left)-1]
			}
			name = at.Get(l.name).Raw()
		}
		edits = append(edits, strictjson.Replacement{Start: start, End: end, Text: name})
	}
	slices.SortFunc(edits, func(a, b strictjson.Replacement) int { return a.Start - b.Start })
	return strictjson.Splice(nil, l.body, edits)
}

// KeptList is a [ListCodec] for lists of what the upstream keeps for its
// callers, of which each is shown its own:
//
//	GET /files  →  {"object": "list", "data": [{"id": "file-1", …}], "has_more": false}
type KeptList struct {
	// API is the protocol: "openai.files".
	API string
}

// Protocol is the API's name.
func (c KeptList) Protocol() string { return c.API }

// List reads a reply; the ids stand where others have the models' names.
func (c KeptList) List(body []byte) (*List, error) {
	return ModelList{Array: "data", Name: "id"}.List(body)
}

// Kept marks the list; it is never called.
func (KeptList) Kept() {}

// KeptLister is a [ListCodec] whose entries are things that the upstream keeps, named
// by their ids.
type KeptLister interface {
	ListCodec
	// Kept marks the codec; it is never called.
	Kept()
}

// Interface guards
var (
	_ ListCodec  = ModelList{}
	_ KeptLister = KeptList{}
)
