package strictjson

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// manyKeys returns an object of n members with different names.
func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"k%d":%d`, i, i)
	}
	return "{" + b.String()[1:] + "}"
}

func TestParseRefuses(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	tests := []struct {
		name, body, reason string
		offset             int64
	}{
		{"duplicate key", `{"model":"a","model":"b"}`, ReasonDuplicateKey, 13},
		{"duplicate key in depth", `{"a":[{"b":{"c":1,"d":2,"c":3}}]}`, ReasonDuplicateKey, 24},
		{"duplicate key by escape", `{"model":"a","m\u006fdel":"b"}`, ReasonDuplicateKey, 13},
		{"duplicate key, escape first", `{"m\u006fdel":"a","model":"b"}`, ReasonDuplicateKey, 18},
		{"duplicate key, both escaped", `{"\u006d":1,"\u006D":2}`, ReasonDuplicateKey, 12},
		{"duplicate key by surrogates", `{"😀":1,"\ud83d\ude00":2}`, ReasonDuplicateKey, 10},
		{"duplicate empty key", `{"":1,"":2}`, ReasonDuplicateKey, 6},
		{"duplicate after an inner object", `{"a":{"b":1},"a":1}`, ReasonDuplicateKey, 13},
		{"duplicate of the 1st of 101 keys", strings.TrimSuffix(manyKeys(100), "}") + `,"k0":1}`, ReasonDuplicateKey, int64(len(manyKeys(100)))},
		{"duplicate of the 16th of 17 keys", strings.TrimSuffix(manyKeys(16), "}") + `,"k15":1}`, ReasonDuplicateKey, int64(len(manyKeys(16)))},
		{"duplicate of the 17th of 18 keys", strings.TrimSuffix(manyKeys(17), "}") + `,"k1\u0036":1}`, ReasonDuplicateKey, int64(len(manyKeys(17)))},

		{"duplicate of two alike at both ends", `{"name1tail":1,"name2tail":2,"n\u0061me2tail":3}`, ReasonDuplicateKey, 29},
		{"newline in a key", `{"a\nb":1}`, ReasonControlInKey, 1},
		{"NUL in a key", `{"x":{"\u0000":1}}`, ReasonControlInKey, 6},
		{"U+001F in a key", `{"a\u001fb":1}`, ReasonControlInKey, 1},
		{"DEL in a key", "{\"a\x7f\":1}", ReasonControlInKey, 1},
		{"escaped DEL in a key", `{"a\u007f":1}`, ReasonControlInKey, 1},
		{"raw control character in a key", "{\"a\x01\":1}", ReasonControlCharacter, 3},
		{"raw newline in a string", "[\"a\nb\"]", ReasonControlCharacter, 3},
		{"raw NUL in a string", "[\"12345678\x00\"]", ReasonControlCharacter, 10},
		{"raw tab in a string", "\"1234567\t\"", ReasonControlCharacter, 8},

		{"two documents", `{} {}`, ReasonTrailingData, 3},
		{"NDJSON", "{\"a\":1}\n{\"a\":2}\n", ReasonTrailingData, 8},
		{"trailing bracket", `{}]`, ReasonTrailingData, 2},
		{"trailing NUL", "{}\x00", ReasonTrailingData, 2},
		{"trailing text", `nullx`, ReasonTrailingData, 4},
		{"UTF-8 byte order mark", "\xEF\xBB\xBF{}", ReasonByteOrderMark, 0},
		{"UTF-16 little endian", "\xFF\xFE{\x00}\x00", ReasonByteOrderMark, 0},
		{"UTF-16 big endian", "\xFE\xFF\x00{\x00}", ReasonByteOrderMark, 0},
		{"UTF-32 big endian", "\x00\x00\xFE\xFF\x00\x00\x00{", ReasonByteOrderMark, 0},
		{"UTF-16 without a mark", "{\x00}\x00", ReasonNotJSON, 1},
		{"byte order mark after a space", " \xEF\xBB\xBF{}", ReasonNotJSON, 1},

		{"line comment", "{} // x", ReasonTrailingData, 3},
		{"comment inside", `{/**/"a":1}`, ReasonNotJSON, 1},
		{"trailing comma in an object", `{"a":1,}`, ReasonNotJSON, 7},
		{"trailing comma in an array", `[1,]`, ReasonNotJSON, 3},
		{"leading comma", `[,1]`, ReasonNotJSON, 1},
		{"no comma", `[1 2]`, ReasonNotJSON, 3},
		{"no comma between members", `{"a":1 "b":2}`, ReasonNotJSON, 7},
		{"no colon", `{"a" 1}`, ReasonNotJSON, 5},
		{"no value", `{"a":}`, ReasonNotJSON, 5},
		{"key without quotes", `{a:1}`, ReasonNotJSON, 1},
		{"number as key", `{1:1}`, ReasonNotJSON, 1},
		{"single quotes", `{'a':1}`, ReasonNotJSON, 1},
		{"mismatched bracket", `[1}`, ReasonNotJSON, 2},
		{"mismatched brace", `{"a":1]`, ReasonNotJSON, 6},
		{"NaN", `{"a":NaN}`, ReasonNotJSON, 5},
		{"Infinity", `-Infinity`, ReasonNotJSON, 1},
		{"True", `True`, ReasonNotJSON, 0},
		{"nul1", `nul1`, ReasonNotJSON, 3},
		{"form feed as space", "\f{}", ReasonNotJSON, 0},
		{"no-break space", "\u00a0{}", ReasonNotJSON, 0},
		{"vertical tab after comma", "[1,\v2]", ReasonNotJSON, 3},

		{"leading zero", `{"a":01}`, ReasonNotJSON, 6},
		{"leading zero, negative", `-01`, ReasonNotJSON, 2},
		{"leading zeros", `[000]`, ReasonNotJSON, 2},
		{"hexadecimal", `[0x10]`, ReasonNotJSON, 2},
		{"plus", `[+1]`, ReasonNotJSON, 1},
		{"no digit after the point", `[1.]`, ReasonNotJSON, 3},
		{"no digit before the point", `[.5]`, ReasonNotJSON, 1},
		{"no exponent", `[1e]`, ReasonNotJSON, 3},
		{"no digit in the exponent", `[1e+]`, ReasonNotJSON, 4},
		{"minus alone", `[-]`, ReasonNotJSON, 2},
		{"1e999", `{"a":1e999}`, ReasonNumberRange, 5},
		{"-1e309", `[0,-1e309]`, ReasonNumberRange, 3},
		{"1.8e308", `1.8e308`, ReasonNumberRange, 0},
		{"huge exponent", `1e99999999999999999999`, ReasonNumberRange, 0},
		{"400 digits", strings.Repeat("9", 400), ReasonNumberRange, 0},

		{"invalid UTF-8", "{\"a\":\"x\xff\"}", ReasonInvalidUTF8, 7},
		{"invalid UTF-8 in a key", "{\"\xc0\xaf\":1}", ReasonInvalidUTF8, 2},
		{"overlong", "\"\xe0\x80\x80\"", ReasonInvalidUTF8, 1},
		{"surrogate in UTF-8", "\"abcdefgh\xed\xa0\x80\"", ReasonInvalidUTF8, 9},
		{"cut character", "\"\xe2\x82\"", ReasonInvalidUTF8, 1},
		{"over U+10FFFF", "\"\xf4\x90\x80\x80\"", ReasonInvalidUTF8, 1},
		{"high bytes outside strings", "{\"a\":\xe2\x82\xac}", ReasonNotJSON, 5},
		{"lone high surrogate", `["\ud800"]`, ReasonLoneSurrogate, 2},
		{"lone low surrogate", `["a\udc00"]`, ReasonLoneSurrogate, 3},
		{"two high surrogates", `"\ud800\ud800"`, ReasonLoneSurrogate, 1},
		{"swapped pair", `"\ude00\ud83d"`, ReasonLoneSurrogate, 1},
		{"high surrogate, other escape", `"\ud83d\n"`, ReasonLoneSurrogate, 1},
		{"high surrogate in a key", `{"\ud83d":1}`, ReasonLoneSurrogate, 2},
		{"unknown escape", `"\x41"`, ReasonInvalidEscape, 1},
		{"escaped single quote", `"a\'"`, ReasonInvalidEscape, 2},
		{"upper-case U", `"\U0041"`, ReasonInvalidEscape, 1},
		{"short escape", `"\u12"`, ReasonInvalidEscape, 1},
		{"bad digit in the second half", `"\ud83d\ude0g"`, ReasonInvalidEscape, 7},

		{"empty", ``, ReasonTruncated, 0},
		{"white space only", " \n", ReasonTruncated, 2},
		{"cut array", `[1`, ReasonTruncated, 2},
		{"cut after comma", `[1,`, ReasonTruncated, 3},
		{"cut object", `{`, ReasonTruncated, 1},
		{"cut after key", `{"a"`, ReasonTruncated, 4},
		{"cut after colon", `{"a":`, ReasonTruncated, 5},
		{"cut after member", `{"a":1`, ReasonTruncated, 6},
		{"cut string", `"abc`, ReasonTruncated, 4},
		{"cut long string", `"abcdefghijkl`, ReasonTruncated, 13},
		{"cut escape", `"\`, ReasonTruncated, 2},
		{"cut digits", `"\u00`, ReasonTruncated, 5},
		{"cut between the halves", `"\ud83d`, ReasonTruncated, 7},
		{"cut after the second backslash", `"\ud83d\`, ReasonTruncated, 8},
		{"cut second half", `"\ud83d\ude`, ReasonTruncated, 11},
		{"cut literal", `tru`, ReasonTruncated, 3},
		{"cut number", `-`, ReasonTruncated, 1},
		{"cut fraction", `1.`, ReasonTruncated, 2},
		{"cut exponent", `1e-`, ReasonTruncated, 3},

		{"depth 65", nested(65), ReasonTooDeep, 64},
		{"depth 65, objects", strings.Repeat(`{"a":`, 65), ReasonTooDeep, 64 * 5},
		{"100k brackets", strings.Repeat("[", 100_000), ReasonTooDeep, 64},
		{"4097 keys", manyKeys(4097), ReasonTooManyKeys, int64(strings.Index(manyKeys(4097), `"k4096"`))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Parse([]byte(tt.body), Limits{})
			if err == nil {
				d.Release()
				t.Fatal("accepted")
			}
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("error is a %T", err)
			}
			if e.Reason != tt.reason || e.Offset != tt.offset {
				t.Errorf("refused as %v, want %v", e, &Error{tt.reason, tt.offset})
			}
		})
	}
}

func TestParseAccepts(t *testing.T) {
	for name, body := range map[string]string{
		"object":                  `{}`,
		"white space":             " \t\r\n{ \"a\" : [ ] , \"b\" : { } } \n",
		"string root":             `"x"`,
		"number root":             `-0.0E-0`,
		"big integer":             `{"id":9007199254740993}`,
		"308 digits":              strings.Repeat("9", 308),
		"largest double":          `1.7976931348623157e308`,
		"largest by digits":       "1" + strings.Repeat("0", 308),
		"underflow":               `1e-999`,
		"every escape":            `"\"\\\/\b\f\n\r\t\u0041\uD83D\uDE00\u0000"`,
		"DEL in a value":          "\"\x7f\"",
		"non-characters":          "[\"\uFFFF\",\"\\uffff\"]",
		"same key, two objects":   `[{"a":1},{"a":1},{"a":{"a":1}}]`,
		"keys that differ":        `{"-i":1,"-I":2,"\u212a":3,"k":4}`,
		"keys like path syntax":   `{"a.b":1,"*":1,"#":1,"@this":1,"x|y":1,"0":1,"-1":1,"100000":1}`,
		"depth 64":                strings.Repeat("[", 64) + strings.Repeat("]", 64),
		"4096 keys":               manyKeys(4096),
		"keys alike at both ends": `{"name1tail":1,"name2tail":2,"n\u0061me3tail":3,"name4t\u0061il":4}`,
		"keys of three letters":   `{"abc":1,"acb":2,"bac":3,"":4,"a":5,"aa":6,"aaa":7}`,
		"keys beside each other":  "[" + manyKeys(20) + "," + manyKeys(17) + "]",
	} {
		t.Run(name, func(t *testing.T) {
			if err := agree([]byte(body)); err != nil {
				t.Error(err)
			}
			d, err := Parse([]byte(body), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			d.Release()
		})
	}
}

// TestParseLimits sets every limit at and just under what a body needs.
func TestParseLimits(t *testing.T) {
	body := []byte(`{"a":[[1,2]],"b":null}`) // depth 3, 2 keys, 8 nodes
	tests := []struct {
		limits Limits
		want   string
	}{
		{Limits{Depth: 3, Keys: 2, Nodes: 8}, ""},
		{Limits{Depth: 2}, "too deep at byte 6"},
		{Limits{Keys: 1}, "too many keys at byte 13"},
		{Limits{Nodes: 7}, "too many values at byte 17"},
		{Limits{Nodes: 1}, "too many values at byte 1"},
		{Limits{Depth: -1, Keys: -1, Nodes: -1}, ""},
	}
	for _, tt := range tests {
		d, err := Parse(body, tt.limits)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			d.Release()
		}
		if got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.limits, got, tt.want)
		}
	}
}

// hostile are bodies that are made to cost much; BenchmarkParseHostile tells what they do.
func hostile() []struct{ name, body, reason string } {
	return []struct{ name, body, reason string }{
		{"100k brackets", strings.Repeat("[", 100_000), ReasonTooDeep},
		{"100k objects", strings.Repeat(`{"":`, 100_000), ReasonTooDeep},
		{"64 deep nests", "[" + strings.Repeat(strings.Repeat("[", 63)+strings.Repeat("]", 63)+",", 8000) + "1]", ""},
		{"100k keys", manyKeys(100_000), ReasonTooManyKeys},
		{"1 MB of one key", "{" + strings.Repeat(`"a":1,`, 170_000) + `"a":1}`, ReasonDuplicateKey},
		{"1 MB of keys", "[" + strings.Repeat(manyKeys(4096)+",", 20) + "1]", ""},
		{"4096 escaped keys", strings.ReplaceAll(manyKeys(4096), "k", `\u006b`), ""},
		{"1 MB of digits", strings.Repeat("9", 1<<20), ReasonNumberRange},
		{"1 MB of zeros", "0." + strings.Repeat("0", 1<<20) + "e1", ""},
		{"1 MB of commas", "[" + strings.Repeat(",", 1<<20), ReasonNotJSON},
		{"1 MB of escapes", `"` + strings.Repeat(`\u00e9`, 170_000) + `"`, ""},
		{"1 MB of numbers", "[" + strings.Repeat("1,", 1<<19) + "1]", ""},
		{"too many numbers", "[" + strings.Repeat("1,", 1<<20) + "1]", ReasonTooManyValues},
		{"1 MB of backslashes", `"` + strings.Repeat(`\`, 1<<20), ReasonTruncated},
	}
}

func TestParseHostile(t *testing.T) {
	for _, tt := range hostile() {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Parse([]byte(tt.body), Limits{})
			got := ""
			var e *Error
			if errors.As(err, &e) {
				got = e.Reason
			} else {
				d.Release()
			}
			if got != tt.reason {
				t.Errorf("refused as %q, want %q", got, tt.reason)
			}
		})
	}
}

// TestReleasedDoc: a Value that outlives its Doc must not read another body.
func TestReleasedDoc(t *testing.T) {
	d, err := Parse([]byte(`{"a":"mine"}`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	v := d.Root().Get("a")
	d.Release()
	d.Release()
	other, err := Parse([]byte(`{"a":"theirs"}`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Release()
	defer func() {
		if recover() == nil {
			t.Error("a released value was read")
		}
	}()
	_ = v.Str()
}

func TestParseAllocates(t *testing.T) {
	body := chatRequest(2 << 10)
	n := testing.AllocsPerRun(200, func() {
		d, err := Parse(body, Limits{})
		if err != nil {
			t.Error(err)
			return
		}
		d.Release()
	})
	// The Doc, and a little where a pool was emptied (the race detector does that
	// on purpose); far less than one for each of the body's nodes.
	if n > 8 {
		t.Errorf("%v allocations", n)
	}
}
