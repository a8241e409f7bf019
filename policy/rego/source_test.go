package rego_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/rego"
)

const (
	allowAll = "package headgate\n\ndefault allow := true\n"
	denyAll  = "package headgate\n\ndefault allow := true\n\ndeny contains \"closed\"\n"
)

func preChat(p policy.Policy) policy.Decision {
	return p.Decide(context.Background(), &policy.Input{Stage: policy.PreChat, Model: "m"})
}

// touch moves a file's time on, so that a change within the clock's grain is seen.
func touch(t testing.TB, name string) {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	later := info.ModTime().Add(time.Second)
	if err := os.Chtimes(name, later, later); err != nil {
		t.Fatal(err)
	}
}

func TestReload(t *testing.T) {
	ctx := context.Background()
	name := filepath.Join(t.TempDir(), "p.rego")
	writeFile(t, name, allowAll)
	var calls []rego.Status
	src := open(t, rego.Config{Paths: []string{name}, OnReload: func(s rego.Status) { calls = append(calls, s) }})
	first := src.Current()

	if changed, err := src.Reload(ctx); changed || err != nil || len(calls) != 0 {
		t.Fatalf("nothing changed: got %v, %v, %d calls", changed, err, len(calls))
	}

	writeFile(t, name, denyAll)
	touch(t, name)
	if changed, err := src.Reload(ctx); !changed || err != nil {
		t.Fatalf("a change: got %v, %v", changed, err)
	}
	if d := preChat(src.Current()); d.Action != policy.Deny || d.Reason != "closed" {
		t.Errorf("the new policy decides: got %+v", d)
	}
	if d := preChat(first); d.Action != policy.Allow {
		t.Errorf("a request keeps the revision that it began with: got %+v", d)
	}
	st := src.Status()
	if st.SHA256 != src.Current().SHA256() || st.Reloads != 1 || st.Failures != 0 || st.LastError != nil || len(calls) != 1 {
		t.Errorf("status %+v, %d calls", st, len(calls))
	}

	touch(t, name)
	if changed, err := src.Reload(ctx); changed || err != nil {
		t.Errorf("touched only: got %v, %v", changed, err)
	}
}

func TestReloadKeepsTheLastGoodPolicy(t *testing.T) {
	ctx := context.Background()
	name := filepath.Join(t.TempDir(), "p.rego")
	writeFile(t, name, denyAll)
	src := open(t, rego.Config{Paths: []string{name}})
	good := src.Current()

	writeFile(t, name, "package headgate\n\nallow if {\n")
	touch(t, name)
	changed, err := src.Reload(ctx)
	if changed || err == nil || !strings.Contains(err.Error(), name+":4:1: ") {
		t.Fatalf("a broken policy: got %v, %v", changed, err)
	}
	var faults *rego.CompileError
	if !errors.As(err, &faults) || len(faults.Faults) == 0 {
		t.Errorf("the error is %T, want a CompileError with faults", err)
	}
	if src.Current() != good {
		t.Error("a broken policy replaced the good one")
	}
	if st := src.Status(); st.Failures != 1 || st.LastError == nil || st.SHA256 != good.SHA256() {
		t.Errorf("status %+v", st)
	}
	// The error stands, but the file is not compiled again.
	if _, again := src.Reload(ctx); again == nil || src.Status().Failures != 1 {
		t.Errorf("unchanged and broken: got %v, status %+v", again, src.Status())
	}
	if _, err := src.ForceReload(ctx); err == nil || src.Status().Failures != 2 {
		t.Errorf("forced: got %v, status %+v", err, src.Status())
	}

	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if _, err := src.Reload(ctx); !errors.Is(err, os.ErrNotExist) || src.Current() != good {
		t.Errorf("a removed policy: got %v", err)
	}

	writeFile(t, name, allowAll)
	if changed, err := src.Reload(ctx); !changed || err != nil {
		t.Fatalf("a mended policy: got %v, %v", changed, err)
	}
	if st := src.Status(); st.LastError != nil || st.Failures != 3 {
		t.Errorf("status %+v", st)
	}
}

