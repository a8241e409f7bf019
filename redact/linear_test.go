package redact

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestBuiltinStates: the scanning automaton of all built-in entities is small
// enough to be held whole, so no text can make it start afresh.
func TestBuiltinStates(t *testing.T) {
	s := mustCompile(t, "*")
	a := s.groups[0].automaton
	a.mu.Lock()
	defer a.mu.Unlock()
	seen := map[string]bool{}
	queue := []*dfaState{a.cur.Load().states[afterOther]}
	for len(queue) > 0 && len(seen) <= maxStates {
		from := queue[0]
		queue = queue[1:]
		for col := range a.repr {
			after, _ := a.step(from, col)
			slices.Sort(a.pcs)
			slices.Sort(a.accepts)
			key := fmt.Sprint(a.pcs, a.accepts, after)
			if !seen[key] {
				seen[key] = true
				queue = append(queue, &dfaState{pcs: slices.Clone(a.pcs), accept: slices.Clone(a.accepts), after: after})
			}
		}
	}
	t.Logf("%d states, %d byte classes, %d instructions", len(seen), len(a.repr), len(a.insts))
	if len(seen) > maxStates {
		t.Errorf("more than %d states", maxStates)
	}
}

// hostile are texts that keep threads alive, start many, or nearly match.
var hostile = map[string]string{
	"one word":       "a",
	"dotted":         "a.",
	"nearly email":   "a.b@",
	"email tails":    "a@b.cc.",
	"emails":         "a@b.cc-",
	"zeros":          "0",
	"fours":          "4111 ",
	"dashed digits":  "1111-",
	"iban words":     "AB12 ",
	"iban run":       "GB82WEST",
	"colons":         ":",
	"hex and colons": "ab:1.",
	"dots":           "1.",
	"brackets":       "[EMAIL",
	"placeholders":   "[REDACTED]",
	"bytes":          "\xff\xe2\x82",
	"ssn":            "ssn 123456789-",
	"ab":             "ab",
}

// TestLinear: what is done for a byte, and what is held, is bounded whatever
// the text is.
func TestLinear(t *testing.T) {
	for _, c := range []struct {
		specs []string
		work  int // bytes that anchored automata may look at for one of the text
	}{
		{[]string{"*"}, 200},
		{[]string{`re:a[ab]{14}c`}, 20},
		{[]string{`re:\d+x`, `re:(?:(?:a|ab)(?:b|c)?)+z`}, 1100},
		{append(manyExprs(), "*", `re:4(?:[14 ]{1,40}){1,10}y`), 1000},
	} {
		s := mustCompile(t, c.specs...)
		for name, unit := range hostile {
			const size = 20_000
			text := []byte(strings.Repeat(unit, size/len(unit)))
			if name == "ab" {
				r := rand.New(rand.NewPCG(1, 1))
				for i := range text {
					text[i] = "ab"[r.IntN(2)]
				}
			}
			built := int64(0)
			for _, g := range s.groups {
				built -= g.builds.Load()
			}
			st := s.NewStream()
			held := int64(0)
			for at := 0; at < len(text); at += 7 {
				n := min(7, len(text)-at)
				resolved, _ := st.Write(text[at : at+n])
				held = max(held, int64(at+n)-resolved)
				if have := len(st.tail); have > int(s.hold)+leftKept+slack+7 {
					t.Fatalf("%s: %d bytes are kept", name, have)
				}
			}
			st.Close()
			for _, g := range s.groups {
				built += g.builds.Load()
			}
			if st.work > c.work*len(text) {
				t.Errorf("%s, %.40v: looked at %d bytes a byte", name, c.specs, st.work/len(text))
			}
			if built > int64(len(s.groups)*len(text)) {
				t.Errorf("%s, %.40v: built %d transitions for %d bytes", name, c.specs, built, len(text))
			}
			if held > s.hold {
				t.Errorf("%s, %.40v: held %d bytes, more than %d", name, c.specs, held, s.hold)
			}
		}
	}
}

// TestHeldInProse: what a stream of four-byte deltas holds back of prose.
func TestHeldInProse(t *testing.T) {
	held := heldAfterWrites(mustCompile(t, "*"), prose(1<<17), 4)
	slices.Sort(held)
	sum := 0
	for _, h := range held {
		sum += h
	}
	mean, p99 := float64(sum)/float64(len(held)), held[len(held)*99/100]
	t.Logf("held bytes: mean %.2f, 99th percentile %d, most %d", mean, p99, held[len(held)-1])
	if mean > 6 || p99 > 64 {
		t.Errorf("that is more than a token and a half, or too much at times")
	}
}
