package allowlist_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/allowlist"
)

// source is a layer whose policy language is one line, "version N". Its policy
// allows the tool tN alone and tells N as its needs.
type source struct {
	current atomic.Pointer[revision]
	mu      sync.Mutex // one change at a time
	calls   int

	before, after func()            // called within SetInline, around the change
	faults        map[string]string // what else does not compile, with the fault
}

type revision struct {
	inline  string
	version int
	own     int // counts changes of the source's own files
}

func newSource() *source {
	s := new(source)
	s.current.Store(new(revision))
	return s
}

func (s *source) Current() policy.Policy { return s.current.Load() }

func (s *source) SetInline(_ context.Context, name, src string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.before != nil {
		s.before()
	}
	fault := s.faults[src]
	number, ok := strings.CutPrefix(src, "version ")
	version, err := strconv.Atoi(number)
	if src != "" && (!ok || err != nil) {
		fault = "3:5: version expected"
	}
	if fault != "" {
		return errors.New(name + ":" + fault)
	}
	s.current.Store(&revision{inline: src, version: version, own: s.current.Load().own})
	if s.after != nil {
		s.after()
	}
	return nil
}

// change is a change of the source's own files.
func (s *source) change() {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := *s.current.Load()
	r.own++
	s.current.Store(&r)
}

func (r *revision) SHA256() string                   { return fmt.Sprint(r.own, r.inline) }
func (r *revision) Needs(policy.Stage) policy.Fields { return policy.Fields(r.version) }

func (r *revision) Decide(_ context.Context, in *policy.Input) policy.Decision {
	if in.Tool != tool(r.version) {
		return policy.Decision{Action: policy.Deny, Reason: "another version", Layer: policy.LayerRego}
	}
	return policy.Decision{Action: policy.Allow, Layer: policy.LayerRego}
}

func tool(version int) string { return fmt.Sprint("t", version) }

// document is one whose list and whose Rego are of a version.
func document(version int) string {
	return fmt.Sprintf("{\"policy_rules\": {\"tool_rules\": {\"allowed_tools\": [%q]},\n \"rego\": \"version %d\"}}", tool(version), version)
}

