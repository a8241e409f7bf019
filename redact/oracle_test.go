package redact

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"
)

// oracle redacts text the slow way, with package regexp and no automaton of
// this package: at every position it tries every length, longest first. It is
// for texts in valid UTF-8.
type oracle struct {
	sel []Selector
	set *Set // for operators only
}

func (o *oracle) redact(text string) (string, []Edit) {
	var edits []Edit
	var out strings.Builder
	from, i := 0, 0
	place, user := -1, false
	for i < len(text) {
		if i < len(text) && !utf8.RuneStart(text[i]) {
			i++
			continue
		}
		left := func() []byte {
			l := out.String() + text[from:i]
			return []byte(l[max(len(l)-leftKept, 0):])
		}
		n := oraclePlaceholder.FindString(text[i:])
		var best *rule
		end := i + len(n)
		for k := range o.set.rules {
			r := &o.set.rules[k]
			if r.label == "" {
				continue
			}
			for e := min(len(text), i+r.length); e > i; e-- {
				if o.matches(r, text, i, e) && !oracleSplits(text, i, e) &&
					(!r.words || o.accepts(r, text, i, e, left(), place == i, user)) {
					if e > end || e == end && best != nil && r.rank < best.rank {
						best, end = r, e
					}
					break
				}
			}
		}
		switch {
		case best != nil:
			out.WriteString(text[from:i])
			with := best.op.replace(o.set, best.label, []byte(text[i:end]))
			out.WriteString(with)
			edits = append(edits, Edit{int64(i), int64(end), with, best.entity})
			from, i = end, end
		case n != "":
			i += len(n)
			place, user = i, strings.HasPrefix(n, "[REDACTED")
		default:
			i++
		}
	}
	out.WriteString(text[from:])
	return out.String(), edits
}

var oraclePlaceholder = regexp.MustCompile(`^\[(EMAIL|CREDIT_CARD|IBAN|US_SSN|IP|REDACTED)(_[0-9a-f]{16})?\]`)

func oracleSplits(text string, i, e int) bool {
	for a := i + 1; a < e; a++ {
		if n := len(oraclePlaceholder.FindString(text[a:])); a+n > e {
			return true
		}
	}
	return false
}

var oracleExprs sync.Map

func oracleExpr(expr string) *regexp.Regexp {
	if re, ok := oracleExprs.Load(expr); ok {
		return re.(*regexp.Regexp)
	}
	re := regexp.MustCompile(expr)
	oracleExprs.Store(expr, re)
	return re
}

// matches reports whether r's shape matches exactly text[i:e], as it lies in
// the text.
func (o *oracle) matches(r *rule, text string, i, e int) bool {
	if r.literal != nil {
		return text[i:e] == string(r.literal)
	}
	if !r.first.has(text[i]) || e < len(text) && !utf8.RuneStart(text[e]) {
		return false
	}
	if !r.match.asserts {
		return oracleExpr(`^(?:` + r.shape.String() + `)$`).MatchString(text[i:e])
	}
	before, after := utf8.RuneCountInString(text[:i]), utf8.RuneCountInString(text[e:])
	return oracleExpr(fmt.Sprintf(`\A(?s:.{%d})(?:%s)(?s:.{%d})\z`, before, r.shape, after)).MatchString(text)
}

func (o *oracle) accepts(r *rule, text string, i, e int, left []byte, placeLeft, user bool) bool {
	word := func(r rune) bool {
		return r == '_' || r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
	}
	before, _ := utf8.DecodeLastRuneInString(text[:i])
	after, n := utf8.DecodeRuneInString(text[e:])
	if i > 0 && word(before) || n > 0 && word(after) || placeLeft && user ||
		strings.HasPrefix(oraclePlaceholder.FindString(text[e:]), "[REDACTED") {
		return false
	}
	c := candidate{
		value:      []byte(text[i:e]),
		left:       left,
		right:      []byte(text[e : e+n]),
		placeLeft:  placeLeft,
		placeRight: oraclePlaceholder.MatchString(text[e:]),
	}
	if n > 0 && strings.ContainsRune(" -.:+", after) {
		_, m := utf8.DecodeRuneInString(text[e+n:])
		c.right = []byte(text[e : e+n+m])
		c.placeBeyond = oraclePlaceholder.MatchString(text[e+n:])
	}
	return r.valid(&c)
}

// whole decides text in one go with every rule in view, so without the
// scanning automaton's help.
func whole(s *Set, text []byte) []Edit {
	if s.Empty() {
		return nil
	}
	st := s.NewStream()
	st.chunk, st.pos = text, int64(len(text))
	for i := range s.rules {
		st.flag(i)
	}
	st.decide(st.pos, st.pos, true)
	return st.edits
}

// pieces writes text to a new stream in pieces whose lengths are those in
// cuts, over and over, and checks what every call promises.
func pieces(t *testing.T, s *Set, text []byte, cuts []byte) []Edit {
	t.Helper()
	st := s.NewStream()
	var all []Edit
	var at, done int64
	take := func(resolved int64, edits []Edit) {
		t.Helper()
		for _, e := range edits {
			if e.Start < done || e.End <= e.Start || e.End > resolved {
				t.Fatalf("edit [%d,%d) after %d was resolved and before %d is", e.Start, e.End, done, resolved)
			}
			done = e.End
		}
		if resolved < done || resolved > at || resolved < at-s.hold {
			t.Fatalf("resolved %d at %d, with %d edited; the hold is %d", resolved, at, done, s.hold)
		}
		done = resolved
		all = append(all, edits...)
	}
	for k := 0; len(text) > 0; k++ {
		n := 1
		if len(cuts) > 0 {
			n = int(cuts[k%len(cuts)])
		}
		n = min(n, len(text))
		at += int64(n)
		take(st.Write(append([]byte(nil), text[:n]...)))
		text = text[n:]
		if n == 0 && k%max(len(cuts), 1) == len(cuts)-1 {
			cuts = nil // nothing but empty writes would never end
		}
	}
	take(st.Close())
	if done != at {
		t.Fatalf("resolved %d of %d at the end", done, at)
	}
	return all
}
