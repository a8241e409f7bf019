package rego_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
