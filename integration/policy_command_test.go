package integration_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var updateCommands = flag.Bool("update-commands", false, "rewrite the transcripts of commands")

// TestPolicyCommands plays what an operator types. Each file of
// testdata/commands holds files and the sections
//
//	run      lines of arguments for headgate; "< NAME" gives it standard input
//	output   what came of each: the exit code, standard output, standard error
//
// Times are replaced by T.
func TestPolicyCommands(t *testing.T) {
	paths, err := filepath.Glob("testdata/commands/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			story, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			var lines, want string
			kept := &txtar.Archive{Comment: story.Comment}
			for _, f := range story.Files {
				switch f.Name {
				case "run":
					lines = string(f.Data)
				case "output":
					want = string(f.Data)
					continue
				default:
					put(t, dir, f)
				}
				kept.Files = append(kept.Files, f)
			}
			got := ""
			for line := range strings.Lines(lines) {
				got += runLine(t, dir, strings.TrimSpace(line))
			}
			if *updateCommands {
				kept.Files = append(kept.Files, txtar.File{Name: "output", Data: []byte(got)})
				if err := os.WriteFile(path, txtar.Format(kept), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got; run with -update-commands if the change is meant)\n%s", diff)
			}
		})
	}
}

func put(t *testing.T, dir string, f txtar.File) {
	t.Helper()
	name := filepath.Join(dir, f.Name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, f.Data, 0o600)); err != nil {
		t.Fatal(err)
	}
}

var times = regexp.MustCompile(`\b[0-9.]+ ?(µs|ms|s)\b|"eval_us": [0-9]+|"duration": ?[0-9]+`)

// runLine runs one line of arguments and shows what came of it.
func runLine(t *testing.T, dir, line string) string {
	t.Helper()
	line, stdin, _ := strings.Cut(line, " < ")
	cmd := command(t, dir, strings.Fields(line)...)
	cmd.Env = append(cmd.Env, "HEADGATE_REDACTION_KEY=")
	if stdin != "" {
		text, err := os.ReadFile(filepath.Join(dir, stdin))
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdin = bytes.NewReader(text)
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	code := 0
	var exit *exec.ExitError
	switch err := cmd.Run(); {
	case errors.As(err, &exit):
		code = exit.ExitCode()
	case err != nil:
		t.Fatal(err)
	}
	text := fmt.Sprintf("$ headgate %s\n%s", line, out.String())
	for e := range strings.Lines(errs.String()) {
		text += "2> " + e
	}
	return times.ReplaceAllString(text, "T") + fmt.Sprintf("=> %d\n\n", code)
}
