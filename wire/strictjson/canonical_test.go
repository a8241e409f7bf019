package strictjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
)

// TestCanonicalNumbersOfRFC8785 are the numbers of the RFC's appendix B, as the
// bits of the double.
func TestCanonicalNumbersOfRFC8785(t *testing.T) {
	for bits, want := range map[uint64]string{
		0x0000000000000000: "0",
		0x8000000000000000: "0",
		0x0000000000000001: "5e-324",
		0x8000000000000001: "-5e-324",
		0x7fefffffffffffff: "1.7976931348623157e+308",
		0xffefffffffffffff: "-1.7976931348623157e+308",
		0x4340000000000000: "9007199254740992",
		0xc340000000000000: "-9007199254740992",
		0x4430000000000000: "295147905179352830000",
		0x44b52d02c7e14af5: "9.999999999999997e+22",
		0x44b52d02c7e14af6: "1e+23",
		0x44b52d02c7e14af7: "1.0000000000000001e+23",
		0x444b1ae4d6e2ef4e: "999999999999999700000",
		0x444b1ae4d6e2ef4f: "999999999999999900000",
		0x444b1ae4d6e2ef50: "1e+21",
		0x3eb0c6f7a0b5ed8c: "9.999999999999997e-7",
		0x3eb0c6f7a0b5ed8d: "0.000001",
		0x41b3de4355555553: "333333333.3333332",
		0x41b3de4355555554: "333333333.33333325",
		0x41b3de4355555555: "333333333.3333333",
		0x41b3de4355555556: "333333333.3333334",
		0x41b3de4355555557: "333333333.33333343",
		0xbecbf647612f3696: "-0.0000033333333333333333",
		0x43143ff3c1cb0959: "1424953923781206.2",
	} {
		// The shortest literal in another form than the canonical one.
		literal := strconv.FormatFloat(math.Float64frombits(bits), 'E', -1, 64)
		got, err := Canonical([]byte(literal))
		if err != nil || string(got) != want {
			t.Errorf("%s becomes %s, want %s (%v)", literal, got, want, err)
		}
	}
}

func TestCanonicalNumbers(t *testing.T) {
	for literal, want := range map[string]string{
		"0": "0", "-0": "0", "0.0": "0", "-0.00e5": "0", "0e999": "0", "0E-999999999999": "0",
		"1": "1", "1.0": "1", "10": "10", "1e1": "10", "100E-2": "1", "-1.50": "-1.5", "4.50": "4.5", "2e-3": "0.002",
		"1E30": "1e+30", "0.000000000000000000000000001": "1e-27", "1e-7": "1e-7", "0.0000001": "1e-7", "123456789012345": "123456789012345",
		"0.1": "0.1", "1E-1": "0.1", "1e21": "1e+21", "1e20": "100000000000000000000", "1000000000000000000000": "1e+21",
		"-999999999999999": "-999999999999999", "9007199254740991": "9007199254740991", "9007199254740992": "9007199254740992",
		"9007199254740992.000": "9007199254740992", "1e2": "100", "12e-1": "1.2",

		// What RFC 8785 would change keeps its literal.
		"9007199254740993":        "9007199254740993",
		"-9007199254740993":       "-9007199254740993",
		"9007199254740993.0":      "9007199254740993.0",
		"18446744073709551615":    "18446744073709551615",
		"295147905179352825856":   "295147905179352825856",
		"12345678901234567890123": "12345678901234567890123",
		"333333333.33333329":      "333333333.33333329",
		"0.1000000000000000055":   "0.1000000000000000055",
		"1e-400":                  "1e-400",
		"-1e-400":                 "-1e-400",
		"1.00000000000000000001":  "1.00000000000000000001",
	} {
		got, err := Canonical([]byte(literal))
		if err != nil || string(got) != want {
			t.Errorf("%s becomes %s, want %s (%v)", literal, got, want, err)
		}
	}
	long := strings.Repeat("1234567890", 30)
	if got, err := Canonical([]byte(long)); err != nil || string(got) != long {
		t.Errorf("300 digits become %s (%v)", got, err)
	}
}

func TestCanonical(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{
			"the sample object of RFC 8785, section 3.2.2, its first number shortened to what a double holds",
			`{
  "numbers": [333333333.3333333, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
  "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
  "literals": [null, true, false]
}`,
			`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
		},
		{
			"the sort sample of RFC 8785, section 3.2.3",
			`{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}`,
			"",
		},
		{"key order", `{"\ufb33":1,"\ud83d\ude00":2,"ö":3,"b":4,"":5,"aa":6,"a":7,"€":8,"\u0080":9}`, "{\"\":5,\"a\":7,\"aa\":6,\"b\":4,\"\u0080\":9,\"ö\":3,\"€\":8,\"😀\":2,\"\ufb33\":1}"},
		{"supplementary planes", `{"\udbff\udfff":1,"\ud800\udc00":2,"\uffff":3,"\ue000":4,"\ud7ff":5}`, "{\"\ud7ff\":5,\"\U00010000\":2,\"\U0010FFFF\":1,\"\ue000\":4,\"\uffff\":3}"},
		{"nested", ` { "b" : { "d" : 1 , "c" : [ { "z" : 0, "y" : [ ] } ] } , "a" : { } } `, `{"a":{},"b":{"c":[{"y":[],"z":0}],"d":1}}`},
		{"escapes", `"\u0000\u0008\u0009\u000a\u000b\u000c\u000d\u001f\u0022\u005c\u002f\u007f\u2028\ud83d\ude00"`, "\"\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f\\\"\\\\/\x7f\u2028😀\""},
		{"separators stay", "\"\u2028\u2029<>&\"", "\"\u2028\u2029<>&\""},
		{"arguments", `{"path":"/tmp/x","line":9007199254740993,"force":false}`, `{"force":false,"line":9007199254740993,"path":"/tmp/x"}`},
		{"empty object", `{}`, `{}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Canonical([]byte(tt.in))
			if tt.want == "" { // a key with a control character does not pass the gate
				if err == nil || err.Error() != "control character in a key at byte 22" {
					t.Errorf("error is %v", err)
				}
				return
			}
			if err != nil || string(got) != tt.want {
				t.Errorf("becomes\n%s, want\n%s (%v)", got, tt.want, err)
			}
		})
	}
	if _, err := AppendCanonical(nil, Value{}); err == nil {
		t.Error("a missing value has a canonical form")
	}
	if _, err := Canonical([]byte(`{"a":1,"a":1}`)); err == nil {
		t.Error("a refused text has a canonical form")
	}
	if got, err := AppendCanonical([]byte("x"), mustParse(t, `{"a":[{"c":1,"b":2}]}`).Root().Get("a")); err != nil || string(got) != `x[{"b":2,"c":1}]` {
		t.Errorf("an inner value becomes %s (%v)", got, err)
	}
}

