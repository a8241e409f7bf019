package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// dialect is one way to send a script, as a stream or not.
type dialect struct {
	path, stream string // the paths
	body         string // with %s for the quoted script, %v for whether it is a stream
	event        string // what each event of a stream has once
	end          string // how a stream ends
}

var dialects = map[string]dialect{
	"chat":        {chatPath, chatPath, `{"model":"m","messages":[{"role":"user","content":%s}],"stream":%v}`, "data: ", "data: [DONE]\n\n"},
	"completions": {completionsPath, completionsPath, `{"model":"m","prompt":%s,"stream":%v}`, "data: ", "data: [DONE]\n\n"},
	"responses":   {responsesPath, responsesPath, `{"model":"m","input":%s,"stream":%v}`, "data: ", "}}\n\n"},
	"messages":    {messagesPath, messagesPath, `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":%s}],"stream":%v}`, "data: ", "data: {\"type\":\"message_stop\"}\n\n"},
	"gemini":      {geminiPrefix + "m:generateContent", geminiPrefix + "m:streamGenerateContent?alt=sse", `{"contents":[{"parts":[{"text":%s}]}],"x":%v}`, "data: ", "}\r\n\r\n"},
	"array":       {geminiPrefix + "m:generateContent", geminiPrefix + "m:streamGenerateContent", `{"contents":[{"parts":[{"text":%s}]}],"x":%v}`, `"responseId"`, "}]"},
}

// send posts a script to a fresh handler, with f for its pauses. cut says
// whether the reply was broken off.
func (d *dialect) send(ctx context.Context, text string, stream bool, f func()) (rec *httptest.ResponseRecorder, cut bool) {
	quoted, _ := json.Marshal(text)
	path := d.path
	if stream {
		path = d.stream
	}
	return post(ctx, path, fmt.Sprintf(d.body, quoted, stream), nil, f)
}

// post sends a body to a fresh handler that calls f instead of sleeping.
func post(ctx context.Context, path, body string, header http.Header, f func()) (rec *httptest.ResponseRecorder, cut bool) {
	rec = httptest.NewRecorder()
	h := New()
	h.sleep = func(context.Context, time.Duration) { f() }
	req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)).WithContext(ctx)
	for name := range header {
		req.Header.Set(name, header.Get(name))
	}
	defer func() {
		if p := recover(); p != nil {
			if err, ok := p.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			cut = true
		}
	}()
	h.ServeHTTP(rec, req)
	return rec, false
}

func nothing() {}

