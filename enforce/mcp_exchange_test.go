package enforce_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/headgate/headgate/audit"
	"github.com/headgate/headgate/enforce"
	"github.com/headgate/headgate/policy"
)

const (
	rpcCall   = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"a":"b"}}}`
	rpcRead   = `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"file:///x"}}`
	rpcList   = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`
	rpcResult = `{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"fine"}]}}`
)

// events is a stream of messages.
func events(messages ...string) func(*enforce.Reply, *http.Request) error {
	return stream("data: "+strings.Join(messages, "\n\ndata: ")+"\n\n", 7, nil)
}

func sampling(params string) string {
	return `{"jsonrpc":"2.0","id":"s","method":"sampling/createMessage","params":{"maxTokens":1,` + params + `}}`
}

// mcpRules denies what says "forbidden" at any stage, and the tool "shell".
func mcpRules() rules {
	all := map[policy.Stage]policy.Fields{}
	for _, s := range policy.Stages() {
		all[s] = policy.FieldsAll
	}
	return rules{needs: all, decide: func(in *policy.Input) policy.Decision {
		said := string(in.Messages) + string(in.Args) + string(in.Response) + string(in.Result)
		switch {
		case in.Tool == "shell", strings.Contains(said, "forbidden"):
			return policy.Decision{Action: policy.Deny, Reason: "no"}
		case len(in.Findings) > 0 && in.Findings[0].Type == "US_SSN":
			return policy.Decision{Action: policy.Deny, Reason: "found"}
		case in.Stage == policy.PreTool && strings.Contains(said, "vanish"):
			return policy.Decision{Action: policy.RedactArgs, Redact: []policy.Selector{{Spec: "lit:vanish", As: "remove"}}}
		case in.Stage == policy.PreChat && strings.Contains(said, "force"):
			return policy.Decision{Action: policy.ForceModel, ForceModel: "small"}
		case in.Stage == policy.PreChat:
			return policy.Decision{Action: policy.HideTools, HideTools: []string{"t2"}}
		}
		return policy.Decision{}
	}}
}

