package anthropic_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/headgate/headgate/enforce"
	"github.com/headgate/headgate/enforce/enforcetest"
	"github.com/headgate/headgate/wire/anthropic"
	"github.com/headgate/headgate/wire/internal/recordings"
	"github.com/headgate/headgate/wire/sse"
)

// gate is one that redacts replies and arguments; holds makes it keep a stream
// until it is whole.
func gate(t *testing.T, holds bool, selectors ...string) *enforce.Gate {
	t.Helper()
	g, err := enforcetest.Gate(anthropic.Dialect{}, "/v1/messages", enforcetest.Policy{Holds: holds}, nil, selectors...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// exchange sends a prompt through a gate to an upstream that answers with a
// stream, in writes of n bytes, and then ends with an error or not.
func exchange(g *enforce.Gate, stream string, n int, end error) *httptest.ResponseRecorder {
	return enforcetest.Exchange(g, http.MethodPost, "/v1/messages", `{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}`,
		enforcetest.Upstream{Media: "text/event-stream", Body: stream, Size: n, End: end})
}

// event writes an event as the API does.
func event(t *testing.T, name string, fields map[string]any) string {
	t.Helper()
	fields["type"] = name
	data, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(sse.AppendEvent(nil, name, data))
}

type object = map[string]any

// said joins what each block of a stream says: its words, its thinking, its
// input. The key "error" holds the message of an error.
func said(t *testing.T, body string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	var rd sse.Reader
	rd.Feed([]byte(body))
	for {
		ev, ok, err := rd.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return texts
		}
		var e struct {
			Type  string
			Delta struct {
				Text, Thinking string
				Partial        string `json:"partial_json"`
			}
			Error struct{ Message string }
		}
		if err := json.Unmarshal(ev.Data, &e); err != nil || e.Type != ev.Name {
			t.Fatalf("%q: %v", ev.Raw, err)
		}
		texts["text"] += e.Delta.Text
		texts["thinking"] += e.Delta.Thinking
		texts["input"] += e.Delta.Partial
		texts["error"] += e.Error.Message
	}
}

var errCut = errors.New("connection reset")

// TestACleanStreamIsByteIdentical: every recording goes through a gate with
// detectors as it came, whether it flows or is held.
func TestACleanStreamIsByteIdentical(t *testing.T) {
	all, err := recordings.Load()
	if err != nil {
		t.Fatal(err)
	}
	var bodies []string
	for _, r := range all {
		if r.Protocol == "anthropic-messages" && r.Response != nil && strings.HasPrefix(r.Response.Body, "event:") {
			bodies = append(bodies, r.Response.Body)
		}
	}
	bodies = append(bodies, clean(t))
	for _, hold := range []bool{false, true} {
		g := gate(t, hold, "US_SSN", "lit:nobody says this")
		for _, body := range bodies {
			for _, n := range []int{1, 7, 1000, 1 << 20} {
				if n < 1000 && len(body) > 20_000 {
					continue
				}
				if got := exchange(g, body, n, nil).Body.String(); got != body {
					t.Fatalf("hold %v, writes of %d bytes:\n got %.2000q\nwant %.2000q", hold, n, got, body)
				}
			}
		}
	}
	t.Logf("%d streams", len(bodies))
}

// clean is a stream with blocks of every kind, pings, comments and odd line
// endings.
func clean(t *testing.T) string {
	start := event(t, "message_start", object{"message": object{"role": "assistant", "model": "m", "content": []any{}, "usage": object{"input_tokens": 1}}})
	block := func(i int, block object, deltas ...object) string {
		s := event(t, "content_block_start", object{"index": i, "content_block": block})
		for _, d := range deltas {
			s += event(t, "content_block_delta", object{"index": i, "delta": d})
		}
		return s + event(t, "content_block_stop", object{"index": i})
	}
	return start + ": comment\n\n" + event(t, "ping", object{}) +
		block(0, object{"type": "thinking", "thinking": "", "signature": ""}, object{"type": "thinking_delta", "thinking": "hm"}, object{"type": "signature_delta", "signature": "c2ln"}) +
		strings.ReplaceAll(block(1, object{"type": "text", "text": ""}, object{"type": "text_delta", "text": "Hello, "}, object{"type": "text_delta", "text": "wörld \u2028"}), "\n", "\r\n") +
		block(2, object{"type": "tool_use", "id": "1", "name": "f", "input": object{}}, object{"type": "input_json_delta", "partial_json": ""}, object{"type": "input_json_delta", "partial_json": `{"a": `}, object{"type": "input_json_delta", "partial_json": `1}`}) +
		block(3, object{"type": "server_tool_use", "id": "2", "name": "s", "input": object{}}, object{"type": "input_json_delta", "partial_json": `{"q": "a\`}, object{"type": "input_json_delta", "partial_json": `nb"}`}) +
		block(4, object{"type": "server_tool_result", "content": []any{object{"title": "words", "encrypted_content": "zz"}}}) +
		event(t, "message_delta", object{"delta": object{"stop_reason": "tool_use"}, "usage": object{"output_tokens": 2}}) +
		event(t, "message_stop", object{})
}

// TestASecretOverTwoTextBlocks: a reply with citations is cut into blocks in
// the middle of its sentences.
func TestASecretOverTwoTextBlocks(t *testing.T) {
	const text = "write to alice.smith@example.com or not"
	g := gate(t, false, "EMAIL")
	for cut := range len(text) {
		stream := event(t, "message_start", object{"message": object{"role": "assistant", "content": []any{}}})
		for i, part := range []string{text[:cut], text[cut:]} {
			stream += event(t, "content_block_start", object{"index": i, "content_block": object{"type": "text", "text": ""}}) +
				event(t, "content_block_delta", object{"index": i, "delta": object{"type": "text_delta", "text": part}}) +
				event(t, "content_block_stop", object{"index": i})
		}
		stream += event(t, "message_delta", object{"delta": object{"stop_reason": "end_turn"}}) + event(t, "message_stop", object{})
		got := said(t, exchange(g, stream, 1000, nil).Body.String())
		if got["text"] != "write to [EMAIL] or not" || got["error"] != "" {
			t.Fatalf("cut at %d: %q", cut, got)
		}
	}
}

// TestNoByteOfASecretAtAnyCut: a secret that is split at every offset over
// events, in each kind of channel, while the connection breaks off after every
// event.
func TestNoByteOfASecretAtAnyCut(t *testing.T) {
	const secret = "alice.smith@example.com"
	const text = "write to " + secret + " or not"
	const redacted = "write to [EMAIL] or not"
	g := gate(t, false, "EMAIL")
	quote := func(s string) string { return `{"q": "` + s + `"}` }
	for _, ch := range []struct {
		name         string // in said
		block        object
		delta, field string
		text, want   string
		refused      bool // what is signed cannot be edited
	}{
		{"text", object{"type": "text", "text": ""}, "text_delta", "text", text, redacted, false},
		{"input", object{"type": "tool_use", "id": "1", "name": "f", "input": object{}}, "input_json_delta", "partial_json", quote(text), quote(redacted), false},
		{"input", object{"type": "server_tool_use", "id": "1", "name": "f", "input": object{}}, "input_json_delta", "partial_json", quote(`\n` + text), quote(`\n` + redacted), false},
		{"thinking", object{"type": "thinking", "thinking": ""}, "thinking_delta", "thinking", text, redacted, true},
	} {
		for cut := range len(ch.text) {
			events := []string{
				event(t, "message_start", object{"message": object{"role": "assistant", "content": []any{}}}),
				event(t, "content_block_start", object{"index": 0, "content_block": ch.block}),
				event(t, "content_block_delta", object{"index": 0, "delta": object{"type": ch.delta, ch.field: ch.text[:cut]}}),
				event(t, "content_block_delta", object{"index": 0, "delta": object{"type": ch.delta, ch.field: ch.text[cut:]}}),
				event(t, "content_block_stop", object{"index": 0}),
				event(t, "message_delta", object{"delta": object{"stop_reason": "end_turn"}}),
				event(t, "message_stop", object{}),
			}
			for last := range len(events) + 1 {
				end := errCut
				if last == len(events) {
					end = nil
				}
				w := exchange(g, strings.Join(events[:last], ""), 1000, end)
				if strings.Contains(w.Body.String(), "smith") || strings.Contains(w.Body.String(), "alice") || strings.Contains(w.Body.String(), "example") {
					t.Fatalf("%s cut at %d, %d events: %s", ch.block["type"], cut, last, w.Body)
				}
				got := said(t, w.Body.String())
				if !strings.HasPrefix(ch.want, got[ch.name]) {
					t.Fatalf("%s cut at %d, %d events: %q", ch.block["type"], cut, last, got[ch.name])
				}
				switch failed := w.Code != http.StatusOK || got["error"] != ""; {
				case end != nil && !failed:
					t.Fatalf("%s cut at %d, %d events: a clean end", ch.block["type"], cut, last)
				case end == nil && failed != ch.refused:
					t.Fatalf("%s cut at %d: failed %v", ch.block["type"], cut, failed)
				case end == nil && !failed && got[ch.name] != ch.want:
					t.Fatalf("%s cut at %d: %q", ch.block["type"], cut, got[ch.name])
				}
			}
		}
	}
}
