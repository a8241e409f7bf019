package mcp_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/mcp"
	"github.com/headgate/headgate/wire/strictjson"
)

func asked(t *testing.T, method, params string) *wire.RPC {
	t.Helper()
	m, err := mcp.Messages{}.Client(wire.Incoming{Body: []byte(request(method, params))})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestResultsInsideTasks: what a task brings is a result, and asks post_tool.
func TestResultsInsideTasks(t *testing.T) {
	m, err := mcp.Messages{}.Server([]byte(`{"jsonrpc":"2.0","id":7,"result":{"resultType":"complete","taskId":"t","status":"completed","result":{"content":[{"type":"text","text":"evil"}]}}}`), asked(t, "tasks/get", `{"taskId":"t"}`))
	if err != nil || m.Result == nil || m.Result.Name != "tasks/get" || !strings.Contains(string(m.Result.Value), "evil") {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestToolsBesideContent: a list of tools is shortened, whatever stands beside
// it where nobody knows what is answered.
func TestToolsBesideContent(t *testing.T) {
	m, err := mcp.Listen{}.Server([]byte(`{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"x"}],"tools":[{"name":"shell"}]}}`), &wire.RPC{Kind: wire.RPCListen})
	if err != nil || m.Result == nil || len(m.Offers) != 1 {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestAModelsAnswerNeedsNoRole: what has content is what a model has said.
func TestAModelsAnswerNeedsNoRole(t *testing.T) {
	for _, content := range []string{`{"type":"text","text":"evil"}`, `[{"type":"tool_use","id":"c","name":"shell","input":{}}]`} {
		m, err := mcp.Messages{}.Client(wire.Incoming{Body: []byte(`{"jsonrpc":"2.0","id":1,"result":{"content":` + content + `}}`)})
		if err != nil || len(m.Replies) != 1 {
			t.Errorf("%s: %+v, %v", content, m.Replies, err)
		}
	}
}

// TestALongNumberInAHeader: it is read once, and not for each of the arguments.
func TestALongNumberInAHeader(t *testing.T) {
	number := strings.Repeat("7", 1<<20)
	_, err := mcp.Messages{}.Client(wire.Incoming{
		Header: http.Header{"Mcp-Param-N": {number}},
		Body:   []byte(request("tools/call", `{"name":"a","arguments":{"n":[`+strings.Repeat("1,", 200_000)+`1]}}`)),
	})
	if err == nil {
		t.Error("a number that is no argument was accepted")
	}
	_, err = mcp.Messages{}.Client(wire.Incoming{
		Header: http.Header{"Mcp-Param-N": {"1.50"}}, Body: []byte(request("tools/call", `{"name":"a","arguments":{"n":1.5}}`)),
	})
	if err != nil {
		t.Error(err)
	}
}

// TestManyStrings: what a sampled result repeats is looked for once each.
func TestManyStrings(t *testing.T) {
	var b strings.Builder
	for i := range 300_000 {
		fmt.Fprintf(&b, `"%07d",`, i)
	}
	_, err := mcp.Messages{}.Server([]byte(`{"jsonrpc":"2.0","id":2,"method":"sampling/createMessage","params":{"messages":[{"role":"user","content":[{"type":"tool_result","toolUseId":"c","structuredContent":{"a":[`+b.String()+`""]}}]}]}}`), asked(t, "tools/call", `{"name":"a"}`))
	if err != nil {
		t.Error(err)
	}
}

// TestResults: what policies see of a result, its texts, and what cannot be
// looked into.
func TestResults(t *testing.T) {
	call, read := asked(t, "tools/call", `{"name":"a"}`), asked(t, "resources/read", `{"uri":"u"}`)
	prompt := asked(t, "prompts/get", `{"name":"p"}`)
	for _, tt := range []struct {
		name   string
		asked  *wire.RPC
		result string // with a leading "!" an error
		tool   string
		value  string
		texts  []string
		facts  []string
	}{
		{"text", call, `{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}`, "a", `"a\nb"`, []string{"a", "b"}, nil},
		{"JSON in a text", call, `{"content":[{"type":"text","text":"{\"b\":1, \"a\":2}"}]}`, "a", `{"a":2,"b":1}`, []string{`{"b":1, "a":2}`}, nil},
		{
			"structured content that repeats", call, `{"content":[{"type":"text","text":"{\"a\":\"x\"}"}],"structuredContent":{"a":"x"}}`,
			"a", `{"a":"x"}`,
			[]string{`{"a":"x"}`, "x (copy)"},
			nil,
		},
		{
			"structured content that says more", call, `{"content":[{"type":"text","text":"fine"}],"structuredContent":{"a":"x"}}`,
			"a", `{"content":"fine","structuredContent":{"a":"x"}}`,
			[]string{"fine", "x"},
			nil,
		},
		{
			"media", call, `{"content":[{"type":"image","data":"QUJD","mimeType":"image/png"},{"type":"audio","data":"QUJD","mimeType":"audio/wav"},{"type":"resource","resource":{"uri":"u","blob":"QUJD"}}]}`,
			"a", `""`,
			[]string{"image/png", "audio/wav", "u"},
			[]string{"audio", "binary", "image"},
		},
		{"words in the place of an image", call, `{"content":[{"type":"image","data":"not Base64!"}]}`, "a", `""`, []string{"not Base64!"}, nil},
		{"a resource", call, `{"content":[{"type":"resource","resource":{"uri":"u","text":"t"}}]}`, "a", `"t"`, []string{"u", "t"}, nil},
		{"a link", call, `{"content":[{"type":"resource_link","uri":"u","name":"n","description":"d"}]}`, "a", `"u\nn\nd"`, []string{"u", "n", "d"}, nil},
		{"words beside the content", call, `{"content":[],"extra":"e","isError":true}`, "a", `{"content":[],"extra":"e","isError":true}`, []string{"e"}, nil},
		{"a resource that is read", read, `{"contents":[{"uri":"u","text":"t"},{"uri":"v","blob":"QUJD","mimeType":"image/png"}]}`, "resources/read", `"t"`, []string{"u", "t", "v", "image/png"}, []string{"image"}},
		{"a prompt", prompt, `{"description":"d","messages":[{"role":"user","content":{"type":"text","text":"t"}}]}`, "prompts/get", `"d\nt"`, []string{"t", "d"}, nil},
		{"an error", call, `!{"code":-32602,"message":"m","data":{"type":"object"}}`, "a", `{"code":-32602,"data":{"type":"object"},"message":"m"}`, []string{"m", "object"}, nil},
		{"another's answer", nil, `{"content":[{"type":"text","text":"a"}]}`, "", `"a"`, []string{"a"}, nil},
		{"another's read", nil, `{"contents":[{"uri":"u","text":"t"}]}`, "resources/read", `"t"`, []string{"u", "t"}, nil},
		{"an answer to who knows what", nil, `{"odd":"o"}`, "", `{"odd":"o"}`, []string{"o"}, nil},
		{"content in an answer to a ping", asked(t, "ping", `{}`), `{"content":[{"type":"text","text":"a"}]}`, "ping", `"a"`, []string{"a"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := `{"jsonrpc":"2.0","id":7,"result":` + tt.result + `}`
			if failure, ok := strings.CutPrefix(tt.result, "!"); ok {
				body = `{"jsonrpc":"2.0","id":7,"error":` + failure + `}`
			}
			m, err := mcp.Messages{}.Server([]byte(body), tt.asked)
			if err != nil {
				t.Fatal(err)
			}
			r := m.Result
			if r == nil || m.Answers != (tt.asked != nil) {
				t.Fatalf("%+v", m)
			}
			if r.Name != tt.tool || string(r.Value) != tt.value || !slices.Equal(r.Unscanned, tt.facts) {
				t.Errorf("%q %s %q", r.Name, r.Value, r.Unscanned)
			}
			if got := plain(m.Body, r.Texts); !slices.Equal(got, tt.texts) {
				t.Errorf("texts %q", got)
			}
		})
	}
}

// TestPasses: answers, requests and notifications that are in no stage.
func TestPasses(t *testing.T) {
	for _, tt := range []struct {
		name    string
		asked   *wire.RPC
		body    string
		texts   []string
		unknown bool
	}{
		{"a start", asked(t, "initialize", `{"protocolVersion":"2025-06-18"}`), `{"jsonrpc":"2.0","id":7,"result":{"protocolVersion":"2025-06-18","instructions":"i","serverInfo":{"name":"n"}}}`, []string{"i", "n"}, false},
		{"another's start", nil, `{"jsonrpc":"2.0","id":7,"result":{"protocolVersion":"2025-06-18","instructions":"i"}}`, []string{"i"}, false},
		{"an error", asked(t, "ping", `{}`), `{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":"m"}}`, []string{"m"}, false},
		{"an error without an id", nil, `{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"m"}}`, []string{"m"}, false},
		{"a log", nil, `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":{"type":"text","data":"QUJD"}}}`, []string{"QUJD"}, false},
		{"a ping", nil, `{"jsonrpc":"2.0","id":1,"method":"ping"}`, nil, false},
		{"an unknown request", nil, `{"jsonrpc":"2.0","id":1,"method":"acme/do","params":{"a":"b"}}`, []string{"b"}, true},
		{"an unknown notification", nil, `{"jsonrpc":"2.0","method":"notifications/acme"}`, nil, true},
		{"a list of resources", asked(t, "resources/list", `{}`), `{"jsonrpc":"2.0","id":7,"result":{"resources":[{"uri":"u","name":"n"}],"nextCursor":"c"}}`, []string{"u", "n", "c"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := mcp.Messages{}.Server([]byte(tt.body), tt.asked)
			if err != nil {
				t.Fatal(err)
			}
			if m.Result != nil || len(m.Prompts) > 0 || m.Unknown != tt.unknown || !slices.Equal(plain(m.Body, m.Texts), tt.texts) {
				t.Errorf("%+v, texts %q", m, plain(m.Body, m.Texts))
			}
		})
	}
}

func sampling(params string) string {
	return `{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":` + params + `}`
}

// TestMalformedServerMessages are not understood.
func TestMalformedServerMessages(t *testing.T) {
	call := asked(t, "tools/call", `{"name":"a"}`)
	for _, body := range []string{
		`[]`, `{}`, `{"jsonrpc":"2.0","id":7,"result":[]}`, `{"jsonrpc":"2.0","result":{}}`, `{"jsonrpc":"2.0","id":7,"result":{"Content":[]}}`,
		`{"jsonrpc":"2.0","id":7,"result":{"content":["x"]}}`, `{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","Text":"x","text":"y"}]}}`,
		`{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":{}}]}}`, `{"jsonrpc":"2.0","id":7,"error":"x"}`,
		`{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{"messages":"x"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{"messages":[{"role":"root","content":{"type":"text","text":"x"}}]}}`,
		`{"jsonrpc":"2.0","id":7,"result":{"inputRequests":{"a":{"method":"acme/do","params":{}}}}}`,
		sampling(`{"messages":[],"tools":[` + strings.Repeat(`{"name":"t"},`, 4096) + `{"name":"t"}]}`),
	} {
		if m, err := (mcp.Messages{}).Server([]byte(body), call); err == nil {
			t.Errorf("%s: %+v", body, m)
		}
	}
}

// TestPrompts: what a server asks a client's model and its user, as
// conversations.
func TestPrompts(t *testing.T) {
	sampling := `{"systemPrompt":"sys","modelPreferences":{"hints":[{"name":"m1"},{"name":"m2"}]},"maxTokens":1,"tools":[{"name":"t1","description":"d"},{"name":"t2"}],` +
		`"messages":[{"role":"user","content":{"type":"text","text":"hi"}},` +
		`{"role":"assistant","content":[{"type":"tool_use","id":"c","name":"t1","input":{"q":"w"}}]},` +
		`{"role":"user","content":[{"type":"tool_result","toolUseId":"c","content":[{"type":"text","text":"r"}]},{"type":"image","data":"QUJD","mimeType":"image/png"}]}]}`
	for _, body := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":` + sampling + `}`,
		`{"jsonrpc":"2.0","id":7,"result":{"resultType":"input_required","inputRequests":{"k":{"method":"sampling/createMessage","params":` + sampling + `}}}}`,
	} {
		m, err := mcp.Messages{}.Server([]byte(body), asked(t, "tools/call", `{"name":"a"}`))
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Prompts) != 1 || m.Result != nil {
			t.Fatalf("%+v", m)
		}
		p := m.Prompts[0]
		if p.Model != "m1" || len(p.Tools) != 2 || p.Tools[1].Name != "t2" || !slices.Equal(p.Unscanned, []string{"image"}) {
			t.Errorf("%+v", p)
		}
		want := `[{"parts":[{"text":"sys","type":"text"}],"role":"system","text":"sys","tool_calls":[],"tool_results":[]},` +
			`{"parts":[{"text":"hi","type":"text"}],"role":"user","text":"hi","tool_calls":[],"tool_results":[]},` +
			`{"parts":[],"role":"assistant","text":"","tool_calls":[{"args":{"q":"w"},"id":"c","name":"t1"}],"tool_results":[]},` +
			`{"parts":[{"text":"r","type":"text"}],"role":"tool","text":"r","tool_calls":[],"tool_results":[{"id":"c","text":"r"}]},` +
			`{"parts":[{"sha256":"e0aabbb8b4e25213bf4c6ca34b4af10df02cef63bfc30ee6831b5d03c8a3d3d0","type":"image"}],"role":"user","text":"","tool_calls":[],"tool_results":[]}]`
		got := string(wire.Conversation(p.Messages))
		if i := strings.Index(got, `"sha256":"`); i > 0 { // of the image
			got = got[:i+10] + want[strings.Index(want, `"sha256":"`)+10:][:64] + got[i+74:]
		}
		if got != want {
			t.Errorf("%s", got)
		}
		if len(p.Results) != 1 || p.Results[0].Tool != "t1" || p.Results[0].Text != "r" || len(p.Results[0].Texts) != 1 {
			t.Errorf("%+v", p.Results)
		}
		out := strictjson.Splice(nil, m.Body, wire.HideOffers(p.Tools, func(name string) bool { return name == "t2" }))
		if again, err := (mcp.Messages{}).Server(out, nil); err != nil || len(again.Prompts[0].Tools) != 1 {
			t.Errorf("%s: %v", out, err)
		}
	}
	m, err := mcp.Messages{}.Server([]byte(`{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{"mode":"url","message":"m","url":"https://u","requestedSchema":{"properties":{"a":{"description":"d"}}}}}`), nil)
	if err != nil || len(m.Prompts) != 1 {
		t.Fatal(m, err)
	}
	if got := wire.Conversation(m.Prompts[0].Messages); !strings.Contains(string(got), `"role":"user","text":"m\nhttps://u\nd"`) {
		t.Errorf("%s", got)
	}
	want := `{"jsonrpc":"2.0","id":1,"method":"headgate/denied","params":{"reason":"no"}}`
	if got := (mcp.Messages{}).Instead(m, wire.Refusal{Code: wire.CodePolicyDenied, Reason: "no"}); string(got) != want {
		t.Errorf("%s", got)
	}
}

// TestHideOffers: whichever tools go, a list of the others is left.
func TestHideOffers(t *testing.T) {
	body := []byte(`{"jsonrpc":"2.0","id":7,"result":{"tools":[ {"name":"a"} , {"name":"b"},{"name":"c"} ]}}`)
	list := asked(t, "tools/list", `{}`)
	for mask := range 8 {
		m, err := mcp.Messages{}.Server(body, list)
		if err != nil {
			t.Fatal(err)
		}
		hide := func(name string) bool { return mask>>(name[0]-'a')&1 == 1 }
		out := strictjson.Splice(nil, body, wire.HideOffers(m.Offers, hide))
		again, err := mcp.Messages{}.Server(out, list)
		if err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		var left, want []string
		for _, o := range again.Offers {
			left = append(left, o.Name)
		}
		for _, name := range []string{"a", "b", "c"} {
			if !hide(name) {
				want = append(want, name)
			}
		}
		if !slices.Equal(left, want) {
			t.Errorf("%03b: %s", mask, out)
		}
	}
}

// TestHeadersFollowTheBody: an edited argument changes the header that repeats
// it; one that has become two things cannot be followed.
func TestHeadersFollowTheBody(t *testing.T) {
	before := asked(t, "tools/call", `{"name":"a","arguments":{"x":"me@x.example","y":"me@x.example","n":1}}`)
	for _, tt := range []struct{ after, want string }{
		{`{"x":"[EMAIL]","y":"[EMAIL]","n":1}`, "[EMAIL]"},
		{`{"x":" é","y":" é","n":1}`, "=?base64?IMOp?="},
		{`{"x":"=?base64?YQ==?=","y":"=?base64?YQ==?=","n":1}`, "=?base64?PT9iYXNlNjQ/WVE9PT89?="},
		{`{"x":"me@x.example","y":"me@x.example","n":1}`, "me@x.example"},
		{`{"x":"[EMAIL]","y":"me@x.example","n":1}`, ""},
		{`{"n":1}`, ""},
	} {
		h := headers("Mcp-Method", "tools/call", "Mcp-Name", "a", "Mcp-Param-X", "me@x.example", "Mcp-Param-N", "1")
		err := mcp.Messages{}.Headers(h, before, asked(t, "tools/call", `{"name":"a","arguments":`+tt.after+`}`))
		if (err != nil) != (tt.want == "") || err == nil && (h.Get("Mcp-Param-X") != tt.want || h.Get("Mcp-Param-N") != "1" || h.Get("Mcp-Name") != "a") {
			t.Errorf("%s: %v, %v", tt.after, err, h)
		}
	}
	h := http.Header{"Mcp-Name": {"file:///me@x.example"}}
	err := mcp.Messages{}.Headers(h, asked(t, "resources/read", `{"uri":"file:///me@x.example"}`), asked(t, "resources/read", `{"uri":"file:///[EMAIL]"}`))
	if err != nil || h.Get("Mcp-Name") != "file:///[EMAIL]" {
		t.Error(err, h)
	}
}
