package openai_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/headgate/headgate/audit"
	"github.com/headgate/headgate/enforce"
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/redact"
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/recordings"
	"github.com/headgate/headgate/wire/openai"
	"github.com/headgate/headgate/wire/sse"
)

// denies is a policy that denies calls of some tools; holds makes the gate keep
// a stream until it is whole.
type denies struct {
	tools []string
	holds bool
	seen  *[]string // every call that was asked about, "name(args)"
}

func (d denies) Decide(_ context.Context, in *policy.Input) policy.Decision {
	if in.Stage == policy.PreTool && d.seen != nil {
		*d.seen = append(*d.seen, in.Tool+"("+string(in.Args)+")")
	}
	for _, name := range d.tools {
		if in.Stage == policy.PreTool && in.Tool == name {
			return policy.Decision{Action: policy.Deny, Reason: "not today", Layer: policy.LayerRego}
		}
	}
	return policy.Decision{Action: policy.Allow, Layer: policy.LayerRego}
}

func (d denies) Needs(s policy.Stage) policy.Fields {
	switch {
	case s == policy.PreTool && d.seen != nil:
		return policy.FieldArgs
	case s == policy.PostChat && d.holds:
		return policy.FieldResponse
	}
	return 0
}
func (denies) SHA256() string           { return strings.Repeat("ab", 32) }
func (d denies) Current() policy.Policy { return d }

type lines struct{ list []*audit.Record }

func (l *lines) Append(r *audit.Record) error        { l.list = append(l.list, r); return nil }
func (l *lines) AppendRefusal(r *audit.Record) error { return l.Append(r) }

// gate is one that redacts replies and arguments.
func gate(t *testing.T, p denies, log *lines, specs ...string) *enforce.Gate {
	t.Helper()
	router, err := wire.NewRouter([]wire.Served{{Dialect: openai.Dialect{}, Prefix: "/v1"}})
	if err != nil {
		t.Fatal(err)
	}
	cfg := enforce.Config{Router: router, Fallback: openai.Dialect{}, Policy: p, Audit: log}
	for _, s := range specs {
		cfg.Redact.Response = append(cfg.Redact.Response, redact.Selector{Spec: s})
		cfg.Redact.Args = append(cfg.Redact.Args, redact.Selector{Spec: s})
	}
	g, err := enforce.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// exchange sends a request through a gate to an upstream that answers with
// body, in writes of n bytes, and then ends with an error or not.
func exchange(g *enforce.Gate, method, path, request, media, body string, n int, end error) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(request))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	reply, ok := g.Begin(w, r, "192.0.2.1").Admit()
	if !ok || reply == nil {
		return w
	}
	reply.Header().Set("Content-Type", media)
	reply.WriteHeader(http.StatusOK)
	for len(body) > 0 {
		k := min(n, len(body))
		if _, err := reply.Write([]byte(body[:k])); err != nil {
			end = err
			break
		}
		body = body[k:]
	}
	reply.Close(end)
	return w
}

const streamed = `{"model":"m","stream":true,"input":"hi"}`

func streamThrough(g *enforce.Gate, stream string, n int, end error) *httptest.ResponseRecorder {
	return exchange(g, http.MethodPost, "/v1/responses", streamed, "text/event-stream", stream, n, end)
}

func jsonThrough(g *enforce.Gate, body string) string {
	return exchange(g, http.MethodPost, "/v1/responses", `{"model":"m","input":"hi"}`, "application/json", body, 1<<20, nil).Body.String()
}

type object = map[string]any

// part is an event about a part of an item; the rest of it is added.
type part struct {
	kind   string // without "response."
	fields object
}

// item is an item of a streamed response: as it begins, what streams it, and
// as it ends.
type item struct {
	begins object
	parts  []part
	ends   object
}

// respond writes the stream of a response of some items, one event in each
// string.
func respond(t *testing.T, items ...item) []string {
	t.Helper()
	var events []string
	write := func(kind string, fields object) {
		all := object{"type": kind, "sequence_number": len(events)}
		for k, v := range fields {
			all[k] = v
		}
		data, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, string(sse.AppendEvent(nil, kind, data)))
	}
	response := func(status string, output []any) object {
		return object{"response": object{
			"id": "resp_1", "object": "response", "status": status, "model": "m", "output": output,
			"instructions": "Be brief.", "tools": []any{object{"type": "function", "name": "f"}}, "store": true,
			"usage": object{"input_tokens": 1, "output_tokens": 2},
		}}
	}
	write("response.created", response("in_progress", []any{}))
	write("response.in_progress", response("in_progress", []any{}))
	var output []any
	for i, it := range items {
		if it.begins != nil {
			write("response.output_item.added", object{"output_index": i, "item": it.begins})
		}
		for _, p := range it.parts {
			fields := object{"output_index": i, "item_id": it.ends["id"]}
			for k, v := range p.fields {
				fields[k] = v
			}
			write("response."+p.kind, fields)
		}
		write("response.output_item.done", object{"output_index": i, "item": it.ends})
		output = append(output, it.ends)
	}
	write("response.completed", response("completed", output))
	return events
}

