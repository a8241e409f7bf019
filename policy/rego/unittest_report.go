package rego

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
)

// Outcomes of a test.
const (
	TestPass  = "pass"
	TestFail  = "fail"
	TestError = "error"
	TestSkip  = "skip"
)

// TestReport is what came of a run of tests. A test with cases counts each case.
type TestReport struct {
	Tests    []TestResult  `json:"tests"` // by file and line
	Passed   int           `json:"passed"`
	Failed   int           `json:"failed"`
	Errors   int           `json:"errors"`
	Skipped  int           `json:"skipped"`
	Coverage *TestCoverage `json:"coverage,omitempty"`
	// Warnings are those of loading the policy, "file:line:col: message".
	Warnings []string `json:"warnings,omitempty"`
}

// TestResult is one test.
type TestResult struct {
	Name     string        `json:"name"` // "data.headgate_test.test_admin"
	File     string        `json:"file"`
	Line     int           `json:"line"`
	Outcome  string        `json:"outcome"`
	Duration time.Duration `json:"-"`
	Micros   int64         `json:"duration_us"`
	Error    string        `json:"error,omitempty"`
	Failure  *TestFailure  `json:"failure,omitempty"`
	Output   string        `json:"output,omitempty"` // of print
	// Cases are the cases of a test that is written as test_x[case].
	Cases []TestCase `json:"cases,omitempty"`
}

// TestCase is one case of a test; cases can be in groups, so its name is a path.
type TestCase struct {
	Name    []string     `json:"name"`
	Outcome string       `json:"outcome"`
	Failure *TestFailure `json:"failure,omitempty"`
}

// TestFailure is the expression that failed.
type TestFailure struct {
	File string    `json:"file"`
	Line int       `json:"line"`
	Col  int       `json:"col"`
	Text string    `json:"text"`
	Vars []TestVar `json:"vars,omitempty"` // the local variables, by name
	// Detail is the expression with the values under it, for people.
	Detail string `json:"detail,omitempty"`
}

// TestVar is a local variable and its value in Rego's notation, cut to 200 bytes.
type TestVar struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// OK reports whether there were tests, all passed or were skipped, and the
// coverage is what was wanted.
func (r *TestReport) OK() bool {
	return len(r.Tests) > 0 && r.Failed == 0 && r.Errors == 0 && !r.below()
}

func (r *TestReport) below() bool {
	return r.Coverage != nil && r.Coverage.Percent < r.Coverage.Threshold
}

func (r *TestReport) add(t TestResult) {
	r.Tests = append(r.Tests, t)
	if len(t.Cases) == 0 {
		r.count(t.Outcome)
	}
	for _, c := range t.Cases {
		r.count(c.Outcome)
	}
}

func (r *TestReport) count(outcome string) {
	switch outcome {
	case TestPass:
		r.Passed++
	case TestFail:
		r.Failed++
	case TestSkip:
		r.Skipped++
	default:
		r.Errors++
	}
}

var outcomeWords = map[string]string{TestPass: "PASS", TestFail: "FAIL", TestError: "ERROR", TestSkip: "SKIPPED"}

// WriteText writes the report in the manner of opa test: the tests that did not
// pass with what failed (all of them if verbose), then the counts.
func (r *TestReport) WriteText(w io.Writer, verbose bool) error {
	var b bytes.Buffer
	for _, warning := range r.Warnings {
		b.WriteString("warning: " + warning + "\n")
	}
	shown := false
	for i := range r.Tests {
		if t := &r.Tests[i]; verbose || t.Outcome != TestPass {
			shown = true
			t.text(&b, verbose)
		}
	}
	if shown {
		b.WriteString(strings.Repeat("-", 80) + "\n")
	}
	total := r.Passed + r.Failed + r.Skipped + r.Errors
	for _, c := range []struct {
		word string
		n    int
	}{{"PASS", r.Passed}, {"FAIL", r.Failed}, {"SKIPPED", r.Skipped}, {"ERROR", r.Errors}} {
		if c.n > 0 {
			fmt.Fprintf(&b, "%s: %d/%d\n", c.word, c.n, total)
		}
	}
	if total == 0 {
		b.WriteString("no tests found\n")
	}
	r.coverageText(&b)
	_, err := w.Write(b.Bytes())
	return err
}

