package integration_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/genai"

	"github.com/headgate/headgate/sandbox"
)

// geminiStories are the stories as Google's client for Go sees them.
func geminiStories() []sdkStory {
	return sdkStories(sdkClient{name: "genai", denied: "genai.APIError", broken: "genai.APIError", brokenStatus: 403, stop: "STOP", use: "STOP"})
}

// TestGoGemini: Google's client for Go gets its answers, denials and redactions,
// whole and streamed.
func TestGoGemini(t *testing.T) {
	t.Parallel()
	u := newUpstream(t)
	g := startStories(t, u)
	lines := 0
	for _, s := range geminiStories() {
		w := new(wire)
		got := s.generate(t, "http://"+g.addrs["@"+s.site+"@"], w)
		got.Requests = len(w.ids)
		if diff := gocmp.Diff(s.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", s.name, diff)
		}
		s.checkAudit(t, g, w.ids)
		lines += len(s.audit)
	}
	g.stop(t)
	if n := len(g.auditLines(t)); n != lines {
		t.Errorf("the audit log has %d lines, want %d", n, lines)
	}
}

// TestGoGeminiAlone asks the sandbox without a gate: what the stories of the
// gate differ in is the gate's doing.
func TestGoGeminiAlone(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(sandbox.New())
	t.Cleanup(srv.Close)
	want := map[string]string{
		"/say Good morning.": "Good morning.", "/say Ask alice@example.com today.\n/chunk 1": "Ask alice@example.com today.",
	}
	for _, s := range geminiStories() {
		text, ok := want[s.prompt]
		if !ok {
			continue
		}
		w := new(wire)
		got := s.generate(t, srv.URL, w)
		if diff := gocmp.Diff(sdkSeen{Texts: []string{text}, Calls: []string{}, Finish: "STOP"}, got); diff != "" || len(w.sent) != 1 {
			t.Errorf("%s, %d requests (-want +got)\n%s", s.name, len(w.sent), diff)
		}
	}
}

// generate asks, and tells what came of it.
func (s *sdkStory) generate(t *testing.T, base string, w *wire) (got sdkSeen) {
	t.Helper()
	got.Texts, got.Calls = []string{}, []string{}
	client, err := genai.NewClient(t.Context(), &genai.ClientConfig{
		APIKey: ownKey, Backend: genai.BackendGeminiAPI, HTTPClient: &http.Client{Transport: w}, HTTPOptions: genai.HTTPOptions{BaseURL: base},
	})
	if err != nil {
		t.Fatal(err)
	}
	config := &genai.GenerateContentConfig{SystemInstruction: genai.NewContentFromText(secret+" "+s.name, genai.RoleUser)}
	for _, call := range callName.FindAllStringSubmatch(s.prompt, -1) {
		config.Tools = append(config.Tools, &genai.Tool{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: call[1]}}})
	}
	read := func(r *genai.GenerateContentResponse, err error) bool {
		var api genai.APIError
		switch {
		case errors.As(err, &api):
			got = sdkSeen{Class: fmt.Sprintf("%T", api), Status: api.Code, Message: api.Message, Texts: []string{}, Calls: []string{}, Partial: got.Partial}
		case err != nil:
			got = sdkSeen{Class: fmt.Sprintf("%T", err), Message: err.Error(), Texts: []string{}, Calls: []string{}, Partial: got.Partial}
		}
		if err != nil {
			return false
		}
		for _, c := range r.Candidates {
			got.Finish = string(c.FinishReason)
			if c.Content == nil {
				continue
			}
			for _, p := range c.Content.Parts {
				switch {
				case p.FunctionCall != nil:
					args, _ := json.Marshal(p.FunctionCall.Args)
					got.Calls = append(got.Calls, p.FunctionCall.Name+" "+string(args))
				case p.Text != "":
					got.Partial += p.Text
				}
			}
		}
		return true
	}
	if !s.stream {
		r, err := client.Models.GenerateContent(t.Context(), s.model, genai.Text(s.prompt), config)
		if !read(r, err) {
			return got
		}
	}
	if s.stream {
		for r, err := range client.Models.GenerateContentStream(t.Context(), s.model, genai.Text(s.prompt), config) {
			if !read(r, err) {
				return got
			}
		}
	}
	if got.Partial != "" {
		got.Texts, got.Partial = []string{got.Partial}, ""
	}
	return got
}
