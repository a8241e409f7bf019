package rego

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headgate/headgate/policy"
)

// place is a JSON value with its offset in the document.
type place struct {
	v  jsontext.Value
	at int64
}

// inputReader reads one input document.
type inputReader struct {
	name string
	src  []byte
	in   *policy.Input
	seen map[string]bool // members that were read, of those with two spellings
}

// root reads the document as one value: strict JSON, UTF-8, no name twice.
func (r *inputReader) root() (place, error) {
	dec := jsontext.NewDecoder(bytes.NewReader(r.src))
	v, err := dec.ReadValue()
	if err != nil {
		return place{}, r.syntax(err)
	}
	root := place{v: bytes.Clone(v), at: dec.InputOffset() - int64(len(v))}
	end := dec.InputOffset()
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return place{}, r.fault(end, "more follows the document; keep one object")
	}
	return root, nil
}

// object calls member for each member of an object, with its name's offset.
func (r *inputReader) object(o place, what string, member func(key string, at int64, v place) error) error {
	if o.v.Kind() != '{' {
		return r.wrong(o, what, "an object")
	}
	var key string
	var at int64
	isKey := false
	return r.each(o, func(v place) error {
		if isKey = !isKey; !isKey {
			return member(key, at, v)
		}
		var err error
		at = v.at
		key, err = r.text(v, what)
		return err
	})
}

// list calls elem for each element of an array.
func (r *inputReader) list(l place, what string, elem func(v place) error) error {
	if l.v.Kind() != '[' {
		return r.wrong(l, what, "a list")
	}
	return r.each(l, elem)
}

// each calls do for each element of an array, or each name and value of an object.
func (r *inputReader) each(c place, do func(v place) error) error {
	dec := jsontext.NewDecoder(bytes.NewReader(c.v))
	if _, err := dec.ReadToken(); err != nil {
		return r.syntax(err)
	}
	for k := dec.PeekKind(); k != '}' && k != ']'; k = dec.PeekKind() {
		v, err := dec.ReadValue()
		if err != nil {
			return r.syntax(err)
		}
		if err := do(place{v: bytes.Clone(v), at: c.at + dec.InputOffset() - int64(len(v))}); err != nil {
			return err
		}
	}
	return nil
}

func (r *inputReader) text(v place, what string) (string, error) {
	if v.v.Kind() != '"' {
		return "", r.wrong(v, what, "a string")
	}
	s, err := jsontext.AppendUnquote(nil, v.v)
	if err != nil {
		return "", r.fault(v.at, what+" is not a valid string")
	}
	return string(s), nil
}

// texts reads a list of strings; it is never nil.
func (r *inputReader) texts(v place, what string) ([]string, error) {
	if v.v.Kind() != '[' {
		return nil, r.wrong(v, what, "a list of strings")
	}
	list := []string{}
	return list, r.each(v, func(v place) error {
		s, err := r.text(v, "an entry of "+what)
		list = append(list, s)
		return err
	})
}

// hash reads a hash, which is there or not, but never empty.
func (r *inputReader) hash(v place, what string) (string, error) {
	s, err := r.text(v, what)
	if err == nil && s == "" {
		return "", r.fault(v.at, what+" is empty; leave it out where it is not computed")
	}
	return s, err
}

func (r *inputReader) boolean(v place, what string) (bool, error) {
	k := v.v.Kind()
	if k != 't' && k != 'f' {
		return false, r.wrong(v, what, "a boolean")
	}
	return k == 't', nil
}

func (r *inputReader) count(v place, what string) (int, error) {
	if v.v.Kind() != '0' {
		return 0, r.wrong(v, what, "a number")
	}
	n, err := strconv.ParseUint(string(v.v), 10, 31)
	if err != nil {
		return 0, r.fault(v.at, what+" must be a whole number, 0 or more")
	}
	return int(n), nil
}

func (r *inputReader) wrong(v place, what, want string) error {
	kinds := map[jsontext.Kind]string{'n': "null", 't': "a boolean", 'f': "a boolean", '"': "a string", '0': "a number", '{': "an object", '[': "a list"}
	return r.fault(v.at, fmt.Sprintf("%s must be %s, not %s", what, want, kinds[v.v.Kind()]))
}

// unknown names a member that cannot be, with the one that may be meant.
func (r *inputReader) unknown(at int64, key, where string, known []string) error {
	hint := "known are " + strings.Join(known, ", ")
	if near := nearest(key, known); near != "" {
		hint = "did you mean " + near + "?"
	}
	return r.fault(at, fmt.Sprintf("unknown member %q of %s; %s", clip(key, 64), where, hint))
}

// syntax tells where the document is no strict JSON.
func (r *inputReader) syntax(err error) error {
	var s *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return r.fault(int64(len(r.src)), "the document ends too early")
	case errors.As(err, &s) && errors.Is(err, jsontext.ErrDuplicateName):
		return r.fault(s.ByteOffset, "a member is written twice; keep one")
	case errors.As(err, &s):
		return r.fault(s.ByteOffset, "the document is not valid JSON")
	}
	return r.fault(0, "the document cannot be read")
}

// fault is an error with the place of an offset, "file:line:col: message".
func (r *inputReader) fault(at int64, message string) error {
	before := r.src[:min(max(at, 0), int64(len(r.src)))]
	line := 1 + bytes.Count(before, []byte{'\n'})
	col := len(before) - bytes.LastIndexByte(before, '\n')
	return fmt.Errorf("%s:%d:%d: %s", r.name, line, col, message)
}

func stageNames() string {
	stages := policy.Stages()
	names := make([]string, len(stages))
	for i, s := range stages {
		names[i] = string(s)
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// nearest is the known name that a wrong one may stand for, or "".
func nearest(name string, known []string) string {
	fold := func(s string) string { return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(s)) }
	best, least := "", 3 // more than two changes are another word
	name = fold(clip(name, 64))
	for _, k := range known {
		d := distance(name, fold(k))
		if len(name) > 2 && (strings.HasPrefix(fold(k), name) || strings.HasPrefix(name, fold(k))) {
			d = min(d, 1)
		}
		if d < least && d < len(k) {
			best, least = k, d
		}
	}
	return best
}

// distance counts the insertions, deletions and replacements of bytes that turn
// a into b (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(above+1, row[j]+1, diagonal+cost)
			diagonal = above
		}
	}
	return row[len(b)]
}

// clip cuts a text to at most n bytes, and marks the cut.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
