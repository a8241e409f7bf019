package caddymodule

import "strings"

// sse joins the data of events.
func sse(data ...string) string {
	var b strings.Builder
	for _, d := range data {
		b.WriteString("data: " + d + "\n\n")
	}
	return b.String()
}

// named is sse for events that are named by the type in their data.
func named(data ...string) string {
	var b strings.Builder
	for _, d := range data {
		_, rest, _ := strings.Cut(d, `"type":"`)
		name, _, _ := strings.Cut(rest, `"`)
		b.WriteString("event: " + name + "\ndata: " + d + "\n\n")
	}
	return b.String()
}

var everyAPI = map[string]everyExchange{
	"openai POST /chat/completions": {
		request: `{"model":"m","stream":STREAM,"messages":[{"role":"user","content":"TEXT"}]}`,
		reply:   `{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"write to MAIL now"},"finish_reason":"stop"}]}`,
		call:    `{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"t","type":"function","function":{"name":"shell","arguments":"{\"cmd\":\"rm -rf\"}"}}]},"finish_reason":"tool_calls"}]}`,
		stream: sse(`{"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":"write to MA"}}]}`,
			`{"id":"c","choices":[{"index":0,"delta":{"content":"IL now"}}]}`,
			`{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`, `[DONE]`),
		callStream: sse(`{"id":"c","choices":[{"index":0,"delta":{"role":"assistant","tool_calls":[{"index":0,"id":"t","type":"function","function":{"name":"shell","arguments":"{\"cmd\":"}}]}}]}`,
			`{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"rm -rf\"}"}}]}}]}`,
			`{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}`, `[DONE]`),
	},
	"openai POST /completions": {
		request: `{"model":"m","stream":STREAM,"prompt":"TEXT"}`,
		reply:   `{"id":"c","object":"text_completion","created":1,"model":"m","choices":[{"index":0,"text":"write to MAIL now","finish_reason":"stop"}]}`,
		stream: sse(`{"id":"c","choices":[{"index":0,"text":"write to MA"}]}`, `{"id":"c","choices":[{"index":0,"text":"IL now"}]}`,
			`{"id":"c","choices":[{"index":0,"text":"","finish_reason":"stop"}]}`, `[DONE]`),
	},
	"openai POST /embeddings":  {request: `{"model":"m","input":"TEXT"}`},
	"openai POST /moderations": {request: `{"model":"m","input":"TEXT"}`},
	"anthropic POST ": {
		request: `{"model":"m","max_tokens":9,"stream":STREAM,"messages":[{"role":"user","content":"TEXT"}]}`,
		reply:   `{"id":"m","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"write to MAIL now"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}`,
		call:    `{"id":"m","type":"message","role":"assistant","model":"m","content":[{"type":"tool_use","id":"t","name":"shell","input":{"cmd":"rm -rf"}}],"stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":1}}`,
		stream: named(`{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":1,"output_tokens":1}}}`,
			`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
			`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"write to MA"}}`,
			`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"IL now"}}`,
			`{"type":"content_block_stop","index":0}`,
			`{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}`, `{"type":"message_stop"}`),
		callStream: named(`{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":1,"output_tokens":1}}}`,
			`{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"shell","input":{}}}`,
			`{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"cmd\":"}}`,
			`{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"\"rm -rf\"}"}}`,
			`{"type":"content_block_stop","index":0}`,
			`{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":1}}`, `{"type":"message_stop"}`),
	},
	"anthropic POST /count_tokens": {request: `{"model":"m","messages":[{"role":"user","content":"TEXT"}]}`},
}
