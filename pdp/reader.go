package pdp

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/headgate/headgate/wire/strictjson"
)

// reader reads the members of one object by name. It keeps the first thing
// that is wrong, and names the member, never what it holds.
type reader struct {
	v      strictjson.Value
	at     string // what stands before the names: "input."
	parent *reader
	ref    *refusal // of the outermost reader
}

// within reads an object inside this one. Members that differ from a known one
// by case are refused.
func (r *reader) within(name string, v strictjson.Value, known *strictjson.KeySet) *reader {
	if v.Exists() && v.Kind() != strictjson.Object {
		r.wrong(name, "must be an object")
	}
	in := &reader{v: v, at: r.at + name + ".", parent: r}
	if err := v.CheckKeys(known); err != nil {
		in.fail(invalid("the body is refused: " + err.Error()))
	}
	return in
}

func (r *reader) fail(ref *refusal) {
	for r.parent != nil {
		r = r.parent
	}
	if r.ref == nil {
		r.ref = ref
	}
}

func (r *reader) wrong(name, what string) { r.fail(invalid(r.at + name + " " + what)) }

func (r *reader) has(name string) bool { return r.v.Get(name).Exists() }

// text reads a string; an absent one is "".
func (r *reader) text(name string) string { return r.may(name, strictjson.String).Str() }

// may reads a member that is of a kind or absent.
func (r *reader) may(name string, k strictjson.Kind) strictjson.Value {
	v := r.v.Get(name)
	if v.Exists() && v.Kind() != k {
		r.wrong(name, "must be "+article[k]+k.String())
	}
	return v
}

var article = map[strictjson.Kind]string{
	strictjson.String: "a ", strictjson.Number: "a ", strictjson.Array: "an ", strictjson.Object: "an ",
}

// must reads a member that is there and of a kind.
func (r *reader) must(name string, k strictjson.Kind) strictjson.Value {
	if !r.has(name) {
		r.wrong(name, "is missing")
	}
	return r.may(name, k)
}

// name reads a string that must be there and must not be empty.
func (r *reader) name(name string) string {
	s := r.text(name)
	if s == "" {
		r.wrong(name, "is missing")
	}
	return s
}

// texts reads a list of strings; an absent one is nil.
func (r *reader) texts(name string) []string {
	v := r.v.Get(name)
	if !v.Exists() {
		return nil
	}
	if v.Kind() != strictjson.Array {
		r.wrong(name, "must be a list of strings")
		return nil
	}
	list := make([]string, 0, v.Len())
	for _, e := range v.Elems() {
		if e.Kind() != strictjson.String {
			r.wrong(name, "must be a list of strings")
			return nil
		}
		list = append(list, e.Str())
	}
	return list
}

// json reads any value in canonical form; an absent one is nil.
func (r *reader) json(name string) json.RawMessage {
	v := r.v.Get(name)
	if !v.Exists() {
		return nil
	}
	b, err := strictjson.AppendCanonical(nil, v)
	if err != nil {
		r.wrong(name, "cannot be read")
		return nil
	}
	return b
}

// either reads a member that has two spellings, of which a caller may use one
// or, with the same value, both.
func (r *reader) either(read func(string) string, name, other string) string {
	a, b := read(name), read(other)
	switch {
	case !r.has(name):
		return b
	case r.has(other) && a != b:
		r.wrong(name, "and "+r.at+other+" differ")
	}
	return a
}

// hash reads a hash: 64 lower-case hex digits, or absent.
func (r *reader) hash(name string) string {
	s := r.text(name)
	if !r.has(name) {
		return ""
	}
	ok := len(s) == 64
	for i := range len(s) {
		ok = ok && ('0' <= s[i] && s[i] <= '9' || 'a' <= s[i] && s[i] <= 'f')
	}
	if !ok {
		r.wrong(name, "must be 64 lower-case hex digits")
	}
	return s
}

// only refuses members that are not known. What is misspelt must not be taken
// for absent.
func (r *reader) only(known []string) {
	for key := range r.v.Members() {
		if !slices.ContainsFunc(known, key.EqualStr) {
			start, _ := key.Span()
			r.fail(invalid("a member that is not known here at byte " + strconv.Itoa(start)))
		}
	}
}
