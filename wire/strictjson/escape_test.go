package strictjson

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

func TestAppendQuoted(t *testing.T) {
	for s, want := range map[string]string{
		"":                     `""`,
		"plain é 😀 <&> / \x7f": "\"plain é 😀 <&> / \x7f\"",
		"\"\\":                 `"\"\\"`,
		"\b\f\n\r\t\x00\x1f":   `"\b\f\n\r\t\u0000\u001f"`,
		"a\u2028b\u2029c":      `"a\u2028b\u2029c"`,
		"\u2027\u202a":         "\"\u2027\u202a\"",
		"a\xffb\xe2\x82":       "\"a\uFFFDb\uFFFD\uFFFD\"",
	} {
		if got := string(AppendQuoted(nil, s)); got != want {
			t.Errorf("%q becomes %s, want %s", s, got, want)
		}
	}
	if got := string(AppendEscaped([]byte("x"), "a\n")); got != `xa\n` {
		t.Errorf("contents become %s", got)
	}
}

func TestRawOffsets(t *testing.T) {
	tests := []struct {
		raw     string
		decoded []int
		want    []int
	}{
		{`"abc"`, []int{0, 1, 2, 3}, []int{1, 2, 3, 4}},
		{`""`, []int{0}, []int{1}},
		{`"abc"`, nil, nil},
		{`"abc"`, []int{2, 2, 2}, []int{3, 3, 3}},
		{`"a\nb"`, []int{0, 1, 2, 3}, []int{1, 2, 4, 5}},
		{`"\u0041b"`, []int{0, 1, 2}, []int{1, 7, 8}},
		{`"\u00e9x"`, []int{0, 2, 3}, []int{1, 7, 8}},
		{`"\ud83d\ude00x"`, []int{0, 4, 5}, []int{1, 13, 14}},
		{`"é\t😀"`, []int{0, 2, 3, 7}, []int{1, 3, 5, 9}},
		{`"\\\"\/"`, []int{0, 1, 2, 3}, []int{1, 3, 5, 7}},
		// Inside an escaped character: the start of its escape.
		{`"x\ud83d\ude00"`, []int{2, 3, 4, 5}, []int{2, 2, 2, 14}},
		// Beyond the end: the closing quote.
		{`"ab"`, []int{1, 2, 3, 100}, []int{2, 3, 3, 3}},
		{`"\n"`, []int{5}, []int{3}},
	}
	for _, tt := range tests {
		if got := RawOffsets([]byte(tt.raw), tt.decoded); !slices.Equal(got, tt.want) {
			t.Errorf("%s %v: %v, want %v", tt.raw, tt.decoded, got, tt.want)
		}
	}
}

func TestSplice(t *testing.T) {
	body := []byte("0123456789")
	tests := []struct {
		name string
		r    []Replacement
		want string
	}{
		{"nothing", nil, "0123456789"},
		{"one", []Replacement{{2, 4, []byte("ab")}}, "01ab456789"},
		{"longer, shorter, empty", []Replacement{{0, 1, []byte("long")}, {3, 6, []byte("s")}, {8, 10, nil}}, "long12s67"},
		{"adjacent", []Replacement{{2, 4, []byte("a")}, {4, 6, []byte("b")}}, "01ab6789"},
		{"insertions", []Replacement{{0, 0, []byte("<")}, {5, 5, []byte("|")}, {5, 5, []byte("|")}, {10, 10, []byte(">")}}, "<01234||56789>"},
		{"all", []Replacement{{0, 10, []byte("x")}}, "x"},
	}
	for _, tt := range tests {
		if got := string(Splice([]byte("pre "), body, tt.r)); got != "pre "+tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, "pre "+tt.want)
		}
	}
	for name, r := range map[string][]Replacement{
		"overlap":      {{2, 4, nil}, {3, 5, nil}},
		"unsorted":     {{4, 5, nil}, {2, 3, nil}},
		"inverted":     {{4, 2, nil}},
		"negative":     {{-1, 2, nil}},
		"out of range": {{8, 11, nil}},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			Splice(nil, body, r)
		})
	}
}

