package integration_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/openai/openai-go/v3/shared"

	"github.com/headgate/headgate/sandbox"
)

// story is one scenario: what a client asks, what comes of it. The same
// stories are played by OpenAI's client for Go and by the one for Node, both
// as they come but for the base URL: their retries are on.
type story struct {
	name   string
	site   string // of startStories; plain if empty
	key    string // the client's; ownKey if empty
	model  string // gpt-4o if empty
	prompt string // see package sandbox for its commands
	n      int    // choices; 1 if 0
	stream bool
	usage  bool // of a stream
	result bool // the conversation ends with the result of a tool
	api    string

	want     seen
	edits    []string // what the gate changes in the body: old, new, old, new, …
	upstream int      // how many requests reach the upstream
	audit    []string // the lines that each request of the client leaves
}

// seen is what a client makes of its answer: a reply, or one error.
type seen struct {
	Status   int      `json:"status"`  // of an error; 0 for one inside a stream
	Code     string   `json:"code"`    // of an error
	Message  string   `json:"message"` // of an error
	Model    string   `json:"model"`
	Choices  []choice `json:"choices"`
	Usage    bool     `json:"usage"`
	Partial  string   `json:"partial"`  // what a stream said before its error
	Requests int      `json:"requests"` // on the wire
}

type choice struct {
	Text   string   `json:"text"`
	Calls  []string `json:"calls"` // name and arguments
	Finish string   `json:"finish"`
}

// played is what a client's run of a story tells.
type played struct {
	Name  string   `json:"name"`
	Class string   `json:"class"` // of the error, by the client's own name
	Seen  seen     `json:"seen"`
	Sent  []string `json:"sent"` // the bodies, as the client made them
	IDs   []string `json:"ids"`  // the answers' Headgate-Request-Id
}

const (
	ownKey      = "sk-own-0123456789abcdef"
	aliceKey    = "key-alice-0123456789abcdef"
	upstreamKey = "sk-upstream-0123456789abcdef"
)

func said(texts ...string) seen {
	s := seen{Model: "gpt-4o", Usage: true, Requests: 1}
	for _, text := range texts {
		s.Choices = append(s.Choices, choice{Text: text, Finish: "stop"})
	}
	return s
}

func called(text string, calls ...string) seen {
	return seen{Model: "gpt-4o", Usage: true, Requests: 1, Choices: []choice{{Text: text, Calls: calls, Finish: "tool_calls"}}}
}

func failed(requests, status int, code, message string) seen {
	return seen{Status: status, Code: code, Message: message, Requests: requests}
}

// streamed turns a story into the same one on a stream, whose usage is told
// only when it is asked for.
func streamed(s story, audit ...string) story {
	s.name, s.stream, s.want.Usage = s.name+"-stream", true, s.usage && s.want.Status == 0
	if audit != nil {
		s.audit = audit
	}
	return s
}

const done = "outcome 200 complete"

// startStories runs the binary in front of u, with a site for each way to be
// configured.
func startStories(t *testing.T, u *upstream) *gate {
	t.Helper()
	site := func(name, block, to string) string {
		return fmt.Sprintf("http://@%s@ {\n\theadgate {\n%s\t}\n\treverse_proxy %s {\n\t\ttransport http {\n\t\t\tresponse_header_timeout %s\n\t\t}\n\t}\n}\n", name, block, to, map[bool]string{true: "100ms", false: "20s"}[name == "hangs"])
	}
	to := strings.TrimPrefix(u.srv.URL, "http://")
	keyed := "\t\tprincipals {\n\t\t\tapi_keys keys.json\n\t\t}\n\t\tupstream_key openai " + upstreamKey + "\n"
	return start(t, map[string]string{
		"policy.rego": storyPolicy,
		"held.rego":   heldPolicy,
		"keys.json":   `[{"key": "` + aliceKey + `", "tenant_id": "acme", "user_id": "alice", "roles": []}]`,
		"Caddyfile": caddyfile("\tadmin off\n"+gateOptions,
			site("plain", "", to)+site("strict", "\t\tdenied_calls error\n", to)+site("held", "\t\tpolicy held.rego {\n\t\t\ttimeout 30s\n\t\t}\n", to)+
				site("keyed", keyed, to)+site("down", "", "127.0.0.1:1")+site("hangs", "", to)),
	})
}

// upstream is the sandbox, which notes what reaches it, story by story.
type upstream struct {
	srv *httptest.Server
	mu  sync.Mutex
	got map[string][]request
}

type request struct{ body, authorization string }

// storyName finds the name of the story in a body: the first message has it.
var storyName = regexp.MustCompile(secret + ` ([a-z0-9-]+)`)