func (t *TestResult) text(b *bytes.Buffer, verbose bool) {
	fmt.Fprintf(b, "%s:%d:\n%s: %s", t.File, t.Line, t.Name, outcomeWords[t.Outcome])
	if t.Outcome != TestSkip {
		fmt.Fprintf(b, " (%s)", t.Duration)
	}
	b.WriteByte('\n')
	if t.Error != "" {
		b.WriteString("  " + t.Error + "\n")
	}
	t.Failure.text(b)
	for _, c := range t.Cases {
		if verbose || c.Outcome != TestPass {
			fmt.Fprintf(b, "  %s: %s\n", strings.Join(c.Name, " / "), outcomeWords[c.Outcome])
			c.Failure.text(b)
		}
	}
	if t.Output != "" {
		b.WriteString("\n" + indented(t.Output, "  ") + "\n")
	}
}

func (f *TestFailure) text(b *bytes.Buffer) {
	if f == nil {
		return
	}
	fmt.Fprintf(b, "\n  %s:%d:%d:\n%s\n\n", f.File, f.Line, f.Col, indented(f.Detail, "    "))
}

// indented puts a text's lines to the right, without blank ends.
func indented(text, indent string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(indent+l, " \t")
	}
	return strings.Join(lines, "\n")
}

func (r *TestReport) coverageText(b *bytes.Buffer) {
	c := r.Coverage
	if c == nil {
		return
	}
	fmt.Fprintf(b, "coverage: %.1f%% of %d lines\n", c.Percent, c.Covered+c.NotCovered)
	for _, f := range c.Files {
		fmt.Fprintf(b, "  %s: %.1f%%", f.File, f.Percent)
		for i, l := range f.NotCovered {
			sep := ", "
			if i == 0 {
				sep = ", not covered: "
			}
			b.WriteString(sep + l.String())
		}
		b.WriteByte('\n')
	}
	if r.below() {
		fmt.Fprintf(b, "the coverage is below the threshold of %.1f%%\n", c.Threshold)
	}
}

// WriteJUnit writes the report as JUnit XML: a testsuite, in it a testcase for
// each test, or for each case of a test that has some.
func (r *TestReport) WriteJUnit(w io.Writer) error {
	type message struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	type testCase struct {
		Class   string   `xml:"classname,attr"`
		Name    string   `xml:"name,attr"`
		File    string   `xml:"file,attr"`
		Line    int      `xml:"line,attr"`
		Time    float64  `xml:"time,attr"`
		Failure *message `xml:"failure"`
		Error   *message `xml:"error"`
		Skipped *message `xml:"skipped"`
	}
	type testSuite struct {
		XMLName  xml.Name   `xml:"testsuite"`
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Errors   int        `xml:"errors,attr"`
		Skipped  int        `xml:"skipped,attr"`
		Cases    []testCase `xml:"testcase"`
	}
	failed := func(f *TestFailure) *message {
		if f == nil {
			return &message{Message: "failed"}
		}
		return &message{Message: fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Col, f.Text), Text: f.Detail}
	}
	suite := testSuite{
		Name: "headgate", Tests: r.Passed + r.Failed + r.Errors + r.Skipped,
		Failures: r.Failed, Errors: r.Errors, Skipped: r.Skipped,
	}
	for i := range r.Tests {
		t := &r.Tests[i]
		dot := strings.LastIndexByte(t.Name, '.')
		one := testCase{Class: t.Name[:dot], Name: t.Name[dot+1:], File: t.File, Line: t.Line, Time: t.Duration.Seconds()}
		for _, c := range t.Cases {
			sub := one
			sub.Name += "[" + strings.Join(c.Name, " / ") + "]"
			sub.Time /= float64(len(t.Cases))
			if c.Outcome == TestFail {
				sub.Failure = failed(c.Failure)
			}
			suite.Cases = append(suite.Cases, sub)
		}
		switch t.Outcome {
		case TestFail:
			one.Failure = failed(t.Failure)
		case TestError:
			one.Error = &message{Message: t.Error}
		case TestSkip:
			one.Skipped = &message{}
		}
		if len(t.Cases) == 0 {
			suite.Cases = append(suite.Cases, one)
		}
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(suite); err != nil {
		return fmt.Errorf("junit: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}
