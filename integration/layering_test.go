package integration_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// The layering of the module: who may import whom. .golangci.yml says the same
// to the linter, import by import; this test also looks at what is reached
// through others, and at packages that nobody has placed.

const module = "github.com/headgate/headgate"

// leaves are the packages beside each other at the bottom. None imports
// another.
var leaves = []string{"policy", "redact", "audit", "principal", "approval", "binding", "wire/..."}

// layer places a package, named by its folder ("x/..." is everything in x, and
// x itself), and says what of ours it may import. Of two that match, the longer
// counts.
type layer struct {
	folder string
	uses   []string
	std    bool // imports the standard library alone
	reason string
}

var layers = []layer{
	{folder: "policy", reason: "the decision is a leaf: it knows neither OPA nor bytes"},
	{folder: "policy/schema", std: true, reason: "published texts: they know nothing"},
	{folder: "policy/rego/...", uses: []string{"policy", "policy/schema", "policy/rego/..."}, reason: "an evaluator knows the decision and nothing else"},
	{folder: "policy/allowlist/...", uses: []string{"policy", "policy/allowlist/..."}, reason: "a layer knows the decision and nothing else"},
	{folder: "redact/...", uses: []string{"redact/..."}, reason: "redaction works on text alone"},
	{folder: "audit/...", uses: []string{"audit/..."}, reason: "the log knows records alone"},
	{folder: "principal/...", uses: []string{"principal/..."}, reason: "who asks does not depend on what is asked"},
	{folder: "binding/...", std: true, reason: "who made a thing does not depend on what it is"},
	{folder: "approval/...", uses: []string{"approval/..."}, reason: "an approval is bound by hashes that it is handed"},
	{folder: "wire/...", uses: []string{"wire/..."}, reason: "what the bytes mean does not depend on what is decided"},
	{folder: "enforce/...", uses: append([]string{"enforce/..."}, leaves...), reason: "the gate knows the leaves, not the evaluator and not the skin"},
	{folder: "pdp/...", uses: []string{"pdp/...", "policy", "audit", "principal", "redact", "wire/strictjson"}, reason: "who asks is answered from the leaves, without a gate between"},
	{folder: "sandbox/...", std: true, reason: "what tests the gate must share nothing with it"},
	{folder: "caddymodule/...", uses: append([]string{"caddymodule/...", "enforce/...", "pdp/...", "policy/rego/...", "policy/allowlist", "policy/schema", "sandbox"}, leaves...), reason: "the skin puts everything together"},
	{folder: "cmd/headgate", uses: []string{"caddymodule"}, reason: "the binary is Caddy plus our modules"},
	{folder: "integration/...", uses: []string{"..."}, reason: "tests of the whole"},
	{folder: "bench/...", uses: []string{"bench/...", "enforce/...", "policy/rego", "policy/allowlist", "sandbox", "policy", "redact/...", "audit/...", "principal/...", "approval/...", "wire/..."}, reason: "measures everything but the skin"},
	{folder: "examples/...", uses: []string{"examples/..."}, reason: "an example is what a user could write: it imports nothing of the gate"},
}

// outside says who may import what is not ours, and who may reach it through
// others. nil in reach: whoever may import it.
type outside struct {
	path   string
	imp    []string
	reach  []string
	reason string
}

var skin = []string{"caddymodule/...", "cmd/headgate", "integration/..."}

var outsides = []outside{
	{path: "github.com/caddyserver/...", imp: skin, reason: "only the skin knows Caddy: the gate must be usable without it"},
	{path: "go.uber.org/zap/...", imp: skin, reason: "the gate logs through the *slog.Logger it is handed"},
	{path: "github.com/prometheus/...", imp: skin, reach: []string{"..."}, reason: "metrics are the skin's"},
	{path: "github.com/open-policy-agent/...", imp: []string{"policy/rego/..."}, reach: append([]string{"policy/rego/...", "bench/..."}, skin...), reason: "one importer of OPA, so that it can be replaced, and so that its surprises are in one place"},
	{path: "log", imp: []string{}, reach: []string{"..."}, reason: "packages log through the *slog.Logger they are handed"},
	{path: "testing/...", imp: []string{"integration/..."}, reach: []string{"..."}, reason: "no test code in what is shipped"},
	{path: "github.com/openai/...", imp: []string{"integration/..."}, reason: "a client is for tests"},
	{path: "github.com/anthropics/...", imp: []string{"integration/..."}, reason: "a client is for tests"},
	{path: "github.com/modelcontextprotocol/...", imp: []string{"integration/..."}, reason: "a client is for tests"},
	{path: "google.golang.org/genai/...", imp: []string{"integration/..."}, reason: "a client is for tests"},
	{path: "github.com/google/go-cmp/...", imp: []string{}, reach: []string{"..."}, reason: "comparing is for tests"},
	{path: "golang.org/x/tools/...", imp: []string{}, reach: []string{"..."}, reason: "transcripts are for tests"},
}

