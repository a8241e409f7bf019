package redact

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// samples are values, near misses, and what stands between them.
var samples = []string{
	"ann@example.com", "a.b+c@mail.example.co.uk", "x@2x.png", "o'hara@irish.ie", "u'ann@example.com'",
	"pkg@1.2.3", "a@b", "git@github.com:org/repo", strings.Repeat("q", 70) + "@long.example", ".dot.@x.de", "a..b@x.de",
	"4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "3782 822463 10005", "378282246310005",
	"4242424242424242", "5555 5555 5555 4444", "6304000000000000", "1234567890123", "4111 1111 1111 1111 123",
	"123-45-6789", "123 45 6789", "123456789", "078-05-1120", "SSN", "social security number is ", "ssn#",
	"GB82 WEST 1234 5698 7654 32", "GB82WEST12345698765432", "gb82west12345698765432", "DE89370400440532013000", "NO93 8601 1117 947",
	"10.0.0.1", "192.168.255.255", "1.2.3.4.5", "version 1.2.3.4", "v1.2.3.4", "256.1.1.1", "fe80::1", "::1", "::", "fe80::",
	"::ffff:1.2.3.4", "2001:db8::8a2e:370:7334", "12:34:56", "std::vector", "00:11:22:33:44:55:66:77", "[::2]",
	"[EMAIL]", "[REDACTED]", "[IP_0123456789abcdef]", "[US_SSN", "CREDIT_CARD]", "[", "]", "REDACTED",
	"foo", "xyz", "x0ff", "#head", "aab", "za--q", "AB123456", "é", "ééé", "ß", "漢字", "😀", "\xff", "\xe2\x82", "\xc3",
	" ", " ", " ", "-", ".", ",", ":", "/", "_", "\n", "\n", "\t", "'", "\"", "@", "+", "=", "(", "*", "0", "1", "9", "a", "Z",
	"deadbeef", "550e8400-e29b-41d4-a716-446655440000", "1700000000000", "card", "the quick brown fox ",
}

// userSpecs are selectors whose matches can contain, touch and cut the samples.
var userSpecs = []string{
	"lit:foo", "lit:é", "lit: 1", "lit:@example", "lit:a", "lit:\xff", "lit:[EM", "lit:1.2",
	`re:\d+`, `re:\bx[0-9a-f]{2,30}\b`, `re:(?m)^#.*$`, `re:é+|z.{0,5}q`, `re:foo$`, `re:\Aaa*b`,
	`re:[A-Z]{2}\d{2,40}`, `re:(?i)AN{2}\B`, `re:@[^@]*@`, `re:[漢字]+`, `re:4(?:1|11|1111)1 ?`, `re:\.|\.\d\.\d`,
}

// pickSet makes a set from the bits of pick: built-in entities, then users'
// selectors, with operators in turn.
func pickSet(t testing.TB, pick uint32, ops ...string) (*Set, []Selector) {
	t.Helper()
	key := fmt.Sprint(pick, ops)
	if p, ok := picked.Load(key); ok {
		return p.(pickedSet).set, p.(pickedSet).sel
	}
	var sel []Selector
	for i, spec := range slices.Concat(Entities(), userSpecs) {
		if pick&(1<<i) != 0 {
			l := Selector{Spec: spec, As: ops[i%len(ops)]}
			if l.As == Mask {
				l.KeepLast = i
			}
			sel = append(sel, l)
		}
	}
	s, err := Compile(sel, Options{Key: []byte("key")})
	if err != nil {
		t.Fatal(err)
	}
	picked.Store(key, pickedSet{s, sel})
	return s, sel
}

type pickedSet struct {
	set *Set
	sel []Selector
}

var picked sync.Map // what pickSet has made

var allOps = []string{Placeholder, Mask, Hash, Remove}

func randomText(r *rand.Rand) []byte {
	var b []byte
	for range 1 + r.IntN(9) {
		b = append(b, samples[r.IntN(len(samples))]...)
		if r.IntN(4) == 0 && len(b) > 0 {
			b = b[:len(b)-1]
		}
		if r.IntN(3) == 0 {
			b = append(b, ' ')
		}
	}
	return b
}

func randomCuts(r *rand.Rand) []byte {
	cuts := make([]byte, 1+r.IntN(6))
	for i := range cuts {
		cuts[i] = byte(r.IntN(12))
	}
	return cuts
}

func checkSplits(t *testing.T, text, cuts []byte, pick uint32) {
	t.Helper()
	s, sel := pickSet(t, pick, allOps...)
	batch := s.Scan(text)
	if diff := cmp.Diff(whole(s, text), batch); diff != "" {
		t.Fatalf("the scanning automaton misleads on %q with %v (-without +with)\n%s", text, sel, diff)
	}
	if diff := cmp.Diff(batch, pieces(t, s, text, cuts)); diff != "" {
		t.Fatalf("cut by %v, %q with %v differs (-batch +stream)\n%s", cuts, text, sel, diff)
	}
	if diff := cmp.Diff(batch, pieces(t, s, text, nil)); diff != "" {
		t.Fatalf("byte by byte, %q with %v differs (-batch +stream)\n%s", text, sel, diff)
	}
}

