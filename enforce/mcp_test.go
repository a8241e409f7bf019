//nolint:staticcheck // what the newest revision deprecates is governed as long as it is spoken
package enforce_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/headgate/headgate/audit"
	"github.com/headgate/headgate/enforce"
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/redact"
	"github.com/headgate/headgate/wire"
	wiremcp "github.com/headgate/headgate/wire/mcp"
)

// flushing is a reply as a reverse proxy takes it.
type flushing struct{ *enforce.Reply }

func (f flushing) FlushError() error { return f.Flush() }

// inFront puts a gate in front of an upstream, as a server.
func inFront(t testing.TB, g *enforce.Gate, upstream string) *httptest.Server {
	t.Helper()
	to, err := url.Parse(upstream)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reply, ok := g.Begin(w, r, "192.0.2.1").Admit()
		if !ok || reply == nil {
			return
		}
		var end error
		proxy := &httputil.ReverseProxy{
			Rewrite:      func(p *httputil.ProxyRequest) { p.SetURL(to) },
			ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) { end = err },
		}
		defer func() {
			if v := recover(); v != nil {
				end = errors.New("aborted")
			}
			reply.Close(end)
		}()
		proxy.ServeHTTP(flushing{reply}, r)
	}))
	t.Cleanup(srv.Close)
	return srv
}

// prober is a policy that can be probed.
type prober struct {
	rules
	hidden   []string
	hopeless func(tool string) bool
}

func (p prober) Current() policy.Policy { return p }
func (p prober) Hidden(context.Context, *policy.Input) []string {
	return p.hidden
}

func (p prober) Hopeless(_ context.Context, in *policy.Input, _ policy.Fields) bool {
	return p.hopeless != nil && p.hopeless(in.Tool)
}

// tools tells the lines of the tool stages.
func (b *book) tools() string {
	var s []string
	for part := range strings.SplitSeq(b.story(), ", ") {
		if strings.Contains(part, "_tool ") {
			s = append(s, part)
		}
	}
	return strings.Join(s, ", ")
}

func mcpGate(t testing.TB, p policy.Engine, log *book, change func(*enforce.Config)) *enforce.Gate {
	t.Helper()
	router, err := wire.NewRouter([]wire.Served{{Dialect: wiremcp.Dialect{}, Prefix: "/mcp", Name: "tools"}})
	if err != nil {
		t.Fatal(err)
	}
	cfg := enforce.Config{Router: router, Fallback: wiremcp.Dialect{}, Policy: p, Audit: log}
	if change != nil {
		change(&cfg)
	}
	g, err := enforce.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

type echoArgs struct {
	Text string `json:"text" jsonschema:"what to say"`
}

type echoed struct {
	Said string `json:"said"`
}

// toolServer is a server of the official SDK.
func toolServer() *mcp.Server {
	s := mcp.NewServer(&mcp.Implementation{Name: "server", Version: "1"}, nil)
	mcp.AddTool(s, &mcp.Tool{Name: "echo", Description: "says it again, ask admin@acme.example"},
		func(_ context.Context, _ *mcp.CallToolRequest, in echoArgs) (*mcp.CallToolResult, echoed, error) {
			return nil, echoed{Said: in.Text}, nil
		})
	mcp.AddTool(s, &mcp.Tool{Name: "shell"}, func(context.Context, *mcp.CallToolRequest, echoArgs) (*mcp.CallToolResult, any, error) {
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "ran"}}}, nil, nil
	})
	mcp.AddTool(s, &mcp.Tool{Name: "think"}, func(ctx context.Context, r *mcp.CallToolRequest, in echoArgs) (*mcp.CallToolResult, any, error) {
		res, err := r.Session.CreateMessage(ctx, &mcp.CreateMessageParams{
			MaxTokens: 5, SystemPrompt: "be brief",
			Messages: []*mcp.SamplingMessage{{Role: "user", Content: &mcp.TextContent{Text: in.Text}}},
		})
		if err != nil {
			return nil, nil, fmt.Errorf("no thought: %w", err)
		}
		return &mcp.CallToolResult{Content: []mcp.Content{res.Content}}, nil, nil
	})
	mcp.AddTool(s, &mcp.Tool{Name: "ask"}, func(ctx context.Context, r *mcp.CallToolRequest, in echoArgs) (*mcp.CallToolResult, any, error) {
		res, err := r.Session.Elicit(ctx, &mcp.ElicitParams{Message: in.Text})
		if err != nil {
			return nil, nil, fmt.Errorf("no answer: %w", err)
		}
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: fmt.Sprint(res.Action, res.Content["mail"])}}}, nil, nil
	})
	s.AddResource(&mcp.Resource{URI: "file:///notes", Name: "notes"},
		func(context.Context, *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
			return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{{URI: "file:///notes", Text: "write to bob@acme.example"}}}, nil
		})
	s.AddPrompt(&mcp.Prompt{Name: "greet"}, func(context.Context, *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
		return &mcp.GetPromptResult{Messages: []*mcp.PromptMessage{{Role: "user", Content: &mcp.TextContent{Text: "greet eve@acme.example"}}}}, nil
	})
	return s
}

