package caddymodule

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/headgate/headgate/audit"
	"github.com/headgate/headgate/enforce"
	"github.com/headgate/headgate/policy/rego"
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/openai"
)

// TestEveryAPI says one bad prompt, one forbidden tool call and one secret in a
// reply through every endpoint of every dialect, as JSON and as a stream: the
// decisions are the same, and so is what the client gets to see. An endpoint
// that is not in everyAPI fails the test.
func TestEveryAPI(t *testing.T) {
	file := filepath.Join(t.TempDir(), "policy.rego")
	if err := os.WriteFile(file, []byte(everyPolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := rego.Open(t.Context(), rego.Config{Paths: []string{file}})
	if err != nil {
		t.Fatal(err)
	}
	unknown := map[string]bool{}
	for name := range everyAPI {
		unknown[name] = true
	}
	for _, d := range dialectTable {
		router, err := wire.NewRouter([]wire.Served{{Dialect: d.wire, Prefix: "/p", Name: "it"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range d.wire.Endpoints() {
			if e.Codec == nil {
				continue
			}
			name := d.wire.Name() + " " + e.Method + " " + e.Path
			delete(unknown, name)
			a, ok := everyAPI[name]
			if !ok {
				t.Errorf("%s is not tested: say in everyAPI how a prompt, a reply and a tool call look there", name)
				continue
			}
			if a.why != "" {
				continue
			}
			t.Run(name, func(t *testing.T) {
				lines := &lineBook{}
				g, err := enforce.New(enforce.Config{
					Router: router, Fallback: openai.Dialect{}, Policy: source, Audit: lines,
					AllowUnscanned: map[string]bool{"file_id": true, "conversation": true, "previous_response_id": true},
				})
				if err != nil {
					t.Fatal(err)
				}
				every{a, g, lines, e}.test(t)
			})
		}
	}
	for name := range unknown {
		t.Errorf("%s is tested, but there is no such endpoint", name)
	}
}

const everyPolicy = `package headgate

default allow := true

deny contains "no launch codes" if {
	input.stage == "pre_chat"
	some m in input.messages
	contains(m.text, "launch code")
}

deny contains "no shells" if {
	input.stage == "pre_tool"
	input.tool == "shell"
}

redact_response contains "EMAIL" if input.stage == "post_chat"

redact_result contains "EMAIL" if input.stage == "post_tool"
`

// lineBook is an audit log in memory.
type lineBook struct {
	mu    sync.Mutex
	lines []audit.Record
}

func (b *lineBook) Append(r *audit.Record) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, *r)
	return nil
}

func (b *lineBook) AppendRefusal(r *audit.Record) error { return b.Append(r) }

// decisions are the decisions since the last call, without the outcome.
func (b *lineBook) decisions() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []string
	for _, l := range b.lines {
		if l.Kind == "" {
			list = append(list, strings.Join(strings.Fields(l.Stage+" "+l.Tool+" "+l.Decision+" "+l.Reason), " "))
		}
	}
	b.lines = nil
	return list
}

// everyExchange is how one endpoint says things. In a request, TEXT is the
// prompt's text; in a reply, MAIL is an address, which a stream has in two
// pieces, MA and IL.
type everyExchange struct {
	why string // it says nothing, for this reason

	path    string // where the wildcards of the endpoint's path are filled
	media   string // of the request
	request string // with STREAM for true or false
	reply   string
	call    string // a reply that calls shell

	streamPath  string // where it differs
	streamMedia string // text/event-stream where it is empty
	stream      string
	callStream  string

	// bodyless marks a request without a prompt.
	bodyless bool
	// tool marks a request that is itself the call of a tool, TOOL.
	tool bool
}

type every struct {
	everyExchange
	g     *enforce.Gate
	lines *lineBook
	e     wire.Endpoint
}

func (e every) test(t *testing.T) {
	if e.tool {
		e.testTool(t)
		return
	}
	for _, streams := range []bool{false, true} {
		if streams && e.stream == "" || !streams && e.request == "" && !e.bodyless {
			continue
		}
		form := map[bool]string{false: "JSON", true: "stream"}[streams]
		first := "pre_chat allow"
		if e.bodyless {
			first = "request allow carries no prompt; its reply is decided"
		}
		t.Run(form+" prompt", func(t *testing.T) {
			if e.bodyless {
				return
			}
			w := e.ask(t, "what are the launch codes?", streams, "", "")
			e.expect(t, w, `no launch codes`, "", "pre_chat deny no launch codes")
			if w.Code < 200 || w.Code > 299 && w.Header().Get("X-Should-Retry") != "false" {
				t.Errorf("status %d, headers %v", w.Code, w.Header())
			}
		})
		reply, call := e.reply, e.call
		if streams {
			reply, call = e.stream, e.callStream
		}
		media := "application/json"
		if streams {
			media = e.streamMedia
			if media == "" {
				media = "text/event-stream"
			}
		}
		if reply != "" {
			t.Run(form+" secret", func(t *testing.T) {
				w := e.ask(t, "hello", streams, media, everyMail.Replace(reply))
				e.expect(t, w, "[EMAIL]", "@example.org", first, "post_chat redact_response")
			})
		}
		if call != "" {
			t.Run(form+" call", func(t *testing.T) {
				w := e.ask(t, "hello", streams, media, call)
				e.expect(t, w, "tool `shell`: no shells", "rm -rf", first, "post_chat redact_response", "pre_tool shell deny no shells")
			})
		}
	}
}

// testTool is for requests that call a tool themselves.
func (e every) testTool(t *testing.T) {
	for _, streams := range []bool{false, true} {
		media, reply := "application/json", e.reply
		if streams {
			if media, reply = "text/event-stream", e.stream; reply == "" {
				continue
			}
		}
		t.Run(map[bool]string{false: "JSON", true: "stream"}[streams]+" secret", func(t *testing.T) {
			w := e.ask(t, "lookup", streams, media, everyMail.Replace(reply))
			e.expect(t, w, "[EMAIL]", "@example.org", "pre_tool lookup allow", "post_tool lookup redact_result")
		})
	}
	t.Run("call", func(t *testing.T) {
		w := e.ask(t, "shell", false, "", "")
		e.expect(t, w, "tool `shell`: no shells", "rm -rf", "pre_tool shell deny no shells")
	})
}

var everyMail = strings.NewReplacer("MAIL", "alice@example.org", "MA", "alice@exa", "IL", "mple.org")

// ask sends a request whose upstream answers with reply; with no media type it
// must not be asked.
func (e every) ask(t *testing.T, text string, streams bool, media, reply string) *httptest.ResponseRecorder {
	t.Helper()
	path := e.path
	if path == "" {
		path = e.e.Path
	}
	if streams && e.streamPath != "" {
		path = e.streamPath
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	path, query, _ := strings.Cut(path, "?")
	body := strings.NewReplacer(`"TEXT"`, string(quoted), `TOOL`, text, "STREAM", fmt.Sprint(streams)).Replace(e.request)
	r := httptest.NewRequest(e.e.Method, "/p"+path+"?"+query, strings.NewReader(body))
	if e.media == "" {
		e.media = "application/json"
	}
	r.Header.Set("Content-Type", e.media)
	w := httptest.NewRecorder()
	x := e.g.Begin(w, r, "192.0.2.1")
	p, ok := x.Admit()
	if !ok {
		return w
	}
	if media == "" {
		t.Error("it went upstream")
	}
	p.Header().Set("Content-Type", media)
	p.WriteHeader(http.StatusOK)
	_, err = p.Write([]byte(reply))
	p.Close(err)
	return w
}

// expect compares what the client got and what the audit log has.
func (e every) expect(t *testing.T, w *httptest.ResponseRecorder, has, hasNot string, decisions ...string) {
	t.Helper()
	body := w.Body.String()
	if !strings.Contains(body, has) || hasNot != "" && strings.Contains(body, hasNot) {
		t.Errorf("the client must see %q and not %q:\n%s", has, hasNot, body)
	}
	got := e.lines.decisions()
	if !slices.Equal(got, decisions) {
		t.Errorf("decisions %q, want %q", got, decisions)
	}
}
