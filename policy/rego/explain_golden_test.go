package rego_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/headgate/headgate/policy/rego"
)

// TestExplainGolden tells each case in one file: the policy's files, or the
// names of seeds (seeds), the input documents, and what is explained of them. An
// input <name>.short.json is explained without Verbose, <name>.values.json with
// the values, <name>.data.json as JSON.
func TestExplainGolden(t *testing.T) {
	golden(t, "testdata/explain/*.txtar", func(t *testing.T, ar *txtar.Archive) string {
		dir := t.TempDir()
		config := rego.Config{Paths: []string{dir}, Timeout: 5 * time.Second}
		var inputs []txtar.File
		for _, f := range ar.Files {
			switch {
			case f.Name == "seeds":
				config.Paths = nil
				for name := range strings.FieldsSeq(string(f.Data)) {
					config.Paths = append(config.Paths, filepath.Join(seeds, name))
				}
			case strings.HasSuffix(f.Name, ".json"):
				inputs = append(inputs, f)
			case f.Name != "want":
				writeFile(t, filepath.Join(dir, f.Name), string(f.Data))
			}
		}
		p := open(t, config).Policy()
		var out strings.Builder
		for _, f := range inputs {
			in, err := rego.ParseInput(f.Name, f.Data, "")
			if err != nil {
				t.Fatal(err)
			}
			e, err := p.Explain(context.Background(), in)
			if err != nil {
				t.Fatal(err)
			}
			name := strings.TrimSuffix(f.Name, ".json")
			out.WriteString("=== " + name + "\n")
			if strings.HasSuffix(name, ".data") {
				e.Decision.Eval = 0
				b, err := json.MarshalIndent(e, "", "  ")
				if err != nil {
					t.Fatal(err)
				}
				out.Write(append(b, '\n'))
				continue
			}
			e.Verbose = !strings.HasSuffix(name, ".short")
			e.ShowValues = strings.HasSuffix(name, ".values")
			if err := e.WriteText(&out); err != nil {
				t.Fatal(err)
			}
		}
		return strings.NewReplacer(dir+"/", "", seeds+"/", "").Replace(out.String())
	})
}

// golden runs the cases of a pattern and compares what they tell with their
// last file, want.
func golden(t *testing.T, pattern string, story func(*testing.T, *txtar.Archive) string) {
	cases, err := filepath.Glob(pattern)
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := story(t, ar)
			if last := ar.Files[len(ar.Files)-1]; last.Name != "want" {
				ar.Files = append(ar.Files, txtar.File{Name: "want"})
			}
			last := &ar.Files[len(ar.Files)-1]
			if *update {
				last.Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(last.Data), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