// session connects the SDK's client through a gate to the SDK's server.
func session(t *testing.T, g *enforce.Gate, stateless, wantJSON bool) *mcp.ClientSession {
	t.Helper()
	s := toolServer()
	upstream := httptest.NewServer(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return s },
		&mcp.StreamableHTTPOptions{Stateless: stateless, JSONResponse: wantJSON}))
	t.Cleanup(upstream.Close)
	front := inFront(t, g, upstream.URL)
	c := mcp.NewClient(&mcp.Implementation{Name: "client", Version: "1"}, &mcp.ClientOptions{
		CreateMessageHandler: func(_ context.Context, r *mcp.CreateMessageRequest) (*mcp.CreateMessageResult, error) {
			said := r.Params.Messages[0].Content.(*mcp.TextContent).Text
			return &mcp.CreateMessageResult{Role: "assistant", Model: "m", Content: &mcp.TextContent{Text: "thought of " + said}}, nil
		},
		ElicitationHandler: func(_ context.Context, r *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"mail": "me@acme.example"}}, nil
		},
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	cs, err := c.Connect(ctx, &mcp.StreamableClientTransport{Endpoint: front.URL + "/mcp"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cs.Close() })
	return cs
}

// call calls a tool, and gives what it said.
func call(t *testing.T, cs *mcp.ClientSession, tool, text string) (string, *mcp.CallToolResult) {
	t.Helper()
	res, err := cs.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: map[string]any{"text": text}})
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	var said []string
	for _, c := range res.Content {
		if c, ok := c.(*mcp.TextContent); ok {
			said = append(said, c.Text)
		}
	}
	return strings.Join(said, "\n"), res
}

// transports are the forms in which the SDK's server answers.
var transports = []struct {
	name            string
	stateless, json bool
}{
	{"session, SSE", false, false},
	{"session, JSON", false, true},
	{"stateless, SSE", true, false},
	{"stateless, JSON", true, true},
}

// TestDeniedCallIsReadByTheModel: the SDK's client gives its caller a result
// with the reason, and the session lives on.
func TestDeniedCallIsReadByTheModel(t *testing.T) {
	for _, tt := range transports {
		t.Run(tt.name, func(t *testing.T) {
			log := &book{}
			p := rules{decide: func(in *policy.Input) policy.Decision {
				if in.Tool == "shell" {
					return policy.Decision{Action: policy.Deny, Reason: "shell needs the role admin"}
				}
				return policy.Decision{}
			}}
			cs := session(t, mcpGate(t, p, log, nil), tt.stateless, tt.json)
			said, res := call(t, cs, "shell", "rm")
			if !res.IsError || said != "tool `shell`: shell needs the role admin" {
				t.Errorf("%v %q", res.IsError, said)
			}
			if said, res := call(t, cs, "echo", "hi"); res.IsError || !strings.Contains(said, "hi") {
				t.Errorf("after it: %v %q", res.IsError, said)
			}
			if got := log.tools(); got != "pre_tool deny, pre_tool allow, post_tool allow" {
				t.Error(got)
			}
		})
	}
}

// TestListShowsWhatCanBeUsed: a hidden tool and a hopeless one are not in the
// list, and a hidden one that is called all the same is denied.
func TestListShowsWhatCanBeUsed(t *testing.T) {
	for _, tt := range transports {
		t.Run(tt.name, func(t *testing.T) {
			p := prober{hidden: []string{"ec*"}, hopeless: func(tool string) bool { return tool == "shell" }}
			cs := session(t, mcpGate(t, p, &book{}, nil), tt.stateless, tt.json)
			list, err := cs.ListTools(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, tool := range list.Tools {
				names = append(names, tool.Name)
			}
			if !slices.Equal(names, []string{"ask", "think"}) {
				t.Error(names)
			}
			if said, res := call(t, cs, "echo", "hi"); !res.IsError || said != "tool `echo`: the tool is hidden by policy" {
				t.Errorf("%v %q", res.IsError, said)
			}
		})
	}
}

func mcpRedaction(c *enforce.Config) {
	mail := []redact.Selector{{Spec: "EMAIL"}}
	c.Redact = enforce.Redaction{Args: mail, Results: mail, Request: mail, Response: mail}
}

// TestToolsAreRedacted: arguments before they leave, results in all their
// copies, and whatever else a server says.
func TestToolsAreRedacted(t *testing.T) {
	for _, tt := range transports {
		t.Run(tt.name, func(t *testing.T) {
			log := &book{}
			p := rules{decide: func(in *policy.Input) policy.Decision {
				switch in.Stage {
				case policy.PreTool:
					return policy.Decision{Action: policy.RedactArgs, Redact: []policy.Selector{{Spec: "lit:blue"}}}
				case policy.PostTool:
					return policy.Decision{Action: policy.RedactResult, Redact: []policy.Selector{{Spec: "lit:red"}}}
				}
				return policy.Decision{}
			}}
			cs := session(t, mcpGate(t, p, log, mcpRedaction), tt.stateless, tt.json)
			said, res := call(t, cs, "echo", "red blue carol@acme.example")
			for _, leak := range []string{"carol", "red ", "blue"} {
				if text := said + fmt.Sprint(res.StructuredContent); strings.Contains(text, leak) {
					t.Errorf("%q in %q", leak, text)
				}
			}
			list, err := cs.ListTools(t.Context(), nil)
			if err != nil || len(list.Tools) != 4 {
				t.Fatal(list, err)
			}
			for _, tool := range list.Tools {
				if strings.Contains(tool.Description, "admin@") {
					t.Error(tool.Description)
				}
			}
			r, err := cs.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: "file:///notes"})
			if err != nil || r.Contents[0].Text != "write to [EMAIL]" {
				t.Error(r, err)
			}
			g, err := cs.GetPrompt(t.Context(), &mcp.GetPromptParams{Name: "greet"})
			if err != nil || g.Messages[0].Content.(*mcp.TextContent).Text != "greet [EMAIL]" {
				t.Error(g, err)
			}
			log.mu.Lock()
			defer log.mu.Unlock()
			at := slices.IndexFunc(log.lines, func(l audit.Record) bool { return l.Stage == "post_tool" && l.Tool == "echo" })
			if got := log.lines[at].Redactions; got["LITERAL"] != 1 {
				t.Errorf("redactions %v, want a copy counted once", got)
			}
		})
	}
}

