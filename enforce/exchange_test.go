package enforce_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/headgate/headgate/audit"
	"github.com/headgate/headgate/enforce"
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/redact"
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/openai"
)

// rules is a policy written in Go.
type rules struct {
	decide func(in *policy.Input) policy.Decision
	needs  map[policy.Stage]policy.Fields
}

func (r rules) Decide(_ context.Context, in *policy.Input) policy.Decision {
	if r.decide == nil {
		return policy.Decision{Action: policy.Allow, Layer: policy.LayerRego}
	}
	d := r.decide(in)
	if d.Action == "" {
		d.Action = policy.Allow
	}
	return d
}
func (r rules) Needs(s policy.Stage) policy.Fields { return r.needs[s] }
func (r rules) SHA256() string                     { return strings.Repeat("ab", 32) }
func (r rules) Current() policy.Policy             { return r }

// book is an audit log in memory, which fails where it is told to.
type book struct {
	mu    sync.Mutex
	lines []audit.Record
	fails func(*audit.Record) bool
}

func (b *book) Append(r *audit.Record) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fails != nil && b.fails(r) {
		return audit.ErrNotWritten
	}
	b.lines = append(b.lines, *r)
	return nil
}
func (b *book) AppendRefusal(r *audit.Record) error { return b.Append(r) }

// story tells the lines in short: "pre_chat deny", "outcome complete".
func (b *book) story() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var s []string
	for _, l := range b.lines {
		if l.Kind != "" {
			s = append(s, l.Kind+" "+l.Ended)
			continue
		}
		s = append(s, l.Stage+" "+l.Decision)
	}
	return strings.Join(s, ", ")
}

func gate(t testing.TB, p rules, log *book, change func(*enforce.Config)) *enforce.Gate {
	t.Helper()
	router, err := wire.NewRouter([]wire.Served{{Dialect: openai.Dialect{}, Prefix: "/v1"}})
	if err != nil {
		t.Fatal(err)
	}
	cfg := enforce.Config{Router: router, Fallback: openai.Dialect{}, Policy: p, Audit: log}
	if change != nil {
		change(&cfg)
	}
	g, err := enforce.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func chatRequest(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

const prompt = `{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}`

// exchange lets a request through a gate; upstream writes the reply.
func exchange(g *enforce.Gate, r *http.Request, upstream func(w *enforce.Reply, r *http.Request) error) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	x := g.Begin(w, r, "192.0.2.1")
	if reply, ok := x.Admit(); ok && reply != nil {
		reply.Close(upstream(reply, r))
	}
	return w
}

// stream answers with a stream, in writes of n bytes.
func stream(body string, n int, end error) func(*enforce.Reply, *http.Request) error {
	return func(w *enforce.Reply, _ *http.Request) error {
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(http.StatusOK)
		for len(body) > 0 {
			k := min(n, len(body))
			if _, err := w.Write([]byte(body[:k])); err != nil {
				return err
			}
			body = body[k:]
		}
		return end
	}
}

// json answers with a whole reply.
func jsonReply(status int, body string) func(*enforce.Reply, *http.Request) error {
	return func(w *enforce.Reply, _ *http.Request) error {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, err := w.Write([]byte(body))
		return err
	}
}

var errCut = errors.New("connection reset")

func withRedaction(specs ...string) func(*enforce.Config) {
	return func(c *enforce.Config) {
		for _, s := range specs {
			c.Redact.Response = append(c.Redact.Response, redact.Selector{Spec: s})
		}
	}
}

func TestNothingGoesUpstreamWithoutItsLine(t *testing.T) {
	log := &book{fails: func(*audit.Record) bool { return true }}
	g := gate(t, rules{}, log, nil)
	asked := false
	w := exchange(g, chatRequest(prompt), func(*enforce.Reply, *http.Request) error { asked = true; return nil })
	if asked || w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d, upstream asked: %v", w.Code, asked)
	}
}

func TestADeniedPromptThatCannotBeAuditedIsUnavailable(t *testing.T) {
	deny := rules{decide: func(*policy.Input) policy.Decision { return policy.Decision{Action: policy.Deny, Reason: "no"} }}
	w := exchange(gate(t, deny, &book{fails: func(*audit.Record) bool { return true }}, nil), chatRequest(prompt), nil)
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d", w.Code)
	}
}

func TestNoByteOfAReplyGoesOutWithoutItsLine(t *testing.T) {
	for _, stage := range []string{"post_chat", "pre_tool"} {
		for name, upstream := range map[string]func(*enforce.Reply, *http.Request) error{
			"stream": stream(calls, 64, nil),
			"json":   jsonReply(200, `{"choices":[{"message":{"content":"words","tool_calls":[{"id":"1","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}`),
		} {
			log := &book{fails: func(r *audit.Record) bool { return r.Stage == stage }}
			w := exchange(gate(t, rules{}, log, nil), chatRequest(prompt), upstream)
			body := w.Body.String()
			if strings.Contains(body, `"f"`) {
				t.Errorf("%s, %s fails: the call went out: %s", name, stage, body)
			}
			if !strings.Contains(body, "the decision cannot be audited") {
				t.Errorf("%s, %s fails: %d %s", name, stage, w.Code, body)
			}
			if stage == "post_chat" && w.Code != http.StatusServiceUnavailable {
				t.Errorf("%s: status %d", name, w.Code)
			}
		}
	}
}

