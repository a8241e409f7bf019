package gemini

import (
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// fields are the names that are read of an object, in lower camel case. Each
// is known in snake case too. A sibling that equals one of them but for its
// case is refused, because other parsers would take it for the field.
type fields struct {
	keys  *strictjson.KeySet
	twice [][2]string // the two spellings, where they differ
}

// snakes has the other spelling of every field.
var snakes = map[string]string{}

func newFields(names ...string) *fields {
	f := &fields{}
	all := names[:len(names):len(names)]
	for _, name := range names {
		if s := snake(name); s != name {
			snakes[name] = s
			all = append(all, s)
			f.twice = append(f.twice, [2]string{name, s})
		}
	}
	f.keys = strictjson.Keys(all...)
	return f
}

// check refuses what is no object of these fields.
func (f *fields) check(v strictjson.Value, path string) error {
	if v.Kind() != strictjson.Object {
		return read.Wrong(path, "must be an object")
	}
	if err := v.CheckKeys(f.keys); err != nil {
		return &wire.Error{Path: path, Err: err}
	}
	for _, t := range f.twice {
		if v.Get(t[0]).Exists() && v.Get(t[1]).Exists() {
			return read.Wrong(path, "a field in two spellings")
		}
	}
	return nil
}

// get gives a field that some [fields] have, whichever way it is spelt. One
// that is null is missing.
func get(v strictjson.Value, name string) strictjson.Value {
	m := v.Get(name)
	if !m.Exists() && snakes[name] != "" {
		m = v.Get(snakes[name])
	}
	if m.IsNull() {
		return strictjson.Value{}
	}
	return m
}

// list gives the elements of a repeated field, which may be one object.
func list(v strictjson.Value) []strictjson.Value {
	if v.Kind() == strictjson.Object {
		return []strictjson.Value{v}
	}
	var all []strictjson.Value
	for _, e := range v.Elems() {
		all = append(all, e)
	}
	return all
}

// checkList refuses what is no repeated field.
func checkList(v strictjson.Value, path string) error {
	if v.Exists() && v.Kind() != strictjson.Array && v.Kind() != strictjson.Object {
		return read.Wrong(path, "must be an array")
	}
	return nil
}

// snake is a name of lower camel case in snake case.
func snake(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		if 'A' <= c && c <= 'Z' {
			b.WriteByte('_')
			c += 'a' - 'A'
		}
		b.WriteByte(c)
	}
	return b.String()
}

// camel is a name in lower camel case, as it stands in the API's reference. A
// name that is not snake case, such as text_, is no other's spelling.
func camel(name string) string {
	first, rest, has := strings.Cut(name, "_")
	if !has {
		return name
	}
	for word := range strings.SplitSeq(rest, "_") {
		if word != "" {
			first += strings.ToUpper(word[:1]) + word[1:]
		}
	}
	if snake(first) != name {
		return name
	}
	return first
}

var (
	requestFields = newFields(
		"model", "contents", "content", "requests", "instances", "generateContentRequest", "systemInstruction", "tools", "toolConfig",
		"safetySettings", "generationConfig", "cachedContent", "labels", "taskType", "title", "outputDimensionality", "embedContentConfig",
	)
	configFields  = newFields("routingConfig", "responseSchema", "responseJsonSchema", "stopSequences")
	contentFields = newFields("role", "parts")
	partFields    = newFields(append([]string{"thought", "thoughtSignature", "videoMetadata", "partMetadata"}, partKinds...)...)
	blobFields    = newFields("mimeType", "data", "displayName")
	fileFields    = newFields("mimeType", "fileUri", "displayName")
	codeFields    = newFields("language", "code", "id", "outcome", "output")
	callFields    = newFields("id", "name", "args", "partialArgs", "willContinue")
	resultFields  = newFields("id", "name", "response", "parts", "scheduling", "willContinue")
	serverFields  = newFields("id", "toolType", "args", "response")

	toolFields        = newFields("functionDeclarations", "mcpServers")
	declarationFields = newFields("name", "description", "parameters", "parametersJsonSchema", "response", "responseJsonSchema", "behavior")
	storeFields       = newFields("fileSearchStoreNames", "metadataFilter")
	mcpFields         = newFields("name", "streamableHttpTransport")
	toolConfigFields  = newFields("functionCallingConfig", "retrievalConfig")
	callingFields     = newFields("mode", "allowedFunctionNames", "streamFunctionCallArguments")

	replyFields = newFields(
		"candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId", "createTime", "error",
		"embedding", "embeddings", "totalTokens", "tokensInfo",
	)
	candidateFields = newFields("content", "index", "finishReason", "finishMessage", "groundingMetadata", "citationMetadata", "logprobsResult")
	groundingFields = newFields("groundingSupports", "groundingChunks", "webSearchQueries")
	usageFields     = newFields("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "toolUsePromptTokenCount")
	feedbackFields  = newFields("blockReason", "blockReasonMessage", "safetyRatings")
)

// partKinds are the fields of a part of which it has one.
var partKinds = []string{
	"text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult",
	"toolCall", "toolResponse", "audioTranscription",
}

// kindFields are the fields of what a part holds.
var kindFields = map[string]*fields{
	"inlineData": blobFields, "fileData": fileFields, "functionCall": callFields, "functionResponse": resultFields,
	"executableCode": codeFields, "codeExecutionResult": codeFields, "toolCall": serverFields, "toolResponse": serverFields,
}

// partOf gives what a part holds: the name of a field, "" for none of those
// that are known, and its value.
func partOf(p strictjson.Value, path string) (kind string, v strictjson.Value, err error) {
	if err := partFields.check(p, path); err != nil {
		return "", v, err
	}
	for _, name := range partKinds {
		m := get(p, name)
		if !m.Exists() {
			continue
		}
		if kind != "" {
			return "", v, read.Wrong(path, "a part must hold one thing")
		}
		kind, v = name, m
	}
	switch {
	case kind == "text" && v.Kind() != strictjson.String:
		return "", v, read.Wrong(path+".text", "must be a string")
	case kindFields[kind] != nil:
		if err := kindFields[kind].check(v, path+"."+kind); err != nil {
			return "", v, err
		}
	}
	return kind, v, checkThing(kind, v, path)
}

// checkThing refuses calls, results and media that are none.
func checkThing(kind string, v strictjson.Value, path string) error {
	switch kind {
	case "functionCall":
		if get(v, "name").Str() == "" {
			return read.Wrong(path, "a call must name its tool")
		}
		if get(v, "partialArgs").Exists() || get(v, "willContinue").Bool() {
			return read.Wrong(path, "a call must come whole")
		}
		if args := get(v, "args"); args.Exists() && args.Kind() != strictjson.Object {
			return read.Wrong(path, "a call's arguments must be an object")
		}
	case "functionResponse":
		if get(v, "name").Str() == "" {
			return read.Wrong(path, "a result must name its tool")
		}
		if r := get(v, "response"); r.Exists() && r.Kind() != strictjson.Object {
			return read.Wrong(path, "a result must be an object")
		}
	case "inlineData":
		if get(v, "data").Kind() != strictjson.String || get(v, "mimeType").Kind() != strictjson.String {
			return read.Wrong(path, "media without data or type")
		}
	case "fileData":
		if get(v, "fileUri").Kind() != strictjson.String {
			return read.Wrong(path, "media without a known source")
		}
	}
	return nil
}

// isThought tells whether a part's text is what the model thought.
func isThought(p strictjson.Value) bool { return get(p, "thought").Bool() }
