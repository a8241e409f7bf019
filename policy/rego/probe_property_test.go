package rego

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/headgate/headgate/policy"
)

// draft writes small random policies about a tool call.
type draft struct {
	*rand.Rand
	text strings.Builder
}

func (d *draft) pick(list ...string) string { return list[d.IntN(len(list))] }

func (d *draft) line(format string, a ...any) { fmt.Fprintf(&d.text, format+"\n", a...) }

// known is a condition on what is known, hidden one on what is not.
func (d *draft) known() string {
	return d.pick(
		`input.tool == "a"`, `input.tool != "a"`, `input.principal.tenant_id == "t"`, `"dev" in input.principal.roles`,
		`not "dev" in input.principal.roles`, `input.principal.roles[_] == "dev"`, `input.tool in data.headgate.names`,
		`input.server == data.headgate.names[1]`, `true`, `not known1`, `known2`, `f(input.tool)`, `startswith(input.tool, "a")`,
		`count(input.principal.roles) > 0`, `every r in input.principal.roles { r == "dev" }`, `input.principal.nothing`,
		`cfg.mode == "open"`, `tools[input.tool]`, `tools[_] == input.tool`, `{t | some t in tools}[input.tool]`)
}

func (d *draft) hidden() string {
	return d.pick(
		`input.args.x`, `not input.args.x`, `input.args.x == 1`, `input.args.x != 1`, `input.args == {}`, `input.arguments.x == "s"`,
		`input.args.l[_] == 1`, `some v in input.args.l`, `every v in input.args.l { v == 1 }`, `not hid1`, `hid1`, `hid2 == "p"`,
		`count(input.args) == 0`, `object.get(input.args, "x", 0) == 0`, `object.get(input, ["args", "x"], 0) == 1`,
		`g(input.args.x)`, `g(input.args.x) == "z"`, `count([v | v := input.args.l[_]; v == input.tool]) > 0`, `input.args_hash == "h"`,
		`is_string(input.args.x)`, `startswith(input.args.x, "s")`, `cfg2.mode == "open"`, `cfg2.mode == "closed"`, `some k; cfg2[k] == "open"`,
		`cfg3 == "open"`, `cfg3 == "closed"`, `cfg4[_] == "open"`, `"open" in cfg4`, `not cfg2.mode == "open"`, `chain == 1`, `chain == 2`, `chain == 3`,
		`input[input.args.k]`, `input.args[input.tool] == 1`, `data.headgate.obj[input.args.x]`, `obj.x == 1`, `set1[1]`, `set1["none"]`, `not set1[input.args.x]`,
		`count(input.findings) == 0`, `i := input; i.args.x == 1`, `some k, v in input; k == "args"; v.x == 1`, `input.args.x in {1, "s"}`,
		`input.request.id == "r"`, `count(input.unscanned) > 0`, `not input.request.stream`, `deep.a.b == 1`, `deep[input.tool].b == 2`,
		`x := input.args.x; y := x; y == 1`, `[p, q] := [input.args.x, input.tool]; p == q`, `{"x": w} = input.args; w == 1`,
		`sprintf("%v", [input.args.x]) == "1"`, `walk(input.args, [_, 1])`, `h2(input.args.x, input.tool)`, `dflt(input.args.x) == "d"`,
		`cfgf(input.args.x).mode == "open"`, `cfgf(input.args.x).mode == "closed"`, `max([n | n := input.args.l[_]]) > 0`,
		`data.headgate.grants[input.args.x][_] == input.tool`, `grants[input.args.x]`, `count(set1) == 0`, `set1 == set()`, `set1 - {1, input.tool} == set()`,
		`every v in set1 { v == 1 }`, `[1 | input.args.x] == []`, `{v | v := input.args.l[_]} == {1}`, `{v: 1 | v := input.args.l[_]} == {}`, `made.a == 1`,
		`made == {"a": 1, "t": "a"}`, `not made.a`, `not f2(input.tool)`, `f2(input.tool)`, `f3(input.tool, input.args.x) == 2`, `cfg5.mode == "open"`,
		`not cfg5.mode`, `nested.in.mode == "open"`, `nested.in[_] == "open"`, `object.get(nested, ["in", "mode"], "") == "open"`, `list1[0] == 1`, `list1[_] == input.tool`,
		`input.args.x + 1 == 2`, `default2`, `not default2`, `default2 == false`, `obj[_] == 1`, `count(obj) == 0`, `not obj[input.tool]`, `not deep.a`, `deep[_][_] == 2`,
		`input.args.l == [1]`, `[w | w := cfg4[_]] == ["open"]`, `some i; input.args.l[i] == list1[i]`, `x := [y | y := set1[_]]; count(x) == 1`,
		`input.args[k] == 1; k == "x"`, `not input.args[input.tool]`, `array.concat(cfg4, ["x"])[0] == "open"`, `union({set1, {1}}) == {1}`,
		`input.principal.claims.team == "x"`, `not input.principal.claims.team`, `count(input.principal) > 5`, `input.principal[_] == {"team": "x"}`,
		`p := input.principal; p.claims.team == "x"`, `input.request.host == "h"`, `input.request[_] == "h"`, `not input.request.headers.a`,
		`object.get(input.request, ["headers", "a"], "") == "b"`, `some k; input.request[k] == "h"; k == "host"`,
		`input[_][_] == "h"`, `some a, b; input[a][b] == 1; a == "args"`, `walk(input, [_, "h"])`, `some a; input[a].claims.team == "x"`, `input[_] == {"x": 1}`,
		`q := input; some a; q[a] == {}`, `some p, v; walk(input, [p, v]); p == ["args", "x"]; v == 1`)
}

