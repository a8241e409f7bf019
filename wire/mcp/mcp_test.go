package mcp_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/mcp"
	"github.com/headgate/headgate/wire/strictjson"
)

func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

// many are headers that repeat a value.
func many(value string, n int) http.Header {
	h := http.Header{}
	for i := range n {
		h.Set("Mcp-Param-"+strconv.Itoa(i), value)
	}
	return h
}

func request(method, params string) string {
	return `{"jsonrpc":"2.0","id":7,"method":"` + method + `","params":` + params + `}`
}

// TestRefusedMessages: what is not understood is refused with an error of
// JSON-RPC, which names the id where there is one.
func TestRefusedMessages(t *testing.T) {
	call := request("tools/call", `{"name":"a","arguments":{"x":"v","n":42,"deep":{"b":true}}}`)
	for _, tt := range []struct {
		name, body   string
		h            http.Header
		status, code int // 0: accepted
		id           string
	}{
		{"a call", call, nil, 0, 0, ""},
		{"a batch", "[" + call + "]", nil, 400, -32600, "null"},
		{"an empty batch", "[]", nil, 400, -32600, "null"},
		{"no JSON", "{", nil, 400, -32700, "null"},
		{"a key twice", `{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}`, nil, 400, -32700, "null"},
		{"a key twice, escaped", `{"jsonrpc":"2.0","id":1,"method":"ping","\u006dethod":"tools/call"}`, nil, 400, -32700, "null"},
		{"a key in another case", `{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}`, nil, 400, -32600, "null"},
		{"a parameter in another case", request("tools/call", `{"name":"a","Name":"b"}`), nil, 400, -32600, "7"},
		{"another version of JSON-RPC", `{"jsonrpc":"1.0","id":1,"method":"ping"}`, nil, 400, -32600, "1"},
		{"no version of JSON-RPC", `{"id":1,"method":"ping"}`, nil, 400, -32600, "1"},
		{"an id that is null", `{"jsonrpc":"2.0","id":null,"method":"ping"}`, nil, 400, -32600, "null"},
		{"an id that is an object", `{"jsonrpc":"2.0","id":{},"method":"ping"}`, nil, 400, -32600, "null"},
		{"a request and an answer", `{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}`, nil, 400, -32600, "1"},
		{"an answer and an error", `{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}`, nil, 400, -32600, "1"},
		{"neither", `{"jsonrpc":"2.0","id":1}`, nil, 400, -32600, "1"},
		{"parameters by position", `{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}`, nil, 400, -32600, "1"},
		{"an unknown method", request("acme/search", `{}`), nil, 200, -32601, "7"},
		{"a method in another case", request("Tools/Call", `{"name":"a"}`), nil, 200, -32601, "7"},
		{"a method of the server", request("sampling/createMessage", `{}`), nil, 200, -32601, "7"},
		{"a call without a name", request("tools/call", `{"arguments":{}}`), nil, 400, -32602, "7"},
		{"arguments that are a string", request("tools/call", `{"name":"a","arguments":"{}"}`), nil, 400, -32602, "7"},
		{"a read without an address", request("resources/read", `{"name":"a"}`), nil, 400, -32602, "7"},
		{"a prompt without a name", request("prompts/get", `{}`), nil, 400, -32602, "7"},
		{"answers that are a list", request("tools/call", `{"name":"a","inputResponses":[]}`), nil, 400, -32602, "7"},
		{"an id that is a string", strings.Replace(request("nope", `{}`), "7", `"a\"b"`, 1), nil, 200, -32601, `"a\"b"`},

		{"headers that match", call, headers("Mcp-Method", "tools/call", "Mcp-Name", "a", "Mcp-Param-X", "v", "Mcp-Param-N", "42.0", "Mcp-Param-B", "true"), 0, 0, ""},
		{"an encoded name", call, headers("Mcp-Name", "=?base64?YQ==?="), 0, 0, ""},
		{"another method", call, headers("Mcp-Method", "ping"), 400, -32020, "7"},
		{"a method in Base64", call, headers("Mcp-Method", "=?base64?dG9vbHMvY2FsbA==?="), 400, -32020, "7"},
		{"another name", call, headers("Mcp-Name", "b"), 400, -32020, "7"},
		{"another name in Base64", call, headers("Mcp-Name", "=?base64?Yg==?="), 400, -32020, "7"},
		{"no Base64", call, headers("Mcp-Name", "=?base64?***?="), 400, -32020, "7"},
		{"a name twice", call, headers("Mcp-Name", "a", "Mcp-Name", "a"), 400, -32020, "7"},
		{"another argument", call, headers("Mcp-Param-X", "w"), 400, -32020, "7"},
		{"an argument of no call", request("tools/list", `{}`), headers("Mcp-Param-X", "v"), 400, -32020, "7"},
		{"a name of nothing", request("tools/list", `{}`), headers("Mcp-Name", "v"), 400, -32020, "7"},
		{"too many headers", call, many("v", 65), 400, -32020, "7"},
		{"an unknown revision", call, headers("Mcp-Protocol-Version", "2031-01-01"), 400, -32022, "7"},
		{"a revision that is none", call, headers("Mcp-Protocol-Version", "latest"), 400, -32022, "7"},
		{"two revisions", request("ping", `{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}`), headers("Mcp-Protocol-Version", "2025-11-25"), 400, -32020, "7"},
		{"a revision in another case", request("ping", `{"_meta":{"io.modelcontextprotocol/ProtocolVersion":"2026-07-28"}}`), nil, 400, -32020, "7"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := mcp.Messages{}.Client(wire.Incoming{Header: tt.h, Body: []byte(tt.body)})
			if tt.code == 0 {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil {
				t.Fatal("accepted")
			}
			status, body := m.Refuser.Refuse(wire.Refusal{Code: wire.CodeInvalidRequest, Reason: err.Error()})
			code := errorOf(t, body, tt.id)
			if status != tt.status || code != tt.code {
				t.Errorf("%d %s", status, body)
			}
		})
	}
}

