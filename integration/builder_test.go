package integration_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// There are three ways to a binary: go build ./cmd/headgate, the xcaddy command
// in README.md, and xcaddy.json for those who drive xcaddy's Builder from their
// own program. These tests hold the three together: the same Caddy, the same
// modules.

// builder is the JSON form of xcaddy's Builder type.
// Source: type Builder in github.com/caddyserver/xcaddy, builder.go, with the
// embedded Compile and Platform of platforms.go.
type builder struct {
	OS           string        `json:"os"`
	Arch         string        `json:"arch"`
	ARM          string        `json:"arm"`
	Cgo          bool          `json:"cgo"`
	CaddyVersion string        `json:"caddy_version"`
	Plugins      []plugin      `json:"plugins"`
	Replacements []replacement `json:"replacements"`
	TimeoutGet   time.Duration `json:"timeout_get"`
	TimeoutBuild time.Duration `json:"timeout_build"`
	RaceDetector bool          `json:"race_detector"`
	SkipCleanup  bool          `json:"skip_cleanup"`
	SkipBuild    bool          `json:"skip_build"`
	Debug        bool          `json:"debug"`
	BuildFlags   string        `json:"build_flags"`
	ModFlags     string        `json:"mod_flags"`
	PgoProfile   string        `json:"pgo_profile"`
	EmbedDirs    []struct {
		Dir  string `json:"dir"`
		Name string `json:"name"`
	} `json:"embed_dir"`
}

// plugin is xcaddy's Dependency. Its path, called module_path, is that of a
// package: xcaddy writes it as a blank import into the main.go that it
// generates, and hands it to go get, which finds the module around it.
type plugin struct {
	PackagePath string `json:"module_path"`
	Version     string `json:"version"`
}

type replacement struct {
	Old string `json:"old"`
	New string `json:"new"`
}

const (
	caddyModule   = "github.com/caddyserver/caddy/v2"
	caddyStandard = caddyModule + "/modules/standard" // xcaddy adds it by itself
)

// readBuilder decodes a file in which every field is one of Builder's.
func readBuilder(data string) (*builder, error) {
	dec := json.NewDecoder(strings.NewReader(data))
	dec.DisallowUnknownFields()
	b := new(builder)
	if err := dec.Decode(b); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the object")
	}
	return b, nil
}

// readRoot returns a file in the module's root.
func readRoot(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// goMod returns the module's path and the version of Caddy that it requires.
func goMod(t *testing.T) (path, caddyVersion string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go mod edit: %v", err)
	}
	var mod struct {
		Module  struct{ Path string }
		Require []struct{ Path, Version string }
		Replace []any
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	if len(mod.Replace) > 0 {
		t.Error("go.mod has a replace directive: xcaddy would not see it")
	}
	for _, r := range mod.Require {
		if r.Path == caddyModule {
			return mod.Module.Path, r.Version
		}
	}
	t.Fatalf("go.mod does not require %s", caddyModule)
	return "", ""
}

// blankImports returns the packages that a file imports for their side effects.
func blankImports(t *testing.T, file string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, imp := range f.Imports {
		if imp.Name != nil && imp.Name.Name == "_" {
			p, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			paths = append(paths, p)
		}
	}
	return paths
}

func TestBuilderFileMatchesModule(t *testing.T) {
	b, err := readBuilder(readRoot(t, "xcaddy.json"))
	if err != nil {
		t.Fatalf("xcaddy.json: %v", err)
	}
	modulePath, caddyVersion := goMod(t)
	if b.CaddyVersion != caddyVersion {
		t.Errorf("xcaddy.json builds Caddy %q, go.mod requires %q", b.CaddyVersion, caddyVersion)
	}
	if len(b.Replacements) > 0 || b.SkipBuild || b.Debug || b.RaceDetector {
		t.Error("xcaddy.json describes a release: no replacements, no debugging")
	}
	var plugins []string
	for _, p := range b.Plugins {
		plugins = append(plugins, p.PackagePath)
		dir, ok := strings.CutPrefix(p.PackagePath, modulePath+"/")
		if !ok {
			t.Errorf("plugin %s is no package of %s", p.PackagePath, modulePath)
			continue
		}
		// A package of the name, so that the import that xcaddy writes compiles.
		if files, err := filepath.Glob(filepath.Join("..", filepath.FromSlash(dir), "*.go")); err != nil || len(files) == 0 {
			t.Errorf("plugin %s has no Go files in ../%s", p.PackagePath, dir)
		}
	}
	want := slices.Concat(plugins, []string{caddyStandard})
	got := blankImports(t, "../cmd/headgate/main.go")
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("cmd/headgate/main.go imports %q for their modules, xcaddy builds with %q", got, want)
	}
}

