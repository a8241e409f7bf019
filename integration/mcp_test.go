package integration_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/headgate/headgate/sandbox"
)

const mcpPolicy = openPolicy + `
deny contains "bob is not looked up" if {
	input.stage == "pre_tool"
	input.tool == "lookup"
	input.args.name == "bob"
}

deny contains "that word is not told" if {
	input.stage == "post_tool"
	input.tool == "echo"
	contains(json.marshal(input.result), "swordfish")
}

redact_result contains "EMAIL" if {
	input.stage == "post_tool"
	input.tool == "lookup"
}
`

// mcpCall is one call of a tool, and what comes of it.
type mcpCall struct {
	Tool      string         `json:"tool"`
	Arguments map[string]any `json:"arguments"`
	Progress  bool           `json:"progress"` // ask for it: the answer is a stream

	want  mcpSeen
	alone mcpSeen // without a gate
	audit []string
}

// mcpSeen is what a client makes of an answer.
type mcpSeen struct {
	Text       string         `json:"text"`
	Structured map[string]any `json:"structured"`
	Failed     bool           `json:"failed"` // the result is an error that a model reads
	Error      string         `json:"error"`  // of the protocol
	Progress   int            `json:"progress"`
	Requests   int            `json:"requests"`
}

// mcpCalls are the stories of the clients of the Model Context Protocol.
func mcpCalls() []mcpCall {
	person := func(name, email, phone string) mcpSeen {
		return mcpSeen{
			Text:       fmt.Sprintf(`{"name":%q,"email":%q,"phone":%q}`, name, email, phone),
			Structured: map[string]any{"name": name, "email": email, "phone": phone}, Requests: 1,
		}
	}
	told := func(s mcpSeen) mcpSeen {
		s.Progress = 2
		return s
	}
	alice, hidden := person("Alice Archer", "alice@example.com", "+1 212 555 0142"), person("Alice Archer", "[EMAIL]", "+1 212 555 0142")
	bob := mcpSeen{Text: "tool `lookup`: bob is not looked up", Failed: true, Requests: 1}
	word := mcpSeen{Text: "result of tool `echo`: that word is not told", Failed: true, Requests: 1}
	sum := mcpSeen{Text: "5", Structured: map[string]any{"sum": 5.0}, Requests: 1}
	allowed := []string{"pre_tool add allow", "post_tool add allow", done}
	redacted := []string{"pre_tool lookup allow", "post_tool lookup redact_result [EMAIL:1]", done + " [EMAIL:1]"}
	denied := []string{"pre_tool lookup deny: bob is not looked up"}
	swallowed := []string{"pre_tool echo allow", "post_tool echo deny: that word is not told", "outcome 200 denied"}
	name := func(name string) map[string]any { return map[string]any{"name": name} }
	return []mcpCall{
		{Tool: "add", Arguments: map[string]any{"a": 2, "b": 3}, want: sum, alone: sum, audit: allowed},
		{Tool: "add", Arguments: map[string]any{"a": 2, "b": 3}, Progress: true, want: told(sum), alone: told(sum), audit: allowed},
		{Tool: "lookup", Arguments: name("alice"), want: hidden, alone: alice, audit: redacted},
		{Tool: "lookup", Arguments: name("alice"), Progress: true, want: told(hidden), alone: told(alice), audit: redacted},
		{Tool: "lookup", Arguments: name("bob"), want: bob, alone: person("Bob Baker", "bob@example.org", "+1 212 555 0187"), audit: denied},
		{Tool: "lookup", Arguments: name("bob"), Progress: true, want: bob, alone: told(person("Bob Baker", "bob@example.org", "+1 212 555 0187")), audit: denied},
		{Tool: "echo", Arguments: map[string]any{"text": "swordfish"}, want: word, alone: mcpSeen{Text: "swordfish", Requests: 1}, audit: swallowed},
	}
}

// startMCP runs the binary in front of a sandbox.
func startMCP(t *testing.T) *gate {
	t.Helper()
	return start(t, map[string]string{
		"policy.rego": mcpPolicy,
		"Caddyfile":   caddyfile("\tadmin off\n"+gateOptions, sandboxSite),
	})
}

// playedMCP is what a client's run of the stories tells.
type playedMCP struct {
	Tools   []string  `json:"tools"`
	Results []mcpSeen `json:"results"`
	IDs     []string  `json:"ids"`
}

