package openai_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/openai"
)

// asking are the items that ask the agent to act, each with the tool's name
// and what the policy sees of it.
var asking = map[string]struct {
	item item
	tool string
	args string
}{
	"function_call": {calls("fc_1", "f", `{"a":`, `"hidden"}`), "f", `{"a":"hidden"}`},
	"custom_tool_call": {
		streamsField("custom_tool_call", "ctc_1", "input", "custom_tool_call_input", object{"name": "f", "call_id": "c"}, "hid", "den"), "f", `"hidden"`,
	},
	"in a namespace": {
		streamsField("function_call", "fc_1", "arguments", "function_call_arguments", object{"name": "f", "namespace": "ns", "call_id": "c"}, `{}`), "f", `{}`,
	},
	"local_shell_call":     {acts("local_shell_call", "ls_1", object{"action": object{"command": []any{"hidden"}}}), "local_shell", `{"command":["hidden"]}`},
	"shell_call":           {shell(), "shell", `{"commands":["hidden"]}`},
	"apply_patch_call":     {acts("apply_patch_call", "ap_1", object{"operation": object{"diff": "hidden"}}), "apply_patch", `{"diff":"hidden"}`},
	"computer_call":        {acts("computer_call", "cu_1", object{"action": object{"text": "hidden"}}), "computer", `{"text":"hidden"}`},
	"computer actions":     {acts("computer_call", "cu_1", object{"actions": []any{object{"text": "hidden"}}}), "computer", `[{"text":"hidden"}]`},
	"tool_search_call":     {acts("tool_search_call", "ts_1", object{"execution": "client", "arguments": object{"q": "hidden"}}), "tool_search", `{"q":"hidden"}`},
	"mcp_approval_request": {acts("mcp_approval_request", "mcpr_1", object{"name": "f", "server_label": "s", "arguments": `{"a":"hidden"}`}), "f", `{"a":"hidden"}`},
	"unheard_call":         {acts("unheard_call", "un_1", object{"what": "hidden"}), "unheard", `{"id":"un_1","type":"unheard_call","what":"hidden"}`},
}

// acts is an item that comes whole.
func acts(kind, id string, more object) item {
	it := object{"type": kind, "id": id}
	for k, v := range more {
		it[k] = v
	}
	return item{begins: it, ends: it}
}

// shell is a call whose action is streamed.
func shell() item {
	it := acts("shell_call", "sh_1", object{"call_id": "c", "action": object{"commands": []any{"hidden"}}, "environment": object{"type": "local"}})
	it.begins = object{"type": "shell_call", "id": "sh_1", "call_id": "c", "action": object{"commands": []any{}}}
	it.parts = []part{
		{"shell_call_command.added", object{"command": "", "command_index": 0}},
		{"shell_call_command.delta", object{"delta": "hid", "command_index": 0}},
		{"shell_call_command.delta", object{"delta": "den", "command_index": 0}},
		{"shell_call_command.done", object{"command": "hidden", "command_index": 0}},
	}
	return it
}

const denial = "tool `%`: not today"

