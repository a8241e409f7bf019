package integration_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/openai/openai-go/v3/responses"

	"github.com/headgate/headgate/sandbox"
)

// responsesClients are the clients for Node that speak OpenAI's responses.
var responsesClients = []sdkClient{
	{name: "responses", path: "/v1", status: 400, denied: "BadRequestError", broken: "APIError", stop: "completed", use: "completed", blocks: true},
	{name: "ai-responses", path: "/v1", status: 400, denied: "APICallError", broken: "Object", brokenStatus: 400, stop: "stop", use: "tool-calls", blocks: true},
	{name: "agents-responses", path: "/v1", status: 400, denied: "BadRequestError", broken: "APIError", loops: true},
}

// TestNodeResponses plays the stories with the clients for Node that speak
// OpenAI's responses, as [TestNodeSDKs] does with the others.
func TestNodeResponses(t *testing.T) {
	t.Parallel()
	needNode(t, "openai", "ai", "@ai-sdk/openai", "@openai/agents", "zod")
	checkSDKs(t, sdkStories(responsesClients...))
}

// TestNodeResponsesAlone asks the sandbox without a gate: what the stories of
// the gate differ in is the gate's doing.
func TestNodeResponsesAlone(t *testing.T) {
	t.Parallel()
	needNode(t, "openai", "ai", "@ai-sdk/openai", "@openai/agents", "zod")
	srv := httptest.NewServer(sandbox.New())
	t.Cleanup(srv.Close)
	var all []sdkStory
	want := map[string][]string{} // the texts
	for _, s := range sdkStories(responsesClients...) {
		switch s.prompt {
		case "/say Good morning.":
			want[s.name] = []string{"Good morning."}
		case "/say Ask alice@example.com today.\n/chunk 1":
			want[s.name] = []string{"Ask alice@example.com today."}
		default:
			continue
		}
		all = append(all, s)
	}
	for name, p := range playSDKs(t, all, func(*sdkStory) string { return srv.URL }) {
		if diff := gocmp.Diff(want[name], p.Seen.Texts); diff != "" || p.Seen.Class != "" {
			t.Errorf("%s: %s %s (-want +got)\n%s", name, p.Seen.Class, p.Seen.Message, diff)
		}
	}
}

// TestGoResponses: OpenAI's client for Go with responses gets its answers,
// denials and redactions, whole and streamed.
func TestGoResponses(t *testing.T) {
	t.Parallel()
	u := newUpstream(t)
	g := startStories(t, u)
	lines := 0
	for _, s := range sdkStories(sdkClient{name: "go", path: "/v1", status: 400, stop: "completed", use: "completed", blocks: true}) {
		w := new(wire)
		client := openai.NewClient(option.WithBaseURL("http://"+g.addrs["@"+s.site+"@"]+"/v1/"), option.WithAPIKey(ownKey), option.WithHTTPClient(&http.Client{Transport: w}))
		got, ended := s.respond(t, &client)
		got.Requests = len(w.ids)
		if s.want.Status == 400 {
			s.want.Class = fmt.Sprintf("%T", new(openai.Error))
		} else if s.want.Message != "" { // inside a stream
			s.want.Class = fmt.Sprintf("%T", new(ssestream.StreamError))
		}
		if diff := gocmp.Diff(s.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", s.name, diff)
		}
		if s.stream && s.want.Class == "" && ended != "response.completed" {
			t.Errorf("%s: the stream ends with %q", s.name, ended)
		}
		s.checkAudit(t, g, w.ids)
		lines += len(s.audit)
	}
	g.stop(t)
	if n := len(g.auditLines(t)); n != lines {
		t.Errorf("the audit log has %d lines, want %d", n, lines)
	}
}

// respond asks, and tells what came of it and the last event of a stream, whose
// numbers it checks.
func (s *sdkStory) respond(t *testing.T, client *openai.Client) (got sdkSeen, ended string) {
	t.Helper()
	got.Texts, got.Calls = []string{}, []string{}
	p := responses.ResponseNewParams{
		Model: s.model, Instructions: openai.String(secret + " " + s.name),
		Input: responses.ResponseNewParamsInputUnion{OfString: openai.String(s.prompt)},
	}
	for _, call := range callName.FindAllStringSubmatch(s.prompt, -1) {
		p.Tools = append(p.Tools, responses.ToolParamOfFunction(call[1], map[string]any{"type": "object"}, false))
	}
	reply := new(responses.Response)
	var err error
	if s.stream {
		stream := client.Responses.NewStreaming(t.Context(), p)
		defer stream.Close()
		for number := int64(0); stream.Next(); number++ {
			e := stream.Current()
			if ended = e.Type; e.SequenceNumber != number {
				t.Errorf("%s: event %d has the number %d", s.name, number, e.SequenceNumber)
			}
			switch e := e.AsAny().(type) {
			case responses.ResponseTextDeltaEvent:
				got.Partial += e.Delta
			case responses.ResponseCompletedEvent:
				reply = &e.Response
			}
		}
		err = stream.Err()
	} else {
		reply, err = client.Responses.New(t.Context(), p)
	}
	if err != nil {
		got.Class, got.Status, got.Message = openAIError(t, err)
		return got, ended
	}
	got.Partial, got.Finish = "", string(reply.Status)
	for _, item := range reply.Output {
		switch item := item.AsAny().(type) {
		case responses.ResponseOutputMessage:
			for _, part := range item.Content {
				got.Texts = append(got.Texts, part.Text)
			}
		case responses.ResponseFunctionToolCall:
			got.Calls = append(got.Calls, item.Name+" "+item.Arguments)
		}
	}
	return got, ended
}

// openAIError is what OpenAI's client for Go makes of an error: its type, status
// and message.
func openAIError(t *testing.T, err error) (class string, status int, message string) {
	t.Helper()
	api, stream := new(openai.Error), new(ssestream.StreamError)
	switch {
	case errors.As(err, &api):
		return fmt.Sprintf("%T", api), api.StatusCode, api.Message
	case errors.As(err, &stream):
		var data struct{ Error struct{ Message string } }
		if err := json.Unmarshal(stream.Event.Data, &data); err != nil {
			t.Error(err)
		}
		return fmt.Sprintf("%T", stream), 0, data.Error.Message
	}
	return fmt.Sprintf("%T", err), 0, err.Error()
}
