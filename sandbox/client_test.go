package sandbox_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/shared"

	"github.com/headgate/headgate/sandbox"
)

// client returns OpenAI's own Go client in front of a sandbox.
func client(t *testing.T) openai.Client {
	t.Helper()
	srv := httptest.NewServer(sandbox.New())
	t.Cleanup(srv.Close)
	return openai.NewClient(option.WithBaseURL(srv.URL+"/v1/"), option.WithAPIKey("none"), option.WithMaxRetries(0))
}

func params(text string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:    "gpt-4o",
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(text)},
	}
}

func TestClientChat(t *testing.T) {
	c := client(t)
	p := params("hello")
	p.N = openai.Int(2)
	p.Logprobs = openai.Bool(true)
	r, err := c.Chat.Completions.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if r.Model != "gpt-4o" || r.Object != "chat.completion" || !strings.HasPrefix(r.ID, "chatcmpl-") || len(r.Choices) != 2 {
		t.Fatalf("reply %s", r.RawJSON())
	}
	for i, want := range []string{"You said: hello", "You said: hello (choice 1)"} {
		choice := r.Choices[i]
		if choice.Index != int64(i) || choice.Message.Content != want || choice.FinishReason != "stop" {
			t.Errorf("choice %d: %s", i, choice.RawJSON())
		}
		var tokens strings.Builder
		for _, l := range choice.Logprobs.Content {
			tokens.WriteString(l.Token)
		}
		if tokens.String() != want {
			t.Errorf("choice %d: logprobs say %q", i, tokens.String())
		}
	}
	if r.Usage.TotalTokens != r.Usage.PromptTokens+r.Usage.CompletionTokens || r.Usage.PromptTokens == 0 {
		t.Errorf("usage %s", r.Usage.RawJSON())
	}
}

func TestClientStream(t *testing.T) {
	c := client(t)
	p := params("/say Hello there\n/call get_weather {\"city\": \"Oslo\"}\n/call now\n/chunk 3")
	p.N = openai.Int(2)
	p.Logprobs = openai.Bool(true)
	p.StreamOptions.IncludeUsage = openai.Bool(true)
	stream := c.Chat.Completions.NewStreaming(t.Context(), p)
	var acc openai.ChatCompletionAccumulator
	finished := 0
	for stream.Next() {
		if !acc.AddChunk(stream.Current()) {
			t.Fatalf("the accumulator refuses %s", stream.Current().RawJSON())
		}
		if _, ok := acc.JustFinishedToolCall(); ok {
			finished++
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	if len(acc.Choices) != 2 || acc.Usage.TotalTokens == 0 || finished == 0 {
		t.Fatalf("%d choices, %d tokens, %d finished calls", len(acc.Choices), acc.Usage.TotalTokens, finished)
	}
	for i, want := range []string{"Hello there", "Hello there (choice 1)"} {
		choice := acc.Choices[i]
		if choice.Message.Content != want || choice.FinishReason != "tool_calls" || len(choice.Message.ToolCalls) != 2 {
			t.Fatalf("choice %d: %q, %s, %d calls", i, choice.Message.Content, choice.FinishReason, len(choice.Message.ToolCalls))
		}
		weather, now := choice.Message.ToolCalls[0], choice.Message.ToolCalls[1]
		if weather.Function.Name != "get_weather" || weather.Function.Arguments != `{"city": "Oslo"}` || now.Function.Arguments != "{}" {
			t.Errorf("choice %d: calls %+v and %+v", i, weather.Function, now.Function)
		}
		if weather.ID == now.ID || weather.ID == acc.Choices[1-i].Message.ToolCalls[0].ID {
			t.Errorf("choice %d: an id is used twice", i)
		}
		var tokens strings.Builder
		for _, l := range choice.Logprobs.Content {
			tokens.WriteString(l.Token)
		}
		if tokens.String() != want {
			t.Errorf("choice %d: logprobs say %q", i, tokens.String())
		}
	}
}

// TestClientToolLoop goes once around an agent's loop.
func TestClientToolLoop(t *testing.T) {
	c := client(t)
	p := params("What is the weather in Oslo?")
	p.Tools = []openai.ChatCompletionToolUnionParam{
		openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: "now"}),
		openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: "get_weather"}),
	}
	p.ToolChoice = openai.ToolChoiceOptionFunctionToolChoice(openai.ChatCompletionNamedToolChoiceFunctionParam{Name: "get_weather"})
	r, err := c.Chat.Completions.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	m := r.Choices[0].Message
	if len(m.ToolCalls) != 1 || m.ToolCalls[0].Function.Name != "get_weather" || m.ToolCalls[0].Type != "function" || m.Content != "" {
		t.Fatalf("message %s", m.RawJSON())
	}
	p.Messages = append(p.Messages, m.ToParam(), openai.ToolMessage("12 degrees", m.ToolCalls[0].ID))
	r, err = c.Chat.Completions.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Choices[0].Message; got.Content != "The tool answered: 12 degrees" || len(got.ToolCalls) != 0 {
		t.Errorf("message %s", got.RawJSON())
	}
}