// TestADeniedCallIsAMessage: in a stream and in a whole reply, for each item
// that asks the agent to act. The events stay numbered, those of other items
// stay as they were, and every copy says the same.
func TestADeniedCallIsAMessage(t *testing.T) {
	for name, tt := range asking {
		t.Run(name, func(t *testing.T) {
			said := strings.ReplaceAll(denial, "%", tt.tool)
			id := "msg_denied_" + strings.SplitN(tt.item.ends["id"].(string), "_", 2)[1]
			var seen []string
			other := calls("fc_9", "other", `{}`)
			for _, hold := range []bool{false, true} {
				log := &lines{}
				seen = nil
				g := gate(t, denies{tools: []string{tt.tool}, seen: &seen, holds: hold}, log)
				list := respond(t, says("msg_0", "ok"), tt.item, other, says("msg_2", "bye"))
				body := streamThrough(g, strings.Join(list, ""), 7, nil).Body.String()
				if strings.Contains(body, "hidden") || strings.Contains(body, tt.item.ends["type"].(string)) && tt.item.ends["type"] != "function_call" {
					t.Fatalf("something of the call came through: %s", body)
				}
				if diff := cmp.Diff([]string{tt.tool + "(" + tt.args + ")", "other({})"}, seen); diff != "" {
					t.Error(diff)
				}
				want := respond(t, says("msg_0", "ok"), says(id, said), other, says("msg_2", "bye"))
				got := events(t, body)
				for _, e := range got {
					dropLogprobs(e.data)
				}
				wanted := events(t, strings.Join(want, ""))
				for _, e := range wanted {
					dropLogprobs(e.data)
				}
				if diff := cmp.Diff(wanted, got, cmp.AllowUnexported(sent{})); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			}
			reply, err := json.Marshal(object{"id": "resp_1", "status": "completed", "output": []any{tt.item.ends, other.ends}})
			if err != nil {
				t.Fatal(err)
			}
			var out struct {
				Status string
				Output []object
			}
			seen = nil
			g := gate(t, denies{tools: []string{tt.tool}, seen: &seen}, &lines{})
			if err := json.Unmarshal([]byte(jsonThrough(g, string(reply))), &out); err != nil {
				t.Fatal(err)
			}
			dropLogprobs(out.Output[0])
			wantItem := says(id, said).ends
			dropLogprobs(wantItem)
			if diff := cmp.Diff([]object{wantItem, other.ends}, out.Output); diff != "" || out.Status != "completed" {
				t.Errorf("%s, -want +got:\n%s", out.Status, diff)
			}
		})
	}
}

// TestArgumentsAreRedactedInEveryCopy, for each item that asks the agent to act.
func TestArgumentsAreRedactedInEveryCopy(t *testing.T) {
	for name, tt := range asking {
		if !strings.Contains(tt.args, "hidden") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			g := gate(t, denies{}, &lines{}, "lit:hidden")
			body := streamThrough(g, strings.Join(respond(t, tt.item), ""), 7, nil).Body.String()
			got := events(t, body)
			if strings.Contains(body, "hidden") || got[len(got)-1].name != "response.completed" {
				t.Fatalf("not redacted: %s", body)
			}
			for _, e := range got[1:] {
				if e.name != "response.output_item.done" && e.name != "response.completed" {
					continue
				}
				if b, _ := json.Marshal(e.data); !strings.Contains(string(b), "[REDACTED]") {
					t.Errorf("no placeholder: %s", b)
				}
			}
			reply, err := json.Marshal(object{"id": "resp_1", "output": []any{tt.item.ends}})
			if err != nil {
				t.Fatal(err)
			}
			if out := jsonThrough(g, string(reply)); strings.Contains(out, "hidden") || !strings.Contains(out, "[REDACTED]") {
				t.Errorf("not redacted: %s", out)
			}
		})
	}
}

