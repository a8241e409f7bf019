package strictjson

import (
	"fmt"
	"slices"
	"testing"
)

// mustParse parses a body that the gate must take, for the test's duration.
func mustParse(t testing.TB, body string) *Doc {
	t.Helper()
	d, err := Parse([]byte(body), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Release)
	return d
}

func TestValue(t *testing.T) {
	const body = ` {"s":"a\u00e9\ud83d\ude00\n","plain":"né","n":-12,"f":1.0,"t":true,"no":false,"z":null,"\u0061rr":[1,"x",[],{}],"o":{"k":{}}} `
	d := mustParse(t, body)
	root := d.Root()
	if string(d.Bytes()) != body || root.Kind() != Object || root.Len() != 9 {
		t.Errorf("root is %v of %d", root.Kind(), root.Len())
	}
	kinds := map[string]Kind{
		"s": String, "plain": String, "n": Number, "f": Number, "t": True, "no": False, "z": Null, "arr": Array, "o": Object,
		"S": Invalid, "": Invalid, "ar": Invalid, "arrr": Invalid, `\u0061rr`: Invalid, "k": Invalid,
	}
	for key, want := range kinds {
		v := root.Get(key)
		if v.Kind() != want || v.Exists() != (want != Invalid) || v.IsNull() != (want == Null) || v.Bool() != (want == True) {
			t.Errorf("%q is %v, want %v", key, v.Kind(), want)
		}
	}
	if got := root.Get("s").Str(); got != "aé😀\n" {
		t.Errorf("s is %q", got)
	}
	if got := string(root.Get("s").AppendStr([]byte("x"))); got != "xaé😀\n" {
		t.Errorf("s appends %q", got)
	}
	if got := root.Get("plain").Str(); got != "né" {
		t.Errorf("plain is %q", got)
	}
	if raw := root.Get("s").Raw(); string(raw) != `"a\u00e9\ud83d\ude00\n"` {
		t.Errorf("s is written %s", raw)
	}
	if start, end := root.Get("n").Span(); body[start:end] != "-12" {
		t.Errorf("n spans %q", body[start:end])
	}
	var keys []string
	for k, v := range root.Members() {
		keys = append(keys, k.Str())
		if v != root.Get(k.Str()) {
			t.Errorf("%q differs from Get", k.Str())
		}
	}
	if want := []string{"s", "plain", "n", "f", "t", "no", "z", "arr", "o"}; !slices.Equal(keys, want) {
		t.Errorf("members are %q", keys)
	}
	var elems string
	for i, v := range root.Get("arr").Elems() {
		elems += fmt.Sprint(i, v.Kind(), " ")
		if i == 2 {
			break
		}
	}
	if elems != "0 number 1 string 2 array " {
		t.Errorf("elements are %s", elems)
	}
}

func TestEqualStr(t *testing.T) {
	root := mustParse(t, `["model","m\u006fdel","\ud83d\ude00","",7,"\n"]`).Root()
	want := [][]string{{"model"}, {"model"}, {"😀"}, {""}, nil, {"\n"}}
	others := []string{"", "m", "mode", "model", "models", "Model", "m\\u006fdel", "m\xc3", "😀", "😀x", "\xf0\x9f", "7", "\n", "n"}
	for i, v := range root.Elems() {
		for _, s := range others {
			if got := v.EqualStr(s); got != slices.Contains(want[i], s) {
				t.Errorf("%s equals %q: %v", v.Raw(), s, got)
			}
		}
	}
}

func TestInt(t *testing.T) {
	for body, want := range map[string]int64{
		"0": 0, "-0": 0, "42": 42, "9007199254740993": 9007199254740993,
		"9223372036854775807": 1<<63 - 1, "-9223372036854775808": -1 << 63,
	} {
		if got, ok := mustParse(t, body).Root().Int(); !ok || got != want {
			t.Errorf("%s is %d, %v", body, got, ok)
		}
	}
	for _, body := range []string{"1.0", "1e2", "9223372036854775808", "-9223372036854775809", "100000000000000000000000", `"1"`, "null", "[1]"} {
		if got, ok := mustParse(t, body).Root().Int(); ok {
			t.Errorf("%s is %d", body, got)
		}
	}
}