const calls = `data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"words"}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"1","function":{"name":"f","arguments":"{}"}}]}}]}

data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}

data: [DONE]

`

func TestAPanicIsARefusal(t *testing.T) {
	log := &book{}
	panics := rules{decide: func(in *policy.Input) policy.Decision {
		panic("secret in " + string(in.Stage))
	}}
	w := exchange(gate(t, panics, log, nil), chatRequest(prompt), nil)
	if w.Code != http.StatusInternalServerError || log.story() != "request deny" {
		t.Errorf("status %d, audit %s", w.Code, log.story())
	}
	late := rules{decide: func(in *policy.Input) policy.Decision {
		if in.Stage == policy.PreTool {
			panic("secret")
		}
		return policy.Decision{}
	}}
	for name, upstream := range map[string]func(*enforce.Reply, *http.Request) error{
		"stream": stream(calls, 1000, nil),
		"json":   jsonReply(200, `{"choices":[{"message":{"tool_calls":[{"id":"1","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}`),
	} {
		log := &book{}
		w := exchange(gate(t, late, log, nil), chatRequest(prompt), upstream)
		if !strings.Contains(w.Body.String(), "internal error") || strings.Contains(w.Body.String(), "secret") || strings.Contains(w.Body.String(), `"f"`) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if !strings.HasSuffix(log.story(), "outcome aborted") {
			t.Errorf("%s: audit %s", name, log.story())
		}
	}
}

func TestAClientThatLeavesIsSaidToHaveLeft(t *testing.T) {
	log := &book{}
	g := gate(t, rules{}, log, nil)
	ctx, cancel := context.WithCancel(context.Background())
	exchange(g, chatRequest(prompt).WithContext(ctx), func(*enforce.Reply, *http.Request) error { cancel(); return context.Canceled })
	if want := "pre_chat allow, outcome client_gone"; log.story() != want {
		t.Errorf("audit %q, want %q", log.story(), want)
	}
}

func TestAnEarlierResultIsRemembered(t *testing.T) {
	log := &book{}
	g := gate(t, rules{}, log, nil)
	const call = `{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"1","content":"found"}`
	ask := func(messages string) string {
		log.lines = nil
		exchange(g, chatRequest(`{"model":"m","messages":[`+messages+`]}`), jsonReply(200, `{"choices":[]}`))
		return log.story()
	}
	if got, want := ask(call), "post_tool allow, pre_chat allow, post_chat allow, outcome complete"; got != want {
		t.Errorf("first turn: %s", got)
	}
	if got, want := ask(call+`,{"role":"assistant","content":"ok"},{"role":"user","content":"go on"}`), "pre_chat allow, post_chat allow, outcome complete"; got != want {
		t.Errorf("next turn: %s", got)
	}
	if got, want := ask(strings.Replace(call, "found", "forged", 1)+`,{"role":"assistant","content":"ok"}`), "post_tool allow, pre_chat allow, post_chat allow, outcome complete"; got != want {
		t.Errorf("a result that was never seen: %s", got)
	}
}

func TestARedactedResultIsRedactedEveryTurn(t *testing.T) {
	redacts := rules{decide: func(in *policy.Input) policy.Decision {
		if in.Stage == policy.PostTool {
			return policy.Decision{Action: policy.RedactResult, Redact: []policy.Selector{{Spec: "EMAIL"}}}
		}
		return policy.Decision{}
	}}
	g := gate(t, redacts, &book{}, nil)
	const body = `{"model":"m","messages":[{"role":"tool","tool_call_id":"1","content":"a@example.com"},{"role":"assistant","content":"ok"}]}`
	for turn := range 3 {
		r := chatRequest(body)
		exchange(g, r, func(_ *enforce.Reply, r *http.Request) error {
			buf := new(strings.Builder)
			if _, err := copyBody(buf, r); err != nil || strings.Contains(buf.String(), "a@example.com") {
				t.Errorf("turn %d: %v %s", turn, err, buf)
			}
			return nil
		})
	}
}

// Interface guards
var (
	_ policy.Engine  = rules{}
	_ audit.Recorder = (*book)(nil)
)

// nowhere is an audit log that costs nothing.
type nowhere struct{}

func (nowhere) Append(*audit.Record) error        { return nil }
func (nowhere) AppendRefusal(*audit.Record) error { return nil }
