package a2a

import (
	"bytes"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/openai"
	"github.com/headgate/headgate/wire/strictjson"
)

// call is a JSON-RPC request.
func call(method, params string) string {
	return `{"jsonrpc":"2.0","id":"r1","method":"` + method + `","params":` + params + `}`
}

// said is the params of a message of 0.3 with some parts.
func said(parts string) string {
	return `{"message":{"kind":"message","messageId":"m1","role":"user","parts":[` + parts + `]}}`
}

// facts is what a request says, as a gate sees it.
type facts struct {
	Stream     bool
	Unscanned  []string
	References []string
	Texts      []string // "place: text"
}

func factsOf(t *testing.T, c wire.ChatCodec, in wire.Incoming) facts {
	t.Helper()
	r, err := c.Request(in)
	if err != nil {
		t.Fatalf("Request(%s): %v", in.Body, err)
	}
	if r.Model() != "" || r.Tools() != nil {
		t.Errorf("model %q, tools %v", r.Model(), r.Tools())
	}
	f := facts{Stream: r.Stream(), Unscanned: r.Unscanned(), References: r.(wire.Referrer).References()}
	for _, x := range r.Texts() {
		f.Texts = append(f.Texts, x.Place.String()+": "+string(strictjson.Unescape(nil, in.Body[x.Start:x.End])))
	}
	return f
}

