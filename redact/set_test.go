package redact

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOperators(t *testing.T) {
	key := Options{Key: []byte("k")}
	for _, c := range []struct {
		sel        Selector
		text, want string
	}{
		{Selector{Spec: "EMAIL"}, "to ann@example.com now", "to [EMAIL] now"},
		{Selector{Spec: "EMAIL", As: Placeholder}, "to ann@example.com now", "to [EMAIL] now"},
		{Selector{Spec: "EMAIL", As: Remove}, "to ann@example.com now", "to  now"},
		{Selector{Spec: "EMAIL", As: Mask}, "to ann@example.com now", "to *************** now"},
		{Selector{Spec: "EMAIL", As: Mask, KeepLast: 4}, "to ann@example.com now", "to ***********.com now"},
		{Selector{Spec: "CREDIT_CARD", As: Mask, KeepLast: 4}, "4111 1111 1111 1111", "***************1111"},
		{Selector{Spec: "lit:secret", As: Mask, KeepLast: 9}, "a secret", "a ***ret"},
		{Selector{Spec: "lit:é漢字", As: Mask, KeepLast: 1}, "é漢字", "**字"},
		{Selector{Spec: "lit:x", As: Mask, KeepLast: 1}, "x", "*"},
		// What is left would be an address again.
		{Selector{Spec: "EMAIL", As: Mask, KeepLast: 10}, "long.name@xy.de", "*******" + "********"},
		{Selector{Spec: "lit:secret"}, "a secret", "a [REDACTED]"},
		{Selector{Spec: "re:s+e"}, "a ssecret", "a [REDACTED]cret"},
		{Selector{Spec: "lit:secret", As: Hash}, "a secret", "a [REDACTED_eaa1ad3b355237ac]"},
		{Selector{Spec: "EMAIL", As: Hash}, "ann@example.com", "[EMAIL_f621bbc6255c3e03]"},
	} {
		s, err := Compile([]Selector{c.sel}, key)
		if err != nil {
			t.Fatal(err)
		}
		out, _ := s.Redact([]byte(c.text))
		if string(out) != c.want {
			t.Errorf("%+v on %q: got %q, want %q", c.sel, c.text, out, c.want)
		}
	}
	hash := regexp.MustCompile(`^\[IP_[0-9a-f]{16}\]$`)
	s, _ := Compile([]Selector{{Spec: "IP", As: Hash}}, key)
	other, _ := Compile([]Selector{{Spec: "IP", As: Hash}}, Options{Key: []byte("l")})
	a, _ := s.Redact([]byte("10.0.0.1"))
	b, _ := s.Redact([]byte("10.0.0.2"))
	c, _ := other.Redact([]byte("10.0.0.1"))
	if !hash.Match(a) || bytes.Equal(a, b) || bytes.Equal(a, c) {
		t.Errorf("hashes %s, %s, and with another key %s", a, b, c)
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		sel  Selector
		want error
	}{
		{Selector{Spec: ""}, ErrUnknownEntity},
		{Selector{Spec: "email"}, ErrUnknownEntity},
		{Selector{Spec: "FOO"}, ErrUnknownEntity},
		{Selector{Spec: "re"}, ErrUnknownEntity},
		{Selector{Spec: "SECRETS"}, ErrUnsupported},
		{Selector{Spec: "PHONE"}, ErrUnsupported},
		{Selector{Spec: "EMAIL", As: "token"}, ErrUnsupported},
		{Selector{Spec: "EMAIL", As: "tokens"}, ErrInvalid},
		{Selector{Spec: "EMAIL", As: Hash}, ErrInvalid},
		{Selector{Spec: "EMAIL", As: Mask, KeepLast: -1}, ErrInvalid},
		{Selector{Spec: "EMAIL", KeepLast: 4}, ErrInvalid},
		{Selector{Spec: "lit:"}, ErrInvalid},
		{Selector{Spec: "lit:" + strings.Repeat("x", 1025)}, ErrTooLong},
		{Selector{Spec: "re:" + strings.Repeat("x", 1025)}, ErrTooLong},
		{Selector{Spec: "re:"}, ErrInvalid},
		{Selector{Spec: "re:("}, ErrInvalid},
		{Selector{Spec: "re:(?=x)"}, ErrInvalid},
		{Selector{Spec: "re:x*"}, ErrInvalid},
		{Selector{Spec: "re:x|"}, ErrInvalid},
		{Selector{Spec: `re:^$`}, ErrInvalid},
		{Selector{Spec: `re:\b`}, ErrInvalid},
		{Selector{Spec: `re:(a{1000}){1000}`}, ErrTooLong},
		{Selector{Spec: `re:((a{10}){10}){10}b{50}`}, ErrTooLong},
		{Selector{Spec: `re:x{600,}`}, ErrTooLong},
		{Selector{Spec: `re:#\pL{1,200}`}, ErrTooLong},
		{Selector{Spec: `re:.*foo`}, ErrUnbounded},
		{Selector{Spec: `re:.foo`}, ErrUnbounded},
		{Selector{Spec: `re:(?s:.){1,20}foo`}, ErrUnbounded},
		{Selector{Spec: `re:\w+`}, ErrUnbounded},
		{Selector{Spec: `re:\b\w+\b`}, ErrUnbounded},
		{Selector{Spec: `re:x?[a-z]+@corp\.com`}, ErrUnbounded},
		{Selector{Spec: `re:foo|\w+`}, ErrUnbounded},
		{Selector{Spec: `re:(?i)[a-z]{2}.*`}, ErrUnbounded},
		{Selector{Spec: `re:[^"]{1,20}`}, ErrUnbounded},
		{Selector{Spec: `re:\p{Han}+`}, ErrUnbounded},
		{Selector{Spec: `re:[^\x00-\x7F]+x`}, ErrUnbounded},
	} {
		_, err := Compile([]Selector{{Spec: "IP"}, c.sel}, Options{})
		var se *SelectorError
		if !errors.Is(err, c.want) || !errors.As(err, &se) || se.Index != 1 || se.Selector != c.sel.Spec || se.Reason == "" {
			t.Errorf("%+v: got %v, want %v", c.sel, err, c.want)
		}
	}
	var many []Selector
	for range 50 {
		many = append(many, Selector{Spec: `re:#[^#]{1,250}#`})
	}
	if _, err := Compile(many, Options{}); !errors.Is(err, ErrTooLong) {
		t.Errorf("50 large expressions: %v", err)
	}
	if _, err := Compile([]Selector{{Spec: "lit:hunter2", As: "x"}}, Options{}); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("an error tells the literal: %v", err)
	}
}

