package rego_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/rego"
)

// conditions are what the bodies of made-up rules are made of. Those that look
// at one value are of a kind that the lints can relate.
var conditions = []string{
	`input.tool == "a"`, `input.tool != "a"`, `input.tool in {"a", "b"}`, `not input.tool in ["b", "c"]`, `"c" == input.tool`,
	`input.args.n > 1`, `input.args.n <= 1`, `not input.args.n > 1`, `input.args.n == 1`, `2 > input.args.n`, `input.args.n != 2`, `input.args.n`,
	`input.args.flag`, `not input.args.flag`, `input.args.flag == true`, `input.args.flag == false`, `input.args.flag != true`,
	`"admin" in input.principal.roles`, `not "admin" in input.principal.roles`, `input.principal.roles[_] == "admin"`,
	`helper`, `not helper`, `total`, `not total`, `total == false`, `count(input.unscanned) == 0`, `count(input.unscanned) > 0`, `count(input.unscanned) >= 1`, `count(input.unscanned) < 1`,
	`startswith(lower(input.principal.user_id), "a")`, `not startswith(lower(input.principal.user_id), "a")`,
	`x := input.tool; x == "b"`, `x := input.args.n; x >= 2`, `reason := sprintf("%s", [input.tool])`,
	`input.stage == "pre_tool"`, `input.stage != "pre_tool"`, `input.request.stream`, `not input.request.stream`, `input.request.stream == false`,
}

// lintInputs are inputs that tell the conditions apart in every way.
func lintInputs() []*policy.Input {
	var list []*policy.Input
	for i := range 4 * 7 * 4 * 16 {
		next := func(n int) int {
			k := i % n
			i /= n
			return k
		}
		var members []string
		if n := []string{"", "0", "1", "2", "3", "1.5", "false"}[next(7)]; n != "" {
			members = append(members, `"n": `+n)
		}
		if flag := []string{"", "true", "false", `"x"`}[next(4)]; flag != "" {
			members = append(members, `"flag": `+flag)
		}
		list = append(list, &policy.Input{
			Stage: policy.PreTool, Args: []byte("{" + strings.Join(members, ", ") + "}"), Tool: []string{"a", "b", "c", "d"}[next(4)],
			Principal: policy.Principal{Roles: []string{"admin", "dev"}[next(2):], UserID: []string{"Al", "Bo"}[next(2)]},
			Unscanned: []string{"image"}[next(2):], Request: policy.Request{Stream: next(2) == 0},
		})
	}
	return list
}

// What the lints say about made-up rules is what is seen when they are
// evaluated: a rule without a conflict warning never conflicts, one without a
// no-default warning always has an answer, and a warning has an input that
// proves it.
func TestLintTellsTheTruth(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	inputs := lintInputs()
	found := map[string]int{}
	for range 80 {
		text := madeUp(rnd)
		src, err := rego.Open(context.Background(), rego.Config{Paths: []string{writeTemp(t, text)}, Timeout: time.Hour})
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		p := src.Policy()
		warned := map[string]bool{}
		for _, w := range p.Lint() {
			warned[w.Code] = true
		}
		seen := map[string]bool{}
		for _, in := range inputs {
			switch d := p.Decide(context.Background(), in); d.Reason {
			case policy.ReasonConflict:
				seen[rego.CodeConflict] = true
			case policy.ReasonUndefined:
				seen[rego.CodeNoDefault] = true
			case policy.ReasonError, policy.ReasonShape, policy.ReasonTimeout:
				t.Fatalf("%+v for\n%s", d, text)
			}
		}
		for _, code := range []string{rego.CodeConflict, rego.CodeNoDefault} {
			found[fmt.Sprintf("%s warned=%t seen=%t", code, warned[code], seen[code])]++
			if warned[code] != seen[code] {
				t.Errorf("%s: warned %t, seen %t\n%s", code, warned[code], seen[code], text)
			}
		}
	}
	for _, code := range []string{rego.CodeConflict, rego.CodeNoDefault} {
		for _, b := range []bool{true, false} {
			if found[fmt.Sprintf("%s warned=%t seen=%t", code, b, b)] < 10 {
				t.Errorf("%s: too few cases where it is %t: %v", code, b, found)
			}
		}
	}
}

// madeUp is a policy whose rules for the answer are made of conditions.
func madeUp(rnd *rand.Rand) string {
	pick := func() string { return conditions[rnd.IntN(len(conditions))] }
	body := func(n int) string {
		var list []string
		for range n {
			c := pick()
			if strings.Contains(c, ":=") && strings.Contains(strings.Join(list, ";"), ":=") {
				continue // a name twice
			}
			list = append(list, c)
		}
		return strings.Join(list, "\n\t")
	}
	helper := func() string {
		for {
			if c := body(1); !strings.Contains(c, "helper") && !strings.Contains(c, "total") {
				return c
			}
		}
	}
	var b strings.Builder
	b.WriteString("package cullis.policy\n")
	rules := 2 + rnd.IntN(2)
	for i := range rules {
		n := 1 + rnd.IntN(2)
		fmt.Fprintf(&b, "\ntool_call := %t if {\n\t%s\n}\n", i%2 == 0, body(n))
	}
	if rnd.IntN(2) == 0 { // the opposite of something, so that some are exhaustive
		c := helper()
		b.Reset()
		fmt.Fprintf(&b, "package cullis.policy\n\ntool_call := true if {\n\tone\n}\n\ntool_call := false if {\n\tnot one\n}\n\none if {\n\t%s\n}\n\none if {\n\t%s\n}\n", c, body(2))
	}
	fmt.Fprintf(&b, "\nhelper if {\n\t%s\n}\n\nhelper if {\n\t%s\n}\n\ndefault total := false\n\ntotal if {\n\t%s\n}\n", helper(), helper(), helper())
	return b.String()
}
