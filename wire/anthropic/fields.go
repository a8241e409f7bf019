package anthropic

import (
	"slices"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// The fields that are read, object by object. A sibling that equals one of
// them but for its case is refused, because other parsers would take it for
// the field; objects of free form (schemas, inputs, metadata) have no set.
var (
	requestFields = strictjson.Keys(
		"model", "fallbacks", "messages", "system", "stream", "tools", "tool_choice", "mcp_servers", "container",
		"metadata", "stop_sequences", "max_tokens", "thinking", "output_config", "output_format", "context_management",
		"cache_control", "service_tier", "temperature", "top_k", "top_p",
	)
	messageFields = strictjson.Keys("role", "content")
	blockFields   = strictjson.Keys(
		"type", "text", "source", "id", "name", "input", "tool_use_id", "content", "is_error", "thinking", "signature",
		"data", "citations", "title", "context", "file_id", "server_name", "caller", "tool", "cache_control",
	)
	sourceFields    = strictjson.Keys("type", "media_type", "data", "url", "file_id", "content")
	toolFields      = strictjson.Keys("type", "name", "description", "input_schema", "model", "mcp_server_name", "cache_control")
	serverFields    = strictjson.Keys("type", "name", "url", "authorization_token", "tool_configuration")
	choiceFields    = strictjson.Keys("type", "name", "disable_parallel_tool_use")
	containerFields = strictjson.Keys("id", "skills")
	replyFields     = strictjson.Keys(
		"type", "id", "role", "model", "content", "stop_reason", "stop_sequence", "stop_details", "usage", "container", "error", "input_tokens",
	)
	eventFields = strictjson.Keys("type", "message", "index", "content_block", "delta", "usage", "error")
	deltaFields = strictjson.Keys(
		"type", "text", "partial_json", "thinking", "signature", "citation", "content", "stop_reason", "stop_sequence", "stop_details", "container",
	)
)

// notText are keys under which a string is structure or a token, not words,
// wherever they stand in a part of the body that is walked as a whole.
var notText = map[string]bool{
	"id": true, "type": true, "role": true, "model": true, "tool_use_id": true, "media_type": true,
	"container_id": true, "stop_reason": true, "$ref": true, "authorization_token": true,
	"expires_at": true, "retrieved_at": true,
}

// walk calls text for every string below v that holds words, and fact for
// whatever cannot be looked into: media, ids of files, encrypted echoes.
func walk(v strictjson.Value, text func(leaf strictjson.Value), fact func(string)) {
	switch v.Kind() {
	case strictjson.String:
		text(v)
	case strictjson.Array:
		for _, e := range v.Elems() {
			walk(e, text, fact)
		}
	case strictjson.Object:
		kind := v.Get("type").Str()
		for k, m := range v.Members() {
			if key := k.Str(); m.Kind() != strictjson.String || !notText[key] {
				walkMember(v, kind, key, m, text, fact)
			}
		}
	}
}

// walkMember walks one member of an object of some kind.
func walkMember(v strictjson.Value, kind, key string, m strictjson.Value, text func(leaf strictjson.Value), fact func(string)) {
	switch {
	case key == "cache_control":
	case read.AnyJSON(key):
		read.EveryString(m, text)
	case key == "input" && strings.HasSuffix(kind, "tool_use"):
		read.EveryString(m, text)
	case m.Kind() != strictjson.String:
		walk(m, text, fact)
	default:
		f, opaque := factOf(v, kind, key)
		if f != "" && !m.EqualStr("") {
			fact(f)
		}
		if !opaque {
			text(m)
		}
	}
}

// factOf names what a string member of an object keeps from sight, and tells
// whether its own characters are no words.
func factOf(v strictjson.Value, kind, key string) (fact string, opaque bool) {
	switch {
	case key == "data" && kind == "base64":
		return mediaFact(v.Get("media_type").Str()), true
	case key == "data" && kind == "redacted_thinking", key == "signature", strings.HasPrefix(key, "encrypted_"):
		return "opaque_echo", true
	case key == "url" && kind == "url":
		return "remote_url", false
	case key == "file_id":
		return "file_id", true
	}
	return "", false
}

func mediaFact(mediaType string) string {
	for _, kind := range []string{"image", "audio"} {
		if strings.HasPrefix(mediaType, kind+"/") {
			return kind
		}
	}
	return "binary"
}

// besides walks the members of v that are not known.
func besides(v strictjson.Value, text func(leaf strictjson.Value), fact func(string), known ...string) {
	kind := v.Get("type").Str()
	for k, m := range v.Members() {
		if key := k.Str(); !slices.Contains(known, key) {
			walkMember(v, kind, key, m, text, fact)
		}
	}
}

// noFact is for replies, of which no facts are told.
func noFact(string) {}

// checkBlock refuses what is no content block.
func checkBlock(b strictjson.Value, path string) error {
	if b.Kind() != strictjson.Object {
		return read.Wrong(path, "must be an object")
	}
	if err := b.CheckKeys(blockFields); err != nil {
		return &wire.Error{Path: path, Err: err}
	}
	if b.Get("type").Str() == "" {
		return read.Wrong(path+".type", "must be a string")
	}
	return nil
}
