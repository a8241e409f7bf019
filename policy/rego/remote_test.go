package rego_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/policy/rego"
	"github.com/headgate/headgate/policy/rego/content"
)

// logs collects what is logged.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logs) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// bundleServer serves one bundle with an ETag.
type bundleServer struct {
	*httptest.Server
	mu     sync.Mutex
	raw    []byte
	etag   int
	status int // instead of the bundle, where it is not 0
	full   int // whole answers
	same   int // 304
	header http.Header
}

func newBundleServer(t testing.TB, raw []byte) *bundleServer {
	t.Helper()
	s := &bundleServer{raw: raw, etag: 1}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *bundleServer) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.header = r.Header
	etag := strconv.Quote(strconv.Itoa(s.etag))
	switch {
	case s.status != 0:
		w.WriteHeader(s.status)
	case r.Header.Get("If-None-Match") == etag:
		s.same++
		w.WriteHeader(http.StatusNotModified)
	default:
		s.full++
		w.Header().Set("ETag", etag)
		_, _ = w.Write(s.raw)
	}
}

func (s *bundleServer) put(raw []byte, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw, s.status = raw, status
	s.etag++
}

func (s *bundleServer) counts() (full, same int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.full, s.same
}

func why(t testing.TB, s signer, revision, text string) []byte {
	t.Helper()
	return s.signed(t, revision, "/p.rego", denies, "/why/data.json", `{"text": "`+text+`"}`)
}

// The last good bundle stays whatever the server does, and says so.
func TestBundleServer(t *testing.T) {
	ctx := context.Background()
	s := newSigner(t)
	server := newBundleServer(t, why(t, s, "1", "one"))
	config := rego.Config{
		Paths: []string{server.URL + "/acme/bundle.tar.gz?token=hush"},
		Bundles: content.Servers{
			Poll: time.Nanosecond, Verify: s.verification(""), Header: http.Header{"Authorization": {"Bearer hush"}},
		},
	}
	var log logs
	config.Logger = log.logger()
	src := open(t, config)
	if got := server.header.Get("Authorization"); got != "Bearer hush" {
		t.Errorf("Authorization %q", got)
	}
	decides := func(want string) {
		t.Helper()
		if d := preChat(src.Current()); d.Reason != want {
			t.Errorf("decided by %q, want %q", d.Reason, want)
		}
	}
	decides("one")

	if changed, err := src.Reload(ctx); changed || err != nil {
		t.Errorf("nothing new: %v %v", changed, err)
	}
	if full, same := server.counts(); full != 1 || same != 1 {
		t.Errorf("%d whole answers and %d that say the same", full, same)
	}
	checked := src.Status().Bundles[0].Checked

	server.put(why(t, s, "2", "two"), 0)
	if changed, err := src.Reload(ctx); !changed || err != nil {
		t.Errorf("a new bundle: %v %v", changed, err)
	}
	decides("two")

	tampered := tarball(t, "/p.rego", denies, "/why/data.json", `{"text": "evil"}`)
	for _, c := range []struct {
		name   string
		raw    []byte
		status int
		want   error
	}{
		{"down", nil, 500, content.ErrFetch},
		{"gone", nil, 404, content.ErrFetch},
		{"not modified, out of the blue", nil, 206, content.ErrFetch},
		{"garbage", []byte("hello"), 0, content.ErrBundle},
		{"unsigned", tampered, 0, content.ErrSignature},
		{"older", why(t, s, "1", "one"), 0, content.ErrOlder},
		{"of another signer", why(t, newSigner(t), "3", "evil"), 0, content.ErrSignature},
		{"one that does not compile", s.signed(t, "3", "/p.rego", "package headgate\n\nallow if data.x[_] == f\n\nf := 1 if g\n\ng := f\n"), 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			server.put(c.raw, c.status)
			failures := src.Status().Failures
			_, err := src.Reload(ctx)
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			decides("two")
			st := src.Status()
			if st.LastError == nil || st.Failures != failures+1 || st.Bundles[0].Revision != "2" {
				t.Errorf("status %+v", st)
			}
			if strings.Contains(err.Error(), "hush") {
				t.Errorf("the error tells the token: %v", err)
			}
		})
	}
	// Back again: what does not compile is no floor for what comes after it.
	server.put(why(t, s, "2", "two"), 0)
	if _, err := src.Reload(ctx); err != nil {
		t.Error(err)
	}
	server.put(why(t, s, "4", "four"), 0)
	if _, err := src.Reload(ctx); err != nil {
		t.Error(err)
	}
	decides("four")
	if st := src.Status(); st.LastError != nil || !st.Bundles[0].Checked.After(checked) || st.Bundles[0].Err != nil {
		t.Errorf("status %+v", st)
	}
	if strings.Contains(log.String(), "hush") {
		t.Error("the log tells the token")
	}
}

