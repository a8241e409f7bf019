package rego_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/policy/rego"
)

// The page on lints has an example of each code, and each is found.
func TestLintDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/schema.md")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		rego.CodeConflict, rego.CodeNoDefault, rego.CodeMissingField, rego.CodeWildcardNot,
		rego.CodeUnknownInput, rego.CodeUnusedStageSet, rego.CodeType, rego.CodeUncovered,
	}
	row := regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| .* \\| (`.*`) \\|$")
	var codes []string
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		code, rules := m[1], strings.Trim(strings.ReplaceAll(m[2], "` `", "\n\n"), "`")
		codes = append(codes, code)
		text := "package headgate\n\n"
		if code != rego.CodeNoDefault && code != rego.CodeUncovered {
			text += "default allow := true\n\n"
		}
		got := lint(t, rego.Config{Paths: []string{writeTemp(t, text+rules+"\n")}})
		for _, l := range strings.Split(strings.TrimSpace(got), "\n") {
			if !strings.Contains(l, ": "+code+": ") {
				t.Errorf("%s: got %q", code, l)
			}
		}
	}
	if !slices.Equal(codes, want) {
		t.Errorf("the page has %v, want %v", codes, want)
	}
}