// TestReadmeBuildsTheSame: README.md prints exactly one xcaddy command, and it
// builds what xcaddy.json does.
func TestReadmeBuildsTheSame(t *testing.T) {
	want, err := readBuilder(readRoot(t, "xcaddy.json"))
	if err != nil {
		t.Fatalf("xcaddy.json: %v", err)
	}
	got, err := readmeBuilder(readRoot(t, "README.md"))
	if err != nil {
		t.Fatalf("README.md: %v", err)
	}
	if got.CaddyVersion != want.CaddyVersion || !slices.Equal(got.Plugins, want.Plugins) {
		t.Errorf("README.md builds Caddy %q with %v, xcaddy.json %q with %v", got.CaddyVersion, got.Plugins, want.CaddyVersion, want.Plugins)
	}
}

// readmeBuilder finds the one xcaddy command in the code blocks of a Markdown
// text and reads it as xcaddy does:
//
//	xcaddy build [<version>] [--with <package>[@<version>]]... [--output <file>]
func readmeBuilder(markdown string) (*builder, error) {
	var commands [][]string
	inBlock := false
	for line := range strings.Lines(strings.ReplaceAll(markdown, "\\\n", " ")) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			inBlock = !inBlock
			continue
		}
		if words := strings.Fields(strings.TrimPrefix(line, "$ ")); inBlock && len(words) > 1 && words[0] == "xcaddy" {
			commands = append(commands, words[1:])
		}
	}
	if len(commands) != 1 {
		return nil, fmt.Errorf("%d xcaddy commands in code blocks, want 1", len(commands))
	}
	words := commands[0]
	if words[0] != "build" {
		return nil, fmt.Errorf("xcaddy %s builds nothing", words[0])
	}
	b := new(builder)
	for words = words[1:]; len(words) > 0; words = words[1:] {
		switch flag := words[0]; {
		case !strings.HasPrefix(flag, "-") && b.CaddyVersion == "":
			b.CaddyVersion = flag
		case (flag == "--with" || flag == "--output") && len(words) > 1:
			words = words[1:]
			if flag == "--with" {
				p, version, _ := strings.Cut(words[0], "@")
				b.Plugins = append(b.Plugins, plugin{PackagePath: p, Version: version})
			}
		default:
			return nil, fmt.Errorf("xcaddy build does not take %q here", flag)
		}
	}
	return b, nil
}

// TestReadmeBuilderReadsCommands is the reader's own test: it must find the
// command where it is, and must not pass what it does not understand.
func TestReadmeBuilderReadsCommands(t *testing.T) {
	const with = "github.com/headgate/headgate/caddymodule"
	block := func(lines string) string { return "# Title\n\n```sh\n" + lines + "\n```\n" }
	for name, text := range map[string]string{
		"plain":        block("xcaddy build v2.11.9 --with " + with),
		"with prompt":  block("$ xcaddy build v2.11.9 --with " + with),
		"in two lines": block("xcaddy build v2.11.9 \\\n    --with " + with + " --output headgate"),
		"prose beside": "Run xcaddy build like this:\n" + block("xcaddy build v2.11.9 --with "+with),
	} {
		b, err := readmeBuilder(text)
		if err != nil || b.CaddyVersion != "v2.11.9" || len(b.Plugins) != 1 || b.Plugins[0].PackagePath != with {
			t.Errorf("%s: %+v, %v", name, b, err)
		}
	}
	for name, text := range map[string]string{
		"nothing":       "# Title\n",
		"only in prose": "xcaddy build v2.11.9 --with " + with,
		"two commands":  block("xcaddy build v2.11.9 --with "+with) + block("xcaddy build"),
		"another flag":  block("xcaddy build v2.11.9 --replace a=b"),
		"two versions":  block("xcaddy build v2.11.9 v2.11.8"),
		"no package":    block("xcaddy build v2.11.9 --with"),
		"no build":      block("xcaddy version"),
	} {
		if b, err := readmeBuilder(text); err == nil {
			t.Errorf("%s: read as %+v", name, b)
		}
	}
}

// TestBuilderFileIsStrict: a field that xcaddy does not know is an error here,
// where xcaddy's own users would not notice it.
func TestBuilderFileIsStrict(t *testing.T) {
	for _, bad := range []string{
		`{"caddyVersion": "v2.11.9"}`, `{"plugins": [{"path": "x"}]}`, `{"plugins": {}}`, `{} {}`, ``, `[]`,
	} {
		if b, err := readBuilder(bad); err == nil {
			t.Errorf("%s: read as %+v", bad, b)
		}
	}
}