// TestMissing calls every method on a missing value and on values of other kinds.
func TestMissing(t *testing.T) {
	d := mustParse(t, `{"n":1,"s":"x","a":[0],"o":{"s":1}}`)
	root := d.Root()
	var zero Value
	chained := root.Get("n").Get("x").Get("y")
	for _, v := range []Value{zero, chained} {
		start, end := v.Span()
		if v.Exists() || v.Kind() != Invalid || v.IsNull() || v.Bool() || v.Raw() != nil || v.Len() != 0 || v.Str() != "" ||
			start != 0 || end != 0 || v.EqualStr("") || v.AppendStr(nil) != nil || v.CheckKeys(Keys("s")) != nil || v.Get("").Exists() {
			t.Error("a missing value has something")
		}
		if _, ok := v.Int(); ok {
			t.Error("a missing value is an integer")
		}
	}
	for _, v := range []Value{zero, root.Get("n"), root.Get("s"), root.Get("o")} {
		for range v.Elems() {
			t.Errorf("%v has elements", v.Kind())
		}
	}
	for _, v := range []Value{zero, root.Get("n"), root.Get("s"), root.Get("a")} {
		for range v.Members() {
			t.Errorf("%v has members", v.Kind())
		}
		if v.Get("s").Exists() {
			t.Errorf("%v has a member", v.Kind())
		}
	}
	if root.Get("a").Str() != "" || root.Get("o").AppendStr(nil) != nil || root.Get("n").EqualStr("1") {
		t.Error("something else than a string has text")
	}
}

func TestKindString(t *testing.T) {
	if got := fmt.Sprint(Invalid, Object, Kind(9)); got != "missing object kind(9)" {
		t.Error(got)
	}
}

func TestNavigationDoesNotAllocate(t *testing.T) {
	root := mustParse(t, string(chatRequest(2<<10))).Root()
	known := Keys("model", "messages", "tools", "stream", "temperature", "max_tokens")
	n := testing.AllocsPerRun(100, func() {
		for _, m := range root.Get("messages").Elems() {
			for k, v := range m.Members() {
				if k.EqualStr("role") && v.EqualStr("developer") {
					t.Error("no developer here")
				}
			}
		}
		if root.CheckKeys(known) != nil {
			t.Error("refused")
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCheckKeys(t *testing.T) {
	known := Keys("model", "messages", "stream", "k", "max_tokens", "é")
	tests := []struct{ body, want string }{
		{`{"model":1,"messages":2,"k":3,"é":4}`, ""},
		{`{"models":1,"mode":2,"x-model":3,"":4,"ｍodel":5}`, ""},
		{`{"m\u006fdel":1}`, ""},
		{`{"a":{"Model":1}}`, ""},
		{`{"Model":1}`, "key differs from a known field by case at byte 1"},
		{`{"model":1,"MODEL":2}`, "key differs from a known field by case at byte 11"},
		{`{"x":1,"\u004dodel":2}`, "key differs from a known field by case at byte 7"},
		{"{\"\u212a\":1}", "key differs from a known field by case at byte 1"},
		{`{"max_to\u212aens":1}`, "key differs from a known field by case at byte 1"},
		{"{\"me\u017f\u017fages\":1}", "key differs from a known field by case at byte 1"},
		{`{"\u017ftream":1}`, "key differs from a known field by case at byte 1"},
		{`{"É":1}`, "key differs from a known field by case at byte 1"},
		{`["Model"]`, ""},
	}
	for _, tt := range tests {
		got := ""
		if err := mustParse(t, tt.body).Root().CheckKeys(known); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.body, got, tt.want)
		}
	}
	if err := mustParse(t, `{"Model":1}`).Root().CheckKeys(Keys()); err != nil {
		t.Errorf("refused by no known field: %v", err)
	}
	// Two known fields that differ by case are both fine.
	both := Keys("toolChoice", "toolchoice")
	if err := mustParse(t, `{"toolChoice":1,"toolchoice":2}`).Root().CheckKeys(both); err != nil {
		t.Error(err)
	}
	if err := mustParse(t, `{"ToolChoice":1}`).Root().CheckKeys(both); err == nil {
		t.Error("accepted")
	}
}
