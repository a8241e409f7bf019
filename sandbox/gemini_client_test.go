package sandbox_test

import (
	"errors"
	"net/http/httptest"
	"testing"

	"google.golang.org/genai"

	"github.com/headgate/headgate/sandbox"
)

// geminiClient returns Google's own Go client in front of a sandbox.
func geminiClient(t *testing.T) *genai.Client {
	t.Helper()
	srv := httptest.NewServer(sandbox.New())
	t.Cleanup(srv.Close)
	c, err := genai.NewClient(t.Context(), &genai.ClientConfig{
		APIKey: "none", Backend: genai.BackendGeminiAPI, HTTPOptions: genai.HTTPOptions{BaseURL: srv.URL},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestGeminiClient: thought, text and calls, whole and streamed.
func TestGeminiClient(t *testing.T) {
	c := geminiClient(t)
	prompt := genai.Text("/reason Let me think.\n/say Hello there\n/call get_weather {\"city\":\"Oslo\"}\n/chunk 4")
	whole, err := c.Models.GenerateContent(t.Context(), "gemini-3", prompt, nil)
	if err != nil {
		t.Fatal(err)
	}
	check := func(how, thought, text string, calls []*genai.FunctionCall, finish genai.FinishReason) {
		t.Helper()
		if thought != "Let me think." || text != "Hello there" || finish != genai.FinishReasonStop {
			t.Errorf("%s: thought %q, text %q, finish %s", how, thought, text, finish)
		}
		if len(calls) != 1 || calls[0].Name != "get_weather" || calls[0].Args["city"] != "Oslo" {
			t.Errorf("%s: calls %v", how, calls)
		}
	}
	parts := whole.Candidates[0].Content.Parts
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	check("whole", parts[0].Text, parts[1].Text, whole.FunctionCalls(), whole.Candidates[0].FinishReason)

	var thought, text string
	var calls []*genai.FunctionCall
	var finish genai.FinishReason
	for r, err := range c.Models.GenerateContentStream(t.Context(), "gemini-3", prompt, nil) {
		if err != nil {
			t.Fatal(err)
		}
		calls = append(calls, r.FunctionCalls()...)
		finish = r.Candidates[0].FinishReason
		if r.Candidates[0].Content == nil {
			continue
		}
		for _, p := range r.Candidates[0].Content.Parts {
			if p.Thought {
				thought += p.Text
			} else {
				text += p.Text
			}
		}
	}
	check("streamed", thought, text, calls, finish)
	n, err := c.Models.CountTokens(t.Context(), "gemini-3", genai.Text("123456"), nil)
	if err != nil || n.TotalTokens != 2 {
		t.Errorf("a count: %v, %v", n, err)
	}
}

func TestGeminiClientErrors(t *testing.T) {
	c := geminiClient(t)
	_, err := c.Models.GenerateContent(t.Context(), "gemini-3", genai.Text("/status 403 No."), nil)
	var e genai.APIError
	if !errors.As(err, &e) || e.Code != 403 || e.Status != "PERMISSION_DENIED" || e.Message != "No." {
		t.Errorf("error %v", err)
	}
}
