package rego

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/headgate/headgate/policy"
)

// every is what all documents have, rich.
const every = `
	"principal": {
		"tenant_id": "acme", "user_id": "alice", "roles": ["dev", "ops"], "agent_id": "orga::a", "auth": "jwt",
		"claims": {"sub": "alice", "level": 3, "big": 12345678901234567890, "nested": {"a": [1.5, null, true]}}
	},
	"request": {
		"id": "0192", "protocol": "mcp", "endpoint": "/mcp", "host": "gate.example", "remote_ip": "192.0.2.1",
		"stream": true, "time": "2026-04-29T17:32:04.123Z", "headers": {"x-team": "red"}
	},
	"findings": [{"type": "EMAIL", "count": 2, "at": "messages[3]"}],
	"unscanned": ["image"]`

var rich = map[policy.Stage]string{
	policy.PreChat: `"model": "m", "tools": ["b", "a"], "messages_hash": "h1",
		"messages": [{"role": "user", "text": "hi", "parts": [], "tool_calls": [{"n": 9007199254740993}]}]`,
	policy.PreTool: `"tool": "t", "tool_name": "t", "agent_id": "orga::a", "server": "s", "args_hash": "h2",
		"args": {"b": 1, "a": "x"}, "arguments": {"a": "x", "b": 1}`,
	policy.PostChat: `"model": "m", "response_hash": "h3", "response": {"text": "t", "choices": [], "usage": {"n": 1}}`,
	policy.PostTool: `"tool": "t", "server": "s", "args_hash": "h2", "result_hash": "h4", "result": [1, "a", null]`,
	policy.Session: `"initiator_agent_id": "a::1", "target_agent_id": "b::2", "initiator_org_id": "a", "target_org_id": "b",
		"session_context": "initiator", "capabilities": ["c"]`,
}

// A document that is read and built again is the same, with every member.
func TestParseInputRoundTrip(t *testing.T) {
	for _, s := range policy.Stages() {
		text := fmt.Sprintf("{\"stage\": %q,%s,%s}", s, every, rich[s])
		want, err := new(jsonParser).parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, stage := range []policy.Stage{"", s} {
			in, err := ParseInput("in.json", []byte(text), stage)
			if err != nil {
				t.Fatal(err)
			}
			if got := built(t, in); !got.Equal(want) {
				t.Errorf("%s:\n%s", s, cmp.Diff(want.String(), got.String()))
			}
		}
	}
}

func built(t testing.TB, in *policy.Input) *ast.Term {
	t.Helper()
	doc, err := newDocument(in, partsAll, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return ast.NewTerm(doc)
}

// What a policy sees of any input can be written down and read again.
func TestParseInputReadsWhatAPolicySees(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 2))
	for i := range 500 {
		for _, s := range policy.Stages() {
			in := randomInput(rnd, s)
			if i%2 == 0 {
				in.Request.Time = time.Unix(rnd.Int64N(1<<32), rnd.Int64N(1e9))
				in.Session = policy.SessionRequest{InitiatorAgentID: "a", Capabilities: []string{"c"}}
				in.Unscanned = []string{"image"}
			}
			want := built(t, in)
			plain, err := ast.JSON(want.Value)
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(plain)
			if err != nil {
				t.Fatal(err)
			}
			again, err := ParseInput("in.json", text, "")
			if err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, text)
			}
			if got := built(t, again); !got.Equal(want) {
				t.Fatalf("seed %d: %s", seed, cmp.Diff(want.String(), got.String()))
			}
		}
	}
}