// node is what the checker needs of a package: its import path, what its
// non-test files import, and all that it reaches by that.
type node struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

// match reports whether name is covered by pattern: equal, or within x for
// "x/...". "..." covers everything.
func match(pattern, name string) bool {
	if pattern == "..." {
		return true
	}
	if dir, ok := strings.CutSuffix(pattern, "/..."); ok {
		return name == dir || strings.HasPrefix(name, dir+"/")
	}
	return pattern == name
}

func matchAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return match(p, name) })
}

// folder returns a package's folder in the module, "." for its root; ok tells
// whether it is in the module.
func folder(importPath string) (name string, ok bool) {
	if importPath == module {
		return ".", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

// place returns the layer of a folder.
func place(name string) (found layer, ok bool) {
	for _, l := range layers {
		if match(l.folder, name) && len(l.folder) > len(found.folder) {
			found, ok = l, true
		}
	}
	return found, ok
}

// isStd reports whether a path is the standard library's: no dot in its first
// element.
func isStd(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".")
}

// checkLayers returns one line for each breach, sorted. It is a function of the
// graph alone.
func checkLayers(graph []node) []string {
	var breaches []string
	for _, n := range graph {
		name, ok := folder(n.ImportPath)
		if !ok {
			continue
		}
		l, ok := place(name)
		if !ok {
			breaches = append(breaches, fmt.Sprintf("%s: nobody has placed this package: give it a line in layers", name))
			continue
		}
		for _, imp := range n.Imports {
			other, ours := folder(imp)
			if (ours && !matchAny(l.uses, other)) || (l.std && !isStd(imp)) {
				breaches = append(breaches, fmt.Sprintf("%s imports %s: %s", name, imp, l.reason))
			}
		}
		for _, o := range outsides {
			reach := o.reach
			if reach == nil {
				reach = o.imp
			}
			if i := slices.IndexFunc(n.Imports, func(p string) bool { return match(o.path, p) }); i >= 0 && !matchAny(o.imp, name) {
				breaches = append(breaches, fmt.Sprintf("%s imports %s: %s", name, n.Imports[i], o.reason))
			} else if i := slices.IndexFunc(n.Deps, func(p string) bool { return match(o.path, p) }); i >= 0 && !matchAny(reach, name) {
				breaches = append(breaches, fmt.Sprintf("%s reaches %s: %s", name, n.Deps[i], o.reason))
			}
		}
	}
	slices.Sort(breaches)
	return breaches
}

func TestLayering(t *testing.T) {
	graph := listPackages(t)
	for _, want := range []string{"enforce", "caddymodule", "sandbox", "cmd/headgate"} {
		if !slices.ContainsFunc(graph, func(n node) bool { return n.ImportPath == path.Join(module, want) }) {
			t.Errorf("go list does not name %s: the graph is not the module's", want)
		}
	}
	for _, b := range checkLayers(graph) {
		t.Error(b)
	}
}

// listPackages asks the go command for the module's packages.
func listPackages(t *testing.T) []node {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Deps", "./...")
	cmd.Dir = ".."
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var graph []node
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var n node
		if err := dec.Decode(&n); errors.Is(err, io.EOF) {
			return graph
		} else if err != nil {
			t.Fatal(err)
		}
		graph = append(graph, n)
	}
}

