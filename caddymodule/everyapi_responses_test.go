package caddymodule

const (
	responseReply = `{"id":"resp_1","object":"response","created_at":1,"model":"m","status":"completed","output":[{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"write to MAIL now","annotations":[]}]}],"usage":{"input_tokens":1,"output_tokens":1,"total_tokens":2}}`
	responseCall  = `{"id":"resp_1","object":"response","created_at":1,"model":"m","status":"completed","output":[{"id":"fc_1","type":"function_call","call_id":"c","name":"shell","arguments":"{\"cmd\":\"rm -rf\"}","status":"completed"}],"usage":{"input_tokens":1,"output_tokens":1,"total_tokens":2}}`
)

var responseStream = named(`{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","model":"m","status":"in_progress","output":[]}}`,
	`{"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"id":"msg_1","type":"message","role":"assistant","status":"in_progress","content":[]}}`,
	`{"type":"response.content_part.added","sequence_number":2,"item_id":"msg_1","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}`,
	`{"type":"response.output_text.delta","sequence_number":3,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"write to MA"}`,
	`{"type":"response.output_text.delta","sequence_number":4,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"IL now"}`,
	`{"type":"response.output_text.done","sequence_number":5,"item_id":"msg_1","output_index":0,"content_index":0,"text":"write to MAIL now"}`,
	`{"type":"response.content_part.done","sequence_number":6,"item_id":"msg_1","output_index":0,"content_index":0,"part":{"type":"output_text","text":"write to MAIL now","annotations":[]}}`,
	`{"type":"response.output_item.done","sequence_number":7,"output_index":0,"item":{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"write to MAIL now","annotations":[]}]}}`,
	`{"type":"response.completed","sequence_number":8,"response":`+responseReply+`}`)

var responseCallStream = named(`{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","model":"m","status":"in_progress","output":[]}}`,
	`{"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"id":"fc_1","type":"function_call","call_id":"c","name":"shell","arguments":"","status":"in_progress"}}`,
	`{"type":"response.function_call_arguments.delta","sequence_number":2,"item_id":"fc_1","output_index":0,"delta":"{\"cmd\":"}`,
	`{"type":"response.function_call_arguments.delta","sequence_number":3,"item_id":"fc_1","output_index":0,"delta":"\"rm -rf\"}"}`,
	`{"type":"response.function_call_arguments.done","sequence_number":4,"item_id":"fc_1","output_index":0,"arguments":"{\"cmd\":\"rm -rf\"}"}`,
	`{"type":"response.output_item.done","sequence_number":5,"output_index":0,"item":{"id":"fc_1","type":"function_call","call_id":"c","name":"shell","arguments":"{\"cmd\":\"rm -rf\"}","status":"completed"}}`,
	`{"type":"response.completed","sequence_number":6,"response":`+responseCall+`}`)

const (
	conversationItem = `{"id":"msg_1","type":"message","role":"user","status":"completed","content":[{"type":"input_text","text":"write to MAIL now"}]}`
	conversation     = `{"id":"conv_1","object":"conversation","created_at":1,"metadata":{"topic":"write to MAIL now"}}`
)

func init() {
	items := `{"object":"list","data":[` + conversationItem + `],"first_id":"msg_1","last_id":"msg_1","has_more":false}`
	for name, a := range map[string]everyExchange{
		"openai POST /responses": {
			request: `{"model":"m","stream":STREAM,"input":"TEXT"}`,
			reply:   responseReply, call: responseCall, stream: responseStream, callStream: responseCallStream,
		},
		"openai GET /responses/{id}": {
			path: "/responses/resp_1", bodyless: true,
			reply: responseReply, call: responseCall, streamPath: "/responses/resp_1?stream=true", stream: responseStream, callStream: responseCallStream,
		},
		"openai DELETE /responses/{id}":                  {path: "/responses/resp_1", bodyless: true, why: "the reply says that it is gone"},
		"openai POST /responses/{id}/cancel":             {path: "/responses/resp_1/cancel", bodyless: true, reply: responseReply, call: responseCall},
		"openai GET /responses/{id}/input_items":         {path: "/responses/resp_1/input_items", bodyless: true, reply: items},
		"openai POST /responses/compact":                 {request: `{"model":"m","input":"TEXT"}`, reply: `{"id":"resp_1","object":"response.compaction","created_at":1,"output":[` + conversationItem + `],"usage":{"input_tokens":1,"output_tokens":1,"total_tokens":2}}`},
		"openai POST /responses/input_tokens":            {request: `{"model":"m","input":"TEXT"}`},
		"openai POST /conversations":                     {request: `{"items":[{"type":"message","role":"user","content":"TEXT"}]}`, reply: conversation},
		"openai GET /conversations/{id}":                 {path: "/conversations/conv_1", bodyless: true, reply: conversation},
		"openai POST /conversations/{id}":                {path: "/conversations/conv_1", request: `{"metadata":{"topic":"TEXT"}}`, why: "metadata are no message: they are redacted, and no rule about messages sees them"},
		"openai DELETE /conversations/{id}":              {path: "/conversations/conv_1", bodyless: true, why: "the reply says that it is gone"},
		"openai POST /conversations/{id}/items":          {path: "/conversations/conv_1/items", request: `{"items":[{"type":"message","role":"user","content":"TEXT"}]}`, reply: items},
		"openai GET /conversations/{id}/items":           {path: "/conversations/conv_1/items", bodyless: true, reply: items},
		"openai GET /conversations/{id}/items/{item}":    {path: "/conversations/conv_1/items/msg_1", bodyless: true, reply: conversationItem},
		"openai DELETE /conversations/{id}/items/{item}": {path: "/conversations/conv_1/items/msg_1", bodyless: true, reply: conversation},
	} {
		everyAPI[name] = a
	}
}