func TestExpressions(t *testing.T) {
	for _, c := range []struct{ expr, text, want string }{
		{`a|ab|abc`, "abcd", "abc"},
		{`a+?`, "aaa", "aaa"},
		{`^ab`, "abab", "ab"},
		{`(?m)^ab`, "ab\nabab", "ab|ab"},
		{`ab$`, "ab\nab", "ab"},
		{`(?m)ab$`, "abab\nab", "ab|ab"},
		{`\bab\b`, "ab xab abx ab.ab", "ab|ab|ab"},
		{`ab\B`, "ab abx", "ab"},
		{`(?i)straße`, "STRASSE Straße STRAßE", "Straße|STRAßE"},
		{`(?i)k`, "kK\u212A", "k|K|\u212A"},
		{`#.`, "#é#\xff#\n#x", "#é|#x"},
		{`(?s)#.`, "#\n", "#\n"},
		{`[A-Z]{2}\d{6}`, "AB123456 CD12", "AB123456"},
		{`\d{3}`, "1234567", "123|456"},
		{`#x+`, "#" + strings.Repeat("x", 600), "#" + strings.Repeat("x", 511)},
		{`\w{1,64}@corp\.com`, "to ann@corp.com!", "ann@corp.com"},
		{`[A-Za-z0-9]{32}`, "d41d8cd98f00b204e9800998ecf8427e", "d41d8cd98f00b204e9800998ecf8427e"},
	} {
		s := mustCompile(t, "re:"+c.expr)
		var got []string
		for _, e := range s.Scan([]byte(c.text)) {
			got = append(got, c.text[e.Start:e.End])
		}
		if g := strings.Join(got, "|"); g != c.want {
			t.Errorf("%s on %q: found %q, want %q", c.expr, c.text, g, c.want)
		}
	}
}