// errorOf checks the shape of an error of JSON-RPC, and gives its code.
func errorOf(t *testing.T, body []byte, id string) int {
	t.Helper()
	var e struct {
		JSONRPC string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Error   struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal(body, &e); err != nil || e.JSONRPC != "2.0" || string(e.ID) != id || e.Error.Message == "" {
		t.Errorf("%v in %s, want the id %s", err, body, id)
	}
	return e.Error.Code
}

// TestRefusals: the status and the shape of each kind of refusal.
func TestRefusals(t *testing.T) {
	m, err := mcp.Messages{}.Client(wire.Incoming{Body: []byte(request("tools/call", `{"name":"a"}`))})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		code         wire.Code
		status, want int
	}{
		{wire.CodePolicyDenied, 200, -32010},
		{wire.CodeApprovalRequired, 200, -32010},
		{wire.CodeAuthentication, 401, -32011},
		{wire.CodeInvalidRequest, 400, -32600},
		{wire.CodeMethod, 405, -32600},
		{wire.CodeTooLarge, 413, -32600},
		{wire.CodeUnavailable, 503, -32603},
		{wire.CodeUpstream, 502, -32603},
	} {
		ref := wire.Refusal{Code: tt.code, Reason: `no "way"`}
		status, body := mcp.Dialect{}.Refuse(ref)
		if code := errorOf(t, body, "null"); status != tt.status || code != tt.want {
			t.Errorf("%s: %d %s", tt.code, status, body)
		}
		status, body = m.Refuser.Refuse(ref)
		if tt.want == -32010 {
			if want := `{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"no \"way\""}],"isError":true}}`; status != 200 || string(body) != want {
				t.Errorf("of a call: %d %s", status, body)
			}
			continue
		}
		errorOf(t, body, "7")
	}
}

// TestNewResultsHaveAType: with revision 2026-07-28 every result has one.
func TestNewResultsHaveAType(t *testing.T) {
	m, err := mcp.Messages{}.Client(wire.Incoming{Body: []byte(request("tools/call",
		`{"name":"a","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}`))})
	if err != nil {
		t.Fatal(err)
	}
	_, body := m.Refuser.Refuse(wire.Refusal{Code: wire.CodePolicyDenied, Reason: "no"})
	if !strings.HasSuffix(string(body), `"isError":true,"resultType":"complete"}}`) {
		t.Errorf("%s", body)
	}
}

// plain are the decoded texts.
func plain(body []byte, texts []wire.Text) []string {
	var list []string
	for _, t := range texts {
		s := string(strictjson.Unescape(nil, body[t.Start:t.End]))
		if t.Copy {
			s += " (copy)"
		}
		list = append(list, s)
	}
	return list
}

