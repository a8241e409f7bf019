package openai_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/openai"
)

// story is the audit as "stage decision, …".
func (l *lines) story() string {
	var s []string
	for _, r := range l.Lines {
		stage := r.Stage
		if r.Kind != "" {
			stage = r.Kind
		}
		s = append(s, strings.TrimSpace(stage+" "+r.Decision+r.Ended))
	}
	return strings.Join(s, ", ")
}

// TestWhatIsKeptIsDecidedWhenItIsFetched: a response that was made in the
// background, a list of items, a single one. The request carries no prompt and
// leaves a line of its own.
func TestWhatIsKeptIsDecidedWhenItIsFetched(t *testing.T) {
	const call = `{"type":"function_call","id":"fc_1","call_id":"1","name":"f","arguments":"{\"a\":\"hidden\"}"}`
	const message = `{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"to alice@example.com"}]}`
	const denied = `{"id":"msg_denied_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"tool ` + "`f`" + `: not today"}]}`
	clean := strings.ReplaceAll(message, "alice@example.com", "[EMAIL]")
	for _, tt := range []struct{ method, path, reply, want, story string }{
		{http.MethodGet, "/responses/resp_1", `{"id":"resp_1","output":[` + call + `,` + message + `]}`, `{"id":"resp_1","output":[` + denied + `,` + clean + `]}`, "request allow, post_chat redact_response, pre_tool deny, outcome complete"},
		{http.MethodPost, "/responses/resp_1/cancel", `{"id":"resp_1","status":"cancelled","output":[` + message + `]}`, `{"id":"resp_1","status":"cancelled","output":[` + clean + `]}`, "request allow, post_chat redact_response, outcome complete"},
		{http.MethodGet, "/responses/resp_1/input_items", `{"object":"list","data":[` + message + `]}`, `{"object":"list","data":[` + clean + `]}`, "request allow, post_chat redact_response, outcome complete"},
		{http.MethodGet, "/conversations/conv_1/items", `{"object":"list","data":[` + call + `]}`, `{"object":"list","data":[` + denied + `]}`, "request allow, post_chat allow, pre_tool deny, outcome complete"},
		{http.MethodGet, "/conversations/conv_1/items/fc_1", call, denied, "request allow, post_chat allow, pre_tool deny, outcome complete"},
		{http.MethodGet, "/conversations/conv_1", `{"id":"conv_1","object":"conversation","metadata":{"id":"alice@example.com"}}`, `{"id":"conv_1","object":"conversation","metadata":{"id":"[EMAIL]"}}`, "request allow, post_chat redact_response, outcome complete"},
		{http.MethodDelete, "/responses/resp_1", `{"id":"resp_1","object":"response","deleted":true}`, `{"id":"resp_1","object":"response","deleted":true}`, "request allow, post_chat allow, outcome complete"},
		{http.MethodDelete, "/conversations/conv_1/items/fc_1", `{"id":"conv_1","object":"conversation"}`, `{"id":"conv_1","object":"conversation"}`, "request allow, post_chat allow, outcome complete"},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			log := &lines{}
			w := exchange(gate(t, denies{tools: []string{"f"}}, log, "EMAIL"), tt.method, "/v1"+tt.path, "", "application/json", tt.reply, 1000, nil)
			if diff := cmp.Diff(tt.want, w.Body.String()); diff != "" {
				t.Error(diff)
			}
			if log.story() != tt.story {
				t.Errorf("audit %s, want %s", log.story(), tt.story)
			}
		})
	}
}

// TestAKeptResponseIsStreamed: from its beginning, and from inside of a text
// and of a call.
func TestAKeptResponseIsStreamed(t *testing.T) {
	list := respond(t, says("msg_0", "to ali", "ce@example.com"), calls("fc_1", "f", `{"a":`, `1}`))
	for from := range list {
		log := &lines{}
		g := gate(t, denies{}, log, "EMAIL")
		body := strings.Join(list[from:], "")
		w := exchange(g, http.MethodGet, "/v1/responses/resp_1?stream=true&starting_after=3", "", "text/event-stream", body, 1000, nil)
		if strings.Contains(w.Body.String(), "alice@") || !strings.HasSuffix(log.story(), "outcome complete") {
			t.Errorf("from event %d: audit %s: %s", from, log.story(), w.Body)
		}
		if after := 10; from > after && w.Body.String() != body { // nothing to redact but in the response's copy
			body = strings.ReplaceAll(body, "alice@example.com", "[EMAIL]")
			if diff := cmp.Diff(body, w.Body.String()); diff != "" {
				t.Errorf("from event %d: %s", from, diff)
			}
		}
	}
}