// TestWhatTheProviderRanIsNoCall: nobody is asked about it, and its words are
// looked at.
func TestWhatTheProviderRanIsNoCall(t *testing.T) {
	for _, it := range []item{
		acts("mcp_call", "mcp_1", object{"name": "f", "server_label": "s", "arguments": `{"a":"hid\u0064en"}`, "output": "hidden"}),
		acts("web_search_call", "ws_1", object{"action": object{"type": "search", "query": "hidden"}}),
		acts("shell_call", "sh_1", object{"environment": object{"type": "container_reference"}, "action": object{"commands": []any{"hidden"}}}),
		acts("shell_call_output", "sho_1", object{"output": []any{object{"stdout": "hidden"}}}),
		acts("tool_search_call", "ts_1", object{"execution": "server", "arguments": object{"q": "hidden"}}),
	} {
		var seen []string
		g := gate(t, denies{seen: &seen}, &lines{}, "lit:hidden")
		body := streamThrough(g, strings.Join(respond(t, it), ""), 1000, nil).Body.String()
		reply, err := json.Marshal(object{"id": "resp_1", "output": []any{it.ends}})
		if err != nil {
			t.Fatal(err)
		}
		out := jsonThrough(g, string(reply))
		for _, s := range []string{body, out} {
			if strings.Contains(s, "hidden") || strings.Contains(s, `hid\`) || !strings.Contains(s, "[REDACTED]") {
				t.Errorf("%v: not redacted: %s", it.ends["type"], s)
			}
		}
		if len(seen) > 0 {
			t.Errorf("%v: asked about %q", it.ends["type"], seen)
		}
	}
}

// TestCopiesThatDisagree: nothing passes that was not looked at, and a call is
// the same wherever it is told.
func TestCopiesThatDisagree(t *testing.T) {
	text := says("msg_1", "fine")
	text.ends = says("msg_1", "write to alice@example.com").ends
	body := streamThrough(gate(t, denies{}, &lines{}, "EMAIL"), strings.Join(respond(t, text), ""), 1000, nil).Body.String()
	if strings.Contains(body, "alice") || strings.Count(body, "[EMAIL]") != 2 {
		t.Errorf("not redacted in the item and in the response: %s", body)
	}

	for name, change := range map[string]func(*item){
		"deltas": func(it *item) { it.parts[0].fields["delta"] = `{"a":"rm` },
		"done":   func(it *item) { it.parts[2].fields["arguments"] = `{"a":"rm"}` },
		"begins": func(it *item) { it.begins["arguments"] = `{"a":"rm"}` },
	} {
		it := calls("fc_1", "f", `{"a":`, `1}`)
		change(&it)
		var seen []string
		body := streamThrough(gate(t, denies{seen: &seen}, &lines{}), strings.Join(respond(t, it), ""), 1000, nil).Body.String()
		if got := joined(events(t, body)); strings.Contains(body, "rm") || got["deltas0"] != `{"a":1}` || strings.Join(seen, " ") != `f({"a":1})` {
			t.Errorf("%s: %q, asked about %q", name, body, seen)
		}
	}

	list := respond(t, calls("fc_1", "f", `{"a":1}`))
	last := len(list) - 1
	list[last] = strings.ReplaceAll(list[last], `{\"a\":1}`, `{\"a\":\"rm\"}`)
	body = streamThrough(gate(t, denies{}, &lines{}), strings.Join(list, ""), 1000, nil).Body.String()
	if want := strings.Join(respond(t, calls("fc_1", "f", `{"a":1}`)), ""); body != want {
		t.Errorf("the response's copy:\n got %s\nwant %s", body, want)
	}
}

// TestACallThatOnlyTheResponseHas is decided before the response's end goes out.
func TestACallThatOnlyTheResponseHas(t *testing.T) {
	list := respond(t, says("msg_0", "ok"), calls("fc_1", "f", `{"a":"hidden"}`))
	var seen []string
	g := gate(t, denies{tools: []string{"f"}, seen: &seen}, &lines{})
	short := strings.Join(append(list[:8:8], list[len(list)-1]), "")
	body := streamThrough(g, short, 1000, nil).Body.String()
	if strings.Contains(body, "hidden") || !strings.Contains(body, "not today") || len(seen) != 1 {
		t.Errorf("asked about %q: %s", seen, body)
	}
}

// TestAStreamIsRefused: the error and the failed response are numbered on.
func TestAStreamIsRefused(t *testing.T) {
	list := respond(t, says("msg_0", "some words"), says("msg_1", "more"))
	w := streamThrough(gate(t, denies{}, &lines{}), strings.Join(list[:6], ""), 1000, errCut)
	got := events(t, w.Body.String())
	if len(got) != 8 || got[6].name != "error" || got[7].name != "response.failed" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	response := got[7].data["response"].(object)
	if response["id"] != "resp_1" || response["status"] != "failed" || response["error"].(object)["code"] != "server_error" {
		t.Errorf("%v", response)
	}
	if w.Code != http.StatusOK {
		t.Errorf("status %d", w.Code)
	}
}

// TestEventsThatSayTwoThings are not understood, and nothing of them goes out.
func TestEventsThatSayTwoThings(t *testing.T) {
	const call = `{"type":"function_call","id":"fc_1","call_id":"1","name":"f","arguments":"hidden"}`
	for name, data := range map[string]string{
		"an item and a response":      `{"type":"response.output_item.done","output_index":0,"item":` + call + `,"response":{}}`,
		"an item's event without one": `{"type":"response.output_item.done","output_index":0,"response":{"output":[]},"hidden":"hidden"}`,
		"an end with an item":         `{"type":"response.completed","output_index":0,"item":` + call + `}`,
		"a call before the end":       `{"type":"response.in_progress","response":{"output":[` + call + `]}}`,
		"a call without an index":     `{"type":"response.output_item.done","item":` + call + `}`,
		"a part of no call":           `{"type":"response.function_call_arguments.delta","item_id":"x","delta":"hidden"}`,
		"another call":                `{"type":"response.output_item.done","output_index":1,"item":` + call + `}`,
		"another type":                `{"type":"response.output_item.done","output_index":0,"item":` + call + `}`,
		"more of a text":              `{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"hidden"}`,
		"another case":                `{"type":"response.output_item.done","output_index":2,"Item":` + call + `}`,
		"no type":                     `{"output_index":2,"item":` + call + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			list := respond(t, says("msg_0", "ok"), calls("fc_0", "g", "{}"))
			stream := strings.Join(list[:len(list)-1], "") + "data: " + data + "\n\n"
			body := streamThrough(gate(t, denies{}, &lines{}), stream, 1000, nil).Body.String()
			if strings.Contains(body, "hidden") || !strings.Contains(body, "was not understood") {
				t.Errorf("%s", body)
			}
		})
	}
}

// TestAnItemIsNoResponse: a reply that calls itself an item has no calls that
// a client would find where a response, or a list, has them.
func TestAnItemIsNoResponse(t *testing.T) {
	const call = `{"type":"function_call","id":"fc_1","call_id":"1","name":"f","arguments":"{\"a\":\"hidden\"}"}`
	for _, body := range []string{
		`{"type":"message","role":"assistant","content":[],"object":"response","output":[` + call + `]}`,
		`{"type":"message","role":"assistant","content":[],"object":"list","data":[` + call + `]}`,
		`{"type":"message","role":"assistant","content":[],"object":"list","Data":[` + call + `]}`,
		`{"type":"web_search_call","output":[` + call + `]}`,
	} {
		out := jsonThrough(gate(t, denies{tools: []string{"f"}}, &lines{}), body)
		if strings.Contains(out, "hidden") {
			t.Errorf("%s: %s", body, out)
		}
	}
}

// TestAStreamWithoutBounds: what has to be kept of a stream is bounded.
func TestAStreamWithoutBounds(t *testing.T) {
	for name, event := range map[string]string{
		"ids":   `{"type":"response.output_item.done","output_index":0,"item":{"type":"message","id":"msg_%d","role":"assistant","content":[]}}`,
		"texts": `{"type":"response.words_%d.delta","output_index":0,"delta":"a"}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := openai.Responses{}.Stream(wire.StreamOptions{})
			for i := range 1 << 17 {
				if _, err := s.Event("", fmt.Appendf(nil, event, i)); err != nil {
					return
				}
			}
			t.Error("no end of it")
		})
	}
}

// TestEditsInsideOfOneAnother: a text beside a call that is denied, and log
// probabilities where none belong.
func TestEditsInsideOfOneAnother(t *testing.T) {
	it := acts("shell_call", "sh_1", object{"note": "to alice@example.com", "logprobs": []any{1}, "action": object{"logprobs": []any{"alice@example.com"}}})
	for _, tools := range [][]string{nil, {"shell"}} {
		g := gate(t, denies{tools: tools}, &lines{}, "EMAIL")
		body := streamThrough(g, strings.Join(respond(t, it), ""), 1000, nil).Body.String()
		if got := events(t, body); strings.Contains(body, "alice") || got[len(got)-1].name != "response.completed" {
			t.Errorf("denied %v: %s", tools, body)
		}
		reply, err := json.Marshal(object{"id": "resp_1", "output": []any{it.ends}})
		if err != nil {
			t.Fatal(err)
		}
		out := jsonThrough(g, string(reply))
		if strings.Contains(out, "alice") || tools == nil && !strings.Contains(out, `"action":{"logprobs":["[EMAIL]"]}`) {
			t.Errorf("denied %v: %s", tools, out)
		}
	}
}
