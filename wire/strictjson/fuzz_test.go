package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// decode builds what encoding/json with UseNumber would.
func decode(v Value) any {
	switch v.Kind() {
	case Null:
		return nil
	case True, False:
		return v.Bool()
	case Number:
		return json.Number(v.Raw())
	case String:
		return v.Str()
	case Array:
		a := []any{}
		for _, e := range v.Elems() {
			a = append(a, decode(e))
		}
		return a
	case Object:
		m := map[string]any{}
		for k, e := range v.Members() {
			m[k.Str()] = decode(e)
		}
		return m
	}
	return "missing"
}

// stricter are the refusals that jsontext does not share.
var stricter = map[string]bool{
	ReasonControlInKey: true, ReasonNumberRange: true, ReasonTooDeep: true, ReasonTooManyKeys: true, ReasonTooManyValues: true,
}

// agree compares the gate with jsontext on what is JSON, and with encoding/json
// on what it means.
func agree(body []byte) error {
	d, err := Parse(body, Limits{})
	valid := jsontext.Value(body).IsValid()
	if err != nil {
		var e *Error
		if !errors.As(err, &e) || e.Offset < 0 || e.Offset > int64(len(body)) {
			return fmt.Errorf("error %w is out of place", err)
		}
		if valid && !stricter[e.Reason] {
			return fmt.Errorf("refused as %w, jsontext takes it", err)
		}
		return nil
	}
	defer d.Release()
	if !valid {
		return errors.New("accepted, jsontext refuses it")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var want any
	if err := dec.Decode(&want); err != nil {
		return fmt.Errorf("accepted, encoding/json refuses it: %w", err)
	}
	if got := decode(d.Root()); !reflect.DeepEqual(want, got) {
		return fmt.Errorf("encoding/json reads %#v, we read %#v", want, got)
	}
	var float any
	if err := json.Unmarshal(body, &float); err != nil {
		return fmt.Errorf("accepted, encoding/json refuses it with float64: %w", err)
	}
	return nil
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`{"model":"a","messages":[{"role":"user","content":"h\u00e9llo \ud83d\ude00\n"}],"n":1.5e3}`,
		`{"model":1,"m\u006fdel":2}`, `[9007199254740993,1e999,-0,0.1]`, "\xEF\xBB\xBF{}", `"\ud800"`, "{\"a\x7f\":\"\xff\"}",
		`{"a":1,}`, `[01]`, ` [ true , false , null ] x`, manyKeys(40), `{"a":{"a":{"a":[[[]]]}}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if err := agree(body); err != nil {
			t.Fatal(err)
		}
		d, err := Parse(body, Limits{})
		if err != nil {
			return
		}
		defer d.Release()
		checkTape(t, d)
	})
}

// checkTape checks that every node's span is a JSON text of its own and lies
// inside its parent's, and that nodes follow each other.
func checkTape(t *testing.T, d *Doc) {
	t.Helper()
	seen := 0
	var walk func(v Value, from, to int)
	walk = func(v Value, from, to int) {
		seen++
		start, end := v.Span()
		if start < from || end > to || start >= end {
			t.Fatalf("span [%d, %d) outside of [%d, %d)", start, end, from, to)
		}
		if !jsontext.Value(v.Raw()).IsValid() {
			t.Fatalf("span [%d, %d) is no value", start, end)
		}
		n := 0
		for _, e := range v.Elems() {
			walk(e, start+1, end-1)
			_, start = e.Span()
			n++
		}
		for k, e := range v.Members() {
			walk(k, start+1, end-1)
			_, start = k.Span()
			walk(e, start+1, end-1)
			_, start = e.Span()
			n++
			if got := v.Get(k.Str()); got != e {
				t.Fatal("Get does not find a member")
			}
			if !k.EqualStr(k.Str()) || k.EqualStr(k.Str()+"x") || string(k.AppendStr([]byte("a"))) != "a"+k.Str() {
				t.Fatal("readings of a key differ")
			}
		}
		if n != v.Len() {
			t.Fatalf("Len is %d, counted %d", v.Len(), n)
		}
	}
	walk(d.Root(), 0, len(d.Bytes()))
	if seen != len(d.tape.nodes) {
		t.Fatalf("walked %d nodes of %d", seen, len(d.tape.nodes))
	}
}
