package openai

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/wire"
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
	r, err := Chat{}.Request(wire.Incoming{Body: []byte(body)})
	if err != nil {
		t.Fatalf("Request(%s): %v", body, err)
	}
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

func TestRequestFacts(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       facts
	}{
		{
			"a plain prompt",
			`{"model":"m","messages":[{"role":"user","content":"Hello"}]}`,
			facts{Model: "m", Texts: []string{"messages[0].text: Hello"}},
		},
		{
			"system text, parts, a name and a stream",
			`{"stream":true,"model":"m","messages":[{"role":"developer","content":"Be brief"},{"role":"user","name":"bob","content":[{"type":"text","text":"a\u00e9"},{"type":"text","text":"b"}]}]}`,
			facts{Model: "m", Stream: true, Texts: []string{"messages[0].text: Be brief", "messages[1].name: bob", "messages[1].text: aé", "messages[1].text: b"}},
		},
		{
			"tools of every kind, in order",
			`{"model":"m","messages":[],"tools":[{"type":"function","function":{"name":"f","description":"does f","parameters":{"type":"object","properties":{"x":{"type":"string","description":"an x"}}}}},{"type":"custom","custom":{"name":"c"}},{"type":"mcp"}],"functions":[{"name":"old"}],"web_search_options":{},"plugins":[{"id":"web"}]}`,
			facts{Model: "m", Tools: []string{"f", "c", "mcp", "old", "web_search", "web"}, Texts: []string{"tools[0].description: does f", "tools[0].description: an x"}},
		},
		{
			"earlier calls and results",
			`{"model":"m","messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"id":"2","type":"custom","custom":{"name":"g","input":"free"}}]},{"role":"tool","tool_call_id":"1","content":"found"}]}`,
			facts{Model: "m", Texts: []string{`messages[0].tool_calls (json): {"a":1}`, "messages[0].tool_calls: free", "messages[1].text (result): found"}},
		},
		{
			"what cannot be looked into is a fact",
			`{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x.test/i.png"}},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}},{"type":"input_audio","input_audio":{"data":"AA==","format":"wav"}},{"type":"file","file":{"file_id":"f1"}},{"type":"file","file":{"file_data":"AA==","filename":"a.pdf"}}]},{"role":"assistant","audio":{"id":"a1"}},{"role":"assistant","content":"x","reasoning_details":[{"type":"reasoning.encrypted","data":"zzz"}]}]}`,
			facts{
				Model: "m", Unscanned: []string{"audio", "binary", "file_id", "image", "opaque_echo", "remote_url"},
				Texts: []string{"messages[0].text: a.pdf", "messages[2].text: x"},
			},
		},
		{
			"other fields of the request hold words too",
			`{"model":"m","messages":[],"user":"alice@example.com","metadata":{"k":"v"},"prediction":{"type":"content","content":"guess"},"stop":["end"],"tool_choice":{"type":"function","function":{"name":"f"}}}`,
			facts{Model: "m", Texts: []string{"user: alice@example.com", "metadata: v", "prediction: guess", "stop: end"}},
		},
		{
			"metadata is words under any name",
			`{"model":"m","messages":[],"metadata":{"id":"a","type":"b","role":{"url":"c"}}}`,
			facts{Model: "m", Texts: []string{"metadata: a", "metadata: b", "metadata: c"}},
		},
		{
			"members beside those of a content part",
			`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a","note":"b","image_url":"c"},{"type":"text","text":"d"}]},{"role":"tool","tool_call_id":"1","content":[{"type":"text","text":"e","note":"f"}]}]}`,
			facts{Model: "m", Texts: []string{
				"messages[0].text: a", "messages[0].text: d", "messages[0].text: b", "messages[0].text: c",
				"messages[1].text (result): e", "messages[1].text (result): f",
			}},
		},
		{
			"members inside a picture",
			`{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:,","detail":"low","note":"a","alt":{"text":"b"}}}]}]}`,
			facts{Model: "m", Texts: []string{"messages[0].text: a", "messages[0].text: b"}, Unscanned: []string{"image"}},
		},
		{
			"members beside those of a call",
			`{"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"1","type":"function","note":"a","function":{"name":"f","arguments":"{}","summary":"b"},"custom":null}]}]}`,
			facts{Model: "m", Texts: []string{"messages[0].tool_calls: b", "messages[0].tool_calls (json): {}", "messages[0].tool_calls: a"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, factsOf(t, tt.body)); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRequestRefuses(t *testing.T) {
	msg := func(m string) string { return `{"model":"m","messages":[` + m + `]}` }
	for _, tt := range []struct{ name, body, want string }{
		{"an array", `[]`, "the body is not a JSON object"},
		{"no model", `{"messages":[]}`, "model: must be a string that names a model"},
		{"a model that is a number", `{"model":1,"messages":[]}`, "model: must be a string that names a model"},
		{"a second model beside the first", `{"model":"m","Model":"n","messages":[]}`, "key differs from a known field by case"},
		{"messages with a long s (U+017F)", `{"model":"m","me` + "ſ" + `sages":[],"messages":[]}`, "key differs from a known field by case"},
		{"a list of fallback models", `{"model":"m","models":["n"],"messages":[]}`, "models: a request names its model in one place"},
		{"two models", `{"model":"m","model":"n","messages":[]}`, "duplicate key"},
		{"two models, one escaped", `{"model":"m","mod\u0065l":"n","messages":[]}`, "duplicate key"},
		{"a stream flag that is a string", `{"model":"m","stream":"true","messages":[]}`, "stream: must be true or false"},
		{"messages that are an object", `{"model":"m","messages":{}}`, "messages: must be an array"},
		{"a message that is a string", msg(`"x"`), "messages[0]: must be an object"},
		{"a message without a role", msg(`{"content":"x"}`), "messages[0].role: must be a string"},
		{"a message whose Content differs by case", msg(`{"role":"user","Content":"x"}`), "messages[0]: key differs from a known field by case"},
		{"content that is a number", msg(`{"role":"user","content":1}`), "messages[0].content: must be a string or an array"},
		{"an unknown part", msg(`{"role":"user","content":[{"type":"hologram"}]}`), "messages[0].content[0]: unknown type of content part"},
		{"a text part without text", msg(`{"role":"user","content":[{"type":"text"}]}`), "messages[0].content[0]: must hold a string"},
		{"media without a source", msg(`{"role":"user","content":[{"type":"image_url","image_url":{}}]}`), "messages[0].content[0]: media without a known source"},
		{"arguments that are an object", msg(`{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f","arguments":{}}}]}`), "a call's arguments must be a string"},
		{"a call without a name", msg(`{"role":"assistant","tool_calls":[{"id":"1","function":{"arguments":""}}]}`), "a call must name its tool"},
		{"a call of two kinds", msg(`{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f","arguments":"{}"},"custom":{"name":"g","input":"x"}}]}`), "must hold a function or a custom tool's call"},
		{"a call without a body", msg(`{"role":"assistant","tool_calls":[{"id":"1"}]}`), "must hold a function or a custom tool's call"},
		{"a tool without a name", `{"model":"m","messages":[],"tools":[{"type":"function","function":{}}]}`, "tools[0].function.name: must be a string"},
		{"tools that are an object", `{"model":"m","messages":[],"tools":{}}`, "tools: must be an array"},
		{"more tools than anybody offers", `{"model":"m","messages":[],"tools":[` + strings.Repeat(`{"type":"x"},`, 1024) + `{"type":"x"}]}`, "tools: too many tools"},
		{"trailing bytes", `{"model":"m","messages":[]}{}`, "trailing data"},
		{"a byte order mark", "\ufeff" + `{"model":"m","messages":[]}`, "byte order mark"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Chat{}.Request(wire.Incoming{Body: []byte(tt.body)})
			if err == nil {
				t.Fatalf("accepted, model %q", r.Model())
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q, want it to contain %q", err, tt.want)
			}
		})
	}
}

func TestMessagesAreNormalised(t *testing.T) {
	body := `{"model":"m","messages":[
		{"role":"developer","content":"Be brief"},
		{"role":"user","content":[{"type":"text","text":"Hi"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]},
		{"role":"assistant","content":"Looking","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"b\": 2, \"a\": 1}"}}]},
		{"role":"tool","tool_call_id":"c1","content":"42"}]}`
	r, err := Chat{}.Request(wire.Incoming{Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	const image = `{"sha256":"3f9ee43f3ccdecb1a9f0d3ff2e1d0dbcf0e7fbfbe9a6d06e3e6a2a0a3e4d1d57","type":"image"}`
	got := string(r.Messages())
	want := `[{"parts":[{"text":"Be brief","type":"text"}],"role":"system","text":"Be brief","tool_calls":[],"tool_results":[]},` +
		`{"parts":[{"text":"Hi","type":"text"},` + image + `],"role":"user","text":"Hi","tool_calls":[],"tool_results":[]},` +
		`{"parts":[{"text":"Looking","type":"text"}],"role":"assistant","text":"Looking","tool_calls":[{"args":{"a":1,"b":2},"id":"c1","name":"f"}],"tool_results":[]},` +
		`{"parts":[{"text":"42","type":"text"}],"role":"tool","text":"42","tool_calls":[],"tool_results":[{"id":"c1","text":"42"}]}]`
	if strip(got) != strip(want) {
		t.Errorf("messages\n got %s\nwant %s", got, want)
	}
	plain, err := Chat{}.Request(wire.Incoming{Body: []byte(`{"model":"m","messages":[{"role":"system","content":[{"type":"text","text":"Be brief"}]}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(got, strings.TrimSuffix(string(plain.Messages()), "]")) {
		t.Errorf("a system text in parts is not the same conversation as a developer's string")
	}
}

// TestMessagesHashVector is the test vector of messages_hash.
func TestMessagesHashVector(t *testing.T) {
	for _, content := range []string{`"hi"`, `[{"type":"text","text":"hi"}]`} {
		r, err := Chat{}.Request(wire.Incoming{Body: []byte(`{"model":"m","messages":[{"role":"user","content":` + content + `}]}`)})
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(r.Messages())
		if got, want := hex.EncodeToString(sum[:]), "1407317499301e010711f113b3deab38590ed367cf5ac50b9b464c5532b0bd2c"; got != want {
			t.Errorf("%s: %s", r.Messages(), got)
		}
	}
}

// strip takes the media's hashes out of a comparison of shapes.
func strip(s string) string {
	for {
		i := strings.Index(s, `"sha256":"`)
		if i < 0 {
			return s
		}
		s = s[:i] + s[i+len(`"sha256":"`)+65:]
	}
}

func TestResultsFindTheirCalls(t *testing.T) {
	body := `{"model":"m","messages":[
		{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f","arguments":"{\"n\":1}"}}]},
		{"role":"tool","tool_call_id":"1","content":"old"},
		{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"g","arguments":""}}]},
		{"role":"tool","tool_call_id":"1","content":[{"type":"text","text":"new"}]},
		{"role":"tool","tool_call_id":"9","content":"orphan"}]}`
	r, err := Chat{}.Request(wire.Incoming{Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, res := range r.Results() {
		got = append(got, fmt.Sprintf("%s(%s)=%s latest=%v texts=%d", res.Tool, res.Args, res.Text, res.Latest, len(res.Texts)))
	}
	want := []string{`f({"n":1})=old latest=false texts=1`, "g({})=new latest=true texts=1", "()=orphan latest=true texts=1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestForceModel(t *testing.T) {
	for _, body := range []string{
		`{"model":"a","messages":[],"metadata":{"model":"b"}}`,
		`{"messages":[], "mod\u0065l" : "a" }`,
		`{"messages":[{"role":"user","content":"\"model\":\"x\""}],"model":"a"}`,
	} {
		r, err := Chat{}.Request(wire.Incoming{Body: []byte(body)})
		if err != nil {
			t.Fatal(err)
		}
		out, err := r.ForceModel([]byte(body), `safe-1 "x"`)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Chat{}.Request(wire.Incoming{Body: out})
		if err != nil {
			t.Fatalf("%s -> %s: %v", body, out, err)
		}
		if again.Model() != `safe-1 "x"` {
			t.Errorf("%s -> %s", body, out)
		}
	}
}

func TestHideTools(t *testing.T) {
	const tools = `"tools":[{"type":"function","function":{"name":"a"}},{"type":"function","function":{"name":"b"}},{"type":"web_search"}]`
	for _, tt := range []struct {
		name, body string
		hide       []string
		want, err  string
	}{
		{"one of three", `{"model":"m","messages":[],` + tools + `}`, []string{"b"}, `{"model":"m","messages":[],"tools":[{"type":"function","function":{"name":"a"}},{"type":"web_search"}]}`, ""},
		{"all of them", `{"model":"m",` + tools + `,"tool_choice":"auto","messages":[]}`, []string{"a", "b", "web_search"}, `{"model":"m","messages":[]}`, ""},
		{"the one that is insisted on", `{"model":"m","messages":[],` + tools + `,"tool_choice":{"type":"function","function":{"name":"b"}}}`, []string{"b"}, "", "tool_choice: insists on a tool that is hidden"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Chat{}.Request(wire.Incoming{Body: []byte(tt.body)})
			if err != nil {
				t.Fatal(err)
			}
			out, err := r.HideTools([]byte(tt.body), func(n string) bool {
				for _, h := range tt.hide {
					if h == n {
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

func TestRefusals(t *testing.T) {
	for code, want := range map[wire.Code]string{
		wire.CodePolicyDenied:     `403 {"error":{"message":"no","type":"policy_denied","param":null,"code":"policy_denied"}}`,
		wire.CodeApprovalRequired: `403 {"error":{"message":"no","type":"policy_denied","param":null,"code":"approval_required"}}`,
		wire.CodeAuthentication:   `401 {"error":{"message":"no","type":"authentication_error","param":null,"code":"invalid_api_key"}}`,
		wire.CodeInvalidRequest:   `400 {"error":{"message":"no","type":"invalid_request_error","param":null,"code":"invalid_request"}}`,
		wire.CodeNotFound:         `404 {"error":{"message":"no","type":"invalid_request_error","param":null,"code":"not_found"}}`,
		wire.CodeUnavailable:      `503 {"error":{"message":"no","type":"server_error","param":null,"code":"unavailable"}}`,
		wire.CodeUpstreamTimeout:  `504 {"error":{"message":"no","type":"server_error","param":null,"code":"upstream_timeout"}}`,
	} {
		status, body := Dialect{}.Refuse(wire.Refusal{Code: code, Reason: "no"})
		if got := fmt.Sprintf("%d %s", status, body); got != want {
			t.Errorf("%s\n got %s\nwant %s", code, got, want)
		}
	}
}

// TestAPredictionIsText: what the client expects the model to say is sent to
// it, in either form.
func TestAPredictionIsText(t *testing.T) {
	for _, content := range []string{`"the launch code"`, `[{"type":"text","text":"the launch code"}]`} {
		body := []byte(`{"model":"m","messages":[],"prediction":{"type":"content","content":` + content + `}}`)
		r, err := Chat{}.Request(wire.Incoming{Body: body})
		if err != nil {
			t.Fatal(err)
		}
		texts := r.Texts()
		if len(texts) != 1 || string(body[texts[0].Start:texts[0].End]) != `"the launch code"` {
			t.Errorf("%s: texts %v", content, texts)
		}
		r.Release()
	}
}

// TestTheValuesInASchemaAreAnyJSON: words behind keys that are structure
// elsewhere are words there.
func TestTheValuesInASchemaAreAnyJSON(t *testing.T) {
	body := []byte(`{"model":"m","messages":[],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{
		"a":{"type":"string","default":{"id":"w1","data":"w2"},"examples":[{"type":"w3"}],"const":{"role":"w4"}}}}}}]}`)
	r, err := Chat{}.Request(wire.Incoming{Body: body})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	var got []string
	for _, x := range r.Texts() {
		got = append(got, string(body[x.Start:x.End]))
	}
	if want := []string{`"w1"`, `"w2"`, `"w3"`, `"w4"`}; !slices.Equal(got, want) {
		t.Errorf("texts %q, want %q", got, want)
	}
}