// TestPromptsBesideResponses: endpoints that take items, and answer with no
// stream.
func TestPromptsBesideResponses(t *testing.T) {
	for _, tt := range []struct{ path, body, reply string }{
		{"/responses/compact", `{"model":"m","input":[{"role":"user","content":"hi"}]}`, `{"id":"c_1","object":"response.compaction","output":[{"type":"compaction","id":"cmp_1","encrypted_content":"zz"}]}`},
		{"/responses/input_tokens", `{"input":"hi"}`, `{"object":"response.input_tokens","input_tokens":3}`},
		{"/conversations", `{"items":[{"role":"user","content":"hi"}],"metadata":{"a":"b"}}`, `{"id":"conv_1","object":"conversation","metadata":{"a":"b"}}`},
		{"/conversations/conv_1", `{"metadata":{"a":"b"}}`, `{"id":"conv_1","object":"conversation","metadata":{"a":"b"}}`},
		{"/conversations/conv_1/items", `{"items":[{"role":"user","content":"hi"}]}`, `{"object":"list","data":[{"type":"message","id":"msg_1","role":"user","content":[{"type":"input_text","text":"hi"}]}],"first_id":"msg_1"}`},
	} {
		log := &lines{}
		w := exchange(gate(t, denies{}, log, "EMAIL"), http.MethodPost, "/v1"+tt.path, tt.body, "application/json", tt.reply, 1000, nil)
		if w.Body.String() != tt.reply || log.story() != "pre_chat allow, post_chat allow, outcome complete" {
			t.Errorf("%s: audit %s: %s", tt.path, log.story(), w.Body)
		}
		w = exchange(gate(t, denies{}, &lines{}), http.MethodPost, "/v1"+tt.path, tt.body, "text/event-stream", "data: {\"type\":\"response.completed\",\"response\":{}}\n\n", 1000, nil)
		if w.Code != http.StatusBadGateway {
			t.Errorf("%s: a stream: %d %s", tt.path, w.Code, w.Body)
		}
	}
}

func TestStoredRequests(t *testing.T) {
	r, err := openai.Stored{}.Request(wire.Incoming{Params: wire.Params{"id": "conv_1", "item": "msg_1"}, Query: map[string][]string{"stream": {"true"}, "after": {"msg_0"}}})
	if err != nil || !r.Stream() {
		t.Fatal(r, err)
	}
	if diff := cmp.Diff([]string{"conv_1", "msg_1", "msg_0"}, r.(wire.Referrer).References()); diff != "" {
		t.Error(diff)
	}
	if _, err := (openai.Stored{}).Request(wire.Incoming{Query: map[string][]string{"stream": {"1"}}}); err == nil {
		t.Error("a stream that nobody knows whether it was asked for")
	}
}

func TestResponsesRefusals(t *testing.T) {
	for _, tt := range []struct {
		code   wire.Code
		status int
		want   string
	}{
		{wire.CodePolicyDenied, 400, `{"error":{"message":"no","type":"policy_denied","param":null,"code":"invalid_prompt"}}`},
		{wire.CodeApprovalRequired, 400, `{"error":{"message":"no","type":"policy_denied","param":null,"code":"invalid_prompt"}}`},
		{wire.CodeInvalidRequest, 400, `{"error":{"message":"no","type":"invalid_request_error","param":null,"code":"invalid_request"}}`},
		{wire.CodeUnavailable, 503, `{"error":{"message":"no","type":"server_error","param":null,"code":"unavailable"}}`},
	} {
		for _, r := range []wire.Refuser{openai.Responses{}, openai.Stored{}} {
			status, body := r.Refuse(wire.Refusal{Code: tt.code, Reason: "no"})
			if status != tt.status || string(body) != tt.want {
				t.Errorf("%s: %d %s", tt.code, status, body)
			}
		}
	}
}
