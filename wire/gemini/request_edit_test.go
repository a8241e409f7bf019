package gemini

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

func TestResults(t *testing.T) {
	const body = `{"contents":[` +
		`{"role":"model","parts":[{"functionCall":{"id":"1","name":"f","args":{"a":1}}},{"functionCall":{"name":"g","args":{"b":1}}},{"functionCall":{"name":"g","args":{"b":2}}}]},` +
		`{"role":"user","parts":[{"functionResponse":{"id":"1","name":"f","response":{"output":"one"}}},{"functionResponse":{"name":"g","response":{"result":{"x":"two"}}}},{"functionResponse":{"name":"g","response":{"error":"three"}}}]},` +
		`{"role":"model","parts":[{"text":"hm"},{"functionCall":{"name":"g","args":{"b":3}}}]},` +
		`{"role":"function","parts":[{"functionResponse":{"name":"g","response":{"content":["four",5]}}},{"functionResponse":{"name":"h"}}]}]}`
	r, err := GenerateContent{}.Request(incoming(body))
	if err != nil {
		t.Fatal(err)
	}
	type result struct {
		ID, Tool, Args, Text, Said string
		Latest                     bool
	}
	var got []result
	for _, x := range r.Results() {
		var said []string
		for _, i := range x.Texts {
			text := r.Texts()[i]
			if !text.Result {
				t.Errorf("%v is not marked as a result", text)
			}
			said = append(said, string(strictjson.Unescape(nil, []byte(body)[text.Start:text.End])))
		}
		got = append(got, result{x.CallID, x.Tool, string(x.Args), x.Text, strings.Join(said, " "), x.Latest})
	}
	want := []result{
		{"1", "f", `{"a":1}`, "one", "one", false},
		{"", "g", `{"b":1}`, `{"x":"two"}`, "two", false},
		{"", "g", `{"b":2}`, `{"error":"three"}`, "three", false},
		{"", "g", `{"b":3}`, `{"content":["four",5]}`, "four", true},
		{"", "h", "", "", "", true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

// TestTextGroups: the text parts of one message are read as one, and thoughts
// as another.
func TestTextGroups(t *testing.T) {
	r, err := GenerateContent{}.Request(incoming(`{"contents":[{"parts":[{"text":"a"},{"text":"b","thought":true},{"text":"c"}]},{"parts":[{"text":"d"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	var groups []int
	for _, x := range r.Texts() { // a, c, b, d
		groups = append(groups, x.Group)
	}
	if len(groups) != 4 || groups[0] == 0 || groups[0] != groups[1] || len(slices.Compact(slices.Sorted(slices.Values(groups)))) != 3 {
		t.Errorf("groups %v", groups)
	}
}

func TestForceModel(t *testing.T) {
	for _, tt := range []struct {
		codec      wire.ChatCodec
		body, want string
	}{
		{GenerateContent{}, `{"contents": []}`, `{"contents": []}`},
		{GenerateContent{}, `{"model" : "models/m", "contents": []}`, `{"model" : "models/n", "contents": []}`},
		{CountTokens{}, `{"model":"projects/p/locations/l/publishers/google/models/m","contents":[]}`, `{"model":"projects/p/locations/l/publishers/google/models/n","contents":[]}`},
		{CountTokens{}, `{"generate_content_request":{"model":"models/m","contents":[]}}`, `{"generate_content_request":{"model":"models/n","contents":[]}}`},
		{BatchEmbedContents{}, `{"requests":[{"model":"models/m","content":{}},{"content":{},"model":"m"}]}`, `{"requests":[{"model":"models/n","content":{}},{"content":{},"model":"n"}]}`},
	} {
		r, err := tt.codec.Request(incoming(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		out, err := r.ForceModel([]byte(tt.body), "n")
		if err != nil || string(out) != tt.want {
			t.Errorf("%s: %s, %v", tt.body, out, err)
		}
	}
	r, err := GenerateContent{}.Request(wire.Incoming{Params: wire.Params{tuned: "t"}, Body: []byte(`{"contents":[]}`)})
	if err != nil || r.Model() != "tunedModels/t" {
		t.Fatalf("%v", err)
	}
	if _, err := r.ForceModel([]byte(`{"contents":[]}`), "n"); err == nil {
		t.Error("a tuned model is replaced")
	}
}

func TestHideTools(t *testing.T) {
	for _, tt := range []struct{ name, hide, body, want string }{
		{
			"one of two functions", "f",
			`{"tools": [ {"functionDeclarations": [{"name":"f"}, {"name": "g"}]} ], "contents": []}`,
			`{"tools": [{"functionDeclarations":[{"name": "g"}]}], "contents": []}`,
		},
		{
			"all functions, but not the search", "f",
			`{"contents":[],"tools":[{"function_declarations":[{"name":"f"}]},{"google_search": {}}],"toolConfig":{"functionCallingConfig":{"mode":"AUTO"},"retrievalConfig":{}}}`,
			`{"contents":[],"tools":[{"google_search": {}}],"toolConfig":{"retrievalConfig":{}}}`,
		},
		{
			"all tools", "f googleSearch mcp:wiki",
			`{"tools":[{"functionDeclarations":{"name":"f"},"googleSearch":{}},{"mcpServers":[{"name":"wiki"}]}],"contents":[],"toolConfig":{"functionCallingConfig":{}}}`,
			`{"contents":[],"toolConfig":{}}`,
		},
		{
			"one object where a list belongs", "urlContext",
			`{"contents":[],"tools":{"urlContext":{},"codeExecution":{}}}`,
			`{"contents":[],"tools":[{"codeExecution":{}}]}`,
		},
		{
			"one of the servers", "mcp:a",
			`{"contents":[],"tools":[{"mcp_servers":[{"name":"a"},{"name":"b"}]}]}`,
			`{"contents":[],"tools":[{"mcp_servers":[{"name":"b"}]}]}`,
		},
		{
			"a name that may be called", "f",
			`{"contents":[],"tools":[{"functionDeclarations":[{"name":"f"},{"name":"g"}]}],"tool_config":{"function_calling_config":{"mode":"ANY","allowed_function_names":["f","g"]}}}`,
			`{"contents":[],"tools":[{"functionDeclarations":[{"name":"g"}]}],"tool_config":{"function_calling_config":{"mode":"ANY","allowed_function_names":["g"]}}}`,
		},
		{
			"inside of a count", "f",
			`{"generateContentRequest":{"contents":[],"tools":[{"functionDeclarations":[{"name":"f"}]}]}}`,
			`{"generateContentRequest":{"contents":[]}}`,
		},
		{
			"nothing", "x",
			`{"contents":[],"tools":[{"functionDeclarations":[{"name":"f"}]}],"toolConfig":{"functionCallingConfig":{"allowedFunctionNames":["x"]}}}`,
			`{"contents":[],"tools":[{"functionDeclarations":[{"name":"f"}]}],"toolConfig":{"functionCallingConfig":{"allowedFunctionNames":["x"]}}}`,
		},
		{"the one that may be called", "f", `{"contents":[],"tools":[{"functionDeclarations":[{"name":"f"},{"name":"g"}]}],"toolConfig":{"functionCallingConfig":{"allowedFunctionNames":["f"]}}}`, ""},
		{"all where one must be called", "f", `{"contents":[],"tools":[{"functionDeclarations":[{"name":"f"}]},{"googleSearch":{}}],"toolConfig":{"functionCallingConfig":{"mode":"any"}}}`, ""},
		{"all where one must be called, in numbers", "f", `{"contents":[],"tools":[{"functionDeclarations":[{"name":"f"}]}],"toolConfig":{"functionCallingConfig":{"mode":2}}}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := CountTokens{}.Request(incoming(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			hide := func(name string) bool { return slices.Contains(strings.Fields(tt.hide), name) }
			out, err := r.HideTools([]byte(tt.body), hide)
			if (err == nil) != (tt.want != "") || string(out) != tt.want {
				t.Fatalf("%v\n got %s\nwant %s", err, out, tt.want)
			}
			if err != nil {
				return
			}
			again, err := CountTokens{}.Request(incoming(string(out)))
			if err != nil || slices.ContainsFunc(again.Tools(), hide) {
				t.Errorf("read again: %v", err)
			}
		})
	}
}
