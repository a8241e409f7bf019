package caddymodule_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/headgate/headgate/caddymodule"
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/sandbox"
)

var update = flag.Bool("update-transcripts", false, "rewrite the transcripts")

// TestTranscripts plays whole exchanges through a running Caddy. Each file of
// integration/testdata holds a story. It gives:
//
//	headgate   the lines of the headgate block; policy.rego alone if absent
//	site       lines of the site before it, such as Caddy's own authentication
//	*.rego, *.json   files beside it
//	request    what the client sends, CRLF and Content-Length added
//	reply      what the upstream answers: a line with the status (and "cut" to
//	           break the connection off after the body), headers, a blank
//	           line, the body. A header "Trailer-X: V" comes after the body, as
//	           the trailer X. Without it the upstream is the sandbox.
//
// and is checked against, or with -update-transcripts rewritten with:
//
//	input      every input that the policy saw, with the decision
//	upstream   what went upstream
//	client     what the client got
//	audit      the audit lines
//
// What differs from run to run is replaced by capitals: TS, ID, RID, SHA, ….
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("../integration/testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		file, err := filepath.Abs(file) // a story plays in a directory of its own
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { transcript(t, file) })
	}
}

func transcript(t *testing.T, file string) {
	story, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p := play(t, story)
	got := &txtar.Archive{Comment: story.Comment}
	for _, f := range story.Files {
		if !slices.Contains([]string{"input", "upstream", "client", "audit"}, f.Name) {
			got.Files = append(got.Files, f)
		}
	}
	for _, s := range []struct{ name, text string }{
		{"input", p.inputs.String()},
		{"upstream", p.upstream.String()},
		{"client", p.client},
		{"audit", p.audit},
	} {
		if s.text != "" {
			got.Files = append(got.Files, txtar.File{Name: s.name, Data: []byte(s.text)})
		}
	}
	out := txtar.Format(got)
	if *update {
		if err := os.WriteFile(file, out, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(txtar.Format(story)), string(out)); diff != "" {
		t.Errorf("(-want +got; run with -update-transcripts if the change is meant)\n%s", diff)
	}
}

// player is one exchange as it happened.
type player struct {
	mu       sync.Mutex
	inputs   strings.Builder
	upstream strings.Builder
	client   string
	audit    string
}

func section(story *txtar.Archive, name string) (string, bool) {
	for _, f := range story.Files {
		if f.Name == name {
			return strings.TrimSuffix(string(f.Data), "\n"), true
		}
	}
	return "", false
}

func play(t *testing.T, story *txtar.Archive) *player {
	t.Helper()
	p := &player{}
	dir := t.TempDir()
	for _, f := range story.Files {
		if ext := filepath.Ext(f.Name); ext == ".rego" || ext == ".json" {
			name := filepath.Join(dir, f.Name)
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, f.Data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	upstream := httptest.NewServer(p.record(t, story))
	defer upstream.Close()
	block, ok := section(story, "headgate")
	if !ok {
		block = "policy policy.rego {\n\ttimeout 30s\n}"
	}
	site, _ := section(story, "site")
	addr := freeAddr(t)
	restore := caddymodule.SetWrapPolicy(p.watch)
	defer restore()
	load(t, dir, fmt.Sprintf("{\n\tadmin off\n\tpersist_config off\n\tauto_https off\n\tgrace_period 5s\n\tlog {\n\t\toutput discard\n\t}\n}\nhttp://:%s {\n\tbind 127.0.0.1\n%s\n\theadgate {\n%s\n\taudit audit.jsonl\n}\n\treverse_proxy %s {\n\t\theader_up Host upstream.test\n\t\ttransport http {\n\t\t\tresponse_header_timeout 300ms\n\t\t}\n\t}\n}\n",
		addr[strings.LastIndexByte(addr, ':')+1:], site, block, strings.TrimPrefix(upstream.URL, "http://")))
	request, _ := section(story, "request")
	p.client = exchange(t, addr, request)
	if err := caddy.Stop(); err != nil { // everything has ended, the outcome line is written
		t.Fatal(err)
	}
	lines, err := os.ReadFile(filepath.Join(dir, "audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	p.audit = normal(string(lines))
	return p
}

// load starts Caddy with a Caddyfile, in dir.
func load(t *testing.T, dir, file string) {
	t.Helper()
	t.Chdir(dir)
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(file), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		t.Fatalf("%v in\n%s", err, file)
	}
	if err := caddy.Load(config, true); err != nil {
		t.Fatalf("%v in\n%s", err, file)
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// exchange sends a raw request and gives the answer as a text.
func exchange(t *testing.T, addr, request string) string {
	t.Helper()
	head, body, _ := strings.Cut(request, "\n\n")
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	first, headers, _ := strings.Cut(head, "\n")
	raw := first + " HTTP/1.1\nHost: gate.test\n"
	if headers != "" {
		raw += headers + "\n"
	}
	if !strings.Contains(head, "Content-Length") && (body != "" || strings.HasPrefix(first, "POST")) {
		raw += "Content-Length: " + strconv.Itoa(len(body)) + "\n"
	}
	if _, err := io.WriteString(conn, strings.ReplaceAll(raw, "\n", "\r\n")+"\r\n"+body); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Sprintf("%d\n\nbroken off after %q\n", resp.StatusCode, got)
	}
	var b strings.Builder
	fmt.Fprintln(&b, resp.StatusCode)
	for _, name := range []string{"Content-Type", "Headgate-Request-Id", "X-Should-Retry", "Retry-After", "X-Ratelimit-Remaining-Requests", "Www-Authenticate", "Allow", "Trailer", "X-Said-Late"} {
		for _, v := range resp.Header.Values(name) {
			if name == "Headgate-Request-Id" {
				v = "RID"
			}
			fmt.Fprintf(&b, "%s: %s\n", name, v)
		}
	}
	b.WriteString("\n" + strings.TrimSuffix(string(got), "\n") + "\n")
	for name, values := range resp.Trailer {
		fmt.Fprintf(&b, "trailer %s: %s\n", name, strings.Join(values, ", "))
	}
	return normal(b.String())
}

// record is the upstream: it notes what arrives, and answers by the story.
func (p *player) record(t *testing.T, story *txtar.Archive) http.Handler {
	reply, scripted := section(story, "reply")
	stand := sandbox.New()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("upstream: %v", err)
		}
		p.mu.Lock()
		fmt.Fprintf(&p.upstream, "%s %s\n", r.Method, r.RequestURI)
		for _, name := range slices.Sorted(func(yield func(string) bool) {
			for name := range r.Header {
				if !yield(name) {
					return
				}
			}
		}) {
			if !strings.HasPrefix(name, "X-Forwarded-") && name != "User-Agent" && name != "Via" {
				fmt.Fprintf(&p.upstream, "%s: %s\n", name, strings.Join(r.Header[name], ", "))
			}
		}
		p.upstream.WriteString("\n" + string(body) + "\n")
		p.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		if !scripted {
			stand.ServeHTTP(w, r)
			return
		}
		answer(w, r, reply)
	})
}

// answer plays a scripted reply.
func answer(w http.ResponseWriter, r *http.Request, reply string) {
	head, body, _ := strings.Cut(reply, "\n\n")
	lines := strings.Split(head, "\n")
	status, how, _ := strings.Cut(lines[0], " ")
	if how == "hang" {
		<-r.Context().Done()
		return
	}
	trailers := http.Header{}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		if trailer, ok := strings.CutPrefix(name, "Trailer-"); ok {
			w.Header().Add("Trailer", trailer)
			trailers.Add(trailer, value)
			continue
		}
		w.Header().Add(name, value)
	}
	code, _ := strconv.Atoi(status)
	w.WriteHeader(code)
	if strings.HasPrefix(w.Header().Get("Content-Type"), "text/event-stream") {
		body += "\n\n"
	}
	_, _ = io.WriteString(w, body)
	for name, values := range trailers {
		w.Header()[name] = values
	}
	if how == "cut" {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// watch notes every input and decision.
func (p *player) watch(e policy.Engine) policy.Engine { return watchedEngine{e, p} }

type watchedEngine struct {
	policy.Engine
	p *player
}

func (e watchedEngine) Current() policy.Policy {
	return watchedPolicy{e.Engine.Current().(policy.Prober), e.p}
}

type watchedPolicy struct {
	policy.Prober
	p *player
}

func (w watchedPolicy) Decide(ctx context.Context, in *policy.Input) policy.Decision {
	d := w.Prober.Decide(ctx, in)
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	w.p.inputs.WriteString(shown(in) + "-> " + string(d.Action))
	for _, s := range []string{d.Reason, d.ForceModel} {
		if s != "" {
			w.p.inputs.WriteString(": " + s)
		}
	}
	for _, s := range d.Redact {
		w.p.inputs.WriteString(" " + s.Spec)
	}
	w.p.inputs.WriteByte('\n')
	return d
}

// shown is an input as a text, without what is empty.
func shown(in *policy.Input) string {
	doc := map[string]any{
		"stage": in.Stage, "model": in.Model, "tools": in.Tools, "tool": in.Tool, "server": in.Server,
		"principal": fmt.Sprintf("%s/%s %v %s %s", in.Principal.TenantID, in.Principal.UserID, in.Principal.Roles, in.Principal.AgentID, in.Principal.Auth),
		"messages":  in.Messages, "args": in.Args, "response": in.Response, "result": in.Result,
		"messages_hash": in.MessagesHash, "args_hash": in.ArgsHash, "response_hash": in.ResponseHash, "result_hash": in.ResultHash,
		"findings": in.Findings, "unscanned": in.Unscanned, "protocol": in.Request.Protocol, "stream": in.Request.Stream,
	}
	var keys []string
	for k, v := range doc {
		if b, _ := json.Marshal(v); !bytes.Equal(b, []byte(`""`)) && !bytes.Equal(b, []byte("null")) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	var b strings.Builder
	for _, k := range keys {
		v, _ := json.Marshal(doc[k])
		fmt.Fprintf(&b, "%s: %s\n", k, v)
	}
	return b.String()
}

var volatile = []struct {
	re *regexp.Regexp
	by string
}{
	{regexp.MustCompile(`"ts":"[^"]*"`), `"ts":"TS"`},
	{regexp.MustCompile(`"id":"[0-9a-f-]{36}"`), `"id":"ID"`},
	{regexp.MustCompile(`"request_id":"[^"]*"`), `"request_id":"RID"`},
	{regexp.MustCompile(`"policy_sha256":"[^"]*"`), `"policy_sha256":"SHA"`},
	{regexp.MustCompile(`"prev":"[^"]*"`), `"prev":"PREV"`},
	{regexp.MustCompile(`"eval_us":[0-9]+,?`), ``},
}

func normal(s string) string {
	for _, v := range volatile {
		s = v.re.ReplaceAllString(s, v.by)
	}
	return s
}
