package integration_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// mcpMessage is a message of a transcript, for mcp_schema.mjs.
type mcpMessage struct {
	Name    string          `json:"name"`
	From    string          `json:"from"`
	Method  string          `json:"method"` // of the request that it answers
	Message json.RawMessage `json:"message"`
}

// notInSchema are the transcripts of messages that the SDK's schema, which is
// that of 2025-11-25, does not have, and why.
var notInSchema = map[string]string{
	"mcp-batch":                "a batch, and an error whose id is null",
	"mcp-no-credential":        "an error whose id is null",
	"mcp-not-understood":       "a request that is none",
	"mcp-header":               "a revision that the schema does not have",
	"mcp-input-requests":       "a revision that the schema does not have",
	"mcp-deny-modern":          "a revision that the schema does not have",
	"mcp-unknown-method":       "a method that nobody has",
	"mcp-unknown-notification": "a notification that nobody has",
}

// TestMCPMessagesAreValid: whatever the gate lets through, writes itself or
// edits, in the transcripts of MCP, is valid by the schema of the official SDK.
func TestMCPMessagesAreValid(t *testing.T) {
	t.Parallel()
	needNode(t, "@modelcontextprotocol/sdk")
	files, err := filepath.Glob("testdata/mcp-*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var in []any
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		if notInSchema[name] != "" {
			continue
		}
		story, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var method string
		for _, f := range story.Files {
			from, ok := map[string]string{"upstream": "client", "client": "server"}[f.Name]
			if !ok {
				continue
			}
			for _, text := range bodyMessages(f.Data) {
				var m struct{ Method string }
				if err := json.Unmarshal(text, &m); err != nil {
					t.Fatalf("%s: %v in %s", name, err, text)
				}
				if from == "client" {
					method = m.Method
				}
				in = append(in, mcpMessage{Name: name + " " + f.Name, From: from, Method: method, Message: text})
			}
		}
	}
	if len(in) < 30 {
		t.Fatalf("%d messages in the transcripts", len(in))
	}
	const planted = "a result without its text"
	in = append(in, mcpMessage{planted, "server", "tools/call", json.RawMessage(`{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text"}]}}`)})
	type verdict struct{ Name, Error string }
	for i, v := range runNode[verdict](t, "mcp_schema.mjs", in) {
		if (v.Error != "") != (v.Name == planted) {
			t.Errorf("%s: %s\n%s", v.Name, in[i].(mcpMessage).Message, v.Error)
		}
	}
}

// bodyMessages are the JSON objects of a body, which stands behind a blank
// line: it is one, or each event has one.
func bodyMessages(exchange []byte) []json.RawMessage {
	_, body, _ := bytes.Cut(exchange, []byte("\n\n"))
	body = bytes.TrimSpace(body)
	if bytes.HasPrefix(body, []byte("{")) {
		return []json.RawMessage{body}
	}
	var list []json.RawMessage
	for line := range bytes.SplitSeq(body, []byte("\n")) {
		if data, ok := bytes.CutPrefix(line, []byte("data: {")); ok {
			list = append(list, json.RawMessage("{"+string(data)))
		}
	}
	return list
}
