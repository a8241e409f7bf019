//nolint:staticcheck // what the newest revision deprecates is governed as long as it is spoken
package enforce_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/headgate/headgate/policy"
)

// connect connects the SDK's client through a gate to a handler.
func connect(t *testing.T, p policy.Engine, log *book, upstream http.Handler, o *mcp.ClientOptions, transport func(url string) mcp.Transport) *mcp.ClientSession {
	t.Helper()
	up := httptest.NewServer(upstream)
	t.Cleanup(up.Close)
	front := inFront(t, mcpGate(t, p, log, mcpRedaction), up.URL)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	cs, err := mcp.NewClient(&mcp.Implementation{Name: "client", Version: "1"}, o).Connect(ctx, transport(front.URL), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cs.Close() })
	return cs
}

func streamable(url string) mcp.Transport {
	return &mcp.StreamableClientTransport{Endpoint: url + "/mcp"}
}

// TestServersAskInsideResults: with revision 2026-07-28 a server asks in its
// result, and the client sends the answers with the call.
func TestServersAskInsideResults(t *testing.T) {
	s := mcp.NewServer(&mcp.Implementation{Name: "server", Version: "1"}, nil)
	mcp.AddTool(s, &mcp.Tool{Name: "ask"}, func(_ context.Context, r *mcp.CallToolRequest, in echoArgs) (*mcp.CallToolResult, any, error) {
		if len(r.Params.InputResponses) == 0 {
			return &mcp.CallToolResult{
				InputRequests: mcp.InputRequestMap{
					"mail":    &mcp.ElicitParams{Message: in.Text},
					"thought": &mcp.CreateMessageParams{MaxTokens: 5, Messages: []*mcp.SamplingMessage{{Role: "user", Content: &mcp.TextContent{Text: in.Text}}}},
				},
				RequestState: "state-1",
			}, nil, nil
		}
		mail, _ := r.Params.InputResponses["mail"].(*mcp.ElicitResult)
		if mail == nil || r.Params.RequestState != "state-1" {
			return nil, nil, context.Canceled
		}
		said := "?"
		switch m := r.Params.InputResponses["thought"].(type) {
		case *mcp.CreateMessageResult:
			said = m.Content.(*mcp.TextContent).Text
		case *mcp.CreateMessageWithToolsResult:
			said = m.Content[0].(*mcp.TextContent).Text
		}
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: mail.Content["mail"].(string) + " " + said}}}, nil, nil
	})
	var mu sync.Mutex
	var seen []string
	p := rules{
		decide: func(in *policy.Input) policy.Decision {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, string(in.Stage))
			switch {
			case strings.Contains(string(in.Messages), "forbidden"):
				return policy.Decision{Action: policy.Deny, Reason: "do not ask that"}
			case strings.Contains(string(in.Response), "evil"):
				return policy.Decision{Action: policy.Deny, Reason: "do not say that"}
			}
			return policy.Decision{}
		},
		needs: map[policy.Stage]policy.Fields{policy.PreChat: policy.FieldMessages, policy.PostChat: policy.FieldResponse},
	}
	o := &mcp.ClientOptions{
		CreateMessageHandler: func(_ context.Context, r *mcp.CreateMessageRequest) (*mcp.CreateMessageResult, error) {
			return &mcp.CreateMessageResult{Role: "assistant", Model: "m", Content: &mcp.TextContent{Text: "so " + r.Params.Messages[0].Content.(*mcp.TextContent).Text}}, nil
		},
		ElicitationHandler: func(context.Context, *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"mail": "me@acme.example"}}, nil
		},
	}
	h := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return s }, &mcp.StreamableHTTPOptions{Stateless: true})
	cs := connect(t, p, &book{}, h, o, streamable)
	if v := cs.InitializeResult().ProtocolVersion; v != "2026-07-28" {
		t.Fatalf("revision %s", v)
	}
	for text, want := range map[string]string{
		"good":      "[EMAIL] so good",
		"forbidden": "do not ask that",
		"evil":      "do not say that",
	} {
		if said, res := call(t, cs, "ask", text); said != want || res.IsError != (text != "good") {
			t.Errorf("%s: %v %q, want %q", text, res.IsError, said, want)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if got := strings.Join(seen, " "); !strings.Contains(got, "pre_tool pre_chat pre_chat") || !strings.Contains(got, "post_chat pre_tool post_tool") {
		t.Error(got)
	}
}

// TestRepeatedArgumentsStayInLine: the SDK's server refuses a header that does
// not say what the argument says.
func TestRepeatedArgumentsStayInLine(t *testing.T) {
	s := mcp.NewServer(&mcp.Implementation{Name: "server", Version: "1"}, nil)
	var got string
	s.AddTool(&mcp.Tool{Name: "query", InputSchema: &jsonschema.Schema{
		Type: "object",
		Properties: map[string]*jsonschema.Schema{
			"who": {Type: "string", Extra: map[string]any{"x-mcp-header": "Who"}},
			"n":   {Type: "integer", Extra: map[string]any{"x-mcp-header": "N"}},
		},
	}}, func(_ context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		got = r.Extra.Header.Get("Mcp-Param-Who") + " " + string(r.Params.Arguments)
		return &mcp.CallToolResult{}, nil
	})
	h := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return s }, &mcp.StreamableHTTPOptions{Stateless: true})
	cs := connect(t, rules{}, &book{}, h, nil, streamable)
	if _, err := cs.ListTools(t.Context(), nil); err != nil { // tells the client of the header
		t.Fatal(err)
	}
	if _, err := cs.CallTool(t.Context(), &mcp.CallToolParams{Name: "query", Arguments: map[string]any{"who": "für bob@acme.example", "n": 3}}); err != nil {
		t.Fatal(err)
	}
	if want := `=?base64?ZsO8ciBbRU1BSUxd?= {"n":3,"who":"für [EMAIL]"}`; got != want {
		t.Errorf("the server got %s, want %s", got, want)
	}
}