func checkOracle(t *testing.T, text []byte, pick uint32) {
	t.Helper()
	if !utf8.Valid(text) || len(text) > 200 {
		return
	}
	s, sel := pickSet(t, pick, allOps...)
	out, edits := s.Redact(text)
	want, wantEdits := (&oracle{sel: sel, set: s}).redact(string(text))
	if diff := cmp.Diff(wantEdits, edits); diff != "" {
		t.Fatalf("%q with %v (-oracle +set)\n%s", text, sel, diff)
	}
	if want != string(out) {
		t.Fatalf("%q with %v\noracle %q\nset    %q", text, sel, want, out)
	}
}

// twicePick leaves out what cannot be idempotent: selectors that match a part
// of their own placeholder's surroundings by design.
func checkTwice(t *testing.T, text []byte, pick uint32) {
	t.Helper()
	s, sel := pickSet(t, pick, Placeholder, Hash)
	once, edits := s.Redact(text)
	if twice, more := s.Redact(once); !bytes.Equal(once, twice) {
		t.Fatalf("%q with %v\nonce  %q %v\ntwice %q %v", text, sel, once, edits, twice, more)
	}
}

// twiceMask keeps the built-in entities and the selectors that match one fixed
// text without brackets. An expression that takes in its surroundings can
// take in a placeholder's.
const twiceMask = 1<<5 - 1 | 0b1011<<5

func TestRandomTexts(t *testing.T) {
	rounds := 3000
	if testing.Short() {
		rounds = 300
	}
	r := rand.New(rand.NewPCG(1, 2))
	picks := []uint32{1<<5 - 1, 1<<31 - 1}
	for len(picks) < 100 {
		picks = append(picks, r.Uint32()&r.Uint32(), r.Uint32()|1<<5-1)
	}
	for range rounds {
		text, cuts := randomText(r), randomCuts(r)
		pick := picks[r.IntN(len(picks))]
		checkSplits(t, text, cuts, pick)
		checkTwice(t, text, pick&twiceMask)
		if r.IntN(30) == 0 {
			checkOracle(t, text[:min(len(text), 60)], pick)
		}
	}
}

// TestEveryCut cuts values that stand next to each other at every two offsets.
func TestEveryCut(t *testing.T) {
	text := []byte("ß ann@example.com,4111 1111 1111 1111é GB82 WEST 1234 5698 7654 32 [EMAIL] SSN 123456789 ::ffff:1.2.3.4.")
	s, _ := pickSet(t, 1<<31-1, allOps...)
	want := s.Scan(text)
	if len(want) < 5 {
		t.Fatalf("only %d edits", len(want))
	}
	for i := range text {
		for k := range text[i:] {
			if diff := cmp.Diff(want, pieces(t, s, text, []byte{byte(i), byte(k), 255})); diff != "" {
				t.Fatalf("cut at %d and %d: %s", i, i+k, diff)
			}
		}
	}
}

func FuzzSplits(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		f.Add(randomText(r), randomCuts(r), r.Uint32())
	}
	for i := range samples {
		f.Add([]byte(samples[i]+samples[(i*7+3)%len(samples)]+samples[(i*11+5)%len(samples)]), []byte{1, 2, 3}, uint32(1<<5-1))
	}
	f.Fuzz(func(t *testing.T, text, cuts []byte, pick uint32) {
		checkSplits(t, text[:min(len(text), 4000)], cuts, pick)
	})
}

func FuzzOracle(f *testing.F) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 20 {
		text := randomText(r)
		f.Add(text[:min(len(text), 40)], r.Uint32())
	}
	f.Fuzz(checkOracle)
}

func FuzzTwice(f *testing.F) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 100 {
		f.Add(randomText(r), r.Uint32())
	}
	f.Fuzz(func(t *testing.T, text []byte, pick uint32) {
		checkTwice(t, text, pick&twiceMask)
	})
}

// FuzzSelector: no selector makes Compile panic or a stream hold without
// bound, and what is refused names a reason.
func FuzzSelector(f *testing.F) {
	for _, spec := range slices.Concat(Entities(), userSpecs, []string{
		"", "*", "PII", "SECRETS", "re:", "lit:", "re:(", `re:.*foo`, `re:\w+`, `re:(a{1000}){1000}`, `re:((a{30}){30}){30}`,
		`re:(a|b)[ab]{100}c`, `re:(x+x+)+y`, `re:\pL+`, `re:x\pL{1,200}`, `re:[^\x00-\x{10FFFF}]`, `re:(?i)ſ+`, `re:a$b`, `re:\x{D800}`,
	}) {
		f.Add(spec, []byte("ann@example.com foo xxxxxyab aab ſs é"))
	}
	f.Fuzz(func(t *testing.T, spec string, text []byte) {
		s, err := Compile([]Selector{{Spec: spec}}, Options{})
		if err != nil {
			var se *SelectorError
			if !errors.As(err, &se) || se.Reason == "" || se.Unwrap() == nil {
				t.Fatalf("%q: %#v", spec, err)
			}
			return
		}
		if s.hold > maxExpr+rightKept+maxPlaceholder {
			t.Fatalf("%q may hold %d bytes", spec, s.hold)
		}
		text = text[:min(len(text), 2000)]
		if diff := cmp.Diff(s.Scan(text), pieces(t, s, text, []byte{3, 1, 4})); diff != "" {
			t.Fatalf("%q on %q (-batch +stream)\n%s", spec, text, diff)
		}
	})
}