// TestMCPExchange: one message and its reply.
func TestMCPExchange(t *testing.T) {
	call := func(body string) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/mcp", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		return r
	}
	listen := func(path string) *http.Request { return httptest.NewRequest(http.MethodGet, path, nil) }
	user := `"messages":[{"role":"user","content":{"type":"text","text":"`
	for _, tt := range []struct {
		name   string
		r      *http.Request
		reply  func(*enforce.Reply, *http.Request) error
		status int
		want   string // what the client got; with a trailing "…" only its beginning
		story  string
	}{
		{"a message", call(rpcCall), jsonReply(200, rpcResult), 200, rpcResult, "pre_tool allow, post_tool allow, outcome complete"},
		{"an answer on another stream", call(rpcCall), answer(202, "text/plain", "Accepted"), 202, "", "pre_tool allow, outcome complete"},
		{"nothing", call(rpcCall), answer(200, "", ""), 200, "", "pre_tool allow, outcome complete"},
		{"no type", call(rpcCall), answer(200, "", "x"), 502, `{"jsonrpc":"2.0","id":1,"error":{"code":-32603,…`, "pre_tool allow, outcome upstream_error"},
		{"a page", call(rpcCall), answer(200, "text/html", "x"), 502, `{"jsonrpc":"2.0","id":1,"error":{"code":-32603,…`, "pre_tool allow, outcome upstream_error"},
		{"a batch", call(rpcCall), jsonReply(200, "["+rpcResult+"]"), 502, `{"jsonrpc":"2.0","id":1,"error":{"code":-32603,…`, "pre_tool allow, outcome upstream_error"},
		{"too much", call(rpcCall), jsonReply(200, strings.Repeat(" ", 5000)), 502, `{"jsonrpc":"2.0","id":1,"error":{"code":-32603,…`, "pre_tool allow, outcome upstream_error"},
		{"a failure of the upstream", call(rpcCall), answer(500, "text/plain", "x"), 502, `{"jsonrpc":"2.0","id":1,"error":{"code":-32603,…`, "pre_tool allow, outcome upstream_error"},
		{"a way elsewhere", call(rpcCall), answer(307, "", ""), 502, `{"jsonrpc":"2.0","id":1,"error":{"code":-32603,…`, "pre_tool allow, outcome upstream_error"},
		{"other JSON", call(rpcList), jsonReply(401, `{"error":"ask a@x.example"}`), 401, `{"error":"ask [EMAIL]"}`, "request allow, outcome upstream_error"},
		{
			"an error that is denied", call(rpcRead), jsonReply(400, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"forbidden"}}`), 200,
			`{"jsonrpc":"2.0","id":1,"error":{"code":-32010,"message":"result of tool ` + "`resources/read`" + `: no"}}`, "pre_tool allow, post_tool deny, outcome denied",
		},
		{
			"an error without an id", call(rpcCall), jsonReply(400, `{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"forbidden"}}`), 200,
			`{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"result of tool ` + "`echo`" + `: no"}],"isError":true}}`, "pre_tool allow, post_tool deny, outcome denied",
		},
		{
			"an id that has become a string", call(rpcCall), jsonReply(200, strings.Replace(strings.Replace(rpcResult, `"id":1`, `"id":"1"`, 1), "fine", "forbidden", 1)), 200,
			`{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"result of tool ` + "`echo`" + `: no"}],"isError":true}}`, "pre_tool allow, post_tool deny, outcome denied",
		},
		{"an answer to another request", call(rpcCall), jsonReply(200, strings.Replace(rpcResult, `"id":1`, `"id":2`, 1)), 502, `{"jsonrpc":"2.0","id":1,"error":{"code":-32603,…`, "pre_tool allow, outcome upstream_error"},
		{"an answer to another request, on a stream", call(rpcCall), events(strings.Replace(rpcResult, `"id":1`, `"id":2`, 1), rpcResult), 200, "event: message\ndata: " + `{"jsonrpc":"2.0","id":1,"error":{"code":-32603,…`, "pre_tool allow, outcome upstream_error"},
		{"a notification where a result is due", call(rpcCall), jsonReply(400, `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","data":"forbidden"}}`), 400, "", "pre_tool allow, outcome upstream_error"},
		{"other JSON where a result is due", call(rpcCall), jsonReply(400, `{"error":"forbidden"}`), 400, "", "pre_tool allow, outcome upstream_error"},
		{"a decision that cannot be carried out", call(strings.Replace(rpcRead, "file:///x", "vanish", 1)), nil, 200, `{"jsonrpc":"2.0","id":1,"error":{"code":-32010,"message":"the decision cannot be carried out on the message"}}`, "pre_tool deny"},
		{
			"a secret in two blocks", call(rpcCall), jsonReply(200, `{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"a@x.exa"},{"type":"text","text":"mple"}]}}`), 200,
			`{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"[EMAIL]"},{"type":"text","text":""}]}}`, "pre_tool allow, post_tool redact_result, outcome complete",
		},
		{
			"what is found in a copy alone", call(rpcCall), jsonReply(200, `{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"x123-45-67899"}],"structuredContent":{"a":"123-45-6789"}}}`), 200,
			`{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"result of tool ` + "`echo`" + `: found"}],"isError":true}}`, "pre_tool allow, post_tool deny, outcome denied",
		},
		{"an unknown notification of the server", call(rpcCall), events(`{"jsonrpc":"2.0","method":"acme/told"}`, rpcResult), 200, "data: " + rpcResult + "\n\n", "pre_tool allow, request deny, post_tool allow, outcome complete"},
		{
			"an unknown request of the server", call(rpcCall), events(`{"jsonrpc":"2.0","id":5,"method":"acme/do"}`, rpcResult), 200,
			`data: {"jsonrpc":"2.0","id":5,"method":"headgate/denied","params":{"reason":"this method is not known to the gate"}}` + "\n\ndata: " + rpcResult + "\n\n",
			"pre_tool allow, request deny, post_tool allow, outcome complete",
		},
		{
			"a prompt with tools", call(rpcCall), events(sampling(user+`hi a@x.example"}}],"tools":[{"name":"t1"},{"name":"t2"}]`), rpcResult), 200,
			"data: " + sampling(user+`hi [EMAIL]"}}],"tools":[{"name":"t1"}]`) + "\n\ndata: " + rpcResult + "\n\n",
			"pre_tool allow, pre_chat hide_tools, post_tool allow, outcome complete",
		},
		{
			"a prompt for another model", call(rpcCall), events(sampling(user+`force"}}]`), rpcResult), 200,
			`data: {"jsonrpc":"2.0","id":"s","method":"headgate/denied","params":{"reason":"a model cannot be forced on what a server asks its client"}}` + "\n\ndata: " + rpcResult + "\n\n",
			"pre_tool allow, pre_chat deny, post_tool allow, outcome complete",
		},
		{
			"a prompt with a result", call(rpcCall), events(sampling(`"messages":[{"role":"user","content":[{"type":"tool_result","toolUseId":"c","content":[{"type":"text","text":"forbidden"}]}]}]`), rpcResult), 200,
			`data: {"jsonrpc":"2.0","id":"s","method":"headgate/denied","params":{"reason":"result of tool ` + "``" + `: no"}}` + "\n\ndata: " + rpcResult + "\n\n",
			"pre_tool allow, post_tool deny, post_tool allow, outcome complete",
		},
		{
			"a prompt with an image", call(rpcCall), events(sampling(`"messages":[{"role":"user","content":{"type":"image","data":"QUJD","mimeType":"image/png"}}]`), rpcResult), 200,
			`data: {"jsonrpc":"2.0","id":"s","method":"headgate/denied","params":{"reason":"content that cannot be scanned: image;…`,
			"pre_tool allow, pre_chat deny, post_tool allow, outcome complete",
		},
		{"a line that is none", call(rpcCall), stream("x\n\n", 1, nil), 200, "event: message\ndata: " + `{"jsonrpc":"2.0","id":1,"error":{"code":-32603,…`, "pre_tool allow, outcome upstream_error"},
		{"an event of another name", call(rpcCall), stream("event: acme\ndata: forbidden\n\ndata: "+rpcResult+"\n\n", 5, nil), 200, "data: " + rpcResult + "\n\n", "pre_tool allow, post_tool allow, outcome complete"},
		{"an endpoint where none is due", call(rpcCall), stream("event: endpoint\ndata: /mcp/messages\n\n", 5, nil), 200, "event: message\ndata: " + `{"jsonrpc":"2.0","id":1,…`, "pre_tool allow, request deny, outcome denied"},
		{"a stream without an answer", call(rpcCall), stream(": x\n\n", 5, nil), 200, ": x\n\nevent: message\ndata: " + `{"jsonrpc":"2.0","id":1,"error":{"code":-32603,…`, "pre_tool allow, outcome upstream_error"},
		{"a stream that goes on elsewhere", call(rpcCall), stream("id: 4\ndata:\n\n", 5, nil), 200, "id: 4\ndata:\n\n", "pre_tool allow, outcome complete"},
		{"a secret beside the data", call(rpcCall), stream("id: a@x.example\ndata: "+rpcResult+"\n\n", 5, nil), 200, "data: " + rpcResult + "\n\n", "pre_tool allow, post_tool allow, outcome complete"},
		{"a cut after the answer", call(rpcCall), stream("data: "+rpcResult+"\n\n", 5, errCut), 200, "data: " + rpcResult + "\n\n", "pre_tool allow, post_tool allow, outcome complete"},
		{
			"a model's call", call(`{"jsonrpc":"2.0","id":1,"result":{"role":"assistant","model":"m","content":[{"type":"tool_use","id":"c","name":"shell","input":{}}]}}`),
			answer(202, "", ""), 202, "", "post_chat allow, pre_tool deny, outcome complete",
		},
		{"an endpoint", listen("/mcp/sse"), stream("event: endpoint\ndata: messages?sessionId=1\n\n", 5, nil), 200, "event: endpoint\ndata: messages?sessionId=1\n\n", "request allow, outcome complete"},
		{"an endpoint of this host", listen("/mcp/sse"), stream("event: endpoint\ndata: http://example.com/mcp/message?s=1\n\n", 5, nil), 200, "event: endpoint\ndata: http://example.com/mcp/message?s=1\n\n", "request allow, outcome complete"},
		{"an endpoint of another path", listen("/mcp/sse"), stream("event: endpoint\ndata: /other\n\n", 5, nil), 200, "", "request allow, request deny, outcome denied"},
		{"an endpoint of another host", listen("/mcp/sse"), stream("event: endpoint\ndata: //evil.example/mcp/message\n\n", 5, nil), 200, "", "request allow, request deny, outcome denied"},
		{"an endpoint of a host behind three slashes", listen("/mcp/sse"), stream("event: endpoint\ndata: ///evil.example/../../mcp/message\n\n", 5, nil), 200, "", "request allow, request deny, outcome denied"},
		{"an endpoint of a host behind a backslash", listen("/mcp/sse"), stream("event: endpoint\ndata: /\\evil.example/../mcp/message\n\n", 5, nil), 200, "", "request allow, request deny, outcome denied"},
		{"an endpoint with a line end of Unicode", listen("/mcp/sse"), stream("event: endpoint\ndata: /mcp/message?a=\u2028\u2028data: "+rpcResult+"\n\n", 5, nil), 200, "", "request allow, request deny, outcome denied"},
		{"a comment with a line end of Unicode", listen("/mcp/sse"), stream(": x\u2028data: "+rpcResult+"\n\n", 5, nil), 200, "", "request allow, outcome upstream_error"},
		{"an endpoint of another scheme", listen("/mcp/sse"), stream("event: endpoint\ndata: file:/mcp/message\n\n", 5, nil), 200, "", "request allow, request deny, outcome denied"},
		{"an endpoint that is none", listen("/mcp/sse"), stream("event: endpoint\ndata: %zz\n\n", 5, nil), 200, "", "request allow, request deny, outcome denied"},
		{"a stream at the end of a session", httptest.NewRequest(http.MethodDelete, "/mcp", nil), events(rpcResult), 200, "", "request allow, outcome complete"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log := &book{}
			g := mcpGate(t, mcpRules(), log, func(c *enforce.Config) {
				mcpRedaction(c)
				c.MaxBody = 4096
				c.AllowUnscanned = map[string]bool{"image": false}
			})
			w := exchange(g, tt.r, tt.reply)
			begin, cut := strings.CutSuffix(tt.want, "…")
			if body := w.Body.String(); w.Code != tt.status || body != tt.want && !(cut && strings.HasPrefix(body, begin)) {
				t.Errorf("%d %s", w.Code, body)
			}
			if log.story() != tt.story {
				t.Errorf("%s, want %s", log.story(), tt.story)
			}
		})
	}
}

// TestDeniedAnswersReachTheServer as errors: it waits for them.
func TestDeniedAnswersReachTheServer(t *testing.T) {
	for _, tt := range []struct{ name, result, want, story string }{
		{"words", `{"role":"assistant","model":"m","content":{"type":"text","text":"forbidden"}}`, "no", "post_chat deny, outcome complete"},
		{
			"an image", `{"role":"assistant","model":"m","content":{"type":"image","data":"QUJD","mimeType":"image/png"}}`,
			"content that cannot be scanned: image; `unscanned allow image` lets the policy decide", "request deny, outcome complete",
		},
		{
			"a call", `{"role":"assistant","model":"m","content":[{"type":"tool_use","id":"c","name":"shell","input":{}}]}`,
			"tool `shell`: no", "post_chat allow, pre_tool deny, outcome complete",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log := &book{}
			g := mcpGate(t, mcpRules(), log, func(c *enforce.Config) { c.AllowUnscanned = map[string]bool{"image": false} })
			r := httptest.NewRequest(http.MethodPost, "/mcp", strings.NewReader(`{"jsonrpc":"2.0","id":"s","result":`+tt.result+`}`))
			r.Header.Set("Content-Type", "application/json")
			var sent []byte
			w := exchange(g, r, func(w *enforce.Reply, r *http.Request) error {
				sent, _ = io.ReadAll(r.Body)
				w.WriteHeader(http.StatusAccepted)
				return nil
			})
			if want := `{"jsonrpc":"2.0","id":"s","error":{"code":-32010,"message":"` + tt.want + `"}}`; string(sent) != want || w.Code != http.StatusAccepted {
				t.Errorf("%d, the server got %s", w.Code, sent)
			}
			if log.story() != tt.story {
				t.Error(log.story())
			}
		})
	}
}