// TestLayeringFindsPlantedBreaches plants one breach at a time in a lawful
// graph. A checker that finds nothing would pass the test above.
func TestLayeringFindsPlantedBreaches(t *testing.T) {
	ours := func(names ...string) []string {
		for i, n := range names {
			names[i] = module + "/" + n
		}
		return names
	}
	lawful := func() []node {
		return []node{
			{ImportPath: module + "/policy", Imports: []string{"log/slog", "strings"}, Deps: []string{"log", "log/slog", "strings"}},
			{ImportPath: module + "/policy/rego", Imports: append(ours("policy"), "github.com/open-policy-agent/opa/v1/rego"), Deps: []string{"github.com/prometheus/client_golang/prometheus"}},
			{ImportPath: module + "/wire", Imports: ours("wire/strictjson")},
			{ImportPath: module + "/wire/openai", Imports: ours("wire", "wire/sse")},
			{ImportPath: module + "/redact", Imports: []string{"golang.org/x/text/width"}},
			{ImportPath: module + "/enforce", Imports: ours("policy", "redact", "audit", "wire", "wire/sse", "principal", "approval")},
			{ImportPath: module + "/sandbox", Imports: []string{"net/http"}},
			{ImportPath: module + "/caddymodule", Imports: append(ours("enforce", "policy/rego", "policy", "sandbox"), "go.uber.org/zap", "github.com/caddyserver/caddy/v2"), Deps: []string{"github.com/open-policy-agent/opa/v1/ast"}},
			{ImportPath: module + "/cmd/headgate", Imports: append(ours("caddymodule"), "github.com/caddyserver/caddy/v2/cmd")},
			{ImportPath: module + "/integration"},
			{ImportPath: "github.com/someone/else", Imports: []string{"github.com/caddyserver/caddy/v2", "log"}},
		}
	}
	if got := checkLayers(lawful()); len(got) != 0 {
		t.Fatalf("breaches in a lawful graph:\n%s", strings.Join(got, "\n"))
	}
	tests := map[string]struct {
		in, imp string // what is planted: an import, or "→" and what is reached
		want    string
	}{
		"a leaf imports a leaf":           {"redact", module + "/wire", "redact imports " + module + "/wire: "},
		"a leaf imports a leaf's folder":  {"policy", module + "/wire/sse", "policy imports " + module + "/wire/sse: "},
		"policy imports its evaluator":    {"policy", module + "/policy/rego", "policy imports " + module + "/policy/rego: "},
		"an import upwards":               {"wire", module + "/enforce", "wire imports " + module + "/enforce: "},
		"the gate knows the evaluator":    {"enforce", module + "/policy/rego", "enforce imports " + module + "/policy/rego: "},
		"the gate knows the skin":         {"enforce", module + "/caddymodule", "enforce imports " + module + "/caddymodule: "},
		"the gate knows Caddy":            {"enforce", "github.com/caddyserver/certmagic", "enforce imports github.com/caddyserver/certmagic: "},
		"the gate reaches Caddy":          {"enforce", "→github.com/caddyserver/caddy/v2", "enforce reaches github.com/caddyserver/caddy/v2: "},
		"a leaf knows zap":                {"redact", "go.uber.org/zap/zapcore", "redact imports go.uber.org/zap/zapcore: "},
		"a leaf reaches OPA":              {"wire", "→github.com/open-policy-agent/opa/v1/ast", "wire reaches github.com/open-policy-agent/opa/v1/ast: "},
		"the skin knows OPA":              {"caddymodule", "github.com/open-policy-agent/opa/v1/ast", "caddymodule imports github.com/open-policy-agent/opa/v1/ast: "},
		"a leaf logs by itself":           {"policy", "log", "policy imports log: "},
		"a leaf has metrics":              {"policy/rego", "github.com/prometheus/client_golang/prometheus", "policy/rego imports github.com/prometheus/client_golang/prometheus: "},
		"the sandbox knows the gate":      {"sandbox", module + "/wire", "sandbox imports " + module + "/wire: "},
		"the sandbox takes a library":     {"sandbox", "github.com/google/uuid", "sandbox imports github.com/google/uuid: "},
		"the binary goes round the skin":  {"cmd/headgate", module + "/enforce", "cmd/headgate imports " + module + "/enforce: "},
		"test code is shipped":            {"enforce", "testing", "enforce imports testing: "},
		"the root of the module imported": {"policy", module, "policy imports " + module + ": "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			graph := lawful()
			i := slices.IndexFunc(graph, func(n node) bool { return n.ImportPath == module+"/"+tt.in })
			if reached, ok := strings.CutPrefix(tt.imp, "→"); ok {
				graph[i].Deps = append(graph[i].Deps, reached)
			} else {
				graph[i].Imports = append(graph[i].Imports, tt.imp)
				graph[i].Deps = append(graph[i].Deps, tt.imp)
			}
			got := checkLayers(graph)
			if len(got) != 1 || !strings.HasPrefix(got[0], tt.want) || len(got[0]) == len(tt.want) {
				t.Errorf("found %q, want one breach %q with its reason", got, tt.want)
			}
		})
	}
	for _, unplaced := range []string{"/util", "/cmd/other", "/policy/other", ""} {
		got := checkLayers(append(lawful(), node{ImportPath: module + unplaced}))
		if len(got) != 1 || !strings.Contains(got[0], "nobody has placed") {
			t.Errorf("a package %q: found %q", unplaced, got)
		}
	}
}
