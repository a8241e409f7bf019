package mcp

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"

	"github.com/headgate/headgate/wire/strictjson"
)

// The fields that are read, object by object. A sibling that equals one of
// them but for its case is refused: there are SDKs that would take it for the
// field. Objects of free form (arguments, schemas, _meta) have no set.
var (
	envelopeFields = strictjson.Keys("jsonrpc", "id", "method", "params", "result", "error")
	paramsFields   = strictjson.Keys(
		"name", "arguments", "uri", "_meta", "inputResponses", "requestState", "task", "taskId", "cursor", "protocolVersion", "capabilities",
		"clientInfo", "level", "ref", "argument", "context", "notifications", "requestId", "reason", "progressToken", "progress", "message",
		"total", "messages", "modelPreferences", "systemPrompt", "includeContext", "temperature", "maxTokens", "stopSequences", "metadata",
		"tools", "toolChoice", "mode", "requestedSchema", "url", "elicitationId", "logger", "data",
	)
	resultFields = strictjson.Keys(
		"content", "structuredContent", "isError", "contents", "messages", "description", "tools", "resources", "resourceTemplates", "prompts",
		"inputRequests", "requestState", "resultType", "_meta", "role", "model", "stopReason", "action", "roots", "nextCursor", "completion",
		"serverInfo", "instructions", "capabilities", "protocolVersion", "supportedVersions", "task", "ttlMs", "cacheScope", "result",
	)
	blockFields = strictjson.Keys(
		"type", "text", "data", "mimeType", "resource", "uri", "name", "title", "description", "blob", "annotations", "_meta", "id", "input",
		"toolUseId", "content", "structuredContent", "isError", "icons", "size",
	)
	toolFields   = strictjson.Keys("name", "title", "description", "inputSchema", "outputSchema", "annotations", "icons", "_meta", "execution")
	metaFields   = strictjson.Keys(metaVersion)
	promptFields = strictjson.Keys("role", "content", "_meta")
	errorFields  = strictjson.Keys("code", "message", "data")
)

const metaVersion = "io.modelcontextprotocol/protocolVersion"

// modern is the first revision without sessions.
const modern = "2026-07-28"

// versions are the revisions that are known.
var versions = []string{"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", modern}

var versionForm = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)

// The methods and notifications that some revision has, by who sends them.
var (
	clientMethods = []string{
		"initialize", "ping", "server/discover", "logging/setLevel", "completion/complete", "tools/list", "tools/call", "prompts/list",
		"prompts/get", "resources/list", "resources/templates/list", "resources/read", "resources/subscribe", "resources/unsubscribe",
		"subscriptions/listen", "tasks/get", "tasks/list", "tasks/result", "tasks/cancel",
	}
	clientNotifications = []string{
		"notifications/initialized", "notifications/cancelled", "notifications/progress", "notifications/roots/list_changed",
		"notifications/tasks/status", "notifications/elicitation/complete",
	}
	serverMethods = []string{
		"ping", "sampling/createMessage", "elicitation/create", "roots/list", "tasks/get", "tasks/list", "tasks/result", "tasks/cancel",
	}
	serverNotifications = []string{
		"notifications/cancelled", "notifications/progress", "notifications/message", "notifications/tools/list_changed",
		"notifications/prompts/list_changed", "notifications/resources/list_changed", "notifications/resources/updated",
		"notifications/tasks/status", "notifications/elicitation/complete", "notifications/subscriptions/acknowledged",
	}
)

// reaches tells whether a method asks pre_tool and post_tool.
func reaches(method string) bool {
	switch method {
	case "tools/call", "resources/read", "prompts/get", "tasks/result":
		return true
	}
	return false
}

// structure tells whether a string is a word of the protocol and no text.
func structure(key string, v strictjson.Value) bool {
	switch key {
	case "type", "role", "resultType", "action", "mode", "method", "level", "cacheScope":
		return slices.Contains(words, v.Str()) || slices.Contains(serverMethods, v.Str())
	case "protocolVersion", metaVersion:
		return versionForm.MatchString(v.Str())
	}
	return false
}

var words = []string{
	"text", "image", "audio", "resource", "resource_link", "tool_use", "tool_result", "user", "assistant", "complete", "input_required",
	"object", "string", "number", "integer", "boolean", "array", "null", "accept", "decline", "cancel", "form", "url", "ref/prompt",
	"ref/resource", "public", "private", "debug", "info", "notice", "warning", "error", "critical", "alert", "emergency", "auto", "required", "none",
}

// media names the fact of an object's member that holds media, "" for none.
func media(of strictjson.Value, key string, v strictjson.Value) string {
	if key != "data" && key != "blob" || !isBase64(v.Str()) {
		return ""
	}
	kind := of.Get("type").Str()
	if key == "data" && kind != "image" && kind != "audio" {
		return ""
	}
	if key == "blob" {
		kind, _, _ = strings.Cut(of.Get("mimeType").Str(), "/")
	}
	if kind == "image" || kind == "audio" {
		return kind
	}
	return "binary"
}

func isBase64(s string) bool {
	_, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		_, err = base64.RawStdEncoding.DecodeString(s)
	}
	return err == nil
}

// walk calls text for every string below v that is no word of the protocol,
// and fact for media, whose characters are no text.
func walk(key string, v strictjson.Value, text func(leaf strictjson.Value), fact func(string)) {
	switch v.Kind() {
	case strictjson.String:
		if !structure(key, v) {
			text(v)
		}
	case strictjson.Array:
		for _, e := range v.Elems() {
			walk("", e, text, fact)
		}
	case strictjson.Object:
		for k, m := range v.Members() {
			name := k.Str()
			if m.Kind() == strictjson.String {
				if f := media(v, name, m); f != "" {
					fact(f)
					continue
				}
			}
			walk(name, m, text, fact)
		}
	}
}
