package a2a

import (
	"encoding/base64"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// names are the fields of one object that are read. A sibling that equals one
// of them but for its case is refused, and so is one that is its name in
// snake_case, which readers of protocol buffers take as well.
type names struct {
	known  *strictjson.KeySet
	plain  map[string]string // without underscores, to the name itself
	listed map[string]bool
}

func namesOf(list ...string) names {
	n := names{known: strictjson.Keys(list...), plain: map[string]string{}, listed: map[string]bool{}}
	for _, name := range list {
		n.plain[plain(name)] = name
		n.listed[name] = true
	}
	return n
}

func (n names) has(key string) bool { return n.listed[key] }

func plain(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

var (
	envelopeFields = namesOf("jsonrpc", "id", "method", "params")
	replyFields    = namesOf("jsonrpc", "id", "result", "error")
	paramFields    = namesOf("message", "configuration", "metadata", "tenant", "id", "taskId", "contextId",
		"historyLength", "pageSize", "pageToken", "status", "includeArtifacts", "statusTimestampAfter",
		"pushNotificationConfig", "taskPushNotificationConfig")
	configFields = namesOf("acceptedOutputModes", "blocking", "returnImmediately", "historyLength",
		"pushNotificationConfig", "taskPushNotificationConfig", "pushNotification")
	messageFields = namesOf("kind", "messageId", "contextId", "taskId", "referenceTaskIds", "role", "parts", "content", "metadata", "extensions")
	partFields    = namesOf("kind", "text", "file", "raw", "url", "data", "metadata", "filename", "mediaType")
	fileFields    = namesOf("bytes", "uri", "name", "mimeType", "fileWithBytes", "fileWithUri", "mediaType")
)

func checkNames(v strictjson.Value, path string, n names) error {
	if err := v.CheckKeys(n.known); err != nil {
		return &wire.Error{Path: path, Err: err}
	}
	for k := range v.Members() {
		key := k.Str()
		if name, ok := n.plain[plain(key)]; ok && name != key {
			return read.Wrong(path, "a name differs from a known field's in its spelling alone")
		}
	}
	return nil
}

// given tells whether a member is there and not null.
func given(v strictjson.Value) bool { return v.Exists() && !v.IsNull() }

// isBase64 tells whether a string is nothing but bytes in base64.
func isBase64(v strictjson.Value) bool {
	if v.Kind() != strictjson.String {
		return false
	}
	s := strings.TrimRight(v.Str(), "=")
	if _, err := base64.RawStdEncoding.DecodeString(s); err == nil {
		return true
	}
	_, err := base64.RawURLEncoding.DecodeString(s)
	return err == nil
}

// mediaFact names what bytes of some media type keep from sight.
func mediaFact(mediaType string) string {
	for _, kind := range []string{"image", "audio"} {
		if strings.HasPrefix(strings.ToLower(mediaType), kind+"/") {
			return kind
		}
	}
	return "binary"
}