// check compares a run with the stories. g is nil without a gate.
func (p *playedMCP) check(t *testing.T, g *gate) {
	t.Helper()
	if want := []string{"add", "echo", "lookup"}; !slices.Equal(p.Tools, want) {
		t.Errorf("tools %q, want %q", p.Tools, want)
	}
	calls := mcpCalls()
	if len(p.Results) != len(calls) {
		t.Fatalf("%d results of %d calls", len(p.Results), len(calls))
	}
	var audit []string
	for i, c := range calls {
		want := c.want
		if g == nil {
			want = c.alone
		}
		if diff := gocmp.Diff(want, p.Results[i]); diff != "" {
			t.Errorf("call %d of %s (-want +got)\n%s", i, c.Tool, diff)
		}
		audit = append(audit, c.audit...)
	}
	if g == nil {
		return
	}
	var got []string // of the tools: what the session itself leaves is the client's affair
	outcome := false
	for _, l := range g.trail(t, p.IDs, len(audit)) {
		outcome = outcome && strings.HasPrefix(l, "outcome ") || strings.Contains(l, "_tool ")
		if outcome {
			got = append(got, l)
		}
	}
	if diff := gocmp.Diff(audit, got); diff != "" {
		t.Errorf("audit (-want +got)\n%s", diff)
	}
}

// TestNodeMCP: the protocol's own client for Node lists tools and calls them
// through the gate.
func TestNodeMCP(t *testing.T) {
	t.Parallel()
	needNode(t, "@modelcontextprotocol/sdk")
	g := startMCP(t)
	p := playNodeMCP(t, "http://"+g.addrs["@plain@"])
	p.check(t, g)
}

// TestGoMCP does so with the client for Go.
func TestGoMCP(t *testing.T) {
	t.Parallel()
	g := startMCP(t)
	p := playGoMCP(t, "http://"+g.addrs["@plain@"], func(c mcpCall) int { return c.want.Progress })
	p.check(t, g)
}

// TestMCPAlone calls the tools of a sandbox without a gate: what differs in the
// other tests is the gate's doing.
func TestMCPAlone(t *testing.T) {
	t.Parallel()
	needNode(t, "@modelcontextprotocol/sdk")
	srv := httptest.NewServer(sandbox.New())
	t.Cleanup(srv.Close)
	p := playNodeMCP(t, srv.URL)
	p.check(t, nil)
	p = playGoMCP(t, srv.URL, func(c mcpCall) int { return c.alone.Progress })
	p.check(t, nil)
}

// playNodeMCP runs node/mcp.mjs.
func playNodeMCP(t *testing.T, base string) playedMCP {
	t.Helper()
	got := runNode[playedMCP](t, "mcp.mjs", []any{map[string]any{"url": base + "/mcp", "key": ownKey, "calls": mcpCalls()}})
	if len(got) != 1 {
		t.Fatalf("%d answers", len(got))
	}
	return got[0]
}

// playGoMCP makes the calls with the client for Go. progress is how many
// notifications to wait for after a call.
func playGoMCP(t *testing.T, base string, progress func(c mcpCall) int) playedMCP {
	t.Helper()
	told := make(chan struct{}, 2)
	client := mcp.NewClient(&mcp.Implementation{Name: "stories", Version: "1.0.0"}, &mcp.ClientOptions{
		ProgressNotificationHandler: func(context.Context, *mcp.ProgressNotificationClientRequest) { told <- struct{}{} },
	})
	w := new(wire)
	s, err := client.Connect(t.Context(), &mcp.StreamableClientTransport{
		Endpoint: base + "/mcp", HTTPClient: &http.Client{Transport: w}, DisableStandaloneSSE: true,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	list, err := s.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var p playedMCP
	for _, tool := range list.Tools {
		p.Tools = append(p.Tools, tool.Name)
	}
	for i, c := range mcpCalls() {
		params := &mcp.CallToolParams{Name: c.Tool, Arguments: c.Arguments}
		if c.Progress {
			params.SetProgressToken(i)
		}
		asked := len(w.ids)
		r, err := s.CallTool(t.Context(), params)
		seen := mcpSeen{Requests: len(w.ids) - asked}
		for range progress(c) {
			select { // comes beside the answer
			case <-told:
				seen.Progress++
			case <-time.After(patience):
				t.Fatalf("call %d of %s: waited in vain for progress", i, c.Tool)
			}
		}
		var e *jsonrpc.Error
		switch {
		case errors.As(err, &e):
			seen.Error = fmt.Sprintf("%T %d: %s", e, e.Code, e.Message)
		case err != nil:
			t.Fatal(err)
		default:
			seen.Failed = r.IsError
			seen.Structured, _ = r.StructuredContent.(map[string]any)
			for _, part := range r.Content {
				seen.Text += part.(*mcp.TextContent).Text
			}
		}
		p.Results = append(p.Results, seen)
	}
	p.IDs = w.ids
	return p
}
