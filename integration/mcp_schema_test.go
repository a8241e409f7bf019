package integration_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"golang.org/x/tools/txtar"
)

// mcpMessage is a message of a transcript.
type mcpMessage struct {
	Name    string          `json:"name"`
	From    string          `json:"from"`
	Method  string          `json:"method"` // of the request that it answers
	Message json.RawMessage `json:"message"`
}

// modern are the transcripts of the revision 2026-07-28; the others are of
// 2025-11-25.
var modern = map[string]bool{"mcp-header": true, "mcp-input-requests": true, "mcp-deny-modern": true}

// notInSchema are the transcripts of messages that no schema has, and why.
var notInSchema = map[string]string{
	"mcp-batch":                "a batch",
	"mcp-no-credential":        "an error whose id is null",
	"mcp-not-understood":       "a request that is none",
	"mcp-unknown-method":       "a method that nobody has",
	"mcp-unknown-notification": "a notification that nobody has",
}

// mcpMessages are the messages that went upstream and to the client in the
// transcripts of MCP.
func mcpMessages(t *testing.T) []mcpMessage {
	t.Helper()
	files, err := filepath.Glob("testdata/mcp-*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var list []mcpMessage
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
			from, ok := map[string]string{"request": "", "upstream": "client", "client": "server"}[f.Name]
			if !ok {
				continue
			}
			for _, text := range bodyMessages(f.Data) {
				var m struct{ Method string }
				if err := json.Unmarshal(text, &m); err != nil {
					t.Fatalf("%s: %v in %s", name, err, text)
				}
				if from == "" {
					method = m.Method // what came in is not ours to answer for
					continue
				}
				list = append(list, mcpMessage{Name: name, From: from, Method: method, Message: text})
			}
		}
	}
	if len(list) < 30 {
		t.Fatalf("%d messages in the transcripts", len(list))
	}
	return list
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

// mcpResults are the schemas of results, by the method that they answer.
var mcpResults = map[string]string{
	"initialize":      "InitializeResult",
	"server/discover": "DiscoverResult",
	"tools/list":      "ListToolsResult",
	"tools/call":      "CallToolResult",
	"resources/read":  "ReadResourceResult",
	"resources/list":  "ListResourcesResult",
	"prompts/get":     "GetPromptResult",
	"prompts/list":    "ListPromptsResult",
}

// mcpSchema is the official schema of a revision.
type mcpSchema struct{ defs map[string]*jsonschema.Schema }

func readMCPSchema(t *testing.T, revision string) mcpSchema {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "mcp-schema", revision+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return mcpSchema{s.Defs}
}

// check validates a JSON value by a definition.
func (s mcpSchema) check(name string, value json.RawMessage) error {
	if s.defs[name] == nil {
		return fmt.Errorf("the schema has no %s", name)
	}
	root := &jsonschema.Schema{Ref: "#/$defs/" + name, Defs: maps.Clone(s.defs)}
	resolved, err := root.CloneSchemas().Resolve(nil)
	if err != nil {
		return err
	}
	var v any
	if err := json.Unmarshal(value, &v); err != nil {
		return err
	}
	return resolved.Validate(v)
}

// message validates a message of one side, and what is in it.
func (s mcpSchema) message(m mcpMessage) error {
	if err := s.check("JSONRPCMessage", m.Message); err != nil {
		return err
	}
	var in struct {
		ID, Result json.RawMessage
		Method     string
	}
	if err := json.Unmarshal(m.Message, &in); err != nil {
		return err
	}
	switch side := map[string]string{"client": "Client", "server": "Server"}[m.From]; {
	case strings.HasPrefix(in.Method, "headgate/"): // which is to be unknown
	case in.Method != "" && in.ID == nil:
		return s.check(side+"Notification", m.Message)
	case in.Method != "" && s.defs[side+"Request"] != nil:
		return s.check(side+"Request", m.Message)
	case in.Result != nil && m.From == "server":
		name := mcpResults[m.Method]
		var kind struct{ ResultType string }
		if err := json.Unmarshal(in.Result, &kind); err == nil && kind.ResultType == "input_required" {
			name = "InputRequiredResult"
		}
		if name == "" {
			name = "Result"
		}
		return s.check(name, in.Result)
	}
	return nil
}

// TestMCPMessagesAreValid: whatever the gate lets through, writes itself or
// edits, in the transcripts of MCP, is valid by the official schema of its
// revision.
func TestMCPMessagesAreValid(t *testing.T) {
	old, now := readMCPSchema(t, "2025-11-25"), readMCPSchema(t, "2026-07-28")
	for _, m := range mcpMessages(t) {
		s := old
		if modern[m.Name] {
			s = now
		}
		if err := s.message(m); err != nil {
			t.Errorf("%s, from the %s: %v\n%s", m.Name, m.From, err, m.Message)
		}
	}
	for _, s := range []mcpSchema{old, now} {
		wrong := mcpMessage{"", "server", "tools/call", json.RawMessage(`{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","content":[{"type":"text"}]}}`)}
		if err := s.message(wrong); err == nil {
			t.Error("a text without its text is valid")
		}
	}
}

// TestMCPMessagesAreValidForNode: the same by the schemas of the official SDK
// for Node, which has the revision 2025-11-25.
func TestMCPMessagesAreValidForNode(t *testing.T) {
	t.Parallel()
	needNode(t, "@modelcontextprotocol/sdk")
	var in []any
	for _, m := range mcpMessages(t) {
		if !modern[m.Name] {
			in = append(in, m)
		}
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
