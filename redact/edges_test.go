package redact

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var edgeValues = []string{
	"ann@example.com", "4111 1111 1111 1111", "378282246310005", "123-45-6789", "123 45 6789",
	"GB82 WEST 1234 5698 7654 32", "NO9386011117947", "10.0.0.1", "fe80::1", "2001:db8::", "foo", "xab",
}

// TestNeighbours puts every value beside what decides on it, and cuts between
// all bytes.
func TestNeighbours(t *testing.T) {
	s := mustCompile(t, "*", "lit:foo", `re:\bx[a-f]{2}\b`, "re:ß$")
	beside := []string{
		"", "é", "漢", "😀", "ß", "\u2014", "\xe2\x82", "\xf0\x9f\x98", "\xff", "a", "7", "_", " ", "\n",
		".5", ".é", ".漢", ". ", ".", "-a", "-é", "-漢", "-1", "+1", "+漢", ":", ":1", " 1", " 漢", " 😀", "[REDACTED]", "[IP]", ".[IP]", "[RED", "foo",
	}
	for _, v := range edgeValues {
		for _, left := range beside {
			for _, right := range beside {
				text := []byte(left + v + right)
				want := whole(s, text)
				for _, cuts := range [][]byte{nil, {2, 1}, {byte(len(left) + len(v)), 1}, {byte(len(left) + len(v) + 1), 1}} {
					if diff := cmp.Diff(want, pieces(t, s, text, cuts)); diff != "" {
						t.Fatalf("%q cut by %v (-whole +stream)\n%s", text, cuts, diff)
					}
				}
			}
		}
	}
}

// TestLongRuns hides values in text without a cut, where the hold decides.
func TestLongRuns(t *testing.T) {
	longest := strings.Repeat("l", 64) + "@" + strings.Repeat(strings.Repeat("d", 63)+".", 4) + strings.Repeat("t", 63)
	s := mustCompile(t, "*", "lit:foo", `re:\bx[a-f]{2}\b`, `re:#[^@]+`)
	for name, unit := range hostile {
		for _, v := range append(edgeValues, longest, "#"+strings.Repeat("#", 500)) {
			fill := strings.Repeat(unit, 1200/len(unit))
			text := []byte(fill + v + fill + "." + v + fill)
			want := whole(s, text)
			if diff := cmp.Diff(want, s.Scan(text)); diff != "" {
				t.Fatalf("%s around %q (-whole +batch)\n%s", name, v, diff)
			}
			if diff := cmp.Diff(want, pieces(t, s, text, []byte{5, 50})); diff != "" {
				t.Fatalf("%s around %q (-whole +stream)\n%s", name, v, diff)
			}
		}
	}
}

// TestTwice: context is looked for in what was put out, which is what the
// next pass reads.
func TestTwice(t *testing.T) {
	long := strings.Repeat("l", 60) + "@example.com"
	for _, c := range []struct{ text, want string }{
		{"SSN of " + long + ": 123456789", "SSN of [EMAIL]: [US_SSN]"},
		{"ssn@example.com 123456789", "[EMAIL] 123456789"},
		{"fe80::zed@example.com", "fe80::[EMAIL]"},
		{"1.2.3.4.GB82WEST12345698765432", "1.2.3.4.[IBAN]"},
		{"123 45 6789 4111 1111 1111 1111", "123 45 6789 [CREDIT_CARD]"},
		{"foo1.2.3.4", "[REDACTED]1.2.3.4"},
		{"1.2.3.4foo", "1.2.3.4[REDACTED]"},
		{"version foo 1.2.3.4", "version [REDACTED] [IP]"},
	} {
		s := mustCompile(t, "*", "lit:foo")
		once, _ := s.Redact([]byte(c.text))
		twice, _ := s.Redact(once)
		if string(once) != c.want || string(twice) != c.want {
			t.Errorf("%q: once %q, twice %q, want %q", c.text, once, twice, c.want)
		}
	}
	for _, v := range edgeValues[:10] {
		for keep := range 9 {
			s, err := Compile([]Selector{{Spec: "*", As: Mask, KeepLast: keep}}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			once, edits := s.Redact([]byte("ssn: " + v + " and"))
			if twice, _ := s.Redact(once); len(edits) != 1 || !bytes.Equal(twice, once) {
				t.Errorf("%q with %d kept: once %q, twice %q", v, keep, once, twice)
			}
		}
	}
}