// TestStreamsNobodyAskedFor: what a server says on its own reaches the client
// at once, in the stream that a GET has opened, redacted.
func TestStreamsNobodyAskedFor(t *testing.T) {
	for _, tt := range []struct {
		name      string
		handler   func(s *mcp.Server) http.Handler
		transport func(url string) mcp.Transport
	}{
		{"streamable", func(s *mcp.Server) http.Handler {
			return mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return s }, nil)
		}, streamable},
		{"two endpoints", func(s *mcp.Server) http.Handler {
			return mcp.NewSSEHandler(func(*http.Request) *mcp.Server { return s }, nil)
		}, func(url string) mcp.Transport { return &mcp.SSEClientTransport{Endpoint: url + "/mcp/sse"} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log := &book{}
			said := make(chan string, 8)
			changed := make(chan bool, 8)
			o := &mcp.ClientOptions{
				LoggingMessageHandler:  func(_ context.Context, r *mcp.LoggingMessageRequest) { said <- r.Params.Data.(string) },
				ToolListChangedHandler: func(context.Context, *mcp.ToolListChangedRequest) { changed <- true },
			}
			s := toolServer()
			p := rules{
				decide: func(in *policy.Input) policy.Decision {
					if in.Stage == policy.PostTool && strings.Contains(string(in.Result), "secret") {
						return policy.Decision{Action: policy.Deny, Reason: "no secrets"}
					}
					return policy.Decision{}
				},
				needs: map[policy.Stage]policy.Fields{policy.PostTool: policy.FieldResult},
			}
			cs := connect(t, p, log, tt.handler(s), o, tt.transport)
			if err := cs.SetLoggingLevel(t.Context(), &mcp.SetLoggingLevelParams{Level: "info"}); err != nil {
				t.Fatal(err)
			}
			for ss := range s.Sessions() {
				if err := ss.Log(t.Context(), &mcp.LoggingMessageParams{Level: "error", Data: "mail of zoe@acme.example"}); err != nil {
					t.Fatal(err)
				}
			}
			wait(t, said, "mail of [EMAIL]")
			mcp.AddTool(s, &mcp.Tool{Name: "late"}, func(context.Context, *mcp.CallToolRequest, echoArgs) (*mcp.CallToolResult, any, error) {
				return nil, nil, nil
			})
			wait(t, changed, true)
			if got, res := call(t, cs, "echo", "hi"); res.IsError || !strings.Contains(got, "hi") {
				t.Errorf("%v %q", res.IsError, got)
			}
			if got, res := call(t, cs, "echo", "secret"); !res.IsError || !strings.Contains(got, "no secrets") {
				t.Errorf("%v %q", res.IsError, got)
			}
			if err := cs.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func wait[T comparable](t *testing.T, c <-chan T, want T) {
	t.Helper()
	select {
	case got := <-c:
		if got != want {
			t.Errorf("%v, want %v", got, want)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("%v never came", want)
	}
}
