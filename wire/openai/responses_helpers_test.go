package openai_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/enforce"
	"github.com/headgate/headgate/enforce/enforcetest"
	"github.com/headgate/headgate/policy"
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

func (d denies) policy() enforcetest.Policy {
	p := enforcetest.Policy{Holds: d.holds, Deny: func(in *policy.Input) string {
		if in.Stage != policy.PreTool {
			return ""
		}
		if d.seen != nil {
			*d.seen = append(*d.seen, in.Tool+"("+string(in.Args)+")")
		}
		if slices.Contains(d.tools, in.Tool) {
			return "not today"
		}
		return ""
	}}
	if d.seen != nil {
		p.Reads = map[policy.Stage]policy.Fields{policy.PreTool: policy.FieldArgs}
	}
	return p
}

type lines struct{ enforcetest.Log }

// gate is one that redacts replies and arguments.
func gate(t *testing.T, p denies, log *lines, selectors ...string) *enforce.Gate {
	t.Helper()
	g, err := enforcetest.Gate(openai.Dialect{}, "/v1", p.policy(), &log.Log, selectors...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// exchange sends a request through a gate to an upstream that answers with
// body, in writes of n bytes, and then ends with an error or not.
func exchange(g *enforce.Gate, method, path, request, media, body string, n int, end error) *httptest.ResponseRecorder {
	return enforcetest.Exchange(g, method, path, request, enforcetest.Upstream{Media: media, Body: body, Size: n, End: end})
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