// says is a message, whose text comes in parts.
func says(id string, texts ...string) item {
	content := func(text string) object {
		return object{"type": "output_text", "text": text, "annotations": []any{}, "logprobs": []any{}}
	}
	all := strings.Join(texts, "")
	it := item{
		begins: object{"type": "message", "id": id, "status": "in_progress", "role": "assistant", "content": []any{}},
		parts:  []part{{"content_part.added", object{"content_index": 0, "part": content("")}}},
		ends:   object{"type": "message", "id": id, "status": "completed", "role": "assistant", "content": []any{content(all)}},
	}
	for _, text := range texts {
		it.parts = append(it.parts, part{"output_text.delta", object{"content_index": 0, "delta": text, "logprobs": []any{object{"token": text}}}})
	}
	it.parts = append(it.parts,
		part{"output_text.done", object{"content_index": 0, "text": all, "logprobs": []any{object{"token": all}}}},
		part{"content_part.done", object{"content_index": 0, "part": content(all)}})
	return it
}

// streamsField is an item that has a text of its own in a field, which comes in parts.
func streamsField(kind, id, field, event string, more object, texts ...string) item {
	begins, ends := object{"type": kind, "id": id, field: ""}, object{"type": kind, "id": id}
	for k, v := range more {
		begins[k], ends[k] = v, v
	}
	all := strings.Join(texts, "")
	ends[field] = all
	it := item{begins: begins, ends: ends}
	for _, text := range texts {
		it.parts = append(it.parts, part{event + ".delta", object{"delta": text}})
	}
	it.parts = append(it.parts, part{event + ".done", object{field: all}})
	return it
}

func calls(id, name string, args ...string) item {
	return streamsField("function_call", id, "arguments", "function_call_arguments", object{"name": name, "call_id": "call_" + id}, args...)
}

// sent is one event as the client got it.
type sent struct {
	name string
	data object
}

// events parses a stream, and checks that its events are numbered without a
// gap.
func events(t *testing.T, body string) []sent {
	t.Helper()
	var list []sent
	var rd sse.Reader
	rd.Feed([]byte(body))
	for {
		ev, ok, err := rd.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return list
		}
		var data object
		if err := json.Unmarshal(ev.Data, &data); err != nil || data["type"] != ev.Name {
			t.Fatalf("%q: %v", ev.Raw, err)
		}
		if number := data["sequence_number"]; number != float64(len(list)) {
			t.Fatalf("event %d has the number %v: %s", len(list), number, ev.Data)
		}
		list = append(list, sent{ev.Name, data})
	}
}

// outline lists the events' names, and what they say of an item.
func outline(list []sent) []string {
	var out []string
	for _, e := range list {
		line := strings.TrimPrefix(e.name, "response.")
		if i, ok := e.data["output_index"]; ok {
			line += fmt.Sprint(" ", i)
		}
		if it, ok := e.data["item"].(object); ok {
			line += fmt.Sprint(" ", it["type"])
		}
		if d, ok := e.data["delta"]; ok {
			line += fmt.Sprint(" ", d)
		}
		out = append(out, line)
	}
	return out
}

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

// joined are the deltas of each item, joined, and whatever events hold whole.
func joined(list []sent) map[string]string {
	out := map[string]string{}
	for _, e := range list {
		if d, ok := e.data["delta"].(string); ok {
			out["deltas"+fmt.Sprint(e.data["output_index"])] += d
			continue
		}
		delete(e.data, "sequence_number")
		dropLogprobs(e.data)
		b, _ := json.Marshal(e.data)
		out[e.name+fmt.Sprint(e.data["output_index"])] = string(b)
	}
	return out
}

func dropLogprobs(v any) {
	switch v := v.(type) {
	case object:
		delete(v, "logprobs")
		for _, m := range v {
			dropLogprobs(m)
		}
	case []any:
		for _, e := range v {
			dropLogprobs(e)
		}
	}
}
