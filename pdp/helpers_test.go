package pdp_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/audit"
	"github.com/headgate/headgate/pdp"
	"github.com/headgate/headgate/policy"
)

// rules is a policy written in Go. It keeps the last input that it saw.
type rules struct {
	decide func(in *policy.Input) policy.Decision
	needs  policy.Fields

	mu   sync.Mutex
	last policy.Input
}

func (r *rules) Decide(_ context.Context, in *policy.Input) policy.Decision {
	r.mu.Lock()
	r.last = *in
	r.mu.Unlock()
	d := policy.Decision{Action: policy.Allow}
	if r.decide != nil {
		d = r.decide(in)
	}
	d.Layer, d.SHA256, d.Eval = policy.LayerRego, sha, 85*time.Microsecond
	return d
}
func (r *rules) Needs(policy.Stage) policy.Fields { return r.needs }
func (r *rules) SHA256() string                   { return sha }
func (r *rules) Current() policy.Policy           { return r }

var sha = strings.Repeat("ab", 32)

func deciding(d policy.Decision) *rules {
	return &rules{decide: func(*policy.Input) policy.Decision { return d }}
}

// book is an audit log in memory, which fails where it is told to.
type book struct {
	mu       sync.Mutex
	lines    []audit.Record
	refusals int // how many of the lines came by AppendRefusal
	fails    bool
}

func (b *book) Append(r *audit.Record) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fails {
		return audit.ErrNotWritten
	}
	b.lines = append(b.lines, *r)
	return nil
}

func (b *book) AppendRefusal(r *audit.Record) error {
	err := b.Append(r)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refusals++
	return err
}

// one is the only line.
func (b *book) one(t *testing.T) audit.Record {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.lines) != 1 {
		t.Fatalf("%d audit lines, want 1: %+v", len(b.lines), b.lines)
	}
	return b.lines[0]
}

// meter is an observer that writes down what it is told.
type meter struct {
	mu   sync.Mutex
	told []string
}

func (m *meter) say(s string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told = append(m.told, s)
}

func (m *meter) Decision(stage, decision, layer string, _ time.Duration) {
	m.say(stage + " " + decision + " " + layer)
}
func (m *meter) Refusal(code string) { m.say("refusal " + code) }

func (m *meter) Remembered(stage string) { m.say("remembered " + stage) }
func (m *meter) AuditFailure()           { m.say("audit failure") }

var now = time.Date(2026, 4, 29, 17, 32, 4, 0, time.UTC)

// handler answers anonymous callers, unless it is changed.
func handler(t testing.TB, p policy.Engine, log audit.Recorder, change func(*pdp.Config)) *pdp.Handler {
	t.Helper()
	cfg := pdp.Config{Policy: p, Audit: log, Anonymous: true, Now: func() time.Time { return now }}
	if change != nil {
		change(&cfg)
	}
	h, err := pdp.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// ask posts a JSON body. The other headers come in pairs.
func ask(h *pdp.Handler, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.Handle(w, r, "192.0.2.1")
	return w
}

// says checks an answer.
func says(t *testing.T, w *httptest.ResponseRecorder, status int, body string) {
	t.Helper()
	if w.Code != status {
		t.Errorf("status %d, want %d: %s", w.Code, status, w.Body)
	}
	if diff := cmp.Diff(body, w.Body.String()); diff != "" {
		t.Errorf("answer differs (-want +got):\n%s", diff)
	}
	if w.Header().Get("Content-Type") != "application/json" || w.Header().Get(pdp.RequestIDHeader) == "" {
		t.Errorf("headers %v", w.Header())
	}
	if retry := w.Header().Get("X-Should-Retry"); (retry == "false") != (status >= 400 && status < 500) {
		t.Errorf("x-should-retry %q with status %d", retry, status)
	}
}

// refused checks a refusal, whose message contains a text.
func refused(t *testing.T, w *httptest.ResponseRecorder, status int, contains string) {
	t.Helper()
	var answer struct {
		Error struct {
			Message, Type, Code string
			Param               *string
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	if !strings.Contains(answer.Error.Message, contains) || answer.Error.Type == "" || answer.Error.Code == "" {
		t.Errorf("answer %s, want %q in it", w.Body, contains)
	}
	says(t, w, status, w.Body.String())
}

const (
	sessionBody = `{"initiator_agent_id":"orga::a","target_agent_id":"orgb::b","initiator_org_id":"orga","target_org_id":"orgb","session_context":"initiator","capabilities":["kyc.read"]}`
	toolBody    = `{"input":{"agent_id":"orga::kyc","tool_name":"lookup","arguments":{"b":1,"a":"x"}}}`
)