func TestReloadSeesFilesComeAndGo(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "a.rego"), allowAll)
	src := open(t, rego.Config{Paths: []string{dir}})
	more := filepath.Join(dir, "deep", "er", "b.rego")
	writeFile(t, more, "package headgate\n\ndeny contains \"b\"\n")
	if changed, err := src.Reload(ctx); !changed || err != nil {
		t.Fatalf("a new file: got %v, %v", changed, err)
	}
	if d := preChat(src.Current()); d.Reason != "b" {
		t.Errorf("got %+v", d)
	}
	if err := os.Remove(more); err != nil {
		t.Fatal(err)
	}
	if changed, err := src.Reload(ctx); !changed || err != nil {
		t.Fatalf("a file gone: got %v, %v", changed, err)
	}
	if d := preChat(src.Current()); d.Action != policy.Allow {
		t.Errorf("got %+v", d)
	}
}

func TestWatch(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	name := filepath.Join(t.TempDir(), "p.rego")
	writeFile(t, name, allowAll)
	reloaded := make(chan rego.Status, 10)
	src := open(t, rego.Config{Paths: []string{name}, OnReload: func(s rego.Status) { reloaded <- s }})
	done := make(chan struct{})
	go func() {
		defer close(done)
		src.Watch(ctx, time.Millisecond)
	}()

	replace(t, name, denyAll)
	if s := <-reloaded; s.LastError != nil || s.Reloads != 1 {
		t.Errorf("status %+v", s)
	}
	if d := preChat(src.Current()); d.Reason != "closed" {
		t.Errorf("got %+v", d)
	}
	replace(t, name, "broken")
	if s := <-reloaded; s.LastError == nil || s.Failures != 1 {
		t.Errorf("status %+v", s)
	}
	cancel()
	<-done
}

// replace writes a file in one step, so that a watcher never sees half of it.
func replace(t testing.TB, name, text string) {
	t.Helper()
	writeFile(t, name+".new", text)
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
	touch(t, name)
}

func TestReloadUnderEvaluation(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	name := filepath.Join(t.TempDir(), "p.rego")
	writeFile(t, name, allowAll)
	src := open(t, rego.Config{Paths: []string{name}, Timeout: time.Minute})
	sums := map[string]policy.Action{src.Current().SHA256(): policy.Allow}
	other := open(t, rego.Config{Paths: []string{writeTemp(t, denyAll)}})
	sums[other.Current().SHA256()] = policy.Deny

	var decided atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				p := src.Current()
				d := preChat(p)
				if want, known := sums[d.SHA256]; !known || d.Action != want || d.SHA256 != p.SHA256() {
					t.Errorf("%s decided %s %q", d.SHA256, d.Action, d.Reason)
					return
				}
				decided.Add(1)
			}
		})
	}
	texts := []string{denyAll, allowAll}
	for i := range 40 {
		replace(t, name, texts[i%2])
		if _, err := src.ForceReload(context.Background()); err != nil {
			t.Fatal(err)
		}
		for before := decided.Load(); decided.Load() < before+5 && !t.Failed(); {
			runtime.Gosched()
		}
	}
	cancel()
	wg.Wait()
}

func writeTemp(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "p.rego")
	writeFile(t, name, text)
	return name
}

