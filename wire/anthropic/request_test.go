package anthropic

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/openai"
	"github.com/headgate/headgate/wire/strictjson"
)

// facts is what a request says, as a gate sees it.
type facts struct {
	Model     string
	Stream    bool
	Tools     []string
	Unscanned []string
	Texts     []string // "place: text"
}

func factsOf(t *testing.T, body string) facts {
	t.Helper()
	r, err := Messages{}.Request(wire.Incoming{Body: []byte(body)})
	if err != nil {
		t.Fatalf("Request(%s): %v", body, err)
	}
	f := facts{Model: r.Model(), Stream: r.Stream(), Tools: r.Tools(), Unscanned: r.Unscanned()}
	for _, x := range r.Texts() {
		mark := ""
		if x.Result {
			mark = " (result)"
		}
		f.Texts = append(f.Texts, x.Place.String()+mark+": "+string(strictjson.Unescape(nil, []byte(body)[x.Start:x.End])))
	}
	return f
}

// user is a request with one message of a user.
func user(content string) string {
	return `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":` + content + `}]}`
}

func TestRequestFacts(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       facts
	}{
		{"a plain prompt", user(`"Hello"`), facts{Model: "m", Texts: []string{"messages[0].text: Hello"}}},
		{
			"the system text is the first message, wherever it stands",
			`{"stream":true,"messages":[{"role":"user","content":"Hi"}],"model":"m","system":[{"type":"text","text":"Be","cache_control":{"type":"ephemeral","ttl":"5m"}},{"type":"text","text":"brief"}]}`,
			facts{Model: "m", Stream: true, Texts: []string{"messages[0].text: Be", "messages[0].text: brief", "messages[1].text: Hi"}},
		},
		{"an empty system text is none", `{"model":"m","system":"","messages":[]}`, facts{Model: "m"}},
		{
			"tools of every kind, in order",
			`{"model":"m","messages":[],"mcp_servers":[{"type":"url","name":"wiki","url":"https://w.test","authorization_token":"tok","tool_configuration":{"allowed_tools":["a"]}}],` +
				`"tools":[{"name":"f","description":"does f","input_schema":{"type":"object","properties":{"x":{"type":"string","description":"an x"}}}},{"type":"custom","name":"c"},` +
				`{"type":"web_search_20250305","name":"web_search","allowed_domains":["d.test"]},{"type":"mcp_toolset","mcp_server_name":"wiki"}]}`,
			facts{
				Model: "m", Tools: []string{"f", "c", "web_search", "mcp:wiki", "mcp:wiki"}, Unscanned: []string{"remote_url"},
				Texts: []string{"tools[0].description: does f", "tools[0].description: an x", "tools[2].description: d.test", "mcp_servers[0]: https://w.test", "mcp_servers[0]: a"},
			},
		},
		{
			"earlier calls and results, each result a message",
			`{"model":"m","messages":[{"role":"assistant","content":[{"type":"text","text":"see"},{"type":"tool_use","id":"1","name":"f","input":{"id":"a","n":[1,{"type":"b"}]}}]},` +
				`{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":"found"},{"type":"tool_result","tool_use_id":"2","is_error":true,"content":[{"type":"text","text":"x"},{"type":"tool_reference","tool_name":"g"}]},{"type":"tool_result","tool_use_id":"3"},{"type":"text","text":"and"}]}]}`,
			facts{Model: "m", Texts: []string{
				"messages[0].text: see", "messages[0].tool_calls: a", "messages[0].tool_calls: b", "messages[1].text (result): found",
				"messages[2].text (result): x", "messages[2].text (result): g", "messages[4].text: and",
			}},
		},
		{
			"media and documents",
			user(`[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="}},{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"AA=="},"title":"T","context":"C"},` +
				`{"type":"document","source":{"type":"text","media_type":"text/plain","data":"words"}},{"type":"document","source":{"type":"content","content":[{"type":"text","text":"more"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="}}]}}]`),
			facts{Model: "m", Unscanned: []string{"binary", "image"}, Texts: []string{"messages[0].text: T", "messages[0].text: C", "messages[0].text: words", "messages[0].text: more"}},
		},
		{
			"what the provider would fetch, or holds",
			user(`[{"type":"image","source":{"type":"url","url":"https://x.test"}},{"type":"image","source":{"type":"file","file_id":"f"}},{"type":"container_upload","file_id":"f"}]`),
			facts{Model: "m", Unscanned: []string{"file_id", "remote_url"}, Texts: []string{"messages[0].text: https://x.test"}},
		},
		{
			"a result that holds media",
			user(`[{"type":"tool_result","tool_use_id":"1","content":[{"type":"image","source":{"type":"url","url":"https://x.test"}}]}]`),
			facts{Model: "m", Unscanned: []string{"remote_url"}, Texts: []string{"messages[0].text (result): https://x.test"}},
		},
		{
			"signed thinking is left alone, other thinking is text",
			`{"model":"m","messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"a","signature":"c2ln"},{"type":"redacted_thinking","data":"zz"},{"type":"thinking","thinking":"b","signature":""}]}]}`,
			facts{Model: "m", Unscanned: []string{"opaque_echo"}, Texts: []string{"messages[0].text: b"}},
		},
		{
			"thinking of anybody else's is text, signed or not",
			user(`[{"type":"thinking","thinking":"a","signature":"c2ln"},{"type":"tool_result","tool_use_id":"1","content":[{"type":"thinking","thinking":"b","signature":"c2ln"}]}]`),
			facts{Model: "m", Unscanned: []string{"opaque_echo"}, Texts: []string{"messages[0].text: a", "messages[1].text (result): b"}},
		},
		{
			"blocks of the provider's tools are words",
			`{"model":"m","messages":[{"role":"assistant","content":[{"type":"server_tool_use","id":"1","name":"web_search","input":{"id":"q"}},{"type":"web_search_tool_result","tool_use_id":"1","content":[{"type":"web_search_result","title":"T","url":"https://x.test","encrypted_content":"zz"}]},` +
				`{"type":"code_execution_tool_result","tool_use_id":"2","content":{"type":"code_execution_result","stdout":"out","content":[{"type":"code_execution_output","file_id":"f"}]}},{"type":"web_fetch_tool_result","tool_use_id":"3","content":{"type":"web_fetch_result","content":{"type":"document","source":{"type":"text","data":"page"}}}},{"type":"hologram","beam":["w"]}]}]}`,
			facts{Model: "m", Unscanned: []string{"file_id", "opaque_echo"}, Texts: []string{
				"messages[0].text: web_search", "messages[0].text: q", "messages[0].text: T", "messages[0].text: https://x.test", "messages[0].text: out", "messages[0].text: page", "messages[0].text: w",
			}},
		},
		{
			"members beside those of a block and of a message",
			`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a","note":"b","citations":[{"type":"char_location","cited_text":"c"}]},{"type":"text","text":"d"}],"name":"e"},{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"f","input":{},"caller":{"type":"direct"},"note":"g"}]}]}`,
			facts{Model: "m", Texts: []string{"messages[0].text: a", "messages[0].text: d", "messages[0].text: b", "messages[0].text: c", "messages[0].text: e", "messages[1].tool_calls: g"}},
		},
		{
			"other fields of the request hold words too",
			`{"model":"m","messages":[],"metadata":{"user_id":"u","id":"v"},"stop_sequences":["end"],"tool_choice":{"type":"tool","name":"f"},"cache_control":{"type":"ephemeral"},"unheard":{"of":"w"},"container":{"id":"c","skills":[{"type":"custom","skill_id":"s","version":"1"}]}}`,
			facts{Model: "m", Unscanned: []string{"file_id", "stored_prompt"}, Texts: []string{"metadata: u", "metadata: v", "stop_sequences: end", "unheard: w", "container: s", "container: 1"}},
		},
		{"a container is a place of files", `{"model":"m","messages":[],"container":"c"}`, facts{Model: "m", Unscanned: []string{"file_id"}}},
		{"no container", `{"model":"m","messages":[],"container":null,"tools":null,"mcp_servers":null,"system":null}`, facts{Model: "m"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, factsOf(t, tt.body)); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRequestRefuses(t *testing.T) {
	with := func(member string) string { return `{"model":"m","messages":[],` + member + `}` }
	for _, tt := range []struct{ name, body, want string }{
		{"an array", `[]`, "the body is not a JSON object"},
		{"no model", `{"messages":[]}`, "model: must be a string that names a model"},
		{"a model beside the first", with(`"Model":"n"`), "key differs from a known field by case"},
		{"models to fall back to", with(`"fallbacks":[{"model":"n"}]`), "fallbacks: a request names its model in one place"},
		{"a tool with a model of its own", with(`"tools":[{"type":"advisor_20260301","name":"advisor","model":"n"}]`), "tools[0].model: a request names its model in one place"},
		{"two models", with(`"mod\u0065l":"n"`), "duplicate key"},
		{"a stream flag that is a string", with(`"stream":"true"`), "stream: must be true or false"},
		{"messages that are an object", `{"model":"m","messages":{}}`, "messages: must be an array"},
		{"a system text that is a number", with(`"system":1`), "system: must be a string or an array"},
		{"a system block without text", with(`"system":[{"type":"text"}]`), "system: a text block must hold a string"},
		{"a message that is a string", `{"model":"m","messages":["x"]}`, "messages[0]: must be an object"},
		{"a message without a role", `{"model":"m","messages":[{"content":"x"}]}`, "messages[0].role: must be a string"},
		{"a message whose Content differs by case", `{"model":"m","messages":[{"role":"user","Content":"x"}]}`, "messages[0]: key differs from a known field by case"},
		{"content that is a number", user(`1`), "messages[0].content: must be a string or an array"},
		{"a block that is a string", user(`["x"]`), "messages[0].content[0]: must be an object"},
		{"a block without a type", user(`[{"text":"x"}]`), "messages[0].content[0].type: must be a string"},
		{"a block whose Text differs by case", user(`[{"type":"text","Text":"x"}]`), "messages[0].content[0]: key differs from a known field by case"},
		{"an image without a source", user(`[{"type":"image"}]`), "media without a known source"},
		{"an image from nobody knows where", user(`[{"type":"image","source":{"type":"ftp","url":"x"}}]`), "media without a known source"},
		{"a source of another kind than it says", user(`[{"type":"image","source":{"type":"url","data":"x"}}]`), "media without a known source"},
		{"a call without a name", user(`[{"type":"tool_use","id":"1","input":{}}]`), "a call must name its tool"},
		{"a call whose input is a string", user(`[{"type":"tool_use","id":"1","name":"f","input":"{}"}]`), "a call's input must be an object"},
		{"a result that is a number", user(`[{"type":"tool_result","tool_use_id":"1","content":1}]`), "messages[0].content[0].content: must be a string or an array"},
		{"a result's block that is a string", user(`[{"type":"tool_result","tool_use_id":"1","content":["x"]}]`), "messages[0].content[0].content[0]: must be an object"},
		{"a tool without a name", with(`"tools":[{"type":"custom"}]`), "tools[0].name: must be a string"},
		{"tools that are an object", with(`"tools":{}`), "tools: must be an array"},
		{"a tool that is a string", with(`"tools":["f"]`), "tools[0]: must be an object"},
		{"more tools than anybody offers", with(`"tools":[` + strings.Repeat(`{"name":"x"},`, 1024) + `{"name":"x"}]`), "tools: too many tools"},
		{"a server without a name", with(`"mcp_servers":[{"url":"x"}]`), "mcp_servers[0].name: must be a string"},
		{"servers that are an object", with(`"mcp_servers":{}`), "mcp_servers: must be an array"},
		{"a container that is a number", with(`"container":1`), "container: must be a string or an object"},
		{"trailing bytes", with(`"x":1`) + `{}`, "trailing data"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Messages{}.Request(wire.Incoming{Body: []byte(tt.body)})
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q, want it to contain %q", err, tt.want)
			}
		})
	}
}

