package openai

import (
	"slices"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// The fields that are read, object by object; see requestFields.
var (
	askFields = strictjson.Keys(
		"model", "models", "preset", "input", "items", "instructions", "prompt", "previous_response_id", "conversation",
		"background", "stream", "stream_options", "store", "tools", "tool_choice", "parallel_tool_calls", "text",
		"metadata", "client_metadata", "user", "safety_identifier", "prompt_cache_key", "include", "reasoning",
		"inputs", "messages", "prompts", "content", "texts", "prompt_embeds", "prompt_token_ids", "functions",
		"function_call", "plugins", "web_search_options",
	)
	itemFields = strictjson.Keys(
		"type", "id", "role", "status", "content", "name", "namespace", "arguments", "input", "call_id", "output",
		"summary", "encrypted_content", "action", "actions", "operation", "tools", "execution", "environment", "code",
	)
	itemPartFields = strictjson.Keys(
		"type", "text", "refusal", "image_url", "file_id", "file_url", "file_data", "filename", "input_audio",
		"annotations", "logprobs", "encrypted_content",
	)
	offerFields = strictjson.Keys(
		"type", "name", "description", "parameters", "tools", "model", "server_url", "headers", "authorization",
	)
	choiceOfToolFields = strictjson.Keys("type", "name", "mode", "tools", "server_label")
	responseFields     = strictjson.Keys(
		"id", "object", "type", "status", "model", "output", "data", "output_text", "usage", "error", "incomplete_details",
		"instructions", "tools", "metadata", "prompt", "store", "conversation",
	)
	responseEventFields = strictjson.Keys(
		"type", "sequence_number", "response", "item", "item_id", "output_index", "content_index", "summary_index",
		"part", "delta", "text", "refusal", "arguments", "input", "name", "error", "annotation", "logprobs",
	)
)

// structure are keys under which a string is structure, an id or a credential,
// not words, wherever they stand in this API's objects.
var structure = map[string]bool{
	"id": true, "type": true, "object": true, "role": true, "status": true, "phase": true, "model": true, "$ref": true,
	"format": true, "detail": true, "call_id": true, "item_id": true, "response_id": true, "previous_response_id": true,
	"approval_request_id": true, "container_id": true, "file_id": true, "vector_store_id": true, "connector_id": true,
	"first_id": true, "last_id": true, "obfuscation": true, "execution": true, "authorization": true, "service_tier": true,
	"truncation": true, "billing": true, "prompt_cache_retention": true, "partial_image_b64": true, "b64_json": true,
}

// urls are keys of what the other side fetches.
var urls = map[string]bool{"image_url": true, "file_url": true, "video_url": true, "server_url": true}

// walker walks JSON whose shape is not known: text takes every string that
// holds words, fact what cannot be looked into, ref the ids of what the
// upstream keeps. The last two are nil in replies.
type walker struct {
	text func(leaf strictjson.Value)
	fact func(string)
	ref  func(id string)
}

func (w *walker) value(v strictjson.Value) {
	switch v.Kind() {
	case strictjson.String:
		w.text(v)
	case strictjson.Array:
		for _, e := range v.Elems() {
			w.value(e)
		}
	case strictjson.Object:
		w.besides(v)
	}
}

// besides walks the members of v that are not known.
func (w *walker) besides(v strictjson.Value, known ...string) {
	for k, m := range v.Members() {
		if key := k.Str(); !slices.Contains(known, key) {
			w.member(v, key, m)
		}
	}
}

func (w *walker) member(v strictjson.Value, key string, m strictjson.Value) {
	kind := v.Get("type").Str()
	switch {
	case key == "headers" && kind == "mcp": // credentials
	case read.AnyJSON(key):
		read.EveryString(m, w.text)
	case key == "logprobs" && w.fact == nil && hasLogprobs(kind): // a reply's copy of its text, which goes when that is edited
	case key == "file_ids", key == "vector_store_ids":
		for _, id := range m.Elems() {
			w.keep(id)
		}
		if key == "file_ids" && m.Len() > 0 {
			w.note("file_id")
		}
	case m.Kind() != strictjson.String:
		if urls[key] && m.Kind() == strictjson.Object { // as chat writes it
			w.url(m.Get("url"))
			w.besides(m, "url")
			return
		}
		w.value(m)
	case m.EqualStr(""):
	case key == "id" && kind == "image_generation_call" && !v.Get("result").Exists(): // an image that the upstream has
		w.note("file_id")
		w.keep(m)
	case key == "container_id", key == "container" && kind == "code_interpreter": // a place of files
		w.note("file_id")
		w.keep(m)
	case urls[key]:
		w.url(m)
	case key == "file_id":
		w.note("file_id")
		w.keep(m)
	case strings.HasPrefix(key, "encrypted_"), key == "signature":
		w.note("opaque_echo")
	case key == "file_data":
		w.note("binary")
	case key == "data" && v.Get("format").Exists():
		w.note("audio")
	case key == "result" && kind == "image_generation_call":
		w.note("image")
	case !structure[key]:
		w.text(m)
	}
}

// hasLogprobs tells whether a part or an event of this type has log
// probabilities beside its text.
func hasLogprobs(kind string) bool {
	return kind == "output_text" || strings.HasPrefix(kind, "response.output_text.")
}

// url notes what a URL leads to; one that is not inline is text as well.
func (w *walker) url(v strictjson.Value) {
	s := v.Str()
	switch {
	case s == "":
	case strings.HasPrefix(s, "data:image/"):
		w.note("image")
	case strings.HasPrefix(s, "data:audio/"):
		w.note("audio")
	case strings.HasPrefix(s, "data:"):
		w.note("binary")
	default:
		w.note("remote_url")
		w.text(v)
	}
}

func (w *walker) note(fact string) {
	if w.fact != nil {
		w.fact(fact)
	}
}

func (w *walker) keep(id strictjson.Value) {
	if w.ref != nil && id.Str() != "" {
		w.ref(id.Str())
	}
}

// checkItem refuses what is no item, and gives its type. A message may leave
// its type out.
func checkItem(it strictjson.Value, path string) (kind string, err error) {
	if it.Kind() != strictjson.Object {
		return "", read.Wrong(path, "must be an object")
	}
	if err := it.CheckKeys(itemFields); err != nil {
		return "", &wire.Error{Path: path, Err: err}
	}
	if kind = itemKind(it); kind == "" {
		return "", read.Wrong(path+".type", "must be a string")
	}
	return kind, nil
}

func itemKind(it strictjson.Value) string {
	t := it.Get("type")
	if (!t.Exists() || t.IsNull()) && it.Get("role").Str() != "" {
		return "message"
	}
	return t.Str()
}