// put writes a file as editors do, under another name first.
func put(t testing.TB, path, text string) {
	t.Helper()
	write(t, path+".new", text)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// whole fails unless both layers in force are of one version, which it gives.
func whole(t testing.TB, e *allowlist.Engine) int {
	t.Helper()
	p := e.Current()
	version := int(p.Needs(policy.PreTool))
	if d := p.Decide(context.Background(), call("a", tool(version), "", "")); d.Action != policy.Allow {
		t.Errorf("the policy is of version %d and the list is not: %s", version, d.Reason)
	}
	return version
}

// open starts an engine with a document of version 1.
func open(t testing.TB, s *source) (*allowlist.Engine, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy_rules.json")
	write(t, path, document(1))
	e, err := allowlist.New(allowlist.Config{Policy: s, Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if got := whole(t, e); got != 1 {
		t.Fatalf("version %d at the start", got)
	}
	return e, path
}

func TestInline(t *testing.T) {
	s := newSource()
	e, path := open(t, s)
	if got := s.current.Load().inline; got != "version 1" {
		t.Errorf("the policy got %q", got)
	}

	// A list alone: the policy is left in peace.
	put(t, path, strings.Replace(document(1), `"tool_rules"`, `"allowed_orgs": ["x"], "tool_rules"`, 1))
	if changed, err := e.Reload(); !changed || err != nil || s.calls != 1 {
		t.Errorf("got %v %v after %d calls, want one", changed, err, s.calls)
	}
	put(t, path, document(2))
	if changed, err := e.Reload(); !changed || err != nil || whole(t, e) != 2 {
		t.Errorf("got %v %v, version %d", changed, err, whole(t, e))
	}
	put(t, path, `{"tool_rules": {"allowed_tools": ["t0"]}}`)
	if changed, err := e.Reload(); !changed || err != nil || s.current.Load().inline != "" || whole(t, e) != 0 {
		t.Errorf("without rego: got %v %v, the policy has %q", changed, err, s.current.Load().inline)
	}
}

// A document is refused whole: neither its list nor its Rego comes into force.
func TestInlineRefused(t *testing.T) {
	s := newSource()
	e, path := open(t, s)
	held := e.Current()
	put(t, path, strings.Replace(document(2), `version 2`, `release 2`, 1))
	for range 2 {
		changed, err := e.Reload()
		want := path + ": its rego is refused: " + path + "#rego:3:5: version expected"
		if changed || err == nil || err.Error() != want {
			t.Errorf("got %v %v, want %s", changed, err, want)
		}
	}
	if s.calls != 2 {
		t.Errorf("the policy was asked %d times, want once for each document", s.calls)
	}
	if got := whole(t, e); got != 1 || e.Current().SHA256() != held.SHA256() {
		t.Errorf("version %d is in force, want the first", got)
	}

	put(t, path, strings.Replace(document(2), `"tool_rules"`, `"tool_rule"`, 1))
	if _, err := e.Reload(); err == nil || whole(t, e) != 1 {
		t.Errorf("a faulty list with good rego: got %v, version %d", err, whole(t, e))
	}
	if _, err := allowlist.New(allowlist.Config{Policy: newSource(), Path: path}); err == nil {
		t.Error("a faulty document at the start is no error")
	}
	put(t, path, `{"rego": "x"}`)
	if _, err := allowlist.New(allowlist.Config{Policy: newSource(), Path: path}); err == nil || !strings.Contains(err.Error(), path+"#rego:3:5: ") {
		t.Errorf("faulty rego at the start: got %v", err)
	}
}

// A document that was refused because of the policy's own files is tried again
// when these were loaded anew, and else left alone.
func TestInlineTriedAgain(t *testing.T) {
	for name, told := range map[string]bool{"by itself": false, "told": true} {
		t.Run(name, func(t *testing.T) {
			s := newSource()
			e, path := open(t, s)
			s.faults = map[string]string{"version 2": "1:1: not beside those files"}
			put(t, path, document(2))
			for range 3 {
				if _, err := e.Reload(); err == nil {
					t.Fatal("no error")
				}
			}
			s.faults = nil
			if _, err := e.Reload(); err == nil || s.calls != 2 {
				t.Fatalf("tried again without a reason: %v, %d calls", err, s.calls)
			}
			if told {
				e.PolicyChanged()
			} else {
				s.change()
			}
			if changed, err := e.Reload(); !changed || err != nil || whole(t, e) != 2 {
				t.Errorf("got %v %v, version %d", changed, err, whole(t, e))
			}
		})
	}
}

func TestInlineNeedsSource(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy_rules.json")
	write(t, path, document(1))
	const want = ": there is no policy layer that takes the rego of this document"
	for _, c := range []allowlist.Config{{Policy: new(fixed), Path: path}, {Path: path, Fallthrough: true}} {
		if _, err := allowlist.New(c); err == nil || !strings.HasPrefix(err.Error(), path+want) {
			t.Errorf("got %v", err)
		}
	}
	put(t, path, yesList)
	e, err := allowlist.New(allowlist.Config{Policy: new(fixed), Path: path})
	if err != nil {
		t.Fatal(err)
	}
	put(t, path, document(1))
	if changed, err := e.Reload(); changed || err == nil || !strings.HasPrefix(err.Error(), path+want) {
		t.Errorf("got %v %v", changed, err)
	}
	put(t, path, noList)
	if changed, err := e.Reload(); !changed || err != nil {
		t.Errorf("repaired: got %v %v", changed, err)
	}
}

// While a document is on its way, everybody gets the old pair, also when the
// policy has taken the new Rego already and tells so.
func TestOneRevision(t *testing.T) {
	s := newSource()
	e, path := open(t, s)
	held := e.Current()
	looked := 0
	look := func() {
		looked++
		e.PolicyChanged()
		if got := whole(t, e); got != 1 || e.Current() != held {
			t.Errorf("version %d is given out before the document is in force", got)
		}
	}
	s.before, s.after = look, look
	put(t, path, document(2))
	if _, err := e.Reload(); err != nil || looked != 2 {
		t.Fatalf("%v, looked %d times", err, looked)
	}
	if got := whole(t, e); got != 2 {
		t.Errorf("version %d, want 2", got)
	}
	if held.Decide(context.Background(), call("a", "t1", "", "")).Action != policy.Allow {
		t.Error("a revision that is held changed")
	}
}

// A change of the policy's own files is seen without a word.
func TestPolicyChangesByItself(t *testing.T) {
	s := newSource()
	e, _ := open(t, s)
	before := e.Current()
	if e.Current() != before {
		t.Error("a new revision without a change")
	}
	s.change()
	after := e.Current()
	if after == before || after.SHA256() == before.SHA256() || whole(t, e) != 1 {
		t.Errorf("the change is not seen: %s", after.SHA256())
	}
	if e.Current() != after {
		t.Error("a new revision without a change")
	}
	if n := testing.AllocsPerRun(100, func() { _ = e.Current() }); n > 0 {
		t.Errorf("%v allocations for a request", n)
	}
}

// Documents come by file and by Replace, good ones and faulty ones, while the
// policy's own files change too: what is decided is always of one version.
func TestOneRevisionUnderLoad(t *testing.T) {
	s := newSource()
	e, path := open(t, s)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			last := 0
			for {
				got := whole(t, e)
				if got < last {
					t.Errorf("version %d after %d", got, last)
				}
				last = got
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for version := 2; version < 502; version++ {
		if version%5 == 0 {
			put(t, path, strings.Replace(document(version), `"version`, `"broken`, 1))
			if _, err := e.Reload(); err == nil {
				t.Errorf("version %d: broken rego is no error", version)
			}
		}
		var err error
		var own sync.WaitGroup
		own.Go(func() { s.change(); e.PolicyChanged() })
		if version%2 == 0 {
			err = e.Replace(t.Context(), []byte(document(version)))
		} else {
			put(t, path, document(version))
			_, err = e.Reload()
		}
		own.Wait()
		if got := whole(t, e); err != nil || got != version {
			t.Fatalf("version %d: got %d, %v", version, got, err)
		}
	}
	close(done)
	wg.Wait()
}