func TestClientCustomTool(t *testing.T) {
	c := client(t)
	p := params("/call grep -r TODO .")
	p.Tools = []openai.ChatCompletionToolUnionParam{openai.ChatCompletionCustomTool(openai.ChatCompletionCustomToolCustomParam{Name: "grep"})}
	r, err := c.Chat.Completions.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	calls := r.Choices[0].Message.ToolCalls
	if len(calls) != 1 || calls[0].Type != "custom" || calls[0].Custom.Name != "grep" || calls[0].Custom.Input != "-r TODO ." {
		t.Errorf("message %s", r.Choices[0].Message.RawJSON())
	}
}

func TestClientRefusal(t *testing.T) {
	c := client(t)
	r, err := c.Chat.Completions.New(t.Context(), params("/refuse I cannot."))
	if err != nil {
		t.Fatal(err)
	}
	if m := r.Choices[0].Message; m.Refusal != "I cannot." || m.Content != "" {
		t.Errorf("message %s", m.RawJSON())
	}
}

func TestClientErrors(t *testing.T) {
	c := client(t)
	for text, want := range map[string]openai.Error{
		"/status 401 No.":        {StatusCode: 401, Message: "No.", Code: "invalid_api_key", Type: "invalid_request_error"},
		"/status 429 Slow down.": {StatusCode: 429, Message: "Slow down.", Code: "rate_limit_exceeded", Type: "requests"},
		"/status 500 Broken.":    {StatusCode: 500, Message: "Broken.", Type: "server_error"},
		"/status never":          {StatusCode: 400, Message: "/status wants an HTTP status, 400 to 599, then a text or nothing", Code: "sandbox_command", Type: "invalid_request_error"},
	} {
		_, err := c.Chat.Completions.New(t.Context(), params(text))
		var got *openai.Error
		if !errors.As(err, &got) {
			t.Fatalf("%s: %v", text, err)
		}
		if got.StatusCode != want.StatusCode || got.Message != want.Message || got.Code != want.Code || got.Type != want.Type {
			t.Errorf("%s: %d %s", text, got.StatusCode, got.RawJSON())
		}
	}
}

// TestClientSeesTheCut: a connection that breaks off is an error, in a stream
// and without one.
func TestClientSeesTheCut(t *testing.T) {
	c := client(t)
	if _, err := c.Chat.Completions.New(t.Context(), params("/cut 1")); err == nil {
		t.Error("no error for half a reply")
	}
	stream := c.Chat.Completions.NewStreaming(t.Context(), params("/say Hello there\n/cut 2"))
	events := 0
	for stream.Next() {
		events++
	}
	if stream.Err() == nil || events != 2 {
		t.Errorf("%d events, error %v", events, stream.Err())
	}
}

func TestClientModels(t *testing.T) {
	c := client(t)
	list, err := c.Models.List(t.Context())
	if err != nil || len(list.Data) == 0 {
		t.Fatalf("models: %v", err)
	}
	one, err := c.Models.Get(t.Context(), list.Data[0].ID)
	if err != nil || one.ID != list.Data[0].ID || one.Created != list.Data[0].Created {
		t.Errorf("model %v: %v", one, err)
	}
}

// BenchmarkChat is the cost of the sandbox itself, to be taken off what is
// measured in front of it.
func BenchmarkChat(b *testing.B) {
	h := sandbox.New()
	for name, more := range map[string]string{"json": "", "stream": `,"stream":true`} {
		body := `{"model":"m","messages":[{"role":"user","content":"How are you?"}]` + more + `}`
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(body)))
				if rec.Code != http.StatusOK {
					b.Fatal(rec.Code)
				}
			}
		})
	}
}