// Files beside a server go on being reloaded while it is down.
func TestFilesBesideADownServer(t *testing.T) {
	s := newSigner(t)
	server := newBundleServer(t, why(t, s, "1", "one"))
	dir := t.TempDir()
	name := filepath.Join(dir, "more.rego")
	writeFile(t, name, "package headgate\n\ndeny contains \"a\" if input.stage == \"pre_chat\"\n")
	src := open(t, rego.Config{Paths: []string{dir, server.URL}, Bundles: content.Servers{Poll: time.Nanosecond, Verify: s.verification("")}})
	server.put(nil, 503)
	replace(t, name, "package headgate\n\ndeny contains \"bb\" if input.stage == \"pre_chat\"\n")
	if changed, err := src.Reload(context.Background()); !changed || !errors.Is(err, content.ErrFetch) {
		t.Errorf("got %v %v", changed, err)
	}
	if d := preChat(src.Current()); d.Reason != "bb; one" {
		t.Errorf("got %+v", d)
	}
}

// A redirection is followed; what the configuration sends goes to its own host
// alone.
func TestRedirectedBundle(t *testing.T) {
	s := newSigner(t)
	storage := newBundleServer(t, why(t, s, "1", "stored"))
	var asked http.Header
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Header
		http.Redirect(w, r, strings.Replace(storage.URL, "127.0.0.1", "localhost", 1)+"/stored", http.StatusFound)
	}))
	defer front.Close()
	config := rego.Config{Paths: []string{front.URL}, Bundles: content.Servers{
		Verify: s.verification(""), Header: http.Header{"X-Token": {"hush"}, "Authorization": {"Bearer hush"}},
	}}
	if d := preChat(open(t, config).Current()); d.Reason != "stored" {
		t.Errorf("got %+v", d)
	}
	if asked.Get("X-Token") != "hush" {
		t.Error("the configured host did not get the header")
	}
	for _, name := range []string{"X-Token", "Authorization"} {
		if storage.header.Get(name) != "" {
			t.Errorf("%s went to another host", name)
		}
	}
}

// A redirection must not take the encryption away.
func TestRedirectedToPlainHTTP(t *testing.T) {
	s := newSigner(t)
	plain := newBundleServer(t, why(t, s, "1", "plain"))
	front := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	defer front.Close()
	servers := content.Servers{Verify: s.verification("")}
	client := front.Client()
	client.CheckRedirect = servers.CheckRedirect
	servers.Client = client
	_, err := rego.Open(context.Background(), rego.Config{Paths: []string{front.URL}, Bundles: servers})
	if !errors.Is(err, content.ErrFetch) || !strings.Contains(err.Error(), "from https to http") {
		t.Errorf("got %v", err)
	}
}

// A new configuration starts while the server is down, with what an earlier one
// got; without that there is no start.
func TestOpenWhileTheServerIsDown(t *testing.T) {
	s := newSigner(t)
	server := newBundleServer(t, why(t, s, "1", "one"))
	config := rego.Config{Paths: []string{server.URL}, Bundles: content.Servers{Verify: s.verification("")}}
	open(t, config)
	server.put(nil, 500)
	if d := preChat(open(t, config).Current()); d.Reason != "one" {
		t.Errorf("got %+v", d)
	}
	config.Bundles.Verify = newSigner(t).verification("")
	if _, err := rego.Open(context.Background(), config); !errors.Is(err, content.ErrFetch) {
		t.Errorf("with another key: %v", err)
	}
	config.Paths[0] += "/elsewhere"
	if _, err := rego.Open(context.Background(), config); !errors.Is(err, content.ErrFetch) {
		t.Errorf("of a server that never answered: %v", err)
	}
}