func TestPriority(t *testing.T) {
	card := "4111 1111 1111 1111"
	for _, c := range []struct {
		sel        []Selector
		text, want string
	}{
		{[]Selector{{Spec: "PII"}, {Spec: "EMAIL", As: Remove}}, "a@b.cd", ""},
		{[]Selector{{Spec: "EMAIL", As: Remove}, {Spec: "PII"}}, "a@b.cd", ""},
		{[]Selector{{Spec: "EMAIL"}, {Spec: "EMAIL", As: Remove}}, "a@b.cd", "[EMAIL]"},
		{[]Selector{{Spec: "*", As: Remove}, {Spec: "PII"}}, "a@b.cd", ""},
		{[]Selector{{Spec: "*"}, {Spec: "lit:" + card, As: Remove}}, card, ""},
		{[]Selector{{Spec: "*"}, {Spec: "lit:4111"}}, card, "[CREDIT_CARD]"},
		{[]Selector{{Spec: "*"}, {Spec: "lit:a 4111"}}, "a " + card, "[REDACTED] 1111 1111 1111"},
		{[]Selector{{Spec: "re:b+", As: Remove}, {Spec: "lit:bb"}}, "abbc", "ac"},
		{[]Selector{{Spec: "lit:bb"}, {Spec: "re:b+", As: Remove}}, "abbc", "a[REDACTED]c"},
	} {
		s, err := Compile(c.sel, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if out, _ := s.Redact([]byte(c.text)); string(out) != c.want {
			t.Errorf("%v on %q: got %q, want %q", c.sel, c.text, out, c.want)
		}
	}
}

func TestPlaceholdersStay(t *testing.T) {
	s := mustCompile(t, "*", "lit:EMAIL", "lit:[", `re:BEGIN[^#]*END`, "lit:IP]")
	for text, want := range map[string]string{
		"[EMAIL] [US_SSN] [IP_0123456789abcdef]": "[EMAIL] [US_SSN] [IP_0123456789abcdef]",
		"[MAIL] EMAIL":                           "[REDACTED]MAIL] [REDACTED]",
		"BEGIN [EMAIL] END":                      "[REDACTED]",
		"[EMAIL_0123]":                           "[REDACTED][REDACTED]_0123]",
		"[EMAIL][EMAIL]a@b.cd[EMAIL]":            "[EMAIL][EMAIL][EMAIL][EMAIL]",
		"[IP":                                    "[REDACTED]IP",
	} {
		if out, _ := s.Redact([]byte(text)); string(out) != want {
			t.Errorf("%q: got %q, want %q", text, out, want)
		}
	}
}

func TestEmptySet(t *testing.T) {
	s, err := Compile(nil, Options{})
	if err != nil || !s.Empty() {
		t.Fatal(err)
	}
	text := []byte("a@b.cd")
	if out, edits := s.Redact(text); &out[0] != &text[0] || edits != nil {
		t.Error("the empty set changed the text")
	}
	st := s.NewStream()
	if resolved, _ := st.Write(text); resolved != 6 {
		t.Error("the empty set holds text back")
	}
	if resolved, _ := st.Close(); resolved != 6 {
		t.Error("the empty set loses text at the end")
	}
}

func TestNothingFoundIsNoCopy(t *testing.T) {
	s := mustCompile(t, "*")
	text := []byte(strings.Repeat("nothing to see here, ", 400))
	out, edits := s.Redact(text)
	if &out[0] != &text[0] || edits != nil {
		t.Error("text without matches was copied")
	}
	st := s.NewStream()
	st.Write(text)
	at := 0
	if n := testing.AllocsPerRun(1000, func() {
		st.Write(text[at : at+4])
		at += 4
	}); n > 0 {
		t.Errorf("%v allocations a delta", n)
	}
}

// TestManyStreams shares one set, and its automata while they are built and
// thrown away.
func TestManyStreams(t *testing.T) {
	s, _ := pickSet(t, 1<<31-1, allOps...)
	thrash := mustCompile(t, `re:a[ab]{14}c`)
	r := rand.New(rand.NewPCG(9, 9))
	var wg sync.WaitGroup
	for range 8 {
		text, ab := make([]byte, 0, 2000), make([]byte, 30_000)
		for len(text) < 2000 {
			text = append(text, randomText(r)...)
		}
		for i := range ab {
			ab[i] = 'a' + byte(r.IntN(2))
		}
		copy(ab[20_000:], "abbbbaaaabbababc")
		cuts := randomCuts(r)
		wg.Go(func() {
			if diff := cmp.Diff(whole(s, text), pieces(t, s, text, cuts)); diff != "" {
				t.Error(diff)
			}
			if n := len(thrash.Scan(ab)); n != 1 {
				t.Errorf("%d matches, want 1", n)
			}
		})
	}
	wg.Wait()
}