// checkReplace replaces a range of a decoded string through RawOffsets and
// checks that nothing else changed, after decoding and in the bytes.
func checkReplace(t *testing.T, raw []byte, from, to int, with string) {
	t.Helper()
	text := string(Unescape(nil, raw))
	// Detectors report ranges of whole characters.
	for from < len(text) && !utf8.RuneStart(text[from]) {
		from++
	}
	for to = max(to, from); to < len(text) && !utf8.RuneStart(text[to]); {
		to++
	}
	at := RawOffsets(raw, []int{from, to})
	edited := Splice(nil, raw, []Replacement{{at[0], at[1], AppendEscaped(nil, with)}})
	d, err := Parse(edited, Limits{})
	if err != nil {
		t.Fatalf("%q with [%d, %d) replaced is %q: %v", raw, from, to, edited, err)
	}
	defer d.Release()
	if want := text[:from] + strings.ToValidUTF8(with, "\uFFFD") + text[to:]; d.Root().Str() != want && utf8.ValidString(with) {
		t.Fatalf("%q with [%d, %d) replaced reads %q, want %q", raw, from, to, d.Root().Str(), want)
	}
	if !strings.HasPrefix(string(edited), string(raw[:at[0]])) || !strings.HasSuffix(string(edited), string(raw[at[1]:])) {
		t.Fatalf("%q: other bytes changed: %q", raw, edited)
	}
	if got := string(Unescape(nil, append(slices.Clone(raw[:at[0]]), '"'))); got != text[:from] {
		t.Fatalf("%q: raw offset %d is not decoded offset %d", raw, at[0], from)
	}
}

// TestReplaceEveryRange replaces every range of strings that mix all ways of
// writing a character.
func TestReplaceEveryRange(t *testing.T) {
	for _, raw := range []string{`""`, `"a"`, `"\u0061\nb\\"`, `"é\u00e9😀\ud83d\ude00x"`, `"\/\u002f/ \"q\" \u2028"`, `"\ud83d\ude00\ud83d\ude00"`} {
		n := len(Unescape(nil, []byte(raw)))
		for from := 0; from <= n; from++ {
			for to := from; to <= n; to++ {
				checkReplace(t, []byte(raw), from, to, "[E\"\n]")
			}
		}
	}
}

func FuzzSplice(f *testing.F) {
	f.Add([]byte(`"mail \u0061@b.example now"`), 5, 16, "[EMAIL]")
	f.Add([]byte(`"\ud83d\ude00\n\\"`), 4, 5, "\u2028")
	f.Add([]byte(`"aé"`), 1, 3, "\xff")
	f.Fuzz(func(t *testing.T, raw []byte, from, to int, with string) {
		d, err := Parse(raw, Limits{})
		if err != nil {
			return
		}
		defer d.Release()
		v := d.Root()
		if v.Kind() != String {
			return
		}
		n := len(v.Str())
		if from < 0 || to < from || to > n {
			return
		}
		checkReplace(t, v.Raw(), from, to, with)
		// Every offset at once is every offset by itself.
		all := make([]int, n+1)
		for i := range all {
			all[i] = i
		}
		for i, at := range RawOffsets(v.Raw(), all) {
			if one := RawOffsets(v.Raw(), []int{i}); one[0] != at {
				t.Fatalf("offset %d is %d alone and %d among others", i, one[0], at)
			}
		}
		quoted := AppendQuoted(nil, with)
		if !jsontext.Value(quoted).IsValid() {
			t.Fatalf("%q becomes %q, which is no JSON", with, quoted)
		}
		var back string
		if err := json.Unmarshal(quoted, &back); err != nil || back != string([]rune(with)) {
			t.Fatalf("%q becomes %q, which reads %q, %v", with, quoted, back, err)
		}
	})
}

func BenchmarkRawOffsets(b *testing.B) {
	raw := []byte(`"` + strings.Repeat(`some text with\n\"escapes\" \u00e9 in it, `, 1000) + `"`)
	offsets := []int{10, 1000, 20000, 20010}
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		RawOffsets(raw, offsets)
	}
}