// TestMCPWithoutAudit: what cannot be recorded does not happen, in either
// direction, in any form of reply.
func TestMCPWithoutAudit(t *testing.T) {
	for _, tt := range []struct {
		name, stage, body string
		reply             func(*enforce.Reply, *http.Request) error
		status            int
	}{
		{"a call", "pre_tool", rpcCall, nil, 503},
		{"a list", "request", rpcList, nil, 503},
		{"an unknown notification", "request", `{"jsonrpc":"2.0","method":"acme/told"}`, nil, 503},
		{"a result", "post_tool", rpcCall, jsonReply(200, rpcResult), 503},
		{"a result in a stream", "post_tool", rpcCall, events(rpcResult), 200},
		{"an unknown request in a stream", "request", rpcCall, events(`{"jsonrpc":"2.0","id":5,"method":"acme/do"}`, rpcResult), 200},
		{"a prompt in a stream", "pre_chat", rpcCall, events(sampling(`"messages":[]`), rpcResult), 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log := &book{fails: func(r *audit.Record) bool { return r.Stage == tt.stage }}
			r := httptest.NewRequest(http.MethodPost, "/mcp", strings.NewReader(tt.body))
			r.Header.Set("Content-Type", "application/json")
			w := exchange(mcpGate(t, mcpRules(), log, nil), r, tt.reply)
			body := w.Body.String()
			if w.Code != tt.status || strings.Contains(body, "fine") || !strings.Contains(body, `"message":"the decision cannot be audited"`) {
				t.Errorf("%d %s", w.Code, body)
			}
		})
	}
}

// TestListensAreDecidedByThePolicyInForce: a stream can outlive many a
// revision.
func TestListensAreDecidedByThePolicyInForce(t *testing.T) {
	changing := &engine{now: rules{}}
	g := mcpGate(t, changing, &book{}, nil)
	w := exchange(g, httptest.NewRequest(http.MethodGet, "/mcp", nil), func(w *enforce.Reply, _ *http.Request) error {
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(http.StatusOK)
		for _, p := range []rules{{}, mcpRules()} {
			changing.now = p
			if _, err := io.WriteString(w, `data: {"jsonrpc":"2.0","id":9,"result":{"content":[{"type":"text","text":"forbidden"}]}}`+"\n\n"); err != nil {
				return err
			}
		}
		return nil
	})
	if first, second, ok := strings.Cut(w.Body.String(), "\n\n"); !ok || !strings.Contains(first, "forbidden") || !strings.Contains(second, "isError") {
		t.Errorf("%s", w.Body)
	}
	if !w.Flushed {
		t.Error("the header was not sent at once")
	}
}

// engine is a policy that changes.
type engine struct{ now policy.Policy }

func (e *engine) Current() policy.Policy { return e.now }
