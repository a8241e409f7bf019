package rego_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/test/cases"
	"golang.org/x/tools/txtar"

	"github.com/headgate/headgate/policy/rego"
)

// lintSafely lints a policy of one or more files (a txtar archive, or one
// file's text), if it compiles. Every warning has a place and a code.
func lintSafely(t testing.TB, text string) (compiled bool) {
	t.Helper()
	dir := t.TempDir()
	ar := txtar.Parse([]byte(text))
	if len(ar.Files) == 0 {
		ar.Files = []txtar.File{{Name: "p.rego", Data: []byte(text)}}
	}
	for i, f := range ar.Files {
		// Names are the fuzzer's too: only their order counts.
		writeFile(t, filepath.Join(dir, string(rune('a'+i%26))+".rego"), string(f.Data))
	}
	// The time-out sets these apart from the same texts under other names.
	src, err := rego.Open(context.Background(), rego.Config{Paths: []string{dir}, Timeout: time.Minute})
	if err != nil {
		return false
	}
	for _, w := range src.Policy().Lint() {
		if w.File == "" || w.Line < 1 || w.Col < 1 || w.Code == "" || w.Message == "" {
			t.Errorf("incomplete: %+v", w)
		}
		if strings.Contains(w.Message, "__local") {
			t.Errorf("a name of the compiler is shown: %+v", w)
		}
	}
	return true
}

// goldens are the policies of the lints' cases, and the seeds'.
func goldens(t testing.TB) []string {
	t.Helper()
	var list []string
	names, err := filepath.Glob("testdata/lint/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var policies txtar.Archive
		for _, f := range ar.Files {
			if strings.HasSuffix(f.Name, ".rego") {
				policies.Files = append(policies.Files, f)
				list = append(list, string(f.Data))
			}
		}
		list = append(list, string(txtar.Format(&policies)))
	}
	return list
}

// conformance are the modules of OPA's own test cases, one archive a case;
// none where the module's source is not on this machine.
func conformance(t testing.TB) []string {
	t.Helper()
	dir, err := exec.CommandContext(context.Background(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/open-policy-agent/opa").Output()
	if err != nil || len(strings.TrimSpace(string(dir))) == 0 {
		return nil
	}
	set, err := cases.Load(filepath.Join(strings.TrimSpace(string(dir)), "v1", "test", "cases", "testdata", "v1"))
	if err != nil {
		return nil
	}
	seen := map[string]bool{}
	var list []string
	for _, c := range set.Cases {
		var ar txtar.Archive
		for _, m := range c.Modules {
			ar.Files = append(ar.Files, txtar.File{Name: "m.rego", Data: []byte(m)})
		}
		text := string(txtar.Format(&ar))
		if !seen[text] && len(ar.Files) > 0 {
			seen[text] = true
			list = append(list, text)
		}
	}
	return list
}

// FuzzLint: no lint panics on a policy that compiles.
func FuzzLint(f *testing.F) {
	for _, text := range goldens(f) {
		f.Add(text)
	}
	for i, text := range conformance(f) {
		if i%sample == 0 {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<16 {
			return
		}
		lintSafely(t, text)
	})
}

// sample is which of OPA's cases are seeds: there are thousands, and a seed
// takes as long as a compilation.
const sample = 8

func TestGoldensCompile(t *testing.T) {
	for _, text := range goldens(t) {
		if strings.HasPrefix(text, "-- ") && !lintSafely(t, text) {
			t.Errorf("does not compile:\n%s", text)
		}
	}
}
