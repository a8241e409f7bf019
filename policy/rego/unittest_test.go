package rego_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/headgate/headgate/policy/rego"
)

var durations = regexp.MustCompile(` \([0-9][^)]*s\)`)

// TestUnitTestsGolden tells each case in one file: the files, the configuration
// (config.json, with "Verbose" for the output), and the output, or the error.
func TestUnitTestsGolden(t *testing.T) {
	golden(t, "testdata/unittest/*.txtar", func(t *testing.T, ar *txtar.Archive) string {
		dir := t.TempDir()
		var config struct {
			rego.TestConfig
			Verbose bool
			Seeds   []string
		}
		for _, f := range ar.Files {
			if f.Name != "want" {
				writeFile(t, filepath.Join(dir, f.Name), string(f.Data))
			}
			if f.Name == "config.json" {
				decode(t, f.Data, &config)
			}
		}
		for i, d := range config.Data {
			config.Data[i] = filepath.Join(dir, d)
		}
		if config.Paths == nil {
			config.Paths = []string{dir}
		}
		for _, name := range config.Seeds {
			config.Paths = append(config.Paths, filepath.Join(seeds, name))
		}
		plain := strings.NewReplacer(dir+"/", "", seeds+"/", "").Replace
		report, err := rego.RunTests(context.Background(), config.TestConfig)
		if err != nil {
			return plain("error:\n" + err.Error() + "\n")
		}
		var out strings.Builder
		if err := report.WriteText(&out, config.Verbose); err != nil {
			t.Fatal(err)
		}
		if !report.OK() {
			out.WriteString("not OK\n")
		}
		return durations.ReplaceAllString(plain(out.String()), "")
	})
}

const (
	testedPolicy = "package headgate\n\ndefault allow := false\n\nallow if input.tool == \"a\"\n"
	testsOfIt    = `package headgate_test

import data.headgate

test_a if headgate.allow with input as {"tool": "a"}

test_b if headgate.allow with input as {"tool": "b"}

test_cases[tc.note] if {
	some tc in [{"note": "a <is> allowed", "tool": "a"}, {"note": "b is", "tool": "b"}]
	headgate.allow with input as {"tool": tc.tool}
}

todo_test_c if false
`
)

func tested(t *testing.T, c rego.TestConfig) *rego.TestReport {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "p.rego"), testedPolicy)
	writeFile(t, filepath.Join(dir, "deep", "p_test.rego"), testsOfIt)
	c.Paths = []string{dir}
	report, err := rego.RunTests(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestReportJSON(t *testing.T) {
	b, err := json.Marshal(tested(t, rego.TestConfig{Coverage: true}))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Tests []struct {
			Name, File, Outcome string
			Line                int
			DurationUS          *int64 `json:"duration_us"`
			Failure             *rego.TestFailure
			Cases               []rego.TestCase
		}
		Passed, Failed, Errors, Skipped int
		Coverage                        rego.TestCoverage
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if got.Passed != 2 || got.Failed != 2 || got.Errors != 0 || got.Skipped != 1 || len(got.Tests) != 4 {
		t.Fatalf("got %s", b)
	}
	failed := got.Tests[1]
	if failed.Name != "data.headgate_test.test_b" || failed.Outcome != "fail" || failed.Line != 7 || failed.DurationUS == nil ||
		failed.Failure == nil || failed.Failure.Line != 7 || !strings.HasPrefix(failed.Failure.Text, "headgate.allow with input") {
		t.Errorf("got %+v", failed)
	}
	one := got.Tests[2].Cases[1]
	if one.Outcome != "fail" || one.Failure == nil || one.Failure.Line != 11 ||
		!slices.Contains(one.Failure.Vars, rego.TestVar{Name: "tc", Value: `{"note": "b is", "tool": "b"}`}) {
		t.Errorf("got %+v", one.Failure)
	}
	if c := got.Coverage; len(c.Files) != 1 || c.Percent != 100 || c.Covered != 2 {
		t.Errorf("got %+v", c)
	}
}

func TestReportJUnit(t *testing.T) {
	var out bytes.Buffer
	if err := tested(t, rego.TestConfig{}).WriteJUnit(&out); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Skipped  int `xml:"skipped,attr"`
		Cases    []struct {
			Class   string `xml:"classname,attr"`
			Name    string `xml:"name,attr"`
			Failure *struct {
				Message string `xml:"message,attr"`
			} `xml:"failure"`
			Skipped *struct{} `xml:"skipped"`
		} `xml:"testcase"`
	}
	if err := xml.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if got.Tests != 5 || got.Failures != 2 || got.Skipped != 1 || len(got.Cases) != 5 {
		t.Fatalf("got %s", out.String())
	}
	if c := got.Cases[2]; c.Class != "data.headgate_test" || c.Name != "test_cases[a <is> allowed]" || c.Failure != nil {
		t.Errorf("got %+v", c)
	}
	if c := got.Cases[3]; c.Failure == nil || !strings.Contains(c.Failure.Message, "p_test.rego:11:2: headgate.allow with input") {
		t.Errorf("got %+v", c)
	}
	if c := got.Cases[4]; c.Skipped == nil {
		t.Errorf("got %+v", c)
	}
}

