package rego_test

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/rego"
)

// TestLintGolden tells each case in one file: the policy's files, optionally
// the configuration (config.json), and all that the lints say.
func TestLintGolden(t *testing.T) {
	golden(t, "testdata/lint/*.txtar", lintStory)
}

func lintStory(t *testing.T, ar *txtar.Archive) string {
	dir := t.TempDir()
	config := rego.Config{Paths: []string{dir}}
	for _, f := range ar.Files {
		switch f.Name {
		case "config.json":
			decode(t, f.Data, &config)
		case "want":
		default:
			writeFile(t, filepath.Join(dir, f.Name), string(f.Data))
		}
	}
	return lint(t, config)
}

// lint opens a policy and lists what the lints say, a line each. Folders are
// left out: a policy that is still in use keeps the path of its first opening.
func lint(t testing.TB, config rego.Config) string {
	t.Helper()
	src, err := rego.Open(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, w := range src.Policy().Lint() {
		fmt.Fprintf(&out, "%s:%d:%d: %s: %s\n", filepath.Base(w.File), w.Line, w.Col, w.Code, w.Message)
	}
	return out.String()
}

// Policies that are published as right are right: the examples whole, and the
// two systems' own policies. What is said of these is no false alarm: the
// wildcard that is read as the seed means it, and stages that a policy leaves
// to others when it is taken alone.
func TestLintHasNoFalseAlarms(t *testing.T) {
	dirs := map[string]bool{"testdata/seeds": true}
	err := filepath.WalkDir("../../examples", func(name string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(name, ".rego") {
			dirs[filepath.Dir(name)] = true
		}
		return err
	})
	if err != nil || len(dirs) < 2 {
		t.Fatalf("no examples: %v", err)
	}
	for dir := range dirs {
		for _, l := range strings.Split(strings.TrimSpace(lint(t, rego.Config{Paths: []string{dir}})), "\n") {
			if l != "" && !strings.Contains(l, "tako_policy.rego:9:5: wildcard-not: ") && !strings.Contains(l, ": uncovered: ") {
				t.Error(l)
			}
		}
	}
	seeds, err := filepath.Glob("testdata/seeds/*.rego")
	if err != nil || len(seeds) != 3 {
		t.Fatalf("seeds: %v, %v", seeds, err)
	}
	for _, name := range seeds {
		for _, l := range strings.Split(strings.TrimSpace(lint(t, rego.Config{Paths: []string{name}})), "\n") {
			if l != "" && !strings.Contains(l, ": wildcard-not: ") && !strings.Contains(l, ": uncovered: ") {
				t.Error(l)
			}
		}
	}
}

// Lint is a reading: twice is the same, and it can go on while decisions are
// made, of which it changes none.
func TestLintChangesNothing(t *testing.T) {
	src, err := rego.Open(context.Background(), rego.Config{Paths: []string{"testdata/seeds"}, Timeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	p := src.Policy()
	in := &policy.Input{Stage: policy.PreTool, Tool: "x", Principal: policy.Principal{AgentID: "orga::treasury"}}
	decide := func() string { return show(p.Decide(context.Background(), in)) }
	before := decide()
	lints := make(chan []rego.Warning)
	decisions := make(chan string)
	for range 2 {
		go func() { lints <- p.Lint() }()
		go func() { decisions <- decide() }()
	}
	if diff := cmp.Diff(<-lints, <-lints, cmp.AllowUnexported(rego.Warning{})); diff != "" {
		t.Error(diff)
	}
	for _, after := range []string{<-decisions, <-decisions, decide()} {
		if after != before {
			t.Errorf("%s before, %s after", before, after)
		}
	}
}
