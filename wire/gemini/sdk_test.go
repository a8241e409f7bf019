package gemini_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/genai"

	"github.com/headgate/headgate/enforce"
	"github.com/headgate/headgate/policy"
)

// upstream is a provider behind a gate.
type upstream struct {
	server   *httptest.Server
	requests atomic.Int64 // that reached the gate
	path     string       // of the last one that went on
	body     string
}

// serve puts a gate before a handler that answers with a reply of some media
// type.
func serve(t *testing.T, g *enforce.Gate, media, reply string) (*upstream, *genai.Client) {
	t.Helper()
	u := &upstream{}
	u.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.requests.Add(1)
		out, ok := g.Begin(w, r, "192.0.2.1").Admit()
		if !ok {
			return
		}
		body, err := io.ReadAll(r.Body)
		u.path, u.body = r.URL.Path, string(body)
		out.Header().Set("Content-Type", media)
		out.WriteHeader(http.StatusOK)
		_, _ = io.WriteString(out, reply) // an error is the gate's, which answers
		out.Close(err)
	}))
	t.Cleanup(u.server.Close)
	c, err := genai.NewClient(context.Background(), &genai.ClientConfig{
		APIKey: "k", Backend: genai.BackendGeminiAPI, HTTPOptions: genai.HTTPOptions{BaseURL: u.server.URL},
	})
	if err != nil {
		t.Fatal(err)
	}
	return u, c
}

// denied checks that an error is the gate's, told once.
func denied(t *testing.T, u *upstream, err error, reason string) {
	t.Helper()
	var api genai.APIError
	if !errors.As(err, &api) || api.Code != http.StatusForbidden || api.Status != "PERMISSION_DENIED" || api.Message != reason {
		t.Errorf("error %v", err)
	}
	if n := u.requests.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// stream reads a whole stream.
func stream(c *genai.Client) (text string, calls []*genai.FunctionCall, err error) {
	for r, e := range c.Models.GenerateContentStream(context.Background(), "gemini-x", genai.Text("hi"), nil) {
		if e != nil {
			return text, calls, e
		}
		text += r.Text()
		calls = append(calls, r.FunctionCalls()...)
	}
	return text, calls, nil
}

func denyPrompts(in *policy.Input) string {
	if in.Stage == policy.PreChat {
		return "not this model"
	}
	return ""
}

func denyShell(in *policy.Input) string {
	if in.Tool == "shell" {
		return "not the shell"
	}
	return ""
}

func TestClientAllowed(t *testing.T) {
	u, c := serve(t, gate(t, rules{}, "EMAIL"), "application/json", part(t, object{"text": "write to a@example.com"}, finish))
	r, err := c.Models.GenerateContent(context.Background(), "gemini-x", genai.Text("hi"), &genai.GenerateContentConfig{
		SystemInstruction: genai.NewContentFromText("Be brief", ""),
		Tools:             []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "f", Description: "d"}}}, {GoogleSearch: &genai.GoogleSearch{}}},
	})
	if err != nil || r.Text() != "write to [EMAIL]" {
		t.Fatalf("%v, %v", r, err)
	}
	if u.path != "/v1beta/models/gemini-x:generateContent" || !strings.Contains(u.body, "Be brief") {
		t.Errorf("%s %s went on", u.path, u.body)
	}
	if n, err := c.Models.CountTokens(context.Background(), "gemini-x", genai.Text("hi"), nil); err == nil {
		t.Errorf("generated content is taken for a count: %v", n)
	}
}

func TestClientCountsAndEmbeds(t *testing.T) {
	_, c := serve(t, gate(t, rules{}), "application/json", `{"totalTokens": 3}`)
	n, err := c.Models.CountTokens(context.Background(), "gemini-x", genai.Text("hi"), nil)
	if err != nil || n.TotalTokens != 3 {
		t.Errorf("%v, %v", n, err)
	}
	_, c = serve(t, gate(t, rules{}), "application/json", `{"embeddings": [{"values": [0.5]}]}`)
	e, err := c.Models.EmbedContent(context.Background(), "gemini-x", genai.Text("hi"), nil)
	if err != nil || len(e.Embeddings) != 1 || e.Embeddings[0].Values[0] != 0.5 {
		t.Errorf("%v, %v", e, err)
	}
}

func TestClientDenied(t *testing.T) {
	u, c := serve(t, gate(t, rules{Deny: denyPrompts}), "application/json", "")
	_, err := c.Models.GenerateContent(context.Background(), "gemini-x", genai.Text("hi"), nil)
	denied(t, u, err, "not this model")
	u, c = serve(t, gate(t, rules{Deny: denyPrompts}), "text/event-stream", "")
	_, _, err = stream(c)
	denied(t, u, err, "not this model")
	if u.body != "" {
		t.Error("a denied prompt went on")
	}
}

func TestClientStreamIsRedacted(t *testing.T) {
	_, c := serve(t, gate(t, rules{}, "EMAIL"), "text/event-stream",
		framings[0].write(part(t, object{"text": "write to a@exa"}), part(t, object{"text": "mple.com, "}), part(t, object{"text": "please"}, finish)))
	text, _, err := stream(c)
	if err != nil || text != "write to [EMAIL], please" {
		t.Errorf("%q, %v", text, err)
	}
}

// TestClientCallIsDenied: the other call stays, as JSON and as a stream.
func TestClientCallIsDenied(t *testing.T) {
	const calls = `{"candidates": [{"content": {"role": "model", "parts": [{"text": "Let me see."}, {"functionCall": {"name": "shell", "args": {"cmd": "ls"}}}, {"functionCall": {"name": "search", "args": {"q": "x"}}}]}, "finishReason": "STOP"}]}`
	_, c := serve(t, gate(t, rules{Deny: denyShell}), "application/json", calls)
	r, err := c.Models.GenerateContent(context.Background(), "gemini-x", genai.Text("hi"), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, c = serve(t, gate(t, rules{Deny: denyShell}), "text/event-stream", framings[0].write(calls))
	text, streamed, err := stream(c)
	if err != nil {
		t.Fatal(err)
	}
	for what, got := range map[string]struct {
		text  string
		calls []*genai.FunctionCall
	}{"JSON": {r.Text(), r.FunctionCalls()}, "stream": {text, streamed}} {
		if got.text != "Let me see.\ntool `shell`: not the shell" || len(got.calls) != 1 || got.calls[0].Name != "search" {
			t.Errorf("%s: %q, %v", what, got.text, got.calls)
		}
	}
}

// TestClientStreamBreaksOff: what comes after a stream that has begun is a
// typed error too.
func TestClientStreamBreaksOff(t *testing.T) {
	whole := framings[0].write(part(t, object{"text": "a"}), part(t, object{"text": "b"}))
	u, c := serve(t, gate(t, rules{}), "text/event-stream", whole)
	text, _, err := stream(c)
	var api genai.APIError
	if !errors.As(err, &api) || api.Status != "UNAVAILABLE" || text != "ab" || u.requests.Load() != 1 {
		t.Errorf("%q, %v, %d requests", text, err, u.requests.Load())
	}
}