func (d *draft) body() string {
	var conds []string
	for range 1 + d.IntN(3) {
		if d.IntN(2) == 0 {
			conds = append(conds, d.known())
		} else {
			conds = append(conds, d.hidden())
		}
	}
	return "{ " + strings.Join(conds, "\n\t") + " }"
}

// helpers are the rules that conditions refer to.
const helpers = `
names := ["a", "srv"]
tools := {"a", "b"}
default known1 := false
known1 if input.principal.tenant_id == "t"
known2 if { input.tool == "a" } else := false if { input.tool == "b" }
f(x) if x == "a"
f(x) if { x == "b"; input.args.x }
g(x) := "z" if x == 1
g(x) := false if x == "s"
h2(x, y) if x == y
h2(x, _) if not x == 1
default dflt(_) := "d"
dflt(x) := "e" if x == 1
default cfgf(_) := {"mode": "open"}
cfgf(x) := {"mode": "closed"} if x == 1
default cfg := {"mode": "open"}
cfg := {"mode": "closed"} if input.tool == "b"
default cfg2 := {"mode": "open"}
cfg2 := {"mode": "closed"} if input.args.x
default cfg3 := "open"
cfg3 := "closed" if input.args.x
default cfg4 := ["open"]
cfg4 := [] if input.args.x == 1
hid1 if input.args.y == 1
hid1 if not input.args.x
hid2 := "p" if input.args.x == 1
hid2 := "q" if input.args.x == "s"
chain := 1 if { input.args.x == 1 } else := 2 if { input.tool == "a" } else := 3
obj["x"] := 1 if input.args.x
obj[input.tool] := 1 if input.args.y
set1 contains 1 if input.args.x
set1 contains input.tool if input.args.y
grants := {1: ["a"], "s": ["b"], "a": []}
made := {"a": input.args.x, "t": input.tool}
f2(t) if { t == "a"; input.args.x == 1 }
f2(t) if { t == "b"; not input.args.x }
f3(t, x) := 1 if { t == "a" } else := 2 if { x == 1 } else := 3
cfg5 := {"mode": "open"} if not input.args.x
cfg5 := {"mode": "closed"} if input.args.x == 1
default nested := {"in": {"mode": "open"}}
nested := {"in": {"mode": "closed"}} if input.args.x == 1
nested := {"in": {}} if input.args.x == "s"
list1 := [input.args.x, "b", input.tool]
default default2 := false
default2 if input.args.x == 1
deep.a.b := 1 if input.args.x == 1
deep.b.b := 2 if not input.args.x
`

func (d *draft) write() string {
	rules := helpers
	if d.IntN(2) == 0 {
		rules = regexp.MustCompile(`(?m)^default .*[{[].*\n`).ReplaceAllString(helpers, "")
	}
	d.line("package headgate\nimport rego.v1\n%s", rules)
	switch d.IntN(4) {
	case 0:
		d.line("default allow := true")
	case 1:
		d.line("default allow := false")
	}
	for range d.IntN(3) {
		d.line("allow if %s", d.body())
	}
	for range d.IntN(2) {
		d.line("allow := %s if %s", d.pick("false", "hid1", "known1", `"x"`, "true"), d.body())
	}
	for range d.IntN(3) {
		d.line("deny contains %s if %s", d.pick(`"no"`, `input.args.x`, `sprintf("no %v", [input.args.x])`, `input.tool`, `""`), d.body())
	}
	if d.IntN(2) == 0 {
		switch d.IntN(3) {
		case 0:
			d.line("default pre_tool.decision := %s", d.value())
		case 1:
			d.line("pre_tool.decision := %s if %s else := %s if %s else := %s", d.value(), d.body(), d.value(), d.body(), d.value())
		}
		for range d.IntN(3) {
			d.line("pre_tool.decision := %s if %s", d.value(), d.body())
		}
	}
	if d.IntN(8) == 0 {
		d.line("pre_tool.decision.decision := %s if %s", d.pick(`"deny"`, `"allow"`), d.body())
		d.line("pre_tool.decision.reason := \"r\" if %s", d.body())
	}
	return d.text.String()
}

