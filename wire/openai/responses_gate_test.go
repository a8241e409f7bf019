package openai_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/headgate/headgate/wire/internal/recordings"
)

var errCut = errors.New("connection reset")

// TestACleanResponseIsByteIdentical: every recording goes through a gate with
// detectors as it came, whether it flows or is held.
func TestACleanResponseIsByteIdentical(t *testing.T) {
	all, err := recordings.Load()
	if err != nil {
		t.Fatal(err)
	}
	streams := []string{strings.Join(respond(t, says("msg_1", "Hel", "lo"), calls("fc_1", "f", `{"a":`, `1}`), says("msg_2", "Bye")), "")}
	bodies := []string{`{"id":"resp_1","object":"response","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"h\u0065"}]}]}`}
	for _, r := range all {
		switch {
		case r.Protocol != "openai-responses" || r.Response == nil || r.Response.Status != http.StatusOK:
		case strings.HasPrefix(r.Response.Body, "event:"):
			streams = append(streams, r.Response.Body)
		case strings.HasPrefix(r.Response.Body, "{"):
			bodies = append(bodies, r.Response.Body)
		}
	}
	for _, hold := range []bool{false, true} {
		g := gate(t, denies{holds: hold}, &lines{}, "US_SSN", "lit:nobody says this")
		for _, body := range streams {
			for _, n := range []int{1, 7, 1000, 1 << 20} {
				if n < 1000 && len(body) > 20_000 {
					continue
				}
				if got := streamThrough(g, body, n, nil).Body.String(); got != body {
					t.Fatalf("hold %v, writes of %d bytes:\n got %.2000q\nwant %.2000q", hold, n, got, body)
				}
			}
		}
		for _, body := range bodies {
			if got := jsonThrough(g, body); got != body {
				t.Fatalf("hold %v:\n got %.2000q\nwant %.2000q", hold, got, body)
			}
		}
	}
	t.Logf("%d streams, %d replies", len(streams), len(bodies))
}

// TestNoByteOfASecretInAResponseAtAnyCut: a secret that is split at every
// offset over events, in each kind of text, while the connection breaks off
// after every event. What went out says the same in every copy.
func TestNoByteOfASecretInAResponseAtAnyCut(t *testing.T) {
	const secret = "alice.smith@example.com"
	const text, clean = "write to " + secret + " or not", "write to [EMAIL] or not"
	quote := func(s string) string { return `{"q":"` + s + `"}` }
	g := gate(t, denies{}, &lines{}, "EMAIL")
	reasoning := func(id, list, kind, event, index string, a, b string) item {
		it := item{
			begins: object{"type": "reasoning", "id": id, "summary": []any{}},
			ends:   object{"type": "reasoning", "id": id, list: []any{object{"type": kind, "text": a + b}}, "encrypted_content": "zz"},
		}
		for _, d := range []string{a, b} {
			it.parts = append(it.parts, part{event + ".delta", object{index: 0, "delta": d}})
		}
		it.parts = append(it.parts, part{event + ".done", object{index: 0, "text": a + b}})
		return it
	}
	for name, tt := range map[string]struct {
		text, want string
		make       func(a, b string) item
	}{
		"text": {text, clean, func(a, b string) item { return says("msg_1", a, b) }},
		"summary": {text, clean, func(a, b string) item {
			return reasoning("rs_1", "summary", "summary_text", "reasoning_summary_text", "summary_index", a, b)
		}},
		"thought": {text, clean, func(a, b string) item {
			return reasoning("rs_1", "content", "reasoning_text", "reasoning_text", "content_index", a, b)
		}},
		"arguments": {quote(text), quote(clean), func(a, b string) item { return calls("fc_1", "f", a, b) }},
		"input": {text, clean, func(a, b string) item {
			return streamsField("custom_tool_call", "ctc_1", "input", "custom_tool_call_input", object{"name": "f", "call_id": "call_1"}, a, b)
		}},
		"mcp": {quote(`\n` + text), quote(`\n` + clean), func(a, b string) item {
			return streamsField("mcp_call", "mcp_1", "arguments", "mcp_call_arguments", object{"name": "f", "server_label": "s"}, a, b)
		}},
		"code": {text, clean, func(a, b string) item {
			return streamsField("code_interpreter_call", "ci_1", "code", "code_interpreter_call_code", nil, a, b)
		}},
		"unheard": {text, clean, func(a, b string) item {
			return streamsField("unheard", "un_1", "words", "unheard_words", nil, a, b)
		}},
	} {
		for cut := range len(tt.text) {
			list := respond(t, says("msg_0", "ok"), tt.make(tt.text[:cut], tt.text[cut:]))
			want := respond(t, says("msg_0", "ok"), tt.make(tt.want, ""))
			for last := range len(list) + 1 {
				end := errCut
				if last == len(list) {
					end = nil
				}
				w := streamThrough(g, strings.Join(list[:last], ""), 1000, end)
				got := w.Body.String()
				for _, piece := range []string{"alice", "smith", "example"} {
					if strings.Contains(got, piece) {
						t.Fatalf("%s cut at %d, %d events: %s", name, cut, last, got)
					}
				}
				if end != nil {
					if w.Code == http.StatusOK && !strings.HasSuffix(strings.TrimSpace(got), "}") || w.Code == http.StatusOK && last < len(list)-1 && !strings.Contains(got, "response.failed") {
						t.Fatalf("%s cut at %d, %d events: a clean end: %s", name, cut, last, got)
					}
					continue
				}
				have, wanted := joined(events(t, got)), joined(events(t, strings.Join(want, "")))
				for k, v := range wanted {
					if have[k] != v {
						t.Fatalf("%s cut at %d: %s is %q, not %q", name, cut, k, have[k], v)
					}
				}
			}
		}
	}
}
