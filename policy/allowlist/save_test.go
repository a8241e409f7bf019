package allowlist_test

import (
	"bytes"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/allowlist"
)

// only fails where a directory holds other files than these.
func only(t testing.TB, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files: -want +got:\n%s", diff)
	}
}

func is(t testing.TB, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("the file is %q %v, want %q", got, err, want)
	}
}

func TestSave(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "policy_rules.json")
	d := allowlist.Document{BlockedAgents: []string{"a"}}
	const text = "{\n  \"policy_rules\": {\n    \"blocked_agents\": [\n      \"a\"\n    ]\n  }\n}\n"
	mode := func(want fs.FileMode) {
		t.Helper()
		if info, err := os.Lstat(path); err != nil || info.Mode() != want {
			t.Errorf("got %v %v, want %v", info.Mode(), err, want)
		}
	}
	if err := allowlist.Save(path, d); err != nil {
		t.Fatal(err)
	}
	is(t, path, text)
	mode(0o600)

	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	d.BlockedAgents = []string{"b"}
	if err := allowlist.Save(path, d); err != nil {
		t.Fatal(err)
	}
	is(t, path, strings.Replace(text, `"a"`, `"b"`, 1))
	mode(0o640)

	for name, bad := range map[string]allowlist.Document{
		"a wildcard": {BlockedAgents: []string{"*"}},
		"not UTF-8":  {BlockedAgents: []string{"\xff"}},
		"too large":  {Rego: strings.Repeat("x", allowlist.MaxSize)},
	} {
		if err := allowlist.Save(path, bad); err == nil || !strings.HasPrefix(err.Error(), path+":") {
			t.Errorf("%s: got %v, want an error that begins with the file", name, err)
		}
	}
	is(t, path, strings.Replace(text, `"a"`, `"b"`, 1))
	only(t, dir, "policy_rules.json")
}

func TestSaveFails(t *testing.T) {
	dir := t.TempDir()
	if err := allowlist.Save(dir, allowlist.Document{}); err == nil {
		t.Error("a directory is replaced")
	}
	if err := allowlist.Save(filepath.Join(dir, "none", "x.json"), allowlist.Document{}); err == nil {
		t.Error("a directory that is missing is no error")
	}
	only(t, dir)
}

func TestSaveThroughLink(t *testing.T) {
	dir, link := t.TempDir(), filepath.Join(t.TempDir(), "link.json")
	path := filepath.Join(dir, "policy_rules.json")
	write(t, path, "{}")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := allowlist.Save(link, allowlist.Document{}); err != nil {
		t.Fatal(err)
	}
	is(t, path, "{\n  \"policy_rules\": {}\n}\n")
	if to, err := os.Readlink(link); err != nil || to != path {
		t.Errorf("the link is %q %v", to, err)
	}
}

func TestReplace(t *testing.T) {
	s := newSource()
	e, path := open(t, s)
	if err := e.Replace(t.Context(), []byte(document(2))); err != nil {
		t.Fatal(err)
	}
	is(t, path, document(2))
	if got := whole(t, e); got != 2 || string(e.Bytes()) != document(2) {
		t.Errorf("version %d, bytes %s", got, e.Bytes())
	}
	if changed, err := e.Reload(); changed || err != nil {
		t.Errorf("what was replaced is loaded again: %v %v", changed, err)
	}

	for _, c := range []struct{ name, src, want string }{
		{"a faulty list", "{\n\"blocked_agent\": []}", path + ":2:1: unknown key"},
		{"faulty rego", strings.Replace(document(3), "version", "virsion", 1), path + ": its rego is refused: " + path + "#rego:3:5: version expected"},
		{"too large", strings.Repeat(" ", allowlist.MaxSize+1), path + ": the allowlist is too large"},
	} {
		if err := e.Replace(t.Context(), []byte(c.src)); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s…", c.name, err, c.want)
		}
		if got := whole(t, e); got != 2 || string(e.Bytes()) != document(2) {
			t.Errorf("%s: version %d, bytes %s", c.name, got, e.Bytes())
		}
		is(t, path, document(2))
	}
	only(t, filepath.Dir(path), "policy_rules.json")
	if st := e.Status(); st.LastError != nil || st.Failures != 0 {
		t.Errorf("a document that was never in the file counts as its fault: %+v", st)
	}

	// A file that was broken meanwhile is repaired.
	put(t, path, "{")
	if _, err := e.Reload(); err == nil {
		t.Error("no error")
	}
	if err := e.Replace(t.Context(), []byte(document(2))); err != nil || e.Status().LastError != nil {
		t.Errorf("got %v, status %+v", err, e.Status())
	}
	is(t, path, document(2))
}

// What the Rego was compiled to is not kept beside other Rego.
func TestReplaceWithoutWASM(t *testing.T) {
	e, path := open(t, newSource())
	if err := e.Replace(t.Context(), []byte(`{"rego": "version 0", "rego_wasm_base64": "AGFzbQ=="}`)); err != nil {
		t.Fatal(err)
	}
	const want = "{\n  \"policy_rules\": {\n    \"rego\": \"version 0\"\n  }\n}\n"
	is(t, path, want)
	if string(e.Bytes()) != want {
		t.Errorf("bytes: %s", e.Bytes())
	}
}