func TestRequestFacts(t *testing.T) {
	for _, tt := range []struct {
		name  string
		codec wire.ChatCodec
		in    wire.Incoming
		want  facts
	}{
		{"0.3", RPC{}, wire.Incoming{Body: []byte(call("message/send", said(`{"kind":"text","text":"a"},{"kind":"text","text":"b"}`)))}, facts{Texts: []string{"messages[0].text: a", "messages[0].text: b"}}},
		{
			"1.0, streamed, with all kinds of parts",
			RPC{},
			wire.Incoming{Body: []byte(call("SendStreamingMessage", `{"tenant":"t","message":{"messageId":"1","role":"ROLE_USER","contextId":"c","taskId":"k","referenceTaskIds":["k","o"],"extensions":["e"],"metadata":{"id":"x"},"parts":[{"data":{"kind":["d"]}},{"text":"a","metadata":{"n":"y"}},{"raw":"aGk=","mediaType":"image/png","filename":"f"},{"url":"http://h/a"}]},"metadata":{"z":"w"}}`))},
			facts{
				Stream: true, Unscanned: []string{"image", "remote_url"}, References: []string{"c", "k", "o"},
				Texts: []string{"tenant: t", "messages[0].text: a", "messages[0].text: d", "messages[0].text: y", "messages[0].text: f", "messages[0].text: http://h/a", "messages[0].extensions: e", "messages[0].metadata: x", "metadata: w"},
			},
		},
		{
			"files of 0.3",
			RPC{},
			wire.Incoming{Body: []byte(call("message/stream", said(`{"kind":"file","file":{"bytes":"aGk=","mimeType":"audio/wav","name":"n"}},{"kind":"file","file":{"bytes":"aGk="}},{"kind":"file","file":{"uri":"file:///etc/passwd"}}`)))},
			facts{Stream: true, Unscanned: []string{"audio", "binary", "remote_url"}, Texts: []string{"messages[0].text: n", "messages[0].text: file:///etc/passwd"}},
		},
		{"a task", RPC{}, wire.Incoming{Body: []byte(call("tasks/get", `{"id":"k","historyLength":3,"metadata":{"a":"b"}}`))}, facts{References: []string{"k"}, Texts: []string{"metadata: b"}}},
		{"a task's stream", RPC{}, wire.Incoming{Body: []byte(call("SubscribeToTask", `{"id":"k"}`))}, facts{Stream: true, References: []string{"k"}}},
		{"HTTP+JSON", REST{sendMessage}, wire.Incoming{Body: []byte(said(`{"text":"a"}`))}, facts{Texts: []string{"messages[0].text: a"}}},
		{"a task by its path", REST{readTask}, wire.Incoming{Params: wire.Params{"id": "k"}, Query: url.Values{"historyLength": {"1"}, "contextId": {"c"}}}, facts{References: []string{"c", "k"}}},
		{"a task is cancelled", REST{readTask}, wire.Incoming{Params: wire.Params{"id": "k"}, Body: []byte(`{"metadata":{"why":"w"}}`)}, facts{References: []string{"k"}, Texts: []string{"metadata: w"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, factsOf(t, tt.codec, tt.in)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	text := `{"text":"a"}`
	for _, tt := range []struct{ body, want string }{
		{`[` + call("message/send", said(text)) + `]`, "batches are not supported"},
		{`"a"`, "not a JSON object"},
		{`{"jsonrpc":"2.0","method":"tasks/get"}`, "id: must be a string or a number"},
		{`{"jsonrpc":"2.0","id":null,"method":"tasks/get"}`, "id: must be a string or a number"},
		{`{"jsonrpc":"1.0","id":1,"method":"tasks/get"}`, `jsonrpc: must be "2.0"`},
		{`{"jsonrpc":"2.0","id":1,"Method":"tasks/get"}`, "differs from a known field"},
		{call("message/sendx", said(text)), "unknown method"},
		{call("tasks/pushNotificationConfig/set", `{}`), "push notifications"},
		{call("CreateTaskPushNotificationConfig", `{}`), "push notifications"},
		{call("agent/getAuthenticatedExtendedCard", `{}`), "extended agent card"},
		{call("GetExtendedAgentCard", `{}`), "extended agent card"},
		{call("message/send", `[]`), "params: must be an object"},
		{call("message/send", `{}`), "params.message: must be an object"},
		{call("message/send", `{"message":[]}`), "params.message: must be an object"},
		{call("tasks/get", said(text)), "this method carries no message"},
		{call("tasks/get", `{"id":1}`), "params.id: must be a string"},
		{call("message/send", strings.Replace(said(text), `"messageId"`, `"message_id"`, 1)), "spelling alone"},
		{call("message/send", strings.Replace(said(text), `"user"`, `"system"`, 1)), "params.message.role"},
		{call("message/send", strings.Replace(said(text), `"parts":`, `"content":[],"parts":`, 1)), "params.message.content"},
		{call("message/send", `{"message":{"role":"user","parts":{}}}`), "params.message.parts: must be an array"},
		{call("message/send", said(`"a"`)), "params.message.parts[0]: must be an object"},
		{call("message/send", said(`{}`)), "must hold one of"},
		{call("message/send", said(`{"text":"a","data":1}`)), "must hold one of"},
		{call("message/send", said(`{"kind":"data","text":"a"}`)), "parts[0].kind"},
		{call("message/send", said(`{"kind":"text","text":["a"]}`)), "parts[0].text: must be a string"},
		{call("message/send", said(`{"raw":"no base64!"}`)), "parts[0].raw: must be base64"},
		{call("message/send", said(`{"url":1}`)), "parts[0].url: must be a string"},
		{call("message/send", `{"message":{"role":"user","parts":[],"contextId":{"words":"hi"}}}`), "params.message.contextId: must be a string"},
		{call("message/send", `{"message":{"role":"user","parts":[],"referenceTaskIds":"hi"}}`), "params.message.referenceTaskIds: must be an array"},
		{call("message/send", `{"message":{"role":"user","parts":[],"referenceTaskIds":[{"words":"hi"}]}}`), "params.message.referenceTaskIds: must hold strings"},
		{call("message/send", said(`{"kind":"file","file":{"bytes":"aGk=","uri":"u"}}`)), "must hold one of bytes and uri"},
		{call("message/send", said(`{"kind":"file","file":"u"}`)), "parts[0].file: must be an object"},
		{call("message/send", strings.Replace(said(text), `{"message"`, `{"configuration":{"pushNotificationConfig":{"url":"http://h"}},"message"`, 1)), "push notifications"},
		{call("SendMessage", strings.Replace(said(text), `{"message"`, `{"configuration":{"task_push_notification_config":{"url":"http://h"}},"message"`, 1)), "spelling alone"},
		{call("SendMessage", strings.Replace(said(text), `{"message"`, `{"configuration":{"taskPushNotificationConfig":{"url":"http://h"}},"message"`, 1)), "push notifications"},
		{call("SendMessage", strings.Replace(said(text), `{"message"`, `{"configuration":[],"message"`, 1)), "params.configuration: must be an object"},
	} {
		_, err := RPC{}.Request(wire.Incoming{Body: []byte(tt.body)})
		var we *wire.Error
		if !errors.As(err, &we) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.body, err, tt.want)
		}
	}
	if _, err := (REST{readTask}).Request(wire.Incoming{Query: url.Values{"q": {"words"}}}); err == nil {
		t.Error("words in a query were read")
	}
	if _, err := (REST{sendMessage}).Request(wire.Incoming{}); err == nil {
		t.Error("a message without a body was read")
	}
}

// TestOneConversationHasOneHash: a message is what a user's message is
// elsewhere, whichever version and binding carries it.
func TestOneConversationHasOneHash(t *testing.T) {
	chat, err := openai.Chat{}.Request(wire.Incoming{Body: []byte(`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	want := string(chat.Messages())
	for _, c := range []struct {
		codec wire.ChatCodec
		body  string
	}{
		{RPC{}, call("message/send", said(`{"kind":"text","text":"a"},{"kind":"text","text":"b"}`))},
		{RPC{}, call("SendMessage", `{"message":{"role":"ROLE_USER","parts":[{"text":"a"},{"text":"b"}]}}`)},
		{REST{streamMessage}, said(`{"text":"a"},{"text":"b"}`)},
	} {
		r, err := c.codec.Request(wire.Incoming{Body: []byte(c.body)})
		if err != nil {
			t.Fatal(err)
		}
		if got := string(r.Messages()); got != want {
			t.Errorf("%s:\n%s\n%s", c.body, got, want)
		}
	}
}

func TestMessagesBindFilesAndData(t *testing.T) {
	seen := map[string]string{}
	for _, part := range []string{`{"data":{"a":"x","b":["y"]}}`, `{"data":{"a":"x","b":["z"]}}`, `{"raw":"aGk="}`, `{"raw":"aGo="}`, `{"url":"http://h/a"}`} {
		r, err := RPC{}.Request(wire.Incoming{Body: []byte(call("message/send", said(part)))})
		if err != nil {
			t.Fatal(err)
		}
		m := string(r.Messages())
		if other := seen[m]; other != "" {
			t.Errorf("%s and %s are one conversation", part, other)
		}
		seen[m] = part
		if strings.Contains(part, `"y"`) && !strings.Contains(m, `"text":"x\ny"`) {
			t.Errorf("data says nothing: %s", m)
		}
	}
}

func TestRefusals(t *testing.T) {
	denied := wire.Refusal{Code: wire.CodePolicyDenied, Reason: `no "b"`}
	const want = `{"jsonrpc":"2.0","id":"r1","error":{"code":-32050,"message":"no \"b\"","data":{"code":"policy_denied"}}}`
	r, err := RPC{}.Request(wire.Incoming{Body: []byte(call("message/send", said(`{"text":"a"}`)))})
	if err != nil {
		t.Fatal(err)
	}
	r.Release()
	status, body := r.(wire.RequestRefuser).Refuse(denied)
	if status != 200 || string(body) != want {
		t.Errorf("of a request: %d %s", status, body)
	}
	if status, _ := r.(wire.RequestRefuser).Refuse(wire.Refusal{Code: wire.CodeUpstreamTimeout}); status != 504 {
		t.Errorf("of an upstream that hangs: %d", status)
	}
	_, err = RPC{}.Request(wire.Incoming{Body: []byte(call("GetExtendedAgentCard", `{}`))})
	own, ok := err.(wire.Refuser)
	if !ok {
		t.Fatalf("the error %v knows no id", err)
	}
	status, body = own.Refuse(wire.Refusal{Code: wire.CodeInvalidRequest, Reason: "no"})
	if status != 200 || string(body) != `{"jsonrpc":"2.0","id":"r1","error":{"code":-32600,"message":"no","data":{"code":"invalid_request"}}}` {
		t.Errorf("of an error: %d %s", status, body)
	}
	status, body = RPC{}.Refuse(wire.Refusal{Code: wire.CodeAuthentication, Reason: "who"})
	if status != 401 || !strings.HasPrefix(string(body), `{"jsonrpc":"2.0","id":null,"error":{"code":-32050,`) {
		t.Errorf("of what was not read: %d %s", status, body)
	}
	status, body = Dialect{}.Refuse(denied)
	if status != 403 || string(body) != `{"error":{"code":403,"status":"PERMISSION_DENIED","message":"no \"b\""}}` {
		t.Errorf("of HTTP+JSON: %d %s", status, body)
	}
}

func TestRoutes(t *testing.T) {
	router, err := wire.NewRouter([]wire.Served{{Dialect: Dialect{}, Prefix: "/agents/a"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		method, path string
		codec        wire.Codec
	}{
		{"POST", "/agents/a", RPC{}},
		{"POST", "/agents/a/", RPC{}},
		{"POST", "/agents/a/message:send", REST{sendMessage}},
		{"POST", "/agents/a/v1/message:stream", REST{streamMessage}},
		{"POST", "/agents/a/acme/message:stream", REST{streamMessage}},
		{"GET", "/agents/a/tasks", REST{readTask}},
		{"GET", "/agents/a/v1/tasks/k-1", REST{readTask}},
		{"POST", "/agents/a/tasks/k-1:cancel", REST{readTask}},
		{"GET", "/agents/a/tasks/k-1:subscribe", REST{streamTask}},
		{"POST", "/agents/a/v1/tasks/k-1:subscribe", REST{streamTask}},
		{"GET", "/agents/a/v1/card", nil},
		{"POST", "/agents/a/tasks/k-1/pushNotificationConfigs", nil},
	} {
		route, err := router.Route(tt.method, tt.path)
		if err != nil || route.Codec() != tt.codec {
			t.Errorf("%s %s: %v, %v", tt.method, tt.path, route.Codec(), err)
		}
		if tt.codec == nil && route.Endpoint.Refused == "" {
			t.Errorf("%s %s is refused without a reason", tt.method, tt.path)
		}
	}
	if route, err := router.Route("GET", "/agents/a"); err == nil {
		t.Errorf("GET at the prefix leads to %v", route.Codec())
	}
	root, err := wire.NewRouter([]wire.Served{{Dialect: Dialect{}, Prefix: "/"}})
	if err != nil {
		t.Fatal(err)
	}
	if route, err := root.Route("POST", "/"); err != nil || route.Codec() != (RPC{}) {
		t.Errorf("at the root: %v, %v", route.Codec(), err)
	}
}

func TestNoModelAndNoTools(t *testing.T) {
	body := []byte(call("message/send", said(`{"text":"a"}`)))
	r, err := RPC{}.Request(wire.Incoming{Body: body})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := r.ForceModel(body, "m"); err == nil {
		t.Errorf("a model was forced: %s", out)
	}
	if out, err := r.HideTools(body, func(string) bool { return true }); err != nil || !bytes.Equal(out, body) {
		t.Errorf("%s, %v", out, err)
	}
}