// TestClientMessages: what of a client's message is decided, and which texts
// it has.
func TestClientMessages(t *testing.T) {
	for _, tt := range []struct {
		name, body       string
		tool, args       string
		argTexts, texts  []string
		replies          string
		unknown          bool
		kind             wire.RPCKind
		unscannedAllowed []string
	}{
		{
			name: "a call", body: request("tools/call", `{"name":"a\u0062","arguments":{"z":["x",1],"b":{"type":"image","data":"QUJD"}},"_meta":{"progressToken":"p"},"requestState":"s"}`),
			tool: "ab", args: `{"b":{"data":"QUJD","type":"image"},"z":["x",1]}`, argTexts: []string{"x", "image", "QUJD"}, texts: []string{"p", "s"},
		},
		{name: "a call without arguments", body: request("tools/call", `{"name":"a"}`), tool: "a", args: `{}`},
		{
			name: "a read", body: request("resources/read", `{"uri":"file:///x","_meta":{}}`),
			tool: "resources/read", args: `{"uri":"file:///x"}`, argTexts: []string{"file:///x"},
		},
		{
			name: "a prompt", body: request("prompts/get", `{"name":"p","arguments":{"a":"b"},"requestState":"s"}`),
			tool: "prompts/get", args: `{"arguments":{"a":"b"},"name":"p"}`, argTexts: []string{"b"}, texts: []string{"s"},
		},
		{
			name: "a task's result", body: request("tasks/result", `{"taskId":"t"}`), tool: "tasks/result", args: `{"taskId":"t"}`, argTexts: []string{"t"},
		},
		{
			name: "a completion", body: request("completion/complete", `{"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"n","value":"v"}}`),
			texts: []string{"p", "n", "v"},
		},
		{name: "members that nobody knows", body: `{"jsonrpc":"2.0","id":1,"method":"ping","extra":{"a":["b"]}}`, texts: []string{"b"}},
		{name: "an unknown notification", body: `{"jsonrpc":"2.0","method":"acme/told","params":{"a":"b"}}`, kind: wire.RPCNotification, unknown: true, texts: []string{"b"}},
		{name: "a notification", body: `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"r"}}`, kind: wire.RPCNotification, texts: []string{"r"}},
		{
			name: "a model's answer", kind: wire.RPCAnswer,
			body:    `{"jsonrpc":"2.0","id":1,"result":{"role":"assistant","model":"m","stopReason":"toolUse","content":[{"type":"text","text":"a"},{"type":"tool_use","id":"1","name":"t","input":{"q":"w"}},{"type":"image","data":"QUJD","mimeType":"image/png"}]}}`,
			replies: `m|{"choices":[{"finish_reason":"toolUse","index":0,"reasoning":"","text":"a","tool_calls":[{"args":{"q":"w"},"id":"1","name":"t"}]}],"text":"a"}|m toolUse a image/png|t {"q":"w"} w`,
		},
		{name: "a user's answer", kind: wire.RPCAnswer, body: `{"jsonrpc":"2.0","id":1,"result":{"action":"accept","content":{"type":"image","data":"QUJD"}}}`, texts: []string{"image", "QUJD"}},
		{name: "roots", kind: wire.RPCAnswer, body: `{"jsonrpc":"2.0","id":1,"result":{"roots":[{"uri":"u","name":"n"}]}}`, texts: []string{"u", "n"}},
		{name: "an error", kind: wire.RPCAnswer, body: `{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"m","data":["d"]}}`, texts: []string{"m", "d"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := mcp.Messages{}.Client(wire.Incoming{Body: []byte(tt.body)})
			if err != nil {
				t.Fatal(err)
			}
			if m.Kind != tt.kind || m.Unknown != tt.unknown || (m.Call != nil) != (tt.tool != "") {
				t.Errorf("%+v", m)
			}
			if m.Call != nil {
				if m.Call.Name != tt.tool || string(m.Call.Args) != tt.args || !slices.Equal(plain(m.Body, m.Call.Texts), tt.argTexts) {
					t.Errorf("%s %s %q", m.Call.Name, m.Call.Args, plain(m.Body, m.Call.Texts))
				}
			}
			if got := plain(m.Body, m.Texts); !slices.Equal(got, tt.texts) {
				t.Errorf("texts %q, want %q", got, tt.texts)
			}
			replies := ""
			for _, r := range m.Replies {
				replies += r.Model + "|" + string(r.Response.JSON()) + "|" + strings.Join(plain(m.Body, r.Texts), " ")
				for _, c := range r.Calls {
					replies += "|" + c.Name + " " + string(c.Args) + " " + strings.Join(plain(m.Body, c.Texts), " ")
				}
			}
			if replies != tt.replies {
				t.Errorf("replies %s, want %s", replies, tt.replies)
			}
		})
	}
}

func TestEndpointsWithoutAMessage(t *testing.T) {
	for _, c := range []wire.RPCCodec{mcp.Listen{}, mcp.Close{}} {
		if m, err := c.Client(wire.Incoming{Header: headers("Mcp-Session-Id", "s", "Last-Event-Id", "4")}); err != nil || m.Method != "" {
			t.Errorf("%+v, %v", m, err)
		}
		m, err := c.Client(wire.Incoming{Header: headers("Mcp-Method", "tools/call")})
		if err == nil {
			t.Fatal("accepted")
		}
		if status, body := m.Refuser.Refuse(wire.Refusal{Code: wire.CodeInvalidRequest, Reason: "r"}); status != 400 || errorOf(t, body, "null") != -32020 {
			t.Errorf("%d %s", status, body)
		}
	}
	if got := len((mcp.Dialect{}).Endpoints()); got != 7 {
		t.Error("endpoints: " + strconv.Itoa(got))
	}
}
