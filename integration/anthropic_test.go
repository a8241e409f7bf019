package integration_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	gocmp "github.com/google/go-cmp/cmp"
)

const anthropicPolicy = openPolicy + `
deny contains "no launch codes" if {
	input.stage == "pre_chat"
	some m in input.messages
	contains(m.text, "launch codes")
}

deny contains "shell_exec is not allowed" if {
	input.stage == "pre_tool"
	input.tool == "shell_exec"
}

redact_response contains "EMAIL" if input.stage == "post_chat"
`

// anthropicBlocks is what the upstream answers to a prompt: the blocks of a
// message, and the event name of each part of a block.
var anthropicBlocks = map[string]string{
	"mail":  `[{"type":"text","text":"Ask alice@example.com today"}]`,
	"tools": `[{"type":"text","text":"Let me see."},{"type":"tool_use","id":"toolu_1","name":"search","input":{"q":"x"}},{"type":"tool_use","id":"toolu_2","name":"shell_exec","input":{"cmd":"ls"}}]`,
	"shell": `[{"type":"tool_use","id":"toolu_1","name":"shell_exec","input":{"cmd":"ls"}}]`,
	"think": `[{"type":"thinking","thinking":"It is alice@example.com","signature":"c2ln"},{"type":"text","text":"hm"}]`,
}

// anthropicUpstream answers as the Messages API does, and counts.
func anthropicUpstream(t *testing.T, asked *atomic.Int64) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		body, err := io.ReadAll(r.Body)
		var req struct {
			Stream   bool
			Messages []struct{ Content []struct{ Text string } }
		}
		if err != nil || json.Unmarshal(body, &req) != nil || len(req.Messages) == 0 || r.Header.Get("X-Api-Key") != ownKey {
			t.Errorf("upstream: %s %s, %v", r.URL, body, err)
			return
		}
		if strings.HasSuffix(r.URL.Path, "/count_tokens") {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"input_tokens":14}`)
			return
		}
		blocks := anthropicBlocks[req.Messages[0].Content[0].Text]
		reason := "end_turn"
		if strings.Contains(blocks, "tool_use") {
			reason = "tool_use"
		}
		if !req.Stream {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":%s,"stop_reason":%q,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":4}}`, blocks, reason)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		anthropicStream(w, blocks, reason)
	}))
	t.Cleanup(srv.Close)
	return srv
}

// anthropicStream writes blocks as events, four characters a delta.
func anthropicStream(w io.Writer, blocks, reason string) {
	event := func(name, format string, args ...any) {
		fmt.Fprintf(w, "event: %s\ndata: {\"type\":%q%s}\n\n", name, name, fmt.Sprintf(format, args...))
	}
	var list []map[string]json.RawMessage
	_ = json.Unmarshal([]byte(blocks), &list)
	event("message_start", `,"message":{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}`)
	event("ping", "")
	for i, b := range list {
		field, delta, part := "text", "text_delta", "text"
		switch string(b["type"]) {
		case `"thinking"`:
			field, delta, part = "thinking", "thinking_delta", "thinking"
		case `"tool_use"`:
			field, delta, part = "input", "input_json_delta", "partial_json"
		}
		text := string(b[field])
		b[field] = json.RawMessage(`{}`)
		if field != "input" {
			_ = json.Unmarshal([]byte(text), &text)
			b[field] = json.RawMessage(`""`)
		}
		block, _ := json.Marshal(b)
		event("content_block_start", `,"index":%d,"content_block":%s`, i, block)
		for len(text) > 0 {
			n := min(4, len(text))
			event("content_block_delta", `,"index":%d,"delta":{"type":%q,%q:%q}`, i, delta, part, text[:n])
			text = text[n:]
		}
		event("content_block_stop", `,"index":%d`, i)
	}
	event("message_delta", `,"delta":{"stop_reason":%q,"stop_sequence":null},"usage":{"output_tokens":4}`, reason)
	event("message_stop", "")
}

// TestAnthropicClient: Anthropic's client for Go, as it comes but for the base
// URL, gets its answers, denials and redactions, whole and streamed.
func TestAnthropicClient(t *testing.T) {
	var asked atomic.Int64
	srv := anthropicUpstream(t, &asked)
	g := start(t, map[string]string{
		"policy.rego": anthropicPolicy,
		"Caddyfile":   caddyfile("\tadmin off\n"+gateOptions, "http://@plain@ {\n\theadgate\n\treverse_proxy "+strings.TrimPrefix(srv.URL, "http://")+"\n}\n"),
	})
	client := anthropic.NewClient(anthropicoption.WithBaseURL("http://"+g.addrs["@plain@"]), anthropicoption.WithAPIKey(ownKey))
	for _, tt := range []struct {
		prompt string
		want   []string // the blocks and the stop reason, or the error
		stream []string // the same of a stream, where it differs
		asked  int64    // what reaches the upstream
	}{
		{"mail", []string{"Ask [EMAIL] today", "end_turn"}, nil, 1},
		{"tools", []string{"Let me see.", `search {"q":"x"}`, "tool `shell_exec`: shell_exec is not allowed", "tool_use"}, nil, 1},
		{"shell", []string{"tool `shell_exec`: shell_exec is not allowed", "end_turn"}, nil, 1},
		{"launch codes", []string{"403 permission_error"}, nil, 0},
		// Signed thinking cannot be edited. A stream that has begun has no
		// status of its own.
		{"think", []string{"403 permission_error"}, []string{"200 permission_error"}, 1},
	} {
		params := anthropic.MessageNewParams{
			Model: "claude", MaxTokens: 16,
			Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(tt.prompt))},
		}
		before := asked.Load()
		message, err := client.Messages.New(t.Context(), params)
		if diff := gocmp.Diff(tt.want, anthropicSaid(message, err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.prompt, diff)
		}
		if n := asked.Load() - before; n != tt.asked {
			t.Errorf("%s: %d requests reached the upstream, want %d", tt.prompt, n, tt.asked)
		}
		want := tt.stream
		if want == nil {
			want = tt.want
		}
		stream := client.Messages.NewStreaming(t.Context(), params)
		streamed := &anthropic.Message{}
		for stream.Next() {
			if err := streamed.Accumulate(stream.Current()); err != nil {
				t.Fatalf("%s: %v", tt.prompt, err)
			}
		}
		if diff := gocmp.Diff(want, anthropicSaid(streamed, stream.Err())); diff != "" {
			t.Errorf("%s, streamed (-want +got):\n%s", tt.prompt, diff)
		}
	}
	count, err := client.Messages.CountTokens(t.Context(), anthropic.MessageCountTokensParams{
		Model: "claude", Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("mail"))},
	})
	if err != nil || count.InputTokens != 14 {
		t.Errorf("a count: %v, %v", count, err)
	}
}

// anthropicSaid is what a client makes of its answer.
func anthropicSaid(m *anthropic.Message, err error) []string {
	var e *anthropic.Error
	if errors.As(err, &e) {
		return []string{fmt.Sprintf("%d %s", e.StatusCode, e.Type())}
	}
	if err != nil {
		return []string{err.Error()}
	}
	var said []string
	for _, b := range m.Content {
		switch b.Type {
		case "tool_use":
			said = append(said, b.Name+" "+string(b.Input))
		default:
			said = append(said, b.Text)
		}
	}
	return append(said, string(m.StopReason))
}