// The lines of a policy that no test reaches fail a run that wants more.
func TestThreshold(t *testing.T) {
	for threshold, ok := range map[float64]bool{20: true, 60: false} {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "p.rego"), testedPolicy+"\ndeny contains \"b\" if {\n\tinput.tool == \"b\"\n}\n")
		writeFile(t, filepath.Join(dir, "p_test.rego"), "package t\n\ntest_a if data.headgate.allow with input as {\"tool\": \"a\"}\n")
		report, err := rego.RunTests(context.Background(), rego.TestConfig{Paths: []string{dir}, Threshold: threshold})
		if err != nil || report.Failed+report.Errors > 0 || report.OK() != ok {
			t.Errorf("%v: got %+v, %v", threshold, report, err)
		}
	}
}

func TestUnitTestErrors(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "p_test.rego"), "package t\n\ntest_a if true\n")
	empty := t.TempDir()
	if err := os.Mkdir(filepath.Join(empty, ".hidden"), 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(empty, ".hidden", "p_test.rego"), "package t\n")
	paths := []string{dir}
	for name, c := range map[string]struct {
		config rego.TestConfig
		want   string
	}{
		"expression": {rego.TestConfig{Paths: paths, Run: "("}, "tests to run: error parsing regexp"},
		"timeout":    {rego.TestConfig{Paths: paths, Timeout: -1}, "must not be negative"},
		"threshold":  {rego.TestConfig{Paths: paths, Threshold: 101}, "from 0 to 100"},
		"builtin":    {rego.TestConfig{Paths: paths, Builtins: []string{"+nothing"}}, `unknown built-in function "nothing"`},
		"package":    {rego.TestConfig{Paths: paths, Packages: []string{"a b"}}, `package "a b" is not a package name`},
		"data":       {rego.TestConfig{Paths: paths, Data: []string{filepath.Join(dir, "none.json")}}, "data: "},
		"no paths":   {rego.TestConfig{Paths: []string{filepath.Join(dir, "none")}}, "no such file"},
		"no files":   {rego.TestConfig{Paths: []string{empty}}, "no policy: no .rego file found"},
	} {
		if report, err := rego.RunTests(context.Background(), c.config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %+v, %v", name, report, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if report, err := rego.RunTests(ctx, rego.TestConfig{Paths: paths}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %+v, %v", report, err)
	}
}

// A test that does not end is an error, and the others are told all the same.
func TestUnitTestTimeout(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "p_test.rego"), `package t

test_slow if {
	some i in numbers.range(1, 100000)
	some j in numbers.range(1, 100000)
	i + j == 0
}

test_quick if true
`)
	report, err := rego.RunTests(context.Background(), rego.TestConfig{Paths: []string{dir}, Timeout: time.Second})
	if err != nil || report.Errors != 1 || report.Passed != 1 || report.Tests[0].Error != "it took longer than 1s" {
		t.Errorf("got %+v, %v", report, err)
	}
}