func TestCacheShares(t *testing.T) {
	a, b := writeTemp(t, allowAll+"# shared\n"), writeTemp(t, allowAll+"# shared\n")
	one := open(t, rego.Config{Paths: []string{a}})
	two := open(t, rego.Config{Paths: []string{b}})
	if one.Current() != two.Current() {
		t.Error("the same source twice was compiled twice")
	}
	if three := open(t, rego.Config{Paths: []string{a}, Timeout: time.Hour}); three.Current() == one.Current() {
		t.Error("another configuration got the same policy")
	}
	four := open(t, rego.Config{Paths: []string{a}, DefaultAllow: map[policy.Stage]bool{policy.Session: true}})
	if four.Current() == one.Current() {
		t.Error("another default decision got the same policy")
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "readme.md"), "no policy")
	writeFile(t, filepath.Join(dir, "x_test.rego"), allowAll)
	writeFile(t, filepath.Join(dir, ".hidden", "x.rego"), allowAll)
	ok := writeTemp(t, allowAll)
	for _, c := range []struct {
		name   string
		config rego.Config
		is     error
		text   string
	}{
		{"no path", rego.Config{}, rego.ErrNoPolicy, ""},
		{"a directory without a policy", rego.Config{Paths: []string{dir}}, rego.ErrNoPolicy, dir},
		{"a missing path", rego.Config{Paths: []string{filepath.Join(dir, "gone")}}, os.ErrNotExist, "gone"},
		{"a bundle that is not there", rego.Config{Paths: []string{"bundle.tar.gz"}}, os.ErrNotExist, "stat bundle.tar.gz"},
		{"a package name", rego.Config{Paths: []string{ok}, Packages: []string{"a b"}}, nil, `package "a b" is not a package name`},
		{"a stage", rego.Config{Paths: []string{ok}, DefaultAllow: map[policy.Stage]bool{"pre": true}}, nil, `unknown stage "pre"`},
		{"a built-in function", rego.Config{Paths: []string{ok}, Builtins: []string{"+http.sent"}}, nil, `unknown built-in function "http.sent"`},
		{"a negative time", rego.Config{Paths: []string{ok}, Timeout: -1}, nil, "negative"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := rego.Open(context.Background(), c.config)
			if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v, want %v with %q", err, c.is, c.text)
			}
		})
	}
}

func TestErrorIsBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("package headgate\n\ndefault allow := true\n")
	for range 100 {
		b.WriteString("\ndeny contains \"x\" if undefined_function(1)\n")
	}
	_, err := rego.Open(context.Background(), rego.Config{Paths: []string{writeTemp(t, b.String())}})
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 21 || lines[20] != "and 80 more" {
		t.Errorf("got %d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

func TestSHA256(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "a.rego"), allowAll)
	one := open(t, rego.Config{Paths: []string{filepath.Join(dir, "a.rego")}})
	if got := one.Current().SHA256(); got != sum(allowAll) {
		t.Errorf("one file: got %s, want the hash of its bytes", got)
	}
	lib := "package lib\n"
	writeFile(t, filepath.Join(dir, "sub", "b.rego"), lib)
	want := sum("a.rego\x00" + sum(allowAll) + "\n" + "sub/b.rego\x00" + sum(lib) + "\n")
	if got := open(t, rego.Config{Paths: []string{dir}}).Current().SHA256(); got != want {
		t.Errorf("a directory: got %s, want %s", got, want)
	}
	if d := preChat(one.Current()); d.SHA256 != sum(allowAll) {
		t.Errorf("a decision tells its policy: got %s", d.SHA256)
	}
}

// A Kubernetes volume shows every file twice: through a link and in the
// timestamped directory that the link leads to.
func TestLinksAndDoubles(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "..2026_01_01", "p.rego"), denyAll)
	for link, target := range map[string]string{"..data": "..2026_01_01", "p.rego": "..data/p.rego", "loop": "."} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	src := open(t, rego.Config{Paths: []string{dir, filepath.Join(dir, "p.rego"), dir}})
	if n := len(src.Policy().Files()); n != 1 {
		t.Errorf("got %d files, want the one", n)
	}
}

func TestLoadLog(t *testing.T) {
	var log strings.Builder
	name := filepath.Join(seeds, "tako_policy.rego")
	open(t, rego.Config{Paths: []string{name}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for _, want := range []string{
		`level=INFO msg="policy stage" stage=pre_tool surfaces="[data.tako.policy.allow data.tako.policy.deny]" needs=none`,
		`level=WARN msg="policy stage is not covered" stage=session surfaces=[data.tako.policy.deny] default=deny`,
		"at=" + name + ":9:5",
		`not \"admin\" in input.principal.roles`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, &log)
		}
	}
}
