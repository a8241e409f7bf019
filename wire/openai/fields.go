package openai

import (
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// The fields that are read, object by object. A sibling that equals one of
// them but for its case is refused, because other parsers would take it for
// the field; objects of free form (schemas, arguments, metadata) have no set.
var (
	requestFields = strictjson.Keys(
		"model", "models", "preset", "messages", "stream", "stream_options", "n", "tools", "tool_choice",
		"parallel_tool_calls", "functions", "function_call", "prediction", "response_format",
		"web_search_options", "plugins", "metadata", "user", "store", "modalities", "audio", "logprobs",
		"top_logprobs", "stop", "safety_identifier", "prompt_cache_key", "reasoning", "reasoning_effort",
	)
	messageFields = strictjson.Keys(
		"role", "content", "name", "refusal", "tool_calls", "tool_call_id", "function_call", "audio",
		"reasoning_content", "reasoning", "reasoning_details", "annotations",
	)
	partFields     = strictjson.Keys("type", "text", "refusal", "image_url", "video_url", "document_url", "input_audio", "file", "thinking")
	mediaFields    = strictjson.Keys("url", "detail", "data", "format", "file_id", "file_data", "file_url", "filename")
	toolFields     = strictjson.Keys("type", "function", "custom", "name")
	functionFields = strictjson.Keys("name", "description", "parameters", "strict", "arguments", "input")
	callFields     = strictjson.Keys("id", "index", "type", "function", "custom")
	replyFields    = strictjson.Keys("id", "object", "created", "model", "choices", "usage", "error")
	choiceFields   = strictjson.Keys("index", "message", "delta", "finish_reason", "logprobs")

	plainFields = strictjson.Keys(append([]string{
		"model", "models", "preset", "stream", "stream_options", "n", "best_of", "echo", "logprobs", "suffix",
		"stop", "encoding_format", "dimensions", "metadata", "user", "safety_identifier",
	}, append(promptNames, toolNames...)...)...)
	textChoiceFields = strictjson.Keys("index", "text", "message", "delta", "tool_calls", "function_call",
		"finish_reason", "logprobs", "reasoning", "reasoning_content")
	listFields  = strictjson.Keys("id", "object", "created", "model", "data", "results", "usage", "error")
	entryFields = strictjson.Keys("object", "index", "embedding")
)

// promptNames are the names under which one server or another looks for a
// prompt that is no conversation. A request has one of them.
var promptNames = []string{
	"prompt", "prompts", "input", "inputs", "messages", "content", "text", "texts", "prompt_embeds", "prompt_token_ids",
}

// toolNames are the names under which a request offers tools.
var toolNames = []string{"tools", "functions", "plugins", "web_search_options"}

// notText are keys under which a string is structure or an opaque token, not
// words, wherever they stand in a part of the body that is walked as a whole.
var notText = map[string]bool{
	"id": true, "type": true, "object": true, "role": true, "tool_call_id": true, "format": true,
	"data": true, "b64_json": true, "signature": true, "encrypted_content": true, "file_data": true,
	"finish_reason": true, "native_finish_reason": true, "obfuscation": true, "$ref": true, "model": true, "channel": true,
}

// noCall tells whether a function_call says nothing: null, or what some
// providers write for it, an object of empty strings.
func noCall(v strictjson.Value) bool {
	for _, m := range v.Members() {
		if !m.IsNull() && !m.EqualStr("") {
			return false
		}
	}
	return v.IsNull() || v.Kind() == strictjson.Object
}

// leaves calls f for every string value below v that holds words, with the
// dotted path of keys that leads there.
func leaves(v strictjson.Value, path string, f func(path string, leaf strictjson.Value)) {
	switch v.Kind() {
	case strictjson.String:
		f(path, v)
	case strictjson.Array:
		for _, e := range v.Elems() {
			leaves(e, path, f)
		}
	case strictjson.Object:
		for k, m := range v.Members() {
			key := k.Str()
			switch {
			case read.AnyJSON(key):
				read.EveryString(m, func(leaf strictjson.Value) { f(path+"."+key, leaf) })
			case m.Kind() == strictjson.String && notText[key]:
			default:
				leaves(m, path+"."+key, f)
			}
		}
	}
}
