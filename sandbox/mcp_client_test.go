package sandbox_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/headgate/headgate/sandbox"
)

// mcpSession connects the protocol's own Go client with a sandbox. told gets
// the notifications of progress.
func mcpSession(t *testing.T, told chan<- string, version string) *mcp.ClientSession {
	t.Helper()
	srv := httptest.NewServer(sandbox.New())
	t.Cleanup(srv.Close)
	c := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, &mcp.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context, r *mcp.ProgressNotificationClientRequest) { told <- r.Params.Message },
	})
	s, err := c.Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: srv.URL + "/mcp", MaxRetries: -1}, &mcp.ClientSessionOptions{ProtocolVersion: version})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// TestMCPClient: the client comes by the newest revision that both speak, lists
// the tools and calls them.
func TestMCPClient(t *testing.T) {
	for asked, want := range map[string]string{"": "2025-11-25", "2025-06-18": "2025-06-18", "2025-03-26": "2025-03-26"} {
		t.Run(want, func(t *testing.T) {
			told := make(chan string, 2)
			s := mcpSession(t, told, asked)
			if got := s.InitializeResult().ProtocolVersion; got != want {
				t.Errorf("revision %s, want %s", got, want)
			}
			if err := s.Ping(t.Context(), nil); err != nil {
				t.Error(err)
			}
			list, err := s.ListTools(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, tool := range list.Tools {
				names = append(names, tool.Name)
			}
			if got := strings.Join(names, " "); got != "add echo lookup" {
				t.Errorf("tools %s", got)
			}
			for _, tt := range []struct {
				tool, key, arg, want string
				failed               bool
			}{
				{"echo", "text", "hello\nworld", "hello\nworld", false},
				{"echo", "text", "/say other", "other", false},
				{"echo", "text", "/refuse Not today.", "Not today.", true},
				{"echo", "text", "/chunk none", "/chunk wants a number of runes, 1 to 4096", true},
				{"echo", "word", "x", "echo takes a text", true},
				{"lookup", "name", "bob", `{"name":"Bob Baker","email":"bob@example.org","phone":"+1 212 555 0187"}`, false},
				{"lookup", "name", "carol", "nobody here has that name", true},
				{"lookup", "person", "bob", "lookup takes a name", true},
				{"add", "a", "1", "add takes two numbers, a and b", true},
			} {
				r, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: tt.tool, Arguments: map[string]any{tt.key: tt.arg}})
				if err != nil {
					t.Fatalf("%s %s: %v", tt.tool, tt.arg, err)
				}
				if text, ok := r.Content[0].(*mcp.TextContent); !ok || text.Text != tt.want || r.IsError != tt.failed {
					t.Errorf("%s %s: %+v, an error: %v", tt.tool, tt.arg, r.Content[0], r.IsError)
				}
			}
			params := &mcp.CallToolParams{Name: "add", Arguments: map[string]any{"a": 1, "b": 2}}
			params.SetProgressToken("p")
			r, err := s.CallTool(t.Context(), params)
			if err != nil || r.StructuredContent.(map[string]any)["sum"] != 3.0 {
				t.Errorf("add: %v, %v", r, err)
			}
			for _, want := range []string{"The sandbox has begun.", "The sandbox is done."} {
				if got := <-told; got != want {
					t.Errorf("told %q, want %q", got, want)
				}
			}
		})
	}
}

func TestMCPClientErrors(t *testing.T) {
	s := mcpSession(t, nil, "")
	_, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "shell_exec"})
	var e *jsonrpc.Error
	if !errors.As(err, &e) || e.Code != jsonrpc.CodeInvalidParams {
		t.Errorf("an unknown tool: %v", err)
	}
	_, err = s.ListPrompts(t.Context(), nil)
	if err == nil {
		t.Error("prompts, which there are none of")
	}
}