func newUpstream(t *testing.T) *upstream {
	t.Helper()
	u := &upstream{got: map[string][]request{}}
	model := sandbox.New()
	u.srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		name := storyName.FindSubmatch(body)
		if err != nil || name == nil {
			t.Errorf("upstream: a request of no story, %v", err)
			return
		}
		u.mu.Lock()
		u.got[string(name[1])] = append(u.got[string(name[1])], request{string(body), r.Header.Get("Authorization")})
		u.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		hangs := bytes.HasPrefix(name[1], []byte("hangs"))
		if !hangs {
			model.ServeHTTP(w, r)
		}
		if hangs || bytes.HasPrefix(name[1], []byte("lingers")) {
			<-r.Context().Done() // as long as the gate waits
		}
	}))
	t.Cleanup(u.srv.Close)
	return u
}

// check compares a story as it was played with how it is told: what the client
// saw, what went over the wire and upstream, byte for byte, and what the audit
// log has of it.
func (s *story) check(t *testing.T, g *gate, u *upstream, class string, p played) {
	t.Helper()
	if diff := gocmp.Diff(s.want, p.Seen); diff != "" {
		t.Errorf("client (-want +got)\n%s", diff)
	}
	if p.Class != class {
		t.Errorf("the error is %q, want %q", p.Class, class)
	}
	u.mu.Lock()
	arrived := u.got[s.name]
	u.mu.Unlock()
	if len(arrived) != s.upstream {
		t.Errorf("%d requests reached the upstream, want %d", len(arrived), s.upstream)
	}
	credential := "Bearer " + ownKey // goes on unchanged where there are no principals
	if s.site == "keyed" {
		credential = "Bearer " + upstreamKey
	}
	for i, r := range arrived {
		if want := strings.NewReplacer(s.edits...).Replace(p.Sent[i]); r.body != want {
			t.Errorf("upstream (-want +got)\n%s", gocmp.Diff(want, r.body))
		}
		if r.authorization != credential {
			t.Errorf("the upstream's credential is %q", r.authorization)
		}
	}
	var audit []string
	for range s.want.Requests {
		audit = append(audit, s.audit...)
	}
	if len(p.IDs) != s.want.Requests || slices.Contains(p.IDs, "") {
		t.Errorf("%d answers with ids %q, want %d", len(p.IDs), p.IDs, s.want.Requests)
	}
	if diff := gocmp.Diff(audit, g.trail(t, p.IDs, len(audit))); diff != "" {
		t.Errorf("audit (-want +got)\n%s", diff)
	}
}

// checkAll stops the binary and checks that nothing was asked beside the
// stories.
func checkAll(t *testing.T, g *gate, all []story) {
	t.Helper()
	g.stop(t)
	want := 0
	for _, s := range all {
		want += s.want.Requests * len(s.audit)
	}
	if got := len(g.auditLines(t)); got != want {
		t.Errorf("the audit log has %d lines, want %d", got, want)
	}
}

// wire is a client's transport: it notes what goes over it.
type wire struct {
	mu        sync.Mutex
	sent, ids []string
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	resp, err := http.DefaultTransport.RoundTrip(r)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = append(w.sent, string(body))
	if err == nil {
		w.ids = append(w.ids, resp.Header.Get("Headgate-Request-Id"))
	}
	return resp, err
}

// TestGoClient plays the stories with github.com/openai/openai-go/v3.
func TestGoClient(t *testing.T) {
	t.Parallel()
	u := newUpstream(t)
	g := startStories(t, u)
	all := stories()
	t.Run("stories", func(t *testing.T) {
		for _, s := range all {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				w := new(wire)
				got, class := s.play(t, newClient(g, s.site, s.key, w))
				got.Requests = len(w.sent)
				want := ""
				switch {
				case s.want.Status != 0:
					want = fmt.Sprintf("%T", new(openai.Error))
				case s.want.Code != "":
					want = fmt.Sprintf("%T", new(ssestream.StreamError))
				}
				s.check(t, g, u, want, played{Class: class, Seen: got, Sent: w.sent, IDs: w.ids})
			})
		}
	})
	checkAll(t, g, all)
}

// newClient is a client of one of the gate's sites. w may be nil.
func newClient(g *gate, site, key string, w *wire) openai.Client {
	options := []option.RequestOption{option.WithBaseURL("http://" + g.addrs["@"+site+"@"] + "/v1/"), option.WithAPIKey(key)}
	if w != nil {
		options = append(options, option.WithHTTPClient(&http.Client{Transport: w}))
	}
	return openai.NewClient(options...)
}

var callName = regexp.MustCompile(`(?m)^/call (\w+)`)