// checkCanonical checks that the canonical form is stable, sorted and means the same.
func checkCanonical(body []byte) error {
	d, err := Parse(body, Limits{})
	if err != nil {
		return nil
	}
	defer d.Release()
	once, err := AppendCanonical(nil, d.Root())
	if err != nil {
		return err
	}
	c, err := Parse(once, Limits{})
	if err != nil {
		return fmt.Errorf("%q is refused: %w", once, err)
	}
	defer c.Release()
	twice, err := AppendCanonical(nil, c.Root())
	if err != nil || !bytes.Equal(once, twice) {
		return fmt.Errorf("%q becomes %q when repeated (%w)", once, twice, err)
	}
	return sameValue(d.Root(), c.Root())
}

func sameValue(a, b Value) error {
	if a.Kind() != b.Kind() || a.Len() != b.Len() {
		return fmt.Errorf("%v of %d became %v of %d", a.Kind(), a.Len(), b.Kind(), b.Len())
	}
	switch a.Kind() {
	case Number:
		if x, y := exact(a.Raw()), exact(b.Raw()); x != nil && y != nil && x.Cmp(y) != 0 {
			return fmt.Errorf("%s became %s", a.Raw(), b.Raw())
		}
	case Array:
		other := map[int]Value{}
		for i, e := range b.Elems() {
			other[i] = e
		}
		for i, e := range a.Elems() {
			if err := sameValue(e, other[i]); err != nil {
				return err
			}
		}
	case Object:
		for k, e := range a.Members() {
			if err := sameValue(e, b.Get(k.Str())); err != nil {
				return err
			}
		}
		last := []uint16(nil)
		for k := range b.Members() {
			units := utf16.Encode([]rune(k.Str()))
			if last != nil && !lessUnits(last, units) {
				return fmt.Errorf("key %q is out of order", k.Str())
			}
			last = units
		}
	default:
		if x, y := decode(a), decode(b); !reflect.DeepEqual(x, y) {
			return fmt.Errorf("%#v became %#v", x, y)
		}
	}
	return nil
}

func lessUnits(a, b []uint16) bool {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return len(a) < len(b)
}

// exact returns a number's value; nil if its exponent would need too much memory.
func exact(literal []byte) *big.Rat {
	if _, e, ok := strings.Cut(strings.ToLower(string(literal)), "e"); ok {
		if n, err := strconv.Atoi(e); err != nil || n > 2000 || n < -2000 {
			return nil
		}
	}
	r, _ := new(big.Rat).SetString(string(literal))
	return r
}

func FuzzCanonical(f *testing.F) {
	for _, s := range []string{
		`{"b":1,"a":[1.0,-0,1e21,9007199254740993,0.1,1E-7,333333333.33333329]}`, `{"\ud83d\ude00":1,"\ufb33":2}`, `"\u0000\/\u2028"`, `1e-400`, `-0.0e9`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if err := checkCanonical(body); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzCanonicalNumber makes numbers from their parts, which a mutator of bytes
// rarely does, and compares doubles with what encoding/json writes for them.
func FuzzCanonicalNumber(f *testing.F) {
	f.Add(false, uint64(9007199254740993), uint64(0), int16(0))
	f.Add(true, uint64(1), uint64(5), int16(-7))
	f.Add(false, uint64(1), uint64(0), int16(308))
	f.Fuzz(func(t *testing.T, negative bool, whole, fraction uint64, exponent int16) {
		literal := fmt.Sprintf("%d.%de%d", whole, fraction, exponent)
		if negative {
			literal = "-" + literal
		}
		if err := checkCanonical([]byte(literal)); err != nil {
			t.Fatal(err)
		}
		x, err := strconv.ParseFloat(literal, 64)
		if err != nil || x == 0 {
			return
		}
		shortest := strconv.FormatFloat(x, 'e', -1, 64)
		got, err := Canonical([]byte(shortest))
		if err != nil {
			t.Fatal(err)
		}
		if want, _ := json.Marshal(x); !bytes.Equal(got, want) {
			t.Fatalf("%s becomes %s, encoding/json writes %s", shortest, got, want)
		}
	})
}
