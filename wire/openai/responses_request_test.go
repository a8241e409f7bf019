package openai

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/recordings"
	"github.com/headgate/headgate/wire/strictjson"
)

func ask(t *testing.T, body string) wire.Request {
	t.Helper()
	r, err := Responses{}.Request(wire.Incoming{Body: []byte(body)})
	if err != nil {
		t.Fatalf("Request(%s): %v", body, err)
	}
	return r
}

// factsOfAsk is factsOf for a request for a response.
func factsOfAsk(t *testing.T, body string) facts {
	t.Helper()
	r := ask(t, body)
	f := facts{Model: r.Model(), Stream: r.Stream(), Tools: r.Tools(), Unscanned: r.Unscanned()}
	for _, x := range r.Texts() {
		mark := ""
		if x.JSON {
			mark = " (json)"
		}
		if x.Result {
			mark += " (result)"
		}
		f.Texts = append(f.Texts, x.Place.String()+mark+": "+string(strictjson.Unescape(nil, []byte(body)[x.Start:x.End])))
	}
	return f
}

func TestResponsesRequestFacts(t *testing.T) {
	input := func(items string) string { return `{"model":"m","input":[` + items + `]}` }
	for _, tt := range []struct {
		name, body string
		want       facts
	}{
		{"a string", `{"model":"m","stream":true,"input":"h\u0069"}`, facts{Model: "m", Stream: true, Texts: []string{"messages[0].text: hi"}}},
		{
			"instructions come first, wherever they stand",
			`{"input":[{"role":"user","content":"hi"}],"model":"m","instructions":"Be brief"}`,
			facts{Model: "m", Texts: []string{"messages[0].text: Be brief", "messages[1].text: hi"}},
		},
		{
			"words beside the names of a choice, and variables that are none",
			`{"model":"m","tool_choice":{"type":"allowed_tools","mode":"auto","note":"a","tools":[{"type":"function","name":"f","note":"b"}]},"prompt":{"id":"pmpt_1","variables":["c"]}}`,
			facts{Model: "m", Unscanned: []string{"stored_prompt"}, Texts: []string{"tool_choice: b", "tool_choice: a", "prompt: c"}},
		},
		{
			"the values in a schema are any JSON",
			`{"model":"m","tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{"a":{"default":{"id":"a","encrypted_x":"b"},"examples":[{"type":"c"}],"const":{"status":"d"}}}}}]}`,
			facts{Model: "m", Tools: []string{"f"}, Texts: []string{"tools[0].description: a", "tools[0].description: b", "tools[0].description: c", "tools[0].description: d"}},
		},
		{
			"parts, media, files",
			input(`{"role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_image","image_url":"data:image/png;base64,x","detail":"low"},{"type":"input_text","text":"b"},` +
				`{"type":"input_image","image_url":"https://x.test/i"},{"type":"input_file","file_id":"file_1","filename":"n.pdf"},{"type":"input_file","file_data":"zz"},{"type":"input_file","file_url":"https://x.test/f"},{"type":"input_audio","input_audio":{"data":"zz","format":"wav"}}]}`),
			facts{Model: "m", Unscanned: []string{"audio", "binary", "file_id", "image", "remote_url"}, Texts: []string{
				"messages[0].text: a", "messages[0].text: b", "messages[0].text: https://x.test/i", "messages[0].text: n.pdf", "messages[0].text: https://x.test/f",
			}},
		},
		{
			"a turn of the model's is one message",
			input(`{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"zz"},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"let me"},{"type":"refusal","refusal":"no"}]},` +
				`{"type":"function_call","call_id":"1","name":"f","arguments":"{\"a\":\"b\"}"},{"type":"function_call_output","call_id":"1","output":"c"},{"type":"message","role":"assistant","content":"d"},{"type":"message","role":"assistant","content":"e"}`),
			facts{Model: "m", Unscanned: []string{"opaque_echo"}, Texts: []string{
				"messages[0].text: hm", "messages[0].text: let me", "messages[0].text: no", `messages[0].tool_calls (json): {"a":"b"}`,
				"messages[1].text (result): c", "messages[2].text: d", "messages[3].text: e",
			}},
		},
		{
			"calls of all kinds, and their results",
			input(`{"type":"custom_tool_call","call_id":"1","name":"f","input":"a"},{"type":"custom_tool_call_output","call_id":"1","output":[{"type":"input_text","text":"b"}]},` +
				`{"type":"local_shell_call","call_id":"2","action":{"type":"exec","command":["c"]}},{"type":"local_shell_call_output","id":"2","output":"d"},` +
				`{"type":"shell_call","call_id":"3","action":{"commands":["e"]}},{"type":"shell_call_output","call_id":"3","output":[{"stdout":"f","stderr":"","outcome":{"type":"exit","exit_code":0}}]},` +
				`{"type":"apply_patch_call","call_id":"4","operation":{"type":"g","diff":"h"}},{"type":"apply_patch_call_output","call_id":"4","output":"i"},` +
				`{"type":"computer_call","call_id":"5","action":{"type":"j"}},{"type":"computer_call_output","call_id":"5","output":{"type":"computer_screenshot","image_url":"data:image/png;base64,x"}}`),
			facts{Model: "m", Unscanned: []string{"image"}, Texts: []string{
				"messages[0].tool_calls: a", "messages[1].text (result): b", "messages[2].tool_calls: exec", "messages[2].tool_calls: c", "messages[3].text (result): d",
				"messages[4].tool_calls: e", "messages[5].text (result): f", "messages[6].tool_calls: g", "messages[6].tool_calls: h", "messages[7].text (result): i", "messages[8].tool_calls: j",
			}},
		},
		{
			"what the provider did",
			input(`{"type":"mcp_call","id":"1","name":"f","server_label":"s","arguments":"{\"a\":\"b\"}","output":"c"},{"type":"web_search_call","id":"2","action":{"type":"search","query":"d"}},` +
				`{"type":"code_interpreter_call","id":"3","code":"e","container_id":"cntr_1","outputs":[{"type":"logs","logs":"f"}]},{"type":"image_generation_call","id":"ig_1"},{"type":"compaction","encrypted_content":"zz"}`),
			facts{Model: "m", Unscanned: []string{"file_id", "opaque_echo"}, Texts: []string{
				`messages[0].text (json): {"a":"b"}`, "messages[0].text: c", "messages[0].text: d", "messages[0].text: e", "messages[0].text: f",
			}},
		},
		{
			"an item that nobody has heard of is walked",
			input(`{"type":"unheard","id":"x","words":["a",{"of":"b"}],"file_id":"file_1"}`),
			facts{Model: "m", Unscanned: []string{"file_id"}, Texts: []string{"messages[0].text: a", "messages[0].text: b"}},
		},
		{
			"what the upstream keeps",
			`{"model":"m","input":[{"type":"item_reference","id":"msg_1"}],"previous_response_id":"resp_1","background":true,"prompt":{"id":"pmpt_1","version":"2","variables":{"id":"a","b":{"type":"input_text","text":"c"}}},"conversation":{"id":"conv_1"}}`,
			facts{Model: "m", Unscanned: []string{"background", "conversation", "previous_response_id", "stored_prompt"}, Texts: []string{"prompt: a", "prompt: c"}},
		},
		{"a stored prompt may name the model", `{"prompt":{"id":"pmpt_1"}}`, facts{Unscanned: []string{"stored_prompt"}}},
		{
			"tools",
			`{"model":"m","input":[{"type":"additional_tools","role":"developer","tools":[{"type":"function","name":"late","description":"a"}]}],"tools":[{"type":"function","name":"f","description":"b","parameters":{"type":"object","properties":{"x":{"type":"string","description":"c"}}}},{"type":"custom","name":"g"},` +
				`{"type":"namespace","name":"ns","description":"d","tools":[{"type":"function","name":"h","description":"e"}]},{"type":"web_search"},{"type":"mcp","server_label":"s","server_url":"https://x.test/","headers":{"X":"secret"},"authorization":"secret","server_description":"f"},{"type":"code_interpreter","container":{"type":"auto","file_ids":["file_1"]}}],"tool_choice":"auto"}`,
			facts{
				Model: "m", Tools: []string{"late", "f", "g", "h", "web_search", "mcp", "code_interpreter"}, Unscanned: []string{"file_id", "remote_url"},
				Texts: []string{"messages[0].text: a", "tools[0].description: b", "tools[0].description: c", "tools[2].description: e", "tools[2].description: d", "tools[4].description: s", "tools[4].description: https://x.test/", "tools[4].description: f"},
			},
		},
		{
			"the rest",
			`{"model":"m","input":null,"metadata":{"id":"a"},"client_metadata":{"b":"{\"c\":1}"},"user":"d","safety_identifier":"e","text":{"format":{"type":"json_schema","name":"n","schema":{"description":"f"}}},"unheard":"g","include":["h"]}`,
			facts{Model: "m", Texts: []string{"metadata: a", `client_metadata: {"c":1}`, "user: d", "safety_identifier: e", "text: n", "text: f", "unheard: g", "include: h"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, factsOfAsk(t, tt.body)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestResponsesRequestRefused(t *testing.T) {
	with := func(member string) string { return `{"model":"m","input":"hi",` + member + `}` }
	input := func(items string) string { return `{"model":"m","input":[` + items + `]}` }
	for _, tt := range []struct{ name, body, want string }{
		{"no model", `{"input":"hi"}`, "model: must be a string that names a model"},
		{"two models", with(`"models":["a"]`), "models: a request names its model in one place, \"model\""},
		{"a tool with a model", with(`"tools":[{"type":"image_generation","model":"n"}]`), "tools[0].model: a request names its model in one place, \"model\""},
		{"a tool with a model in a namespace", with(`"tools":[{"type":"namespace","name":"ns","tools":[{"type":"image_generation","model":"n"}]}]`), "tools[0].tools[0].model: a request names its model in one place, \"model\""},
		{"another case", with(`"Input":"hi"`), "key differs from a known field by case"},
		{"input of another kind", `{"model":"m","input":1}`, "input: must be a string or an array"},
		{"items under another name", with(`"items":[]`), "items: this endpoint takes its items as \"input\""},
		{"a prompt as a chat has it", with(`"messages":[{}]`), "messages: this endpoint takes its items"},
		{"a prompt as a completion has it", with(`"prompt":"hi"`), "prompt: must be an object"},
		{"functions", with(`"functions":[]`), "functions: this endpoint takes its items"},
		{"instructions of another kind", with(`"instructions":[]`), "instructions: must be a string"},
		{"an item of no type", input(`{"text":"a"}`), "input[0].type: must be a string"},
		{"an item that is none", input(`"a"`), "input[0]: must be an object"},
		{"an unknown role", input(`{"role":"root","content":"a"}`), "input[0].role: must be system, developer, user or assistant"},
		{"a part without type", input(`{"role":"user","content":[{"text":"a"}]}`), "input[0].content: must hold parts with a type"},
		{"a call without a name", input(`{"type":"function_call","call_id":"1","arguments":"{}"}`), "input[0]: a call must name its tool"},
		{"arguments that are no string", input(`{"type":"function_call","name":"f","arguments":{}}`), "input[0]: a call's arguments must be a string"},
		{"two actions", input(`{"type":"computer_call","action":{},"actions":[]}`), "input[0]: a call with two actions"},
		{"background of another kind", with(`"background":"true"`), "background: must be true or false"},
		{"a conversation without id", with(`"conversation":{}`), "conversation: must name what is meant by its id"},
		{"a function without a name", with(`"tools":[{"type":"function"}]`), "tools[0].name: must be a string"},
		{"a tool inside of one that is no namespace", with(`"tools":[{"type":"tool_search","tools":[{"type":"function","name":"hidden"}]}]`), "tools[0].tools: only a namespace has tools inside"},
		{"a namespace without tools", with(`"tools":[{"type":"namespace","name":"ns"}]`), "tools[0].tools: must be an array"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Responses{}.Request(wire.Incoming{Body: []byte(tt.body)})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// TestOneConversationOneHash: sent as a chat and as a response, it is the same.
func TestOneConversationOneHash(t *testing.T) {
	for _, tt := range []struct{ chat, responses string }{
		{`{"model":"m","messages":[{"role":"user","content":"hi"}]}`, `{"model":"m","input":"hi"}`},
		{`{"model":"m","messages":[{"role":"system","content":"be"},{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}`, `{"model":"m","instructions":"be","input":[{"role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_text","text":"b"}]}]}`},
		{
			`{"model":"m","messages":[{"role":"developer","content":"be"},{"role":"user","content":"hi"},{"role":"assistant","content":"see","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"b\":1, \"a\":2}"}},{"id":"2","type":"custom","custom":{"name":"g","input":"x"}}]},` +
				`{"role":"tool","tool_call_id":"1","content":"one"},{"role":"tool","tool_call_id":"2","content":[{"type":"text","text":"two"}]},{"role":"assistant","content":"so"}]}`,
			`{"model":"m","input":[{"role":"developer","content":"be"},{"type":"message","role":"user","content":"hi"},{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"see","annotations":[]}]},{"type":"function_call","call_id":"1","name":"f","arguments":"{\"a\":2,\"b\":1}"},{"type":"custom_tool_call","call_id":"2","name":"g","input":"x"},` +
				`{"type":"function_call_output","call_id":"1","output":"one"},{"type":"custom_tool_call_output","call_id":"2","output":[{"type":"input_text","text":"two"}]},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"so"}]}]}`,
		},
		{
			`{"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"1","content":""}]}`,
			`{"model":"m","input":[{"type":"function_call","call_id":"1","name":"f","namespace":"ns","arguments":""},{"type":"function_call_output","call_id":"1","output":""}]}`,
		},
	} {
		chat, err := Chat{}.Request(wire.Incoming{Body: []byte(tt.chat)})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(chat.Messages()), string(ask(t, tt.responses).Messages())); diff != "" {
			t.Errorf("-chat +responses:\n%s", diff)
		}
	}
}

func TestResponsesResults(t *testing.T) {
	const body = `{"model":"m","input":[{"type":"function_call","call_id":"1","name":"f","arguments":"{\"a\":1}"},{"type":"function_call_output","call_id":"1","output":"old"},{"role":"assistant","content":"b"},` +
		`{"type":"shell_call","call_id":"2","action":{"commands":["ls"]}},{"type":"shell_call_output","call_id":"2","output":[{"stdout":"x","stderr":"y"}]},{"type":"function_call_output","call_id":"9","output":"z"}]}`
	r := ask(t, body)
	var got []string
	for _, res := range r.Results() {
		var texts []string
		for _, i := range res.Texts {
			x := r.Texts()[i]
			texts = append(texts, body[x.Start:x.End])
		}
		line := res.Tool + string(res.Args) + " " + res.CallID + " " + strings.ReplaceAll(res.Text, "\n", "/") + " " + strings.Join(texts, "")
		if res.Latest {
			line += " latest"
		}
		got = append(got, line)
	}
	want := []string{`f{"a":1} 1 old "old"`, `shell{"commands":["ls"]} 2 x/y "x""y" latest`, ` 9 z "z" latest`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestResponsesReferences(t *testing.T) {
	r := ask(t, `{"model":"m","input":[{"type":"item_reference","id":"msg_1"},{"role":"user","content":[{"type":"input_file","file_id":"file_1"}]}],"previous_response_id":"resp_1","prompt":{"id":"pmpt_1"},"tools":[{"type":"file_search","vector_store_ids":["vs_1"]},{"type":"code_interpreter","container":"cntr_1"}]}`)
	want := []string{"cntr_1", "file_1", "msg_1", "pmpt_1", "resp_1", "vs_1"}
	if diff := cmp.Diff(want, r.(wire.Referrer).References()); diff != "" {
		t.Error(diff)
	}
}

func TestResponsesEdits(t *testing.T) {
	const tools = `"tools":[{"type":"function","name":"f"},{"type":"namespace","name":"ns","tools":[{"type":"function","name":"g"},{"type":"function","name":"h"}]},{"type":"web_search"}]`
	hide := func(names ...string) func(string) bool {
		return func(name string) bool { return slices.Contains(names, name) }
	}
	for _, tt := range []struct {
		name, body, want string
		hide             []string
	}{
		{"a function", `{"model":"m",` + tools + `}`, `{"model":"m","tools":[{"type":"namespace","name":"ns","tools":[{"type":"function","name":"g"},{"type":"function","name":"h"}]},{"type":"web_search"}]}`, []string{"f"}},
		{"one in a namespace", `{"model":"m",` + tools + `}`, `{"model":"m","tools":[{"type":"function","name":"f"},{"type":"namespace","name":"ns","tools":[{"type":"function","name":"h"}]},{"type":"web_search"}]}`, []string{"g"}},
		{"all in a namespace", `{"model":"m",` + tools + `}`, `{"model":"m","tools":[{"type":"function","name":"f"},{"type":"web_search"}]}`, []string{"g", "h"}},
		{"all", `{"model":"m",` + tools + `,"tool_choice":"auto","parallel_tool_calls":true}`, `{"model":"m"}`, []string{"f", "g", "h", "web_search"}},
		{"what a search found", `{"model":"m","input":[{"type":"tool_search_output","tools":[{"type":"function","name":"f"},{"type":"function","name":"i"}]}]}`, `{"model":"m","input":[{"type":"tool_search_output","tools":[{"type":"function","name":"i"}]}]}`, []string{"f"}},
		{"among those allowed", `{"model":"m",` + tools + `,"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"f"},{"type":"web_search"}]}}`, `{"model":"m","tools":[{"type":"function","name":"f"},{"type":"namespace","name":"ns","tools":[{"type":"function","name":"g"},{"type":"function","name":"h"}]}],"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"f"}]}}`, []string{"web_search"}},
		{"all that are allowed", `{"model":"m",` + tools + `,"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"web_search"}]}}`, `{"model":"m","tools":[{"type":"function","name":"f"},{"type":"namespace","name":"ns","tools":[{"type":"function","name":"g"},{"type":"function","name":"h"}]}],"tool_choice":"none"}`, []string{"web_search"}},
		{"a forced one", `{"model":"m",` + tools + `,"tool_choice":{"type":"function","name":"f"}}`, "tool_choice: insists on a tool that is hidden", []string{"f"}},
		{"a forced one of the provider's", `{"model":"m",` + tools + `,"tool_choice":{"type":"web_search"}}`, "tool_choice: insists on a tool that is hidden", []string{"web_search"}},
		{"some must be called", `{"model":"m","tools":[{"type":"function","name":"f"}],"tool_choice":"required"}`, "tool_choice: insists on a tool that is hidden", []string{"f"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := ask(t, tt.body).HideTools([]byte(tt.body), hide(tt.hide...))
			got := string(out)
			if err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	body := []byte(`{"model" : "m","input":"h\u0069"}`)
	if out, err := ask(t, string(body)).ForceModel(body, "n"); err != nil || string(out) != `{"model" : "n","input":"h\u0069"}` {
		t.Errorf("%s, %v", out, err)
	}
}

// TestAConversationHasNoModel: none can be forced upon it.
func TestAConversationHasNoModel(t *testing.T) {
	body := []byte(`{"items":[]}`)
	r, err := readAsk(wire.Incoming{Body: body}, askKind{input: "items", noModel: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.ForceModel(body, "n"); err == nil {
		t.Error("a model was forced")
	}
}

// TestCodex: what the agent sends is understood, its nested tools by name.
func TestCodex(t *testing.T) {
	all, err := recordings.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		if !strings.HasPrefix(r.ID, "codex") || r.Request == nil {
			continue
		}
		req := ask(t, r.Request.Body)
		if !slices.Contains(req.Tools(), "close_agent") || !slices.Contains(req.Tools(), "web_search") || len(req.Unscanned()) > 0 {
			t.Errorf("%s: %q, %q", r.ID, req.Tools(), req.Unscanned())
		}
	}
}