// The file cannot be written any more when the Rego has been compiled already:
// the policy gets the old Rego back.
func TestReplaceFailsLate(t *testing.T) {
	s := newSource()
	e, path := open(t, s)
	s.after = func() {
		s.after = nil
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Error(err)
		}
	}
	if err := e.Replace(t.Context(), []byte(document(2))); err == nil || !strings.HasPrefix(err.Error(), "save the allowlist: ") {
		t.Errorf("got %v", err)
	}
	if got := whole(t, e); got != 1 || s.current.Load().inline != "version 1" || string(e.Bytes()) != document(1) {
		t.Errorf("version %d, the policy has %q", got, s.current.Load().inline)
	}
	only(t, filepath.Dir(path), "policy_rules.json")
}

// Not even the old Rego can be set again: the old pair goes on, whole, until a
// load brings list and policy together.
func TestReplaceFailsBothWays(t *testing.T) {
	s := newSource()
	e, path := open(t, s)
	s.after = func() {
		s.faults = map[string]string{"version 1": "1:1: not any more"}
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Error(err)
		}
	}
	err := e.Replace(t.Context(), []byte(document(2)))
	if err == nil || !strings.Contains(err.Error(), "save the allowlist: ") || !strings.Contains(err.Error(), "not any more") {
		t.Errorf("got %v", err)
	}
	s.change()
	e.PolicyChanged()
	if got := whole(t, e); got != 1 {
		t.Errorf("version %d", got)
	}
	s.faults, s.after = nil, nil
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write(t, path, document(1))
	if changed, err := e.Reload(); changed || err != nil || whole(t, e) != 1 || s.current.Load().inline != "version 1" {
		t.Errorf("got %v %v, the policy has %q", changed, err, s.current.Load().inline)
	}
	s.change()
	if got := e.Current().SHA256(); !shows(e, s, got) {
		t.Error("the policy's own changes are not seen any more")
	}
}

// shows reports whether a hash is that of the source's revision and the list.
func shows(e *allowlist.Engine, s *source, got string) bool {
	return got == combined(e.List().SHA256(), s.current.Load().SHA256())
}

func TestStatus(t *testing.T) {
	var told []allowlist.Status
	var log bytes.Buffer
	path := filepath.Join(t.TempDir(), "policy_rules.json")
	write(t, path, yesList)
	first := fixed{policy.Decision{Action: policy.Allow}}
	e, err := allowlist.New(allowlist.Config{
		Policy: &first, Path: path, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		OnReload: func(st allowlist.Status) { told = append(told, st) },
	})
	if err != nil {
		t.Fatal(err)
	}
	start := e.Status()
	if start.SHA256 != e.List().SHA256() || start.LoadedAt.IsZero() || start.LastError != nil || start.Failures+start.Reloads != 0 || len(told) != 0 {
		t.Errorf("at the start: %+v, told %v", start, told)
	}
	_, _ = e.Reload()
	if len(told) != 0 {
		t.Error("told without an attempt")
	}
	put(t, path, "{")
	_, _ = e.Reload()
	_, _ = e.Reload()
	st := e.Status()
	if st.SHA256 != start.SHA256 || !st.LoadedAt.Equal(start.LoadedAt) || st.LastError == nil || st.Failures != 1 || st.Reloads != 0 || len(told) != 1 {
		t.Errorf("after a fault: %+v, told %d times", st, len(told))
	}
	if _, err := e.ForceReload(t.Context()); err == nil || e.Status().Failures != 2 || len(told) != 2 {
		t.Errorf("forced: %v, %+v, told %d times", err, e.Status(), len(told))
	}
	if n := strings.Count(log.String(), "allowlist not reloaded"); n != 1 {
		t.Errorf("the fault is logged %d times", n)
	}
	put(t, path, noList)
	_, _ = e.Reload()
	st = e.Status()
	if st.SHA256 != e.List().SHA256() || st.SHA256 == start.SHA256 || st.LoadedAt.Equal(start.LoadedAt) || st.LastError != nil || st.Failures != 2 || st.Reloads != 1 {
		t.Errorf("repaired: %+v", st)
	}
	if err := e.Replace(t.Context(), []byte(yesList)); err != nil {
		t.Fatal(err)
	}
	st = e.Status()
	if st.SHA256 != start.SHA256 || st.Reloads != 2 || len(told) != 4 {
		t.Errorf("replaced: %+v, told %d times", st, len(told))
	}
	if diff := cmp.Diff(st, told[3]); diff != "" {
		t.Errorf("told another status: %s", diff)
	}
	if changed, err := e.ForceReload(t.Context()); changed || err != nil || e.Status().Reloads != 2 {
		t.Errorf("forced without a change: %v %v %+v", changed, err, e.Status())
	}
}