// TestEveryDialectKeepsThePace: /cut, /pause and /status in each of them, and
// the end of a stream whose client has left.
func TestEveryDialectKeepsThePace(t *testing.T) {
	for name, d := range dialects {
		t.Run(name, func(t *testing.T) {
			whole, cut := d.send(t.Context(), "/say 0123456789", true, nothing)
			body := whole.Body.String()
			all := strings.Count(body, d.event)
			if cut || whole.Code != http.StatusOK || all < 3 || !strings.HasSuffix(body, d.end) {
				t.Fatalf("status %d, %d events, %q", whole.Code, all, body)
			}
			for n := range all + 2 {
				rec, cut := d.send(t.Context(), fmt.Sprintf("/say 0123456789\n/cut %d", n), true, nothing)
				if got := strings.Count(rec.Body.String(), d.event); got != min(n, all) || cut != (n <= all) {
					t.Errorf("/cut %d: %d events, cut %v", n, got, cut)
				}
			}
			for n, want := range map[int]bool{0: false, 1: true} {
				rec, cut := d.send(t.Context(), fmt.Sprintf("/cut %d", n), false, nothing)
				if b := rec.Body.Bytes(); !cut || (len(b) > 0) != want || json.Valid(b) {
					t.Errorf("JSON reply with /cut %d: cut %v, %d bytes", n, cut, len(b))
				}
			}
			for stream, want := range map[bool]int{false: 1, true: all - 1} {
				slept := 0
				d.send(t.Context(), "/say 0123456789\n/pause 30ms", stream, func() { slept++ })
				if slept != want {
					t.Errorf("stream %v: %d pauses, want %d", stream, slept, want)
				}
				rec, _ := d.send(t.Context(), "/status 503 Not now.", stream, nothing)
				if rec.Code != http.StatusServiceUnavailable || !strings.Contains(rec.Body.String(), `"message":"Not now."`) || rec.Header().Get("Content-Type") != "application/json" {
					t.Errorf("stream %v: /status gives %d %s", stream, rec.Code, rec.Body)
				}
				rec, _ = d.send(t.Context(), "/chunk 0", stream, nothing)
				if rec.Code != http.StatusBadRequest || !strings.Contains(rec.Body.String(), "/chunk wants") {
					t.Errorf("stream %v: a malformed command gives %d %s", stream, rec.Code, rec.Body)
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			left, _ := d.send(ctx, "/say 0123456789", true, cancel) // as soon as there is a pause
			if got := strings.Count(left.Body.String(), d.event); got > 2 || !strings.HasPrefix(body, left.Body.String()) {
				t.Errorf("%d events after the client left", got)
			}
		})
	}
}

// TestEveryDialectRepeatsItself: the same request has the same reply, another
// one other ids.
func TestEveryDialectRepeatsItself(t *testing.T) {
	for name, d := range dialects {
		for _, stream := range []bool{false, true} {
			script := "/reason why\n/say yes"
			one, _ := d.send(t.Context(), script, stream, nothing)
			two, _ := d.send(t.Context(), script, stream, nothing)
			other, _ := d.send(t.Context(), "/reason how\n/say yes", stream, nothing)
			if one.Body.String() != two.Body.String() {
				t.Errorf("%s, stream %v: replies differ", name, stream)
			}
			if id := replyID(t, one); id == "" || id == replyID(t, other) {
				t.Errorf("%s, stream %v: the id %q is used twice", name, stream, id)
			}
		}
	}
}

// replyID finds the first id in a reply.
func replyID(t *testing.T, rec *httptest.ResponseRecorder) string {
	t.Helper()
	for _, key := range []string{`"id":"`, `"responseId":"`} {
		if _, rest, ok := strings.Cut(rec.Body.String(), key); ok {
			id, _, _ := strings.Cut(rest, `"`)
			return id
		}
	}
	return ""
}

// TestResponsesNumbersItsEvents: sequence_number has no gap, whatever is in the
// stream, and each event line names the type of its data.
func TestResponsesNumbersItsEvents(t *testing.T) {
	d := dialects["responses"]
	for _, script := range []string{"Hello", "/reason a\n/say b\n/call f {}\n/call g\n/chunk 1", "/refuse no", "/say x\n/finish content_filter"} {
		rec, _ := d.send(t.Context(), script, true, nothing)
		for i, e := range strings.Split(strings.TrimSuffix(rec.Body.String(), "\n\n"), "\n\n") {
			event, data, _ := strings.Cut(e, "\ndata: ")
			var got responsesEvent
			if err := json.Unmarshal([]byte(data), &struct {
				Type   *string `json:"type"`
				Number *int    `json:"sequence_number"`
			}{&got.Type, &got.Number}); err != nil {
				t.Fatal(err)
			}
			if got.Number != i || event != "event: "+got.Type {
				t.Errorf("event %d: number %d, type %s under %q", i, got.Number, got.Type, event)
			}
		}
	}
}

// TestDialectRefusals: what a dialect cannot read is an error in its shape, that
// names the field.
func TestDialectRefusals(t *testing.T) {
	const gemini = geminiPrefix + "m:generateContent"
	shapes := map[string]string{
		"openai": `{"error":{"message":`, "anthropic": `{"type":"error","error":{"type":"`, "gemini": `{"error":{"code":`, "mcp": `{"jsonrpc":"2.0","id":null,"error":{"code":`,
	}
	tests := map[string]struct {
		path, body, shape string
		status            int
		holds             string
	}{
		"messages: no JSON":        {messagesPath, `{`, "anthropic", 400, "not valid JSON"},
		"messages: no model":       {messagesPath, `{"max_tokens":1,"messages":[{"role":"user","content":"x"}]}`, "anthropic", 400, "model: "},
		"messages: no messages":    {messagesPath, `{"model":"m","max_tokens":1}`, "anthropic", 400, "messages: "},
		"messages: no limit":       {messagesPath, `{"model":"m","messages":[{"role":"user","content":"x"}]}`, "anthropic", 400, "max_tokens: "},
		"messages: content":        {messagesPath, `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":1}]}`, "anthropic", 400, "messages: content"},
		"messages: tool_choice":    {messagesPath, `{"model":"m","max_tokens":1,"tool_choice":{"type":"tool"},"messages":[{"role":"user","content":"x"}]}`, "anthropic", 400, "tool_choice: "},
		"messages: not offered":    {messagesPath, `{"model":"m","max_tokens":1,"tool_choice":{"type":"any"},"messages":[{"role":"user","content":"x"}]}`, "anthropic", 400, "tool_choice: "},
		"messages: other path":     {messagesPath + "/batches", `{}`, "anthropic", 404, "not_found_error"},
		"responses: no model":      {responsesPath, `{"input":"x"}`, "openai", 400, `"param":"model"`},
		"responses: no input":      {responsesPath, `{"model":"m"}`, "openai", 400, `"param":"input"`},
		"responses: input":         {responsesPath, `{"model":"m","input":7}`, "openai", 400, `"param":"input"`},
		"responses: tools":         {responsesPath, `{"model":"m","input":"x","tools":["f"]}`, "openai", 400, `"param":"tools"`},
		"responses: tool_choice":   {responsesPath, `{"model":"m","input":"x","tool_choice":"maybe"}`, "openai", 400, `"param":"tool_choice"`},
		"responses: not offered":   {responsesPath, `{"model":"m","input":"x","tool_choice":{"type":"function","name":"f"}}`, "openai", 400, `"param":"tool_choice"`},
		"completions: no model":    {completionsPath, `{"prompt":"x"}`, "openai", 400, `"param":"model"`},
		"completions: many":        {completionsPath, `{"model":"m","prompt":["a","b"],"n":9}`, "openai", 400, `"param":"n"`},
		"completions: a call":      {completionsPath, `{"model":"m","prompt":"/call f"}`, "openai", 400, `"code":"sandbox_command"`},
		"completions: a number":    {completionsPath, `{"model":"m","prompt":7}`, "openai", 400, "a string or an array"},
		"embeddings: no input":     {embeddingsPath, `{"model":"m"}`, "openai", 400, `"param":"input"`},
		"embeddings: no model":     {embeddingsPath, `{"input":"x"}`, "openai", 400, `"param":"model"`},
		"embeddings: dimensions":   {embeddingsPath, `{"model":"m","input":"x","dimensions":0}`, "openai", 400, `"param":"dimensions"`},
		"embeddings: format":       {embeddingsPath, `{"model":"m","input":"x","encoding_format":"hex"}`, "openai", 400, `"param":"encoding_format"`},
		"moderations: no input":    {moderationsPath, `{}`, "openai", 400, `"param":"input"`},
		"gemini: no contents":      {gemini, `{}`, "gemini", 400, "contents: "},
		"gemini: arguments":        {gemini, `{"contents":[{"parts":[{"text":"/call f 1"}]}]}`, "gemini", 400, "/call wants"},
		"gemini: not offered":      {gemini, `{"contents":[{"parts":[{"text":"x"}]}],"toolConfig":{"functionCallingConfig":{"mode":"ANY"}}}`, "gemini", 400, "tool_choice"},
		"gemini: other method":     {geminiPrefix + "m:predict", `{}`, "gemini", 404, "NOT_FOUND"},
		"gemini: no model":         {geminiPrefix + ":generateContent", `{}`, "gemini", 404, "NOT_FOUND"},
		"mcp: no JSON":             {mcpPath, `{`, "mcp", 400, "-32700"},
		"mcp: a batch":             {mcpPath, `[{"jsonrpc":"2.0","id":1,"method":"ping"}]`, "mcp", 400, "-32600"},
		"mcp: no version":          {mcpPath, `{"id":1,"method":"ping"}`, "mcp", 400, "-32600"},
		"mcp: an id that is null":  {mcpPath, `{"jsonrpc":"2.0","id":null,"method":"ping"}`, "mcp", 400, "-32600"},
		"mcp: an id, an object":    {mcpPath, `{"jsonrpc":"2.0","id":{},"method":"ping"}`, "mcp", 400, "-32600"},
		"mcp: a status":            {mcpPath, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"/status 503"}}}`, "mcp", 503, "-32603"},
		"mcp: another revision":    {mcpPath, `{"jsonrpc":"2.0","id":1,"method":"ping"}`, "mcp", 400, "version"},
		"mcp: initialize a string": {mcpPath, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":"x"}`, "mcp", 400, "-32600"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			header := http.Header{}
			if strings.HasSuffix(name, "another revision") {
				header.Set("Mcp-Protocol-Version", "1999-01-01")
			}
			rec, _ := post(t.Context(), tt.path, tt.body, header, nothing)
			if body := rec.Body.String(); rec.Code != tt.status || !strings.HasPrefix(body, shapes[tt.shape]) || !strings.Contains(body, tt.holds) {
				t.Errorf("%d %s", rec.Code, body)
			}
		})
	}
}