func TestData(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		name = filepath.Join(dir, name)
		writeFile(t, name, text)
		return name
	}
	pol := file("p.rego", "package headgate\n\ndefault allow := true\n\ndeny contains t if {\n\tinput.stage == \"pre_chat\"\n\tt := data.tenants[input.principal.tenant_id].why\n}\n")
	a := file("a.json", `{"tenants": {"": {"why": "no tenant"}}}`)
	b := file("b.yaml", "tenants:\n  acme:\n    why: blocked\nlimits: [1, 2]\n")
	src := open(t, rego.Config{Paths: []string{pol}, Data: []string{a, b}})
	if d := preChat(src.Current()); d.Reason != "no tenant" {
		t.Errorf("got %+v", d)
	}
	before := src.Policy().SHA256()
	replace(t, a, `{"tenants": {"": {"why": "other words"}}}`)
	if changed, err := src.Reload(context.Background()); !changed || err != nil {
		t.Errorf("got %v %v", changed, err)
	}
	if d := preChat(src.Current()); d.Reason != "other words" || src.Policy().SHA256() == before {
		t.Errorf("got %+v", d)
	}
	for name, c := range map[string]struct{ text, want string }{
		"c.json":  {`{"limits": 1}`, "data.limits is also in"},
		"d.json":  {`{"tenants": {"acme": {"why": "x"}}}`, "data.tenants.acme.why is also in"},
		"e.json":  {`{"x": 1, "x": 2}`, "e.json:1:10: not valid JSON"},
		"f.json":  {"{\n  \"x\": }", "f.json:2:8: not valid JSON"},
		"g.json":  {`[1]`, "g.json:1:1: a data document must be an object"},
		"h.yaml":  {"a: [", "h.yaml"},
		"i.json":  {`{"headgate": {"allow": true}}`, "p.rego:3:1: conflicting rule for data path"},
		"j.json":  {`{} {}`, "j.json:1:3: not valid JSON"},
		"k.json":  {``, "k.json:1:1: not valid JSON"},
		"l.json/": {``, "regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			if strings.HasSuffix(name, "/") {
				if err := os.Mkdir(path, 0o755); err != nil {
					t.Fatal(err)
				}
			} else {
				writeFile(t, path, c.text)
			}
			_, err := rego.Open(context.Background(), rego.Config{Paths: []string{pol}, Data: []string{a, b, path}})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// A policy without a place of its own, as one that stands in another document.
func TestInline(t *testing.T) {
	ctx := context.Background()
	src := open(t, rego.Config{Inline: true})
	if d := preChat(src.Current()); d.Reason != "policy_stage_uncovered" || !d.NoAnswer || d.SHA256 != "" {
		t.Errorf("empty: %+v", d)
	}
	if err := src.SetInline(ctx, "doc.json#rego", "package headgate\n\ndefault allow := true\n"); err != nil {
		t.Fatal(err)
	}
	if d := preChat(src.Current()); d.Action != "allow" {
		t.Errorf("got %+v", d)
	}
	err := src.SetInline(ctx, "doc.json#rego", "package headgate\n\nallow {\n")
	if err == nil || !strings.HasPrefix(err.Error(), "doc.json#rego:4:1") {
		t.Errorf("got %v", err)
	}
	if d := preChat(src.Current()); d.Action != "allow" {
		t.Errorf("after a fault: %+v", d)
	}
	if _, err := src.ForceReload(ctx); err != nil {
		t.Errorf("the fault stayed: %v", err)
	}
	if err := src.SetInline(ctx, "", ""); err != nil {
		t.Fatal(err)
	}
	if d := preChat(src.Current()); !d.NoAnswer {
		t.Errorf("taken away: %+v", d)
	}
}

func TestAllowNet(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, "http://localhost:1/", http.StatusFound)
		case "/slow":
			<-r.Context().Done()
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"why": "asked"}`))
		}
	}))
	defer server.Close()
	text := func(url string) string {
		return "package headgate\n\ndefault allow := true\n\ndeny contains r.body.why if {\n\tinput.stage == \"pre_chat\"\n\tr := http.send({\"method\": \"GET\", \"enable_redirect\": true, \"url\": \"" + url + "\"})\n}\n"
	}
	config := func(url string, hosts ...string) rego.Config {
		return rego.Config{Paths: []string{writeTemp(t, text(url))}, Builtins: []string{"+http.send"}, AllowNet: hosts}
	}
	if d := preChat(open(t, config(server.URL, "127.0.0.1")).Current()); d.Reason != "asked" || asked != 1 {
		t.Errorf("got %+v, %d asked", d, asked)
	}
	if d := preChat(open(t, config(server.URL, "example.com")).Current()); d.Reason != "policy_error" || asked != 1 {
		t.Errorf("another host: %+v, %d asked", d, asked)
	}
	if d := preChat(open(t, config(server.URL+"/away", "127.0.0.1")).Current()); d.Reason != "policy_error" {
		t.Errorf("a redirect away: %+v", d)
	}
	slow := config(server.URL+"/slow", "127.0.0.1")
	slow.Timeout = 50 * time.Millisecond
	if d := preChat(open(t, slow).Current()); d.Reason != "policy_timeout" {
		t.Errorf("a slow host: %+v", d)
	}
	for _, hosts := range [][]string{nil, {"127.0.0.1:80"}, {"https://x"}, {"*.x.org"}, {""}} {
		if _, err := rego.Open(context.Background(), config(server.URL, hosts...)); err == nil || !strings.Contains(err.Error(), "allow_net") {
			t.Errorf("allow_net %q: %v", hosts, err)
		}
	}
}