func TestParseInputSpellings(t *testing.T) {
	for name, doc := range map[string]string{
		"ours":       `{"principal": {"agent_id": "a"}, "tool": "t", "args": {"b": 1, "a": 2}}`,
		"the other":  `{"agent_id": "a", "tool_name": "t", "arguments": {"b": 1, "a": 2}}`,
		"both":       `{"agent_id": "a", "tool_name": "t", "tool": "t", "arguments": {"b": 1, "a": 2}, "args": {"a": 2.0, "b": 1}, "principal": {"agent_id": "a"}}`,
		"with stage": `{"stage": "pre_tool", "agent_id": "a", "tool": "t", "args": { "b": 1e0, "a": 2 }}`,
	} {
		in, err := ParseInput("in.json", []byte(doc), policy.PreTool)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := &policy.Input{
			Stage: policy.PreTool, Tool: "t", Args: []byte(`{"a":2,"b":1}`), Principal: policy.Principal{AgentID: "a"},
		}
		if diff := cmp.Diff(want, in); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
}

// Numbers are canonical where that keeps their value.
func TestParseInputNumbers(t *testing.T) {
	for literal, want := range map[string]string{
		"1": "1", "1.0": "1", "1e2": "100", "0.10": "0.1", "-0": "0", "0e5": "0", "1E400": "",
		"9007199254740992": "9007199254740992", "9007199254740993": "9007199254740993",
		"1e21": "1e+21", "1e-999": "1e-999", "0.1000000000000000055511151231257827": "0.1000000000000000055511151231257827",
	} {
		in, err := ParseInput("in.json", []byte(`{"result": `+literal+`}`), policy.PostTool)
		if want == "" {
			if err == nil {
				t.Errorf("%s is out of range, got %s", literal, in.Result)
			}
			continue
		}
		if err != nil || string(in.Result) != want {
			t.Errorf("%s: got %s, %v, want %s", literal, in.Result, err, want)
		}
	}
}

func TestParseInputRefuses(t *testing.T) {
	for _, c := range []struct {
		name, doc string
		stage     policy.Stage
		want      string
	}{
		{"nothing", ``, "", "in.json:1:1: the document ends too early"},
		{"half", `{"stage": "pre_tool"`, "", "in.json:1:21: the document ends too early"},
		{"no JSON", "{\n  stage: 1}", "", "in.json:2:3: the document is not valid JSON"},
		{"two", `{"stage": "pre_tool"} {}`, "", "in.json:1:22: more follows the document; keep one object"},
		{"a list", `[]`, policy.PreTool, "in.json:1:1: the document must be an object, not a list"},
		{"no stage", `{}`, "", `in.json:1:1: the document has no stage; add "stage", which is pre_chat, pre_tool, post_chat, post_tool or session`},
		{"a stage that is none", `{"stage": "pretool"}`, "", `in.json:1:11: unknown stage "pretool"; it must be pre_chat, pre_tool, post_chat, post_tool or session`},
		{"a flag that is none", `{}`, "pretool", `unknown stage "pretool"; it must be pre_chat, pre_tool, post_chat, post_tool or session`},
		{"another stage", `{"stage": "pre_chat"}`, policy.PreTool, "in.json:1:11: the document is of stage pre_chat, not of pre_tool; change one of them"},
		{"stage is a number", `{"stage": 1}`, "", "in.json:1:11: stage must be a string, not a number"},
		{"twice", "{\"tool\": \"a\",\n \"tool\": \"b\"}", policy.PreTool, "in.json:2:2: a member is written twice; keep one"},
		{"twice, deep", `{"args": {"a": 1, "a": 2}}`, policy.PreTool, "in.json:1:19: a member is written twice; keep one"},
		{"tenant", "{\n\t\"principal\": {\"tenant\": \"acme\"}\n}", policy.PreTool, `in.json:2:16: unknown member "tenant" of principal; did you mean tenant_id?`},
		{"tenantId", `{"principal": {"tenantId": "acme"}}`, policy.PreTool, `in.json:1:16: unknown member "tenantId" of principal; did you mean tenant_id?`},
		{"role", `{"principal": {"role": []}}`, policy.PreTool, `in.json:1:16: unknown member "role" of principal; did you mean roles?`},
		{"mesages", `{"mesages": []}`, policy.PreChat, `in.json:1:2: unknown member "mesages" of the document; did you mean messages?`},
		{"nothing near", `{"principal": {"colour": 1}}`, policy.PreChat, `in.json:1:16: unknown member "colour" of principal; known are tenant_id, user_id, roles, agent_id, auth, claims`},
		{"a request's", `{"request": {"ip": ""}}`, policy.PreChat, `in.json:1:14: unknown member "ip" of request; did you mean id?`},
		{"a finding's", `{"findings": [{"type": "EMAIL", "cont": 1}]}`, policy.PreChat, `in.json:1:33: unknown member "cont" of an entry of findings; did you mean count?`},
		{"of another stage", `{"messages": []}`, policy.PreTool, "in.json:1:2: messages is no member of a document of stage pre_tool; take it out"},
		{"the other spelling elsewhere", `{"agent_id": ""}`, policy.PostTool, "in.json:1:2: agent_id is no member of a document of stage post_tool; take it out"},
		{"roles is a string", `{"principal": {"roles": "admin"}}`, policy.PreTool, "in.json:1:25: roles must be a list of strings, not a string"},
		{"a role is a number", `{"principal": {"roles": ["a", 1]}}`, policy.PreTool, "in.json:1:31: an entry of roles must be a string, not a number"},
		{"null", `{"tool": null}`, policy.PreTool, "in.json:1:10: tool must be a string, not null"},
		{"messages is an object", `{"messages": {}}`, policy.PreChat, "in.json:1:14: messages must be a list, not an object"},
		{"args is a list", `{"args": []}`, policy.PreTool, "in.json:1:10: args must be an object or a string, not a list"},
		{"response is a string", `{"response": ""}`, policy.PostChat, "in.json:1:14: response must be an object, not a string"},
		{"stream", `{"request": {"stream": "true"}}`, policy.PreChat, "in.json:1:24: stream must be a boolean, not a string"},
		{"time", `{"request": {"time": "today"}}`, policy.PreChat, `in.json:1:22: time must be as in RFC 3339, "2026-04-29T17:32:04Z"`},
		{"header", `{"request": {"headers": {"X-A": "b"}}}`, policy.PreChat, "in.json:1:26: the name of a header must be in lower case, as a policy sees it"},
		{"header's value", `{"request": {"headers": {"x-a": ["b"]}}}`, policy.PreChat, "in.json:1:33: a header must be a string, not a list"},
		{"count", `{"findings": [{"count": 1.5}]}`, policy.PreChat, "in.json:1:25: count must be a whole number, 0 or more"},
		{"claims", `{"principal": {"claims": []}}`, policy.PreChat, "in.json:1:26: claims must be an object, not a list"},
		{"an empty hash", `{"args_hash": ""}`, policy.PreTool, "in.json:1:15: args_hash is empty; leave it out where it is not computed"},
		{"tools differ", `{"tool": "a", "tool_name": "b"}`, policy.PreTool, "in.json:1:28: tool and tool_name are the same thing but differ; keep one"},
		{"agents differ", `{"agent_id": "a", "principal": {"agent_id": "b"}}`, policy.PreTool, "in.json:1:45: principal.agent_id and agent_id are the same thing but differ; keep one"},
		{"arguments differ", `{"args": {}, "arguments": {"a": 1}}`, policy.PreTool, "in.json:1:27: args and arguments are the same thing but differ; keep one"},
		{"too deep", `{"result": ` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, policy.PostTool, "in.json:1:12: result: content is too deep"},
		{"a number out of range", `{"principal": {"claims": {"n": 1e999}}}`, policy.PreTool, "in.json:1:26: claims: a number is out of range"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in, err := ParseInput("in.json", []byte(c.doc), c.stage)
			if err == nil {
				t.Fatalf("got %+v", in)
			}
			if err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// Whatever is read can be decided, and reading what a policy then sees gives
// the same again.
func FuzzParseInput(f *testing.F) {
	for s, doc := range rich {
		f.Add(fmt.Sprintf("{\"stage\": %q,%s,%s}", s, every, doc), "")
		f.Add("{"+doc+"}", string(s))
	}
	f.Add(`{"principal": {"tenantId": ""}}`, "pre_tool")
	f.Fuzz(func(t *testing.T, doc, stage string) {
		in, err := ParseInput("in.json", []byte(doc), policy.Stage(stage))
		if err != nil {
			if in != nil {
				t.Error("an input beside an error")
			}
			return
		}
		first := built(t, in)
		plain, err := ast.JSON(first.Value)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(plain)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseInput("in.json", text, in.Stage)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if second := built(t, again); !second.Equal(first) {
			t.Errorf("%s became %s", first, second)
		}
	})
}
