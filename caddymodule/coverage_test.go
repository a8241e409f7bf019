package caddymodule

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/enforce"
	"github.com/headgate/headgate/wire"
)

// TestCoverage writes docs/coverage.md from the codecs themselves, and from
// testdata/endpoints.txt, the endpoints that the APIs are known to have.
func TestCoverage(t *testing.T) {
	const file = "../docs/coverage.md"
	got := coverage(t)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-file +codecs; run with -update if the change is meant)\n%s", diff)
	}
}

const coverageHead = `# What is governed

Every endpoint that this version knows, by dialect, where it is served when
nothing is configured. What is not here is refused as unknown.

This page is written by a test, from the code that reads the bytes:
` + "`go test ./caddymodule -run TestCoverage -update`" + `.

- **Request**, **reply**, **stream** and **tool calls** name the stage that
  decides them. *Redaction* is what the configuration redacts, where no stage
  is asked.
- **Refused facts** are those of a request's content that cannot be looked into
  and are refused unless ` + "`unscanned allow`" + ` names them.
`

func coverage(t *testing.T) string {
	t.Helper()
	var served []wire.Served
	for _, d := range dialectTable {
		served = append(served, wire.Served{Dialect: d.wire, Prefix: d.prefix})
	}
	var b strings.Builder
	b.WriteString(coverageHead)
	for i := range served {
		coveredDialect(&b, &served[i])
	}
	unknown := unknownEndpoints(t, served)
	b.WriteString("\n## Refused: unknown\n\nEndpoints that the providers have, which no dialect knows here.\n\n| method | path |\n|---|---|\n")
	for _, e := range unknown {
		fmt.Fprintf(&b, "| %s | `%s` |\n", e[0], e[1])
	}
	return b.String()
}

func coveredDialect(b *strings.Builder, s *wire.Served) {
	name := s.Dialect.Name()
	at := "below `" + s.Prefix + "`"
	if s.Prefix == "" {
		at = "where `serve " + name + "` says"
	}
	fmt.Fprintf(b, "\n## %s\n\nServed %s.\n\n", name, at)
	b.WriteString("| method | path | protocol | request | reply | stream | tool calls | refused facts |\n|---|---|---|---|---|---|---|---|\n")
	var refused []wire.Endpoint
	for _, e := range s.Dialect.Endpoints() {
		if e.Codec == nil {
			refused = append(refused, e)
			continue
		}
		c := wire.CoverageOf(e)
		var facts []string
		for _, f := range c.Facts {
			if !enforce.PassesByDefault(f) {
				facts = append(facts, "`"+f+"`")
			}
		}
		fmt.Fprintf(b, "| %s | `%s` | `%s` | %s | %s | %s | %s | %s |\n", e.Method, strings.TrimSuffix(s.Prefix, "/")+e.Path, e.Codec.Protocol(),
			coverageCell(c.Request), coverageCell(c.Reply), coverageCell(c.Stream), coverageCell(c.Calls), coverageCell(strings.Join(facts, ", ")))
	}
	if len(refused) > 0 {
		b.WriteString("\nRefused:\n\n| path | reason |\n|---|---|\n")
		for _, f := range families(refused) {
			fmt.Fprintf(b, "| %s `%s` | %s |\n", f.methods, strings.TrimSuffix(s.Prefix, "/")+f.path, f.reason)
		}
	}
}

func coverageCell(s string) string {
	if s == "" {
		return "—"
	}
	return s
}

type refusedFamily struct{ path, methods, reason string }

var variable = regexp.MustCompile(`\{x+\}`)

// families joins the methods of a path, and the levels of a folder that is
// refused as a whole, whose wildcards are called {x}, {xx}, ….
func families(list []wire.Endpoint) []refusedFamily {
	type key struct{ path, reason string }
	methods := map[key]map[string]bool{}
	var order []key
	whole := map[key]bool{}
	for _, e := range list {
		path, deeper, _ := strings.Cut(e.Path, "/{x}")
		k := key{path, e.Refused}
		if methods[k] == nil {
			methods[k] = map[string]bool{}
			order = append(order, k)
		}
		methods[k][e.Method] = true
		whole[k] = whole[k] || variable.MatchString(e.Path) || deeper != ""
	}
	var out []refusedFamily
	for _, k := range order {
		path := k.path
		if whole[k] {
			path += "/…"
		}
		out = append(out, refusedFamily{path, strings.Join(slices.Sorted(maps.Keys(methods[k])), ", "), k.reason})
	}
	return out
}

var pathVariable = regexp.MustCompile(`\{\w+\}`)

// unknownEndpoints are those of testdata/endpoints.txt that no dialect knows.
func unknownEndpoints(t *testing.T, served []wire.Served) [][2]string {
	t.Helper()
	var atHome []wire.Served
	for _, s := range served {
		if s.Prefix != "" {
			atHome = append(atHome, s)
		}
	}
	router, err := wire.NewRouter(atHome)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/endpoints.txt")
	if err != nil {
		t.Fatal(err)
	}
	var unknown [][2]string
	known := 0
	for line := range strings.Lines(string(text)) {
		method, path, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || method == "#" {
			continue
		}
		_, err := router.Route(method, pathVariable.ReplaceAllString(path, "x"))
		switch {
		case err == nil:
			known++
		case errors.Is(err, wire.ErrUnknownPath), errors.Is(err, wire.ErrUnknownMethod):
			unknown = append(unknown, [2]string{method, path})
		}
	}
	if known == 0 {
		t.Fatal("testdata/endpoints.txt names no endpoint that is known")
	}
	return unknown
}
