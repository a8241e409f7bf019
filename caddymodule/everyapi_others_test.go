package caddymodule

import "strings"

func init() {
	everyAPI["ollama POST /chat"] = everyExchange{
		request:     `{"model":"m","stream":STREAM,"messages":[{"role":"user","content":"TEXT"}]}`,
		reply:       `{"model":"m","message":{"role":"assistant","content":"write to MAIL now"},"done":true,"done_reason":"stop"}`,
		call:        `{"model":"m","message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"shell","arguments":{"cmd":"rm -rf"}}}]},"done":true,"done_reason":"stop"}`,
		streamMedia: "application/x-ndjson",
		stream: `{"model":"m","message":{"role":"assistant","content":"write to MA"},"done":false}` + "\n" +
			`{"model":"m","message":{"role":"assistant","content":"IL now"},"done":false}` + "\n" +
			`{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop"}` + "\n",
		callStream: `{"model":"m","message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"shell","arguments":{"cmd":"rm -rf"}}}]},"done":false}` + "\n" +
			`{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop"}` + "\n",
	}
	everyAPI["ollama POST /generate"] = everyExchange{
		request:     `{"model":"m","stream":STREAM,"prompt":"TEXT"}`,
		reply:       `{"model":"m","response":"write to MAIL now","done":true,"done_reason":"stop"}`,
		streamMedia: "application/x-ndjson",
		stream: `{"model":"m","response":"write to MA","done":false}` + "\n" + `{"model":"m","response":"IL now","done":false}` + "\n" +
			`{"model":"m","response":"","done":true,"done_reason":"stop"}` + "\n",
	}
	everyAPI["ollama POST /embed"] = everyExchange{request: `{"model":"m","input":"TEXT"}`}
	everyAPI["ollama POST /embeddings"] = everyExchange{request: `{"model":"m","prompt":"TEXT"}`}
	for _, name := range []string{"gemini GET /models", "gemini GET /models/{model}", "ollama GET /tags", "ollama GET /ps"} {
		everyAPI[name] = everyExchange{why: "a list of models, of which TestModelsThatAreHopelessAreNotListed has the stories"}
	}
	everyAPI["ollama GET /version"] = everyExchange{why: "a number"}
	everyA2A()
	everyMCP()
}

func everyA2A() {
	const (
		message = `{"role":"ROLE_USER","messageId":"1","parts":[{"text":"TEXT"}]}`
		answer  = `{"message":{"role":"ROLE_AGENT","messageId":"2","parts":[{"text":"write to MAIL now"}]}}`
		task    = `{"id":"k","contextId":"c","status":{"state":"TASK_STATE_COMPLETED"},"artifacts":[{"artifactId":"a","parts":[{"text":"write to MAIL now"}]}]}`
		first   = `{"artifactUpdate":{"taskId":"k","contextId":"c","artifact":{"artifactId":"a","parts":[{"text":"write to MA"}]},"append":false}}`
		second  = `{"artifactUpdate":{"taskId":"k","contextId":"c","artifact":{"artifactId":"a","parts":[{"text":"IL now"}]},"append":true,"lastChunk":true}}`
		last    = `{"statusUpdate":{"taskId":"k","contextId":"c","status":{"state":"TASK_STATE_COMPLETED"}}}`
	)
	rpc := func(result string) string { return `{"jsonrpc":"2.0","id":7,"result":` + result + `}` }
	for _, path := range []string{"", "/"} {
		everyAPI["a2a POST "+path] = everyExchange{
			request: `{"jsonrpc":"2.0","id":7,"method":"SendMessage","params":{"message":` + message + `}}`,
			reply:   rpc(answer), streamRequest: `{"jsonrpc":"2.0","id":7,"method":"SendStreamingMessage","params":{"message":` + message + `}}`,
			stream: sse(rpc(first), rpc(second), rpc(last)),
		}
	}
	for _, prefix := range []string{"", "/v1", "/{tenant}"} {
		at := func(method, path string, a everyExchange) {
			a.path = strings.NewReplacer("{tenant}", "acme", "{id}", "k").Replace(prefix + path)
			everyAPI["a2a "+method+" "+prefix+path] = a
		}
		updates := sse(first, second, last)
		at("POST", "/message:send", everyExchange{request: `{"message":` + message + `}`, reply: answer})
		at("POST", "/message:stream", everyExchange{streamRequest: `{"message":` + message + `}`, stream: updates})
		at("GET", "/tasks", everyExchange{bodyless: true, reply: `{"tasks":[` + task + `]}`})
		at("GET", "/tasks/{id}", everyExchange{bodyless: true, reply: task})
		at("POST", "/tasks/{id}:cancel", everyExchange{bodyless: true, reply: task})
		at("GET", "/tasks/{id}:subscribe", everyExchange{bodyless: true, noReply: true, stream: updates})
		at("POST", "/tasks/{id}:subscribe", everyExchange{bodyless: true, noReply: true, stream: updates})
	}
}

func everyMCP() {
	const (
		request = `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"TOOL","arguments":{"cmd":"rm -rf"}}}`
		reply   = `{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"write to MAIL now"}]}}`
	)
	for _, path := range []string{"", "/sse", "/message", "/messages"} {
		everyAPI["mcp POST "+path] = everyExchange{tool: true, request: request, reply: reply, stream: "event: message\ndata: " + reply + "\n\n"}
	}
	for _, name := range []string{"mcp GET ", "mcp GET /sse"} {
		everyAPI[name] = everyExchange{why: "the server's own messages, of which TestStreamsNobodyAskedFor has the stories"}
	}
	everyAPI["mcp DELETE "] = everyExchange{why: "it ends a session and says nothing"}
}