func messagesOf(t *testing.T, c wire.ChatCodec, body string) string {
	t.Helper()
	r, err := c.Request(wire.Incoming{Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	return string(r.Messages())
}

// TestOneConversationHasOneHash: whichever dialect carries it.
func TestOneConversationHasOneHash(t *testing.T) {
	for _, tt := range []struct{ name, anthropic, openai string }{
		{
			"words",
			`{"model":"m","system":"Be brief","messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"text","text":"Yes?"}]},{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}`,
			`{"model":"n","messages":[{"role":"system","content":"Be brief"},{"role":"user","content":"Hi"},{"role":"assistant","content":"Yes?"},{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}`,
		},
		{
			"calls and results",
			`{"model":"m","messages":[{"role":"user","content":"Go"},{"role":"assistant","content":[{"type":"text","text":"see"},{"type":"tool_use","id":"1","name":"f","input":{"b":1.0,"a":"x"}},{"type":"tool_use","id":"2","name":"g","input":{}}]},` +
				`{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":"r"},{"type":"tool_result","tool_use_id":"2","content":[{"type":"text","text":"s"}]},{"type":"text","text":"and?"}]}]}`,
			`{"model":"m","messages":[{"role":"user","content":"Go"},{"role":"assistant","content":"see","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"a\": \"x\", \"b\": 1}"}},{"id":"2","type":"function","function":{"name":"g","arguments":"{}"}}]},` +
				`{"role":"tool","tool_call_id":"1","content":"r"},{"role":"tool","tool_call_id":"2","content":"s"},{"role":"user","content":"and?"}]}`,
		},
	} {
		a, o := messagesOf(t, Messages{}, tt.anthropic), messagesOf(t, openai.Chat{}, tt.openai)
		if diff := cmp.Diff(o, a); diff != "" {
			t.Errorf("%s (-openai +anthropic):\n%s", tt.name, diff)
		}
	}
}

// TestMessagesHashVector is the test vector of messages_hash.
func TestMessagesHashVector(t *testing.T) {
	for _, content := range []string{`"hi"`, `[{"type":"text","text":"hi"}]`} {
		sum := sha256.Sum256([]byte(messagesOf(t, Messages{}, user(content))))
		if got, want := hex.EncodeToString(sum[:]), "1407317499301e010711f113b3deab38590ed367cf5ac50b9b464c5532b0bd2c"; got != want {
			t.Errorf("%s: %s", content, got)
		}
	}
}

// TestMessagesHoldWhatIsNoText: policies read the words of documents and of
// the provider's tools; of media and thinking the hash stands in their place.
func TestMessagesHoldWhatIsNoText(t *testing.T) {
	got := messagesOf(t, Messages{}, `{"model":"m","messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"document","source":{"type":"text","data":"words"}},{"type":"image","source":{"type":"base64","data":"AA=="}},{"type":"text","text":"a"}]}]}`)
	for _, want := range []string{`"text":"words\na"`, `"type":"thinking"}`, `"text":"words","type":"file"}`, `"type":"image"}`, `{"text":"a","type":"text"}`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s lacks %s", got, want)
		}
	}
	if theirs := messagesOf(t, Messages{}, user(`[{"type":"thinking","thinking":"t","signature":"s"}]`)); !strings.Contains(theirs, `"text":"t"`) {
		t.Errorf("thinking that is not the assistant's is not text: %s", theirs)
	}
	if empty := messagesOf(t, Messages{}, user(`[]`)); empty != `[{"parts":[],"role":"user","text":"","tool_calls":[],"tool_results":[]}]` {
		t.Errorf("a message without blocks is %s", empty)
	}
}

func TestResultsFindTheirCalls(t *testing.T) {
	r, err := Messages{}.Request(wire.Incoming{Body: []byte(`{"model":"m","messages":[
		{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"f","input":{"n": 1}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":"old"}]},
		{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"g","input":{}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":[{"type":"text","text":"new"},{"type":"document","source":{"type":"text","data":"er"}}]},{"type":"tool_result","tool_use_id":"9","content":"orphan"},{"type":"text","text":"hm"}]}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, res := range r.Results() {
		got = append(got, fmt.Sprintf("%s(%s)=%q latest=%v texts=%d", res.Tool, res.Args, res.Text, res.Latest, len(res.Texts)))
		for _, i := range res.Texts {
			if !r.Texts()[i].Result {
				t.Errorf("text %d is not marked as a result", i)
			}
		}
	}
	want := []string{`f({"n":1})="old" latest=false texts=1`, `g({})="new\ner" latest=true texts=2`, `()="orphan" latest=true texts=1`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestForceModel(t *testing.T) {
	for _, body := range []string{
		`{"model":"a","messages":[],"metadata":{"model":"b"}}`,
		`{"messages":[], "mod\u0065l" : "a" }`,
	} {
		r, err := Messages{}.Request(wire.Incoming{Body: []byte(body)})
		if err != nil {
			t.Fatal(err)
		}
		out, err := r.ForceModel([]byte(body), `safe-1 "x"`)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := (Messages{}).Request(wire.Incoming{Body: out}); err != nil || again.Model() != `safe-1 "x"` {
			t.Errorf("%s -> %s: %v", body, out, err)
		}
	}
}

func TestHideTools(t *testing.T) {
	const tools = `"tools":[{"name":"a"},{"type":"web_search_20250305","name":"web_search"},{"type":"mcp_toolset","mcp_server_name":"w"}],"mcp_servers":[{"name":"w","url":"u"},{"name":"v","url":"u"}]`
	for _, tt := range []struct {
		name, body string
		hide       []string
		want, err  string
	}{
		{"none of them", `{"model":"m",` + tools + `,"messages":[]}`, []string{"b"}, `{"model":"m",` + tools + `,"messages":[]}`, ""},
		{"a tool of the provider's", `{"model":"m","tools":[{"name":"a"},{"type":"web_search_20250305","name":"web_search"}],"messages":[]}`, []string{"web_search"}, `{"model":"m","tools":[{"name":"a"}],"messages":[]}`, ""},
		{"a server and its tools", `{"model":"m",` + tools + `,"messages":[]}`, []string{"mcp:w", "a", "web_search"}, `{"model":"m","mcp_servers":[{"name":"v","url":"u"}],"messages":[]}`, ""},
		{"all of them", `{"model":"m",` + tools + `,"tool_choice":{"type":"auto"},"messages":[]}`, []string{"a", "web_search", "mcp:w", "mcp:v"}, `{"model":"m","messages":[]}`, ""},
		{"the one that is insisted on", `{"model":"m",` + tools + `,"tool_choice":{"type":"tool","name":"a"},"messages":[]}`, []string{"a"}, "", "tool_choice: insists on a tool that is hidden"},
		{"all where one is insisted on", `{"model":"m","tools":[{"name":"a"}],"tool_choice":{"type":"any"},"messages":[]}`, []string{"a"}, "", "tool_choice: insists on a tool, and all are hidden"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Messages{}.Request(wire.Incoming{Body: []byte(tt.body)})
			if err != nil {
				t.Fatal(err)
			}
			out, err := r.HideTools([]byte(tt.body), func(name string) bool {
				for _, h := range tt.hide {
					if h == name {
						return true
					}
				}
				return false
			})
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Errorf("error %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil || string(out) != tt.want {
				t.Errorf("got %s, %v\nwant %s", out, err, tt.want)
			}
		})
	}
}
