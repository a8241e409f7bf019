package sandbox_test

import (
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	"github.com/headgate/headgate/sandbox"
)

// anthropicClient returns Anthropic's own Go client in front of a sandbox.
func anthropicClient(t *testing.T) anthropic.Client {
	t.Helper()
	srv := httptest.NewServer(sandbox.New())
	t.Cleanup(srv.Close)
	return anthropic.NewClient(option.WithBaseURL(srv.URL), option.WithAPIKey("none"), option.WithMaxRetries(0))
}

func messageParams(text string) anthropic.MessageNewParams {
	return anthropic.MessageNewParams{
		Model: "claude-opus-5", MaxTokens: 64,
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(text))},
	}
}

// streamMessage puts a stream together with the client's own accumulator.
func streamMessage(t *testing.T, c anthropic.Client, p anthropic.MessageNewParams) (*anthropic.Message, error) {
	t.Helper()
	stream := c.Messages.NewStreaming(t.Context(), p)
	defer stream.Close()
	m := new(anthropic.Message)
	for stream.Next() {
		if err := m.Accumulate(stream.Current()); err != nil {
			t.Fatal(err)
		}
	}
	return m, stream.Err()
}

// TestAnthropicClientLoop goes once around an agent's loop, whole and streamed:
// thinking, text and calls, then the results of the calls.
func TestAnthropicClientLoop(t *testing.T) {
	c := anthropicClient(t)
	ask := map[string]func(p anthropic.MessageNewParams) (*anthropic.Message, error){
		"whole":    func(p anthropic.MessageNewParams) (*anthropic.Message, error) { return c.Messages.New(t.Context(), p) },
		"streamed": func(p anthropic.MessageNewParams) (*anthropic.Message, error) { return streamMessage(t, c, p) },
	}
	for name, ask := range ask {
		t.Run(name, func(t *testing.T) {
			p := messageParams("/reason Let me think.\n/say Hello there\n/call get_weather {\"city\":\"Oslo\"}\n/call now\n/chunk 3")
			m, err := ask(p)
			if err != nil {
				t.Fatal(err)
			}
			if m.Model != p.Model || m.StopReason != anthropic.StopReasonToolUse || len(m.Content) != 4 || m.Usage.OutputTokens == 0 || m.Usage.InputTokens == 0 {
				t.Fatalf("message %s", m.RawJSON())
			}
			thinking, text, weather, now := m.Content[0], m.Content[1], m.Content[2], m.Content[3]
			if thinking.Thinking != "Let me think." || thinking.Signature == "" || text.Text != "Hello there" {
				t.Errorf("thinking %q, text %q", thinking.Thinking, text.Text)
			}
			if weather.Name != "get_weather" || string(weather.Input) != `{"city":"Oslo"}` || string(now.Input) != "{}" || weather.ID == now.ID || now.ID == "" {
				t.Errorf("calls %s and %s", weather.RawJSON(), now.RawJSON())
			}
			p.Messages = append(p.Messages, m.ToParam(), anthropic.NewUserMessage(
				anthropic.NewToolResultBlock(weather.ID, "12 degrees", false), anthropic.NewToolResultBlock(now.ID, "noon", false)))
			m, err = ask(p)
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Content) != 1 || m.Content[0].Text != "The tool answered: 12 degrees\nThe tool answered: noon" || m.StopReason != anthropic.StopReasonEndTurn {
				t.Errorf("message %s", m.RawJSON())
			}
		})
	}
}

func TestAnthropicClientErrors(t *testing.T) {
	c := anthropicClient(t)
	for text, want := range map[string]struct {
		status int
		kind   string
	}{
		"/status 401":    {401, "authentication_error"},
		"/status 429":    {429, "rate_limit_error"},
		"/status 500":    {500, "api_error"},
		"/status 529":    {529, "overloaded_error"},
		"/status never":  {400, "invalid_request_error"},
		"/call f [1, 2]": {400, "invalid_request_error"},
	} {
		_, err := c.Messages.New(t.Context(), messageParams(text))
		var got *anthropic.Error
		if !errors.As(err, &got) || got.StatusCode != want.status || string(got.Type()) != want.kind {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := streamMessage(t, c, messageParams("/say Hello there\n/cut 4")); err == nil {
		t.Error("no error for a stream that breaks off")
	}
}

func TestAnthropicClientCounts(t *testing.T) {
	c := anthropicClient(t)
	n, err := c.Messages.CountTokens(t.Context(), anthropic.MessageCountTokensParams{Model: "claude-opus-5", Messages: messageParams("123456").Messages})
	if err != nil || n.InputTokens != 2 {
		t.Errorf("%v, %v", n, err)
	}
}