// params is the story's request. A first message names the story, and the tools
// that the model is to call are offered.
func (s *story) params() openai.ChatCompletionNewParams {
	p := openai.ChatCompletionNewParams{
		Model:    s.model,
		Messages: []openai.ChatCompletionMessageParamUnion{openai.SystemMessage(secret + " " + s.name), openai.UserMessage(s.prompt)},
	}
	for _, call := range callName.FindAllStringSubmatch(s.prompt, -1) {
		p.Tools = append(p.Tools, openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
			Name:        call[1],
			Description: openai.String("Does what " + call[1] + " does."),
			Parameters:  shared.FunctionParameters{"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}},
		}))
	}
	if s.n > 1 {
		p.N = openai.Int(int64(s.n))
	}
	if s.usage {
		p.StreamOptions.IncludeUsage = openai.Bool(true)
	}
	if s.result {
		call := openai.ChatCompletionMessageFunctionToolCallParam{ID: "call_1", Function: openai.ChatCompletionMessageFunctionToolCallFunctionParam{Name: "get_weather", Arguments: `{"city":"Oslo"}`}}
		asked := openai.ChatCompletionAssistantMessageParam{ToolCalls: []openai.ChatCompletionMessageToolCallUnionParam{{OfFunction: &call}}}
		p.Messages = append(p.Messages, openai.ChatCompletionMessageParamUnion{OfAssistant: &asked}, openai.ToolMessage("12 degrees", "call_1"))
	}
	return p
}

// play asks, and tells what came of it and the type of the error.
func (s *story) play(t *testing.T, client openai.Client) (got seen, class string) {
	var reply *openai.ChatCompletion
	var err error
	switch {
	case s.api == "unheard":
		err = client.Post(t.Context(), "unheard", map[string]string{"model": s.model}, nil)
	case s.stream:
		reply, err = readStream(t, client, s.params(), nil)
	default:
		reply, err = client.Chat.Completions.New(t.Context(), s.params())
	}
	api, stream := new(openai.Error), new(ssestream.StreamError)
	switch {
	case errors.As(err, &api):
		got.Status, got.Code, got.Message = api.StatusCode, api.Code, api.Message
	case errors.As(err, &stream):
		var data struct {
			Error struct{ Code, Message string }
		}
		if err := json.Unmarshal(stream.Event.Data, &data); err != nil {
			t.Error(err)
		}
		got.Code, got.Message = data.Error.Code, data.Error.Message
	}
	if err != nil {
		if reply != nil && len(reply.Choices) > 0 {
			got.Partial = reply.Choices[0].Message.Content
		}
		return got, fmt.Sprintf("%T", err)
	}
	got.Model, got.Usage = reply.Model, reply.Usage.TotalTokens > 0
	for _, c := range reply.Choices {
		ch := choice{Text: c.Message.Content, Finish: c.FinishReason}
		for _, call := range c.Message.ToolCalls {
			if call.ID == "" || call.Type != "function" {
				t.Errorf("a call without id or type: %s", call.RawJSON())
			}
			ch.Calls = append(ch.Calls, call.Function.Name+" "+call.Function.Arguments)
		}
		got.Choices = append(got.Choices, ch)
	}
	return got, ""
}

// readStream puts a stream together with the client's own accumulator, and
// checks that the indices of each choice's calls have no gap. heard, if there
// is one, is told each piece of text.
func readStream(t *testing.T, client openai.Client, p openai.ChatCompletionNewParams, heard func(text string)) (*openai.ChatCompletion, error) {
	stream := client.Chat.Completions.NewStreaming(t.Context(), p)
	defer stream.Close()
	var acc openai.ChatCompletionAccumulator
	next := map[int64]int64{} // by choice, the index of its next call
	for stream.Next() {
		chunk := stream.Current()
		if !acc.AddChunk(chunk) {
			t.Errorf("the accumulator refuses %s", chunk.RawJSON())
		}
		for _, c := range chunk.Choices {
			for _, call := range c.Delta.ToolCalls {
				if call.ID != "" {
					next[c.Index]++
				}
				if call.Index != next[c.Index]-1 {
					t.Errorf("choice %d: call %d comes as number %d", c.Index, call.Index, next[c.Index]-1)
				}
			}
			if heard != nil {
				heard(c.Delta.Content)
			}
		}
	}
	return &acc.ChatCompletion, stream.Err()
}

// ask sends one prompt to the site plain.
func ask(t *testing.T, g *gate, prompt string) (string, *openai.Error) {
	t.Helper()
	s := story{name: "ask", model: "gpt-4o", prompt: prompt}
	client := newClient(g, "plain", ownKey, nil)
	reply, err := client.Chat.Completions.New(t.Context(), s.params())
	var api *openai.Error
	switch {
	case errors.As(err, &api):
		return "", api
	case err != nil:
		t.Fatal(err)
	}
	return reply.Choices[0].Message.Content, nil
}

// askStream does the same on a stream. It gives the stream's text, and the id
// of the exchange.
func askStream(t *testing.T, g *gate, prompt string, heard func(text string)) (text, id string) {
	t.Helper()
	w := new(wire)
	s := story{name: "ask", model: "gpt-4o", prompt: prompt}
	reply, err := readStream(t, newClient(g, "plain", ownKey, w), s.params(), heard)
	if err != nil {
		t.Fatalf("after %d choices: %v", len(reply.Choices), err)
	}
	return reply.Choices[0].Message.Content, w.ids[0]
}
