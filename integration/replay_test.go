package integration_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/headgate/headgate/integration/internal/canary"
	"github.com/headgate/headgate/integration/internal/traffic"
)

// replaySites is the gate that recordings go through: with an allow-all policy
// and with a configuration that redacts the canary wherever it flies.
func replaySites(upstream string) string {
	site := func(name, block string) string {
		return "http://@" + name + "@ {\n\theadgate {\n" + block + replayServes + "\t}\n\treverse_proxy " + upstream + "\n}\n"
	}
	var redact strings.Builder
	for _, direction := range []string{"request", "response", "args", "results"} {
		fmt.Fprintf(&redact, "\t\tredact %s \"lit:%s\"\n", direction, canary.Text)
	}
	return site("allow", "") + site("redact", redact.String())
}

// replayServes has the prefixes that the recorded clients were configured with.
const replayServes = `		unscanned allow previous_response_id conversation stored_prompt file_id background cached_content remote_url
		serve openai /
		serve openai /v1
		serve openai /openai/v1
		serve openai /openai
		serve openai /api/v1
		serve openai /api/v2/cortex/v1
		serve openai /api/coding/paas/v4
		serve openai /groq/openai/v1
		serve openai /together/v1
		serve openai /novita/v3/openai
		serve openai /models
		serve openai /bin/content-type/application/json
		serve openai /openai/deployments/{model}
		serve anthropic /v1/messages
		serve gemini /v1beta
		serve gemini /v1/projects/{project}/locations/{location}/publishers/google
		serve gemini /v1beta1/projects/{project}/locations/{location}/publishers/google
		serve ollama /api
`

// recorder is an upstream that answers with what was recorded, and keeps what
// reached it.
type recorder struct {
	mu  sync.Mutex
	all map[string]*traffic.Exchange // what to answer
	got map[string][]byte
}

const replayHeader = "X-Replay"

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	id := req.Header.Get(replayHeader)
	r.mu.Lock()
	r.got[id] = body
	e := r.all[id]
	r.mu.Unlock()
	if err != nil || e == nil {
		http.Error(w, "nothing was recorded", http.StatusTeapot)
		return
	}
	w.Header().Set("Content-Type", e.Media)
	w.WriteHeader(e.Status)
	_, _ = w.Write(e.Reply)
}

// TestReplay sends every recording through the gate: allowed, request and
// reply come out byte for byte as they went in; with a canary planted in every
// text, none comes out, and what does is valid for the API's SDK.
func TestReplay(t *testing.T) {
	list, err := traffic.Load()
	if err != nil {
		t.Fatal(err)
	}
	rec := &recorder{all: map[string]*traffic.Exchange{}, got: map[string][]byte{}}
	srv := httptest.NewServer(rec)
	t.Cleanup(srv.Close)
	g := start(t, map[string]string{
		"policy.rego": openPolicy,
		"Caddyfile":   caddyfile("\tadmin off\n"+gateOptions, replaySites(strings.TrimPrefix(srv.URL, "http://"))),
	})
	done := map[string]int{}
	for i := range list {
		e := &list[i]
		t.Run(e.Name(), func(t *testing.T) {
			if e.Refused() {
				if status, _, body := rec.play(t, g, "allow", e); status != http.StatusForbidden && status != http.StatusNotFound {
					t.Errorf("an API that is not governed: status %d: %.200s", status, body)
				}
				return
			}
			done[e.Protocol]++
			status, upstream, reply := rec.play(t, g, "allow", e)
			if e.Broken() {
				if status != http.StatusBadGateway {
					t.Errorf("a reply of no API: status %d: %.300s", status, reply)
				}
				return
			}
			if status != e.Status {
				t.Fatalf("status %d, want %d: %.300s", status, e.Status, reply)
			}
			same(t, "request", upstream, e.Request)
			same(t, "reply", reply, e.Reply)

			planted := *e
			planted.Request, planted.Reply = canary.Plant(e.Request), canary.Plant(e.Reply)
			status, upstream, reply = rec.play(t, g, "redact", &planted)
			if status != e.Status {
				t.Fatalf("with the canary: status %d, want %d: %.300s", status, e.Status, reply)
			}
			for what, b := range map[string][]byte{"request": upstream, "reply": reply} {
				if at := canary.Find(b); at != "" {
					t.Errorf("the %s still holds the canary: %s", what, at)
				}
			}
			before, after := traffic.Valid(e, e.Reply), traffic.Valid(e, reply)
			if (before == nil) != (after == nil) { // some recordings end with the provider's error
				t.Errorf("the SDK reads the redacted reply otherwise: %v, before: %v\n%.2000s", after, before, reply)
			}
		})
	}
	t.Logf("replayed %v", done)
}

// play sends a request and gives what reached the upstream and what the client
// got.
func (r *recorder) play(t *testing.T, g *gate, site string, e *traffic.Exchange) (status int, upstream, reply []byte) {
	t.Helper()
	r.mu.Lock()
	r.all[e.ID] = e
	delete(r.got, e.ID)
	r.mu.Unlock()
	req, err := http.NewRequest(e.Method, "http://"+g.addrs["@"+site+"@"]+e.Path, bytes.NewReader(e.Request))
	if err != nil {
		t.Fatal(err)
	}
	if e.Method != http.MethodGet {
		req.Header.Set("Content-Type", e.RequestMedia)
	}
	req.Header.Set(replayHeader, e.ID)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if reply, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return resp.StatusCode, r.got[e.ID], reply
}

// same compares bytes and shows the place where they part.
func same(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	part := func(b []byte) []byte { return b[max(0, at-60):min(len(b), at+100)] }
	t.Errorf("the %s changed at byte %d of %d:\n got …%s\nwant …%s", what, at, len(want), part(got), part(want))
}

// TestCanaryIsPlanted: a canary that nobody planted is one that nobody misses.
func TestCanaryIsPlanted(t *testing.T) {
	for _, tt := range []struct{ name, body, want string }{
		{"a text", `{"model":"a b","content":"Hello my world"}`, canary.Text},
		{"a text inside arguments", `{"arguments":"{\"q\":\"the big city\"}"}`, canary.Text},
		{"an event", "data: {\"delta\":\"Hello my world\"}\n\ndata: [DONE]\n\n", canary.Text},
		{"a line of JSON", "{\"response\":\"Hello my world\"}\n{\"response\":\"Hello my friend\"}\n", canary.Text},
	} {
		planted := canary.Plant([]byte(tt.body))
		if !strings.Contains(string(planted), tt.want) || canary.Find(planted) == "" {
			t.Errorf("%s: %s", tt.name, planted)
		}
	}
	if !json.Valid(canary.Plant([]byte(`{"a":"x \"y\" z\n","b":["one two three"],"c":1.50}`))) {
		t.Error("planting breaks JSON")
	}
}