func (d *draft) value() string {
	return d.pick(`"deny"`, `"allow"`, `"require_approval"`, `{"decision": "deny"}`, `{"decision": "deny", "reason": input.args.x}`,
		`{"decision": "allow"}`, `{"decision": input.args.d}`, `object.union({"decision": "deny"}, {"reason": "r"})`,
		`{"decision": "redact_args", "mask": ["EMAIL"]}`, `input.args.d`, `[input.args.x]`, `hid2`, `cfg3`, `{"decision": cfg3}`,
		`{"decision": "deny" , input.tool: "x"}`)
}

// argValues are the arguments that are tried.
var argValues = func() []string {
	out := []string{"", `"text"`, `{"k": "tool"}`, `{"k": "args"}`, `{"a": 1}`, `{"b": 1, "x": 1}`, `{"d": "allow"}`, `{"d": "deny", "x": 1}`, `{"d": "allow", "x": 1}`}
	for _, x := range []string{"", `"x": 1`, `"x": "s"`, `"x": "a"`, `"x": false`, `"x": null`, `"x": [1]`} {
		for _, y := range []string{"", `"y": 1`} {
			for _, l := range []string{"", `"l": []`, `"l": [1]`, `"l": [1, 2, "a"]`} {
				var parts []string
				for _, s := range []string{x, y, l} {
					if s != "" {
						parts = append(parts, s)
					}
				}
				out = append(out, "{"+strings.Join(parts, ", ")+"}")
			}
		}
	}
	return out
}()

// probeRandom writes a policy and checks that what is hopeless is denied
// whatever the arguments are. It tells how many calls were hopeless, and how many
// more were denied with all arguments that were tried.
func probeRandom(t *testing.T, seed uint64) (hopeless, missed int) {
	t.Helper()
	d := &draft{Rand: rand.New(rand.NewPCG(seed, 7))}
	text := d.write()
	p, err := tryLoad(t, text)
	if err != nil {
		return 0, 0
	}
	for _, tool := range []string{"a", "b", "c"} {
		for _, roles := range [][]string{nil, {"dev"}, {"dev", "ops"}} {
			in := &policy.Input{Stage: policy.PreTool, Tool: tool, Server: "srv", Principal: policy.Principal{TenantID: d.pick("t", "u"), Roles: roles}}
			unknown := policy.FieldArgs
			wide := d.IntN(3) == 0
			if wide {
				unknown |= policy.FieldClaims | policy.FieldRequest | policy.FieldHeaders
			}
			told := p.Hopeless(context.Background(), in, unknown)
			refused := p.Refused(context.Background(), in, unknown)
			if refused && !told {
				t.Fatalf("seed %d: refused but not hopeless:\n%s", seed, text)
			}
			allowed := ""
			for _, args := range argValues {
				call := *in
				call.Args, call.ArgsHash = nil, d.pick("", "h")
				if args != "" {
					call.Args = json.RawMessage(args)
				}
				call.Request = policy.Request{}
				call.Request.ID, call.Request.Stream = d.pick("r", "s"), d.IntN(2) == 0
				if d.IntN(3) == 0 {
					call.Unscanned = []string{"image"}
					call.Findings = []policy.Finding{{Type: "EMAIL", Count: 1, At: "args"}}
				}
				if wide && d.IntN(2) == 0 {
					call.Principal.Claims = map[string]any{"team": d.pick("x", "y")}
				}
				if wide && d.IntN(2) == 0 {
					call.Request.Host, call.Request.Headers = "h", map[string]string{"a": "b"}
				}
				got := p.Decide(context.Background(), &call)
				if got.Action != policy.Deny {
					allowed = args + " gives " + string(got.Action)
				}
				if refused && got.NoAnswer {
					t.Fatalf("seed %d: %s was refused, %s gives no answer:\n%s", seed, tool, args, text)
				}
			}
			switch {
			case told && allowed != "":
				t.Fatalf("seed %d: tool %s roles %q tenant %s is hopeless, but %s:\n%s", seed, tool, roles, in.Principal.TenantID, allowed, text)
			case told:
				hopeless++
			case allowed == "":
				missed++
			}
		}
	}
	return hopeless, missed
}

func TestHopelessIsSound(t *testing.T) {
	hopeless, missed := 0, 0
	for seed := range uint64(250) {
		h, m := probeRandom(t, seed)
		hopeless, missed = hopeless+h, missed+m
	}
	t.Logf("%d hopeless, %d missed", hopeless, missed)
	if hopeless < 100 {
		t.Errorf("only %d calls were hopeless", hopeless)
	}
}

func FuzzHopeless(f *testing.F) {
	for seed := range uint64(4) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { probeRandom(t, seed) })
}
