package caddymodule

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files under testdata")

// separator stands on a line of its own between a golden file's Caddyfile and
// what comes of it: JSON, or the error's text.
const separator = "----------\n"

// golden is one file of testdata/adapt.
type golden struct {
	path, input, want string
}

func goldens(t testing.TB) []golden {
	t.Helper()
	paths, err := filepath.Glob("testdata/adapt/*.caddyfiletest")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	var all []golden
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		input, want, found := strings.Cut(string(text), separator)
		if !found {
			t.Fatalf("%s has no line of ----------", path)
		}
		all = append(all, golden{path, input, want})
	}
	return all
}

func (g golden) name() string {
	return strings.TrimSuffix(filepath.Base(g.path), ".caddyfiletest")
}

func (g golden) isError() bool { return !strings.HasPrefix(g.want, "{") }

func adapt(input string) ([]byte, []caddyconfig.Warning, error) {
	return caddyconfig.GetAdapter("caddyfile").Adapt([]byte(input), nil)
}

// TestAdapt turns each Caddyfile into JSON, or into an error that has a file
// and a line.
func TestAdapt(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(g.name(), func(t *testing.T) {
			config, warnings, err := adapt(g.input)
			var got string
			if err != nil {
				got = err.Error() + "\n"
				if !strings.Contains(got, "Caddyfile:") {
					t.Errorf("the error has no file and line: %v", err)
				}
			} else {
				var indented bytes.Buffer
				if err := json.Indent(&indented, config, "", "\t"); err != nil {
					t.Fatal(err)
				}
				got = indented.String() + "\n"
				if len(warnings) > 0 {
					t.Errorf("warnings: %v", warnings)
				}
			}
			if *update {
				if err := os.WriteFile(g.path, []byte(g.input+separator+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(g.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestAdaptTellsNoSecret: whatever is wrong with a line that holds a
// credential, the error does not repeat it.
func TestAdaptTellsNoSecret(t *testing.T) {
	for _, line := range []string{
		"upstream_key sk-secret openai",
		"upstream_key openai sk-secret more",
		"upstream_key a2a sk-secret",
		"upstream_key sk-secret {\n\t}",
		"upstream_key sk-secret {\n\tmore\n\t}",
		"upstream_key sk-secret\n\tupstream_key sk-secret2",
		"redaction_key sk-secret",
		"redaction_key sk-secret more",
		"redact request \"re:(sk-secret\"",
		"redact request lit:sk-secret {\n\tas stars\n\t}",
	} {
		_, _, err := adapt(":8080 {\n\theadgate {\n\tpolicy ./policies\n\t" + line + "\n\t}\n}\n")
		if err == nil {
			t.Errorf("%q is accepted", line)
		} else if strings.Contains(err.Error(), "sk-secret") {
			t.Errorf("%q: the error repeats the secret: %v", line, err)
		}
	}
}

// TestFormatted: caddy fmt has nothing to change in a Caddyfile that adapts.
func TestFormatted(t *testing.T) {
	for _, g := range goldens(t) {
		if g.isError() {
			continue
		}
		if diff := cmp.Diff(g.input, string(caddyfile.Format([]byte(g.input)))); diff != "" {
			t.Errorf("%s: -input +formatted:\n%s", g.path, diff)
		}
	}
}

// TestAdaptedDecodes: what the Caddyfile writes, the modules read, without a
// field that they do not know, and write again in the same way.
func TestAdaptedDecodes(t *testing.T) {
	var handlers, apps int
	for _, g := range goldens(t) {
		if g.isError() {
			continue
		}
		var config struct {
			Apps map[string]json.RawMessage `json:"apps"`
		}
		if err := json.Unmarshal([]byte(g.want), &config); err != nil {
			t.Fatalf("%s: %v", g.path, err)
		}
		if raw, ok := config.Apps["headgate"]; ok {
			apps++
			decodes(t, g, raw, new(App))
		}
		for _, raw := range headgateHandlers(t, config.Apps["http"]) {
			handlers++
			h := new(Handler)
			decodes(t, g, raw, h)
			if err := h.validate(); err != nil {
				t.Errorf("%s: a handler that was adapted is not valid: %v", g.path, err)
			}
		}
	}
	if handlers < 10 || apps < 3 {
		t.Errorf("only %d handlers and %d apps were found in the golden files", handlers, apps)
	}
}

func decodes(t *testing.T, g golden, raw json.RawMessage, into any) {
	t.Helper()
	if err := caddy.StrictUnmarshalJSON(raw, into); err != nil {
		t.Errorf("%s: %v", g.path, err)
		return
	}
	again, err := json.Marshal(into)
	if err != nil {
		t.Fatal(err)
	}
	var want, got any
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(again, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: -adapted +again:\n%s", g.path, diff)
	}
}

// headgateHandlers finds the handlers of this package at any depth of the http
// app, as JSON without the key that names them.
func headgateHandlers(t *testing.T, app json.RawMessage) []json.RawMessage {
	t.Helper()
	var tree any
	if err := json.Unmarshal(app, &tree); err != nil {
		t.Fatal(err)
	}
	var found []json.RawMessage
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			if v["handler"] == "headgate" || v["handler"] == "headgate_pdp" { // both hold a Config
				delete(v, "handler")
				raw, err := json.Marshal(v)
				if err != nil {
					t.Fatal(err)
				}
				found = append(found, raw)
				return
			}
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(tree)
	return found
}
