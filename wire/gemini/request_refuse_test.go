package gemini

import (
	"strings"
	"testing"

	"github.com/headgate/headgate/wire"
)

func TestRequestRefuses(t *testing.T) {
	with := func(member string) string { return `{"contents":[],` + member + `}` }
	for _, tt := range []struct{ name, body, want string }{
		{"an array", `[]`, "the body is not a JSON object"},
		{"no contents", `{}`, "contents: must be an array"},
		{"contents that are a string", `{"contents":"hi"}`, "contents: must be an array"},
		{"a content that is a string", `{"contents":["hi"]}`, "contents[0]: must be an object"},
		{"Contents beside contents", with(`"Contents":[]`), "key differs from a known field by case"},
		{"two spellings", with(`"toolConfig":{},"tool_config":{}`), "a field in two spellings"},
		{"two spellings, one null", with(`"toolConfig":null,"tool_config":{}`), "a field in two spellings"},
		{"two spellings of a part's field", user(`{"functionCall":{"name":"f"},"function_call":{"name":"g"}}`), "contents[0].parts[0]: a field in two spellings"},
		{"another model than the path's", with(`"model":"models/n"`), "model: the body names another model than the path"},
		{"a model that is a number", with(`"model":1`), "model: the body names another model than the path"},
		{"a model to route to", with(`"generationConfig":{"routing_config":{"manualMode":{"modelName":"n"}}}`), "generationConfig: a request names its model in one place"},
		{"a second prompt", with(`"content":{}`), "content: the prompt of this endpoint has one place"},
		{"a prompt inside", with(`"generateContentRequest":{}`), "generateContentRequest: the prompt of this endpoint has one place"},
		{"a system text that is a string", with(`"systemInstruction":"Be"`), "systemInstruction: must be an object"},
		{"a system text whose parts are", with(`"systemInstruction":{"parts":"Be"}`), "systemInstruction.parts: must be an array"},
		{"a role that is a number", `{"contents":[{"role":1,"parts":[]}]}`, "contents[0].role: must be a string"},
		{"parts that are a string", `{"contents":[{"parts":"a"}]}`, "contents[0].parts: must be an array"},
		{"a part that is a string", user(`"a"`), "contents[0].parts[0]: must be an object"},
		{"a part of two things", user(`{"text":"a","inlineData":{"mimeType":"m","data":"AA=="}}`), "contents[0].parts[0]: a part must hold one thing"},
		{"a text that is a number", user(`{"text":1}`), "contents[0].parts[0].text: must be a string"},
		{"a Text beside the text", user(`{"text":"a","Text":"b"}`), "contents[0].parts[0]: key differs from a known field by case"},
		{"media without data", user(`{"inlineData":{"mimeType":"image/png"}}`), "media without data or type"},
		{"media without a type", user(`{"inlineData":{"data":"AA=="}}`), "media without data or type"},
		{"a file from nowhere", user(`{"fileData":{"mimeType":"image/png"}}`), "media without a known source"},
		{"a call without a name", user(`{"functionCall":{"args":{}}}`), "a call must name its tool"},
		{"a call whose args are a string", user(`{"functionCall":{"name":"f","args":"{}"}}`), "a call's arguments must be an object"},
		{"a call in pieces", user(`{"functionCall":{"name":"f","partialArgs":[{"jsonPath":"$.a","stringValue":"x"}]}}`), "a call must come whole"},
		{"a call that goes on", user(`{"functionCall":{"name":"f","willContinue":true}}`), "a call must come whole"},
		{"a call that is a string", user(`{"functionCall":"f"}`), "contents[0].parts[0].functionCall: must be an object"},
		{"a result without a name", user(`{"functionResponse":{"response":{}}}`), "a result must name its tool"},
		{"a result that is a string", user(`{"functionResponse":{"name":"f","response":"r"}}`), "a result must be an object"},
		{"a result whose parts are a string", user(`{"functionResponse":{"name":"f","parts":"r"}}`), "functionResponse.parts: must be an array"},
		{"a result whose media has no source", user(`{"functionResponse":{"name":"f","parts":[{"fileData":{}}]}}`), "media without a known source"},
		{
			"a result that names another tool", `{"contents":[{"role":"model","parts":[{"functionCall":{"id":"1","name":"f"}}]},{"parts":[{"functionResponse":{"id":"1","name":"g"}}]}]}`,
			"contents[1].parts[0]: a result that names another tool than its call",
		},
		{"tools that are a string", with(`"tools":"f"`), "tools: must be an array"},
		{"a tool that is a string", with(`"tools":["f"]`), "tools[0]: must be an object"},
		{"functions that are a string", with(`"tools":[{"functionDeclarations":"f"}]`), "tools[0].functionDeclarations: must be an array"},
		{"a function without a name", with(`"tools":[{"functionDeclarations":[{"description":"d"}]}]`), "tools[0].functionDeclarations.name: must be a string"},
		{"functions in two spellings", with(`"tools":[{"functionDeclarations":[],"function_declarations":[]}]`), "tools[0]: a field in two spellings"},
		{"a server without a name", with(`"tools":[{"mcpServers":[{"streamableHttpTransport":{}}]}]`), "tools[0].mcpServers.name: must be a string"},
		{"servers that are a string", with(`"tools":[{"mcpServers":"s"}]`), "tools[0].mcpServers: must be an array"},
		{"a store that is a string", with(`"tools":[{"fileSearch":"s"}]`), "tools[0].fileSearch: must be an object"},
		{"more tools than anybody offers", with(`"tools":[` + strings.Repeat(`{"x":{}},`, 1024) + `{"x":{}}]`), "tools: too many tools"},
		{"a config that is a string", with(`"toolConfig":"c"`), "toolConfig: must be an object"},
		{"names that are a string", with(`"toolConfig":{"functionCallingConfig":{"allowedFunctionNames":"f"}}`), "toolConfig: must be an array"},
		{"arguments that are to be streamed", with(`"toolConfig":{"functionCallingConfig":{"stream_function_call_arguments":true}}`), "toolConfig: a call's arguments must come whole"},
		{"a generationConfig that is a string", with(`"generationConfig":"c"`), "generationConfig: must be an object"},
		{"a cached content that is an object", with(`"cachedContent":{}`), "cachedContent: must be a string"},
		{"trailing bytes", with(`"x":1`) + `{}`, "trailing data"},
	} {
		t.Run(tt.name, func(t *testing.T) { isRefused(t, GenerateContent{}, tt.body, tt.want) })
	}
	if _, err := (GenerateContent{}).Request(wire.Incoming{Body: []byte(`{"contents":[]}`)}); err == nil {
		t.Error("a path without a model is accepted")
	}
}