// TestResultDenied: what post_tool denies does not reach the client, which gets
// a result with the reason.
func TestResultDenied(t *testing.T) {
	for _, tt := range transports {
		t.Run(tt.name, func(t *testing.T) {
			p := rules{
				decide: func(in *policy.Input) policy.Decision {
					if in.Stage == policy.PostTool && strings.Contains(string(in.Result), "secret") {
						return policy.Decision{Action: policy.Deny, Reason: "no secrets"}
					}
					return policy.Decision{}
				},
				needs: map[policy.Stage]policy.Fields{policy.PostTool: policy.FieldResult},
			}
			cs := session(t, mcpGate(t, p, &book{}, nil), tt.stateless, tt.json)
			if said, res := call(t, cs, "echo", "a secret"); !res.IsError || said != "result of tool `echo`: no secrets" {
				t.Errorf("%v %q", res.IsError, said)
			}
		})
	}
}

// TestResourcesAreDecided: a read is an access like a call; its denial is an
// error of JSON-RPC.
func TestResourcesAreDecided(t *testing.T) {
	log := &book{}
	p := rules{
		decide: func(in *policy.Input) policy.Decision {
			if in.Tool == "resources/read" && in.Stage == policy.PreTool && string(in.Args) == `{"uri":"file:///notes"}` {
				return policy.Decision{Action: policy.Deny, Reason: "no notes"}
			}
			return policy.Decision{}
		},
		needs: map[policy.Stage]policy.Fields{policy.PreTool: policy.FieldArgs},
	}
	cs := session(t, mcpGate(t, p, log, nil), false, false)
	_, err := cs.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: "file:///notes"})
	if err == nil || !strings.Contains(err.Error(), "tool `resources/read`: no notes") {
		t.Error(err)
	}
	if g, err := cs.GetPrompt(t.Context(), &mcp.GetPromptParams{Name: "greet"}); err != nil || len(g.Messages) != 1 {
		t.Error(g, err)
	}
}

// TestServersAsk: what a server asks of the client's model and of its user is
// decided, in streams (up to 2025-11-25) and inside results (2026-07-28).
func TestServersAsk(t *testing.T) {
	for _, stateless := range []bool{false} {
		var seen []string
		p := rules{
			decide: func(in *policy.Input) policy.Decision {
				if in.Stage == policy.PreChat || in.Stage == policy.PostChat {
					seen = append(seen, string(in.Messages)+string(in.Response))
				}
				if strings.Contains(string(in.Messages), "forbidden") {
					return policy.Decision{Action: policy.Deny, Reason: "do not ask that"}
				}
				if strings.Contains(string(in.Response), "thought of evil") {
					return policy.Decision{Action: policy.Deny, Reason: "do not say that"}
				}
				return policy.Decision{}
			},
			needs: map[policy.Stage]policy.Fields{policy.PreChat: policy.FieldMessages, policy.PostChat: policy.FieldResponse},
		}
		cs := session(t, mcpGate(t, p, &book{}, mcpRedaction), stateless, false)
		for _, tt := range []struct {
			tool, text, want string
		}{
			{"think", "good", "thought of good"},
			{"think", "dan@acme.example", "thought of [EMAIL]"},
			{"think", "forbidden", "no thought: "},
			{"think", "evil", "do not say that"},
			{"ask", "your mail?", "accept[EMAIL]"},
			{"ask", "forbidden", "no answer: "},
		} {
			if said, _ := call(t, cs, tt.tool, tt.text); !strings.Contains(said, tt.want) {
				t.Errorf("stateless %v: %s %s: %q, want %q", stateless, tt.tool, tt.text, said, tt.want)
			}
		}
		if len(seen) < 6 {
			t.Errorf("the policy has seen %q", seen)
		}
	}
}
