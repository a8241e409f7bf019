package allowlist_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/allowlist"
)

func TestDocument(t *testing.T) {
	l, err := allowlist.Load("testdata/policy_rules.json")
	if err != nil {
		t.Fatal(err)
	}
	want := allowlist.Document{
		BlockedAgents: []string{"orga::rogue"},
		AllowedOrgs:   []string{"orgb"},
		Capabilities:  []string{"kyc.read", "kyc.submit"},
		ToolRules: &allowlist.ToolRules{
			BlockedTools: []string{"shell"},
			Named: map[string]allowlist.ToolRule{"wire": {
				AllowedPrincipals: []string{"orga::treasury"}, DeniedPrincipals: []string{"orga::intern"},
				AllowedModels: []string{"gpt-4o"}, AllowedServers: []string{"bank"},
			}},
		},
		Rego: "package cullis.policy\n",
	}
	got := l.Document()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	got.BlockedAgents[0] = "x"
	got.ToolRules.Named["wire"].AllowedModels[0] = "x"
	delete(got.ToolRules.Named, "wire")
	if diff := cmp.Diff(want, l.Document()); diff != "" {
		t.Errorf("the list changed with the copy: -want +got:\n%s", diff)
	}
}

func TestEncode(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"nothing", `{}`, `{"policy_rules":{}}`},
		{
			"empty lists stay", `{"blocked_agents":[],"allowed_orgs":[],"capabilities":{},"tool_rules":{}}`,
			`{"policy_rules":{"blocked_agents":[],"allowed_orgs":[],"capabilities":[],"tool_rules":{}}}`,
		},
		{
			"absent and empty are two", `{"tool_rules":{"b":{"allowed_principals":[]},"allowed_tools":[],"a":{}}}`,
			`{"policy_rules":{"tool_rules":{"allowed_tools":[],"a":{},"b":{"allowed_principals":[]}}}}`,
		},
		{
			"all of a rule", `{"tool_rules":{"x":{"obligations":{"o":[]},"rate_limit":{"n":60},"scope":{},"allowed_mcp_servers":["s"],"allowed_models":["m"],"denied_principals":["d"],"allowed_principals":["p","p"]},"blocked_tools":["y"]}}`,
			`{"policy_rules":{"tool_rules":{"blocked_tools":["y"],"x":{"allowed_principals":["p","p"],"denied_principals":["d"],"allowed_models":["m"],"allowed_mcp_servers":["s"],"scope":{},"rate_limit":{"n":60},"obligations":{"o":[]}}}}}`,
		},
		{"rego, and not what it was compiled to", `{"rego_wasm_base64":"AGFzbQ==","rego":"a < b\n"}`, `{"policy_rules":{"rego":"a < b\n"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := allowlist.ParseDocument("x", []byte(c.src))
			if err != nil {
				t.Fatal(err)
			}
			got, err := d.MarshalJSON()
			if err != nil || string(got) != c.want {
				t.Errorf("got %s %v\nwant %s", got, err, c.want)
			}
		})
	}
	b, err := allowlist.Document{AllowedOrgs: []string{"a"}}.Encode()
	if want := "{\n  \"policy_rules\": {\n    \"allowed_orgs\": [\n      \"a\"\n    ]\n  }\n}\n"; err != nil || string(b) != want {
		t.Errorf("got %q %v, want %q", b, err, want)
	}
}

func TestEncodeFaults(t *testing.T) {
	for name, d := range map[string]allowlist.Document{
		"not UTF-8":                  {BlockedAgents: []string{"\xff"}},
		"rego that is not UTF-8":     {Rego: "\xff"},
		"a tool named like a list":   {ToolRules: &allowlist.ToolRules{Named: map[string]allowlist.ToolRule{"allowed_tools": {}}}},
		"a kept member, cut off":     {ToolRules: &allowlist.ToolRules{Named: map[string]allowlist.ToolRule{"x": {Scope: []byte(`{`)}}}},
		"a kept member of two parts": {ToolRules: &allowlist.ToolRules{Named: map[string]allowlist.ToolRule{"x": {Scope: []byte(`{},"y":1`)}}}},
	} {
		if b, err := d.Encode(); err == nil {
			t.Errorf("%s: got %s", name, b)
		}
	}
}

// encoding/json reads and writes a document as strictly.
func TestDocumentJSON(t *testing.T) {
	var got struct{ Document allowlist.Document }
	if err := json.Unmarshal([]byte(`{"Document": {"allowed_orgs": ["a"]}}`), &got); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(got)
	if want := `{"Document":{"policy_rules":{"allowed_orgs":["a"]}}}`; err != nil || string(b) != want {
		t.Errorf("got %s %v, want %s", b, err, want)
	}
	err = json.Unmarshal([]byte(`{"Document": {"allowed_org": []}}`), &got)
	if err == nil || !strings.Contains(err.Error(), "document:1:2: unknown key") || len(got.Document.AllowedOrgs) != 1 {
		t.Errorf("an unknown key: got %v, %v", err, got)
	}
}

// again checks that a list, written and read again, is the same document and
// decides as before.
func again(t testing.TB, l *allowlist.List) {
	t.Helper()
	src, err := l.Document().Encode()
	if err != nil {
		t.Fatalf("a document that was read cannot be written: %v", err)
	}
	if len(src) > allowlist.MaxSize {
		return
	}
	l2, err := allowlist.Parse("again", src)
	if err != nil {
		t.Fatalf("%v in what was written:\n%s", err, src)
	}
	if src2, err := l2.Document().Encode(); err != nil || !bytes.Equal(src2, src) {
		t.Fatalf("written again: %v\n%s\n%s", err, src, src2)
	}
	rnd := rand.New(rand.NewPCG(uint64(len(src)), 1))
	names := words(l.Document())
	for range 50 {
		in := randomInput(rnd, names)
		allow, reason := l.Decide(in)
		if allow2, reason2 := l2.Decide(in); allow != allow2 || reason != reason2 {
			t.Fatalf("%+v: got %v %q, before it was %v %q:\n%s", in, allow2, reason2, allow, reason, src)
		}
	}
}

// words are the names that a document holds, and some that it may hold.
func words(d allowlist.Document) []string {
	ws := slices.Concat([]string{"", "a", "x"}, d.BlockedAgents, d.AllowedOrgs, d.Capabilities)
	if d.ToolRules == nil {
		return ws
	}
	ws = slices.Concat(ws, d.ToolRules.BlockedTools, d.ToolRules.AllowedTools)
	for name, r := range d.ToolRules.Named {
		ws = slices.Concat(ws, []string{name}, r.AllowedPrincipals, r.DeniedPrincipals, r.AllowedModels, r.AllowedServers)
	}
	return ws
}

func randomInput(rnd *rand.Rand, names []string) *policy.Input {
	pick := func() string { return names[rnd.IntN(len(names))] }
	return &policy.Input{
		Stage:     policy.Stages()[rnd.IntN(len(policy.Stages()))],
		Principal: policy.Principal{TenantID: pick(), UserID: pick(), AgentID: pick()},
		Model:     pick(), Tool: pick(), Server: pick(),
		Session: policy.SessionRequest{
			InitiatorAgentID: pick(), TargetAgentID: pick(), InitiatorOrgID: pick(), TargetOrgID: pick(),
			Context: []string{"initiator", "target"}[rnd.IntN(2)], Capabilities: []string{pick()},
		},
	}
}

// randomDocument is a document without a fault, in either form, of few names.
func randomDocument(rnd *rand.Rand) string {
	var members []string
	add := func(to *[]string, key, value string) {
		if rnd.IntN(2) == 0 {
			*to = append(*to, fmt.Sprintf("%q: %s", key, value))
		}
	}
	list := func() string {
		names := []string{`"a"`, `"b"`, `"a::b"`, `"\u0061::user::b"`, `"<é>"`}
		rnd.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		return "[" + strings.Join(names[:rnd.IntN(4)], ", ") + "]"
	}
	add(&members, "blocked_agents", list())
	add(&members, "allowed_orgs", list())
	add(&members, "capabilities", []string{"{}", list()}[rnd.IntN(2)])
	var tools []string
	add(&tools, "blocked_tools", list())
	add(&tools, "allowed_tools", list())
	for _, name := range []string{"a", "b", "<é>"} {
		var rule []string
		for _, key := range []string{"allowed_principals", "denied_principals", "allowed_models", "allowed_mcp_servers"} {
			add(&rule, key, list())
		}
		add(&rule, "scope", `{"a": [1.0, null]}`)
		add(&tools, name, "{"+strings.Join(rule, ", ")+"}")
	}
	add(&members, "tool_rules", "{"+strings.Join(tools, ", ")+"}")
	add(&members, "rego", []string{"null", `""`, `"package x\n"`}[rnd.IntN(3)])
	doc := "{" + strings.Join(members, ", ") + "}"
	if rnd.IntN(2) == 0 {
		doc = `{"policy_rules": ` + doc + "}"
	}
	return doc
}

func TestRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		again(t, parse(t, randomDocument(rnd)))
	}
}
