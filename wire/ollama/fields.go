package ollama

import (
	"slices"

	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// The fields that are read, object by object. A sibling that equals one of
// them but for its case is refused: Ollama itself would take it for the field.
// Objects of free form (schemas, arguments, options) have no set.
var (
	requestFields = strictjson.Keys(append([]string{
		"model", "name", "stream", "messages", "format", "keep_alive", "options", "think", "truncate", "shift",
		"dimensions", "raw", "logprobs", "top_logprobs", "_debug_render_only",
	}, append(toolNames, append(promptNames, "suffix", "system", "template", "context", "images")...)...)...)
	messageFields  = strictjson.Keys("role", "content", "thinking", "images", "tool_calls", "tool_name", "tool_call_id")
	toolFields     = strictjson.Keys("type", "function", "items")
	functionFields = strictjson.Keys("index", "name", "description", "parameters", "arguments")
	callFields     = strictjson.Keys("id", "function")
	replyFields    = strictjson.Keys(
		"model", "created_at", "message", "response", "thinking", "tool_calls", "done", "done_reason", "context",
		"logprobs", "error", "embedding", "embeddings", "prompt_eval_count", "eval_count",
	)
)

// promptNames are the names under which one endpoint or another looks for its
// prompt. A request has the one of its endpoint.
var promptNames = []string{"prompt", "input", "messages"}

// toolNames are the names under which a request offers tools.
var toolNames = []string{"tools"}

// besides calls f for every string in the members of v that are not known.
func besides(v strictjson.Value, f func(leaf strictjson.Value), known ...string) {
	for k, m := range v.Members() {
		if !slices.Contains(known, k.Str()) {
			read.EveryString(m, f)
		}
	}
}

// isText tells whether a value is a string, or left out; anything else under a
// name that holds a text is an error.
func isText(v strictjson.Value, path string) (bool, error) {
	switch v.Kind() {
	case strictjson.String:
		return true, nil
	case strictjson.Invalid, strictjson.Null:
		return false, nil
	}
	return false, read.Wrong(path, "must be a string")
}

// given tells whether a member is there and not null.
func given(v strictjson.Value) bool { return v.Exists() && !v.IsNull() }