func isRefused(t *testing.T, c wire.ChatCodec, body, want string) {
	t.Helper()
	_, err := c.Request(incoming(body))
	if err == nil {
		t.Fatal("accepted")
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("error %q, want it to contain %q", err, want)
	}
}

func TestOtherRequestsRefuse(t *testing.T) {
	for _, tt := range []struct {
		name  string
		codec wire.ChatCodec
		body  string
		want  string
	}{
		{"a count of two prompts", CountTokens{}, `{"contents":[],"generateContentRequest":{"contents":[]}}`, "contents: the prompt of this endpoint has one place"},
		{"a count of a request that is a string", CountTokens{}, `{"generateContentRequest":"a"}`, "generateContentRequest: must be an object"},
		{"a count for another model", CountTokens{}, `{"generateContentRequest":{"model":"models/n","contents":[]}}`, "model: the body names another model"},
		{"a count of a count", CountTokens{}, `{"generateContentRequest":{"contents":[],"generateContentRequest":{}}}`, "generateContentRequest: the prompt of this endpoint has one place"},
		{"instances", ComputeTokens{}, `{"instances":[{"prompt":"p"}],"contents":[]}`, "instances: the prompt of this endpoint has one place"},
		{"an embedding of nothing", EmbedContent{}, `{}`, "content: must be an object"},
		{"an embedding of contents", EmbedContent{}, `{"contents":[],"content":{}}`, "contents: the prompt of this endpoint has one place"},
		{"an embedding with tools", EmbedContent{}, `{"content":{},"tools":[]}`, "tools: this endpoint has no tools"},
		{"embeddings without requests", BatchEmbedContents{}, `{}`, "requests: must be an array"},
		{"embeddings of a string", BatchEmbedContents{}, `{"requests":["a"]}`, "requests: must be an object"},
		{"embeddings of two prompts", BatchEmbedContents{}, `{"requests":[{"content":{},"contents":[]}]}`, "requests: a request has one prompt"},
		{"embeddings by another model", BatchEmbedContents{}, `{"requests":[{"model":"models/m","content":{}},{"model":"models/n","content":{}}]}`, "model: the body names another model"},
	} {
		t.Run(tt.name, func(t *testing.T) { isRefused(t, tt.codec, tt.body, tt.want) })
	}
}
