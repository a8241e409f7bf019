package rego

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/loader"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/headgate/headgate/policy/rego/content"
)

// DefaultTestTimeout bounds one test.
const DefaultTestTimeout = 5 * time.Second

// TestConfig says what is tested.
type TestConfig struct {
	// Paths are files and directories, as in [Config]; _test.rego files of the
	// directories are taken in.
	Paths []string
	// Data are JSON and YAML documents, or directories of them, merged at the
	// root of data, as opa test does.
	Data []string
	// Packages hold the rule sets, for the warnings; none means
	// [DefaultPackages]. Tests can be in any package.
	Packages []string
	// Builtins names built-in functions to give back, as in [Config].
	Builtins []string
	// Run is a regular expression: only tests whose full name, as in
	// data.headgate_test.test_admin, it matches are run.
	Run string
	// Timeout bounds each test; 0 is [DefaultTestTimeout].
	Timeout time.Duration
	// Coverage asks for the lines that the tests reach.
	Coverage bool
	// Threshold is the coverage in percent that is wanted; above 0 it asks for
	// Coverage.
	Threshold float64
}

// RunTests runs the unit tests of Rego files: the rules whose names begin with
// test_; those that begin with todo_test_ are skipped. The files' versions are
// found out as for a gate, and so are the built-in functions that exist. As at
// a gate a built-in function that fails is an error, not undefined. Faults in
// the files are a [*CompileError].
func RunTests(ctx context.Context, c TestConfig) (*TestReport, error) {
	if c.Timeout == 0 {
		c.Timeout = DefaultTestTimeout
	}
	if _, err := regexp.Compile(c.Run); err != nil {
		return nil, fmt.Errorf("tests to run: %w", err)
	}
	if c.Timeout < 0 || c.Threshold < 0 || c.Threshold > 100 {
		return nil, errors.New("the timeout of a test must not be negative, the threshold is from 0 to 100")
	}
	s, err := newSuite(ctx, c)
	if err != nil {
		return nil, err
	}
	results, err := s.run(ctx, nil)
	if err != nil {
		return nil, err
	}
	report := &TestReport{Tests: []TestResult{}, Warnings: s.warnings}
	for _, r := range results {
		report.add(s.result(ctx, r))
	}
	if c.Coverage || c.Threshold > 0 {
		if report.Coverage, err = s.coverage(ctx); err != nil {
			return nil, err
		}
		report.Coverage.Threshold = c.Threshold
	}
	return report, nil
}

// suite is the files of a test run, compiled.
type suite struct {
	config   TestConfig
	compiler *ast.Compiler
	modules  map[string]*ast.Module // until they are compiled
	store    storage.Store
	warnings []string
}

func newSuite(ctx context.Context, c TestConfig) (*suite, error) {
	caps, err := capabilities(c.Builtins)
	if err != nil {
		return nil, err
	}
	files, err := testFiles(c.Paths)
	if err != nil {
		return nil, err
	}
	data, err := testData(c.Data)
	if err != nil {
		return nil, err
	}
	found, err := compileWithin(compileLimit, files, caps)
	if err != nil {
		return nil, err
	}
	s := &suite{config: c, store: data}
	if s.warnings, err = warningLines(c, found, files); err != nil {
		return nil, err
	}
	// The runner adds stages of its own, so the modules, now that it is known
	// how to read them, are compiled anew.
	if s.modules, err = parsedAgain(files, found); err != nil {
		return nil, err
	}
	s.compiler = ast.NewCompiler().SetErrorLimit(0).WithCapabilities(caps).WithEnablePrintStatements(true).
		WithStageAfterID(ast.StageCheckDeprecatedBuiltins, hoistStage)
	return s, ctx.Err()
}

// parsedAgain parses the files as compiling found that they are to be read.
func parsedAgain(files []content.File, found *compiled) (map[string]*ast.Module, error) {
	modules := map[string]*ast.Module{}
	for i, f := range files {
		m, errs := parseAs(f, found.versions[i])
		if errs != nil {
			return nil, compileError(parseFaults(f, errs, errs))
		}
		if slices.ContainsFunc(found.warnings, func(w Warning) bool { return w.file == i }) {
			u := &unit{file: f, index: i}
			u.negation(m) // warned of, so there is something to mend
			m = u.readings[0].module
		}
		modules[f.Name] = m
	}
	return modules, nil
}

func warningLines(c TestConfig, found *compiled, files []content.File) ([]string, error) {
	names := c.Packages
	if len(names) == 0 {
		names = DefaultPackages
	}
	var packages []ast.Ref
	for _, name := range names {
		ref, err := packageRef(name)
		if err != nil {
			return nil, err
		}
		packages = append(packages, ref)
	}
	var lines []string
	for _, w := range slices.Concat(found.warnings, shapeWarnings(found.compiler, findSurfaces(found.compiler, packages), files)) {
		lines = append(lines, fmt.Sprintf("%s:%d:%d: %s", w.File, w.Line, w.Col, w.Message))
	}
	return lines, nil
}

// testData reads the data documents into a store.
func testData(paths []string) (storage.Store, error) {
	if len(paths) == 0 {
		return inmem.New(), nil
	}
	noRego := func(_ string, info os.FileInfo, _ int) bool {
		return !info.IsDir() && strings.HasSuffix(info.Name(), ".rego")
	}
	loaded, err := loader.NewFileLoader().Filtered(paths, noRego)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	return inmem.NewFromObject(loaded.Documents), nil
}

// run runs the tests and returns their results in the order of their places.
func (s *suite) run(ctx context.Context, coverage *cover.Cover) ([]*tester.Result, error) {
	txn, err := s.store.NewTransaction(ctx, storage.TransactionParams{})
	if err != nil {
		return nil, fmt.Errorf("test data: %w", err)
	}
	defer s.store.Abort(ctx, txn)
	r := tester.NewRunner().
		SetCompiler(s.compiler).
		SetModules(s.modules).
		SetStore(s.store).
		SetTimeout(s.config.Timeout).
		RaiseBuiltinErrors(true).
		Filter(s.config.Run)
	if coverage != nil {
		r.SetCoverageRuns(nil).SetCoverageQueryTracer(coverage)
	}
	ch, err := r.RunTests(ctx, txn)
	if err != nil {
		return nil, testCompileError(err)
	}
	s.modules = nil // compiled
	var out []*tester.Result
	for result := range ch {
		out = append(out, result)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("tests: %w", err)
	}
	slices.SortFunc(out, func(a, b *tester.Result) int {
		return cmp.Or(cmp.Compare(a.Location.File, b.Location.File),
			cmp.Compare(a.Location.Row, b.Location.Row), cmp.Compare(a.Name, b.Name))
	})
	return out, nil
}

func testCompileError(err error) error {
	var list ast.Errors
	if !errors.As(err, &list) {
		return fmt.Errorf("tests: %w", err)
	}
	var faults []Fault
	for _, e := range list {
		faults = append(faults, fault(e, "", ast.RegoV1))
	}
	return compileError(faults)
}

// result makes the report of one test; one that failed is evaluated again with
// a tracer to find where.
func (s *suite) result(ctx context.Context, r *tester.Result) TestResult {
	t := TestResult{
		Name: r.Package + "." + r.Name, File: r.Location.File, Line: r.Location.Row,
		Duration: r.Duration, Micros: r.Duration.Microseconds(), Output: string(r.Output),
	}
	switch {
	case r.Skip:
		t.Outcome = TestSkip
		return t
	case r.Error != nil:
		t.Outcome, t.Error = TestError, s.errorText(r.Error)
		return t
	case !r.Fail:
		t.Outcome = TestPass
	default:
		t.Outcome = TestFail
	}
	failures := map[string]*TestFailure{}
	if r.Fail {
		failures = s.failures(ctx, r)
	}
	for path, sub := range r.SubResults.Iter {
		if len(sub.SubResults) > 0 {
			continue // a group of cases
		}
		one := TestCase{Name: path, Outcome: TestPass}
		if sub.Fail {
			one.Outcome, one.Failure = TestFail, failures[caseKey(path)]
		}
		t.Cases = append(t.Cases, one)
	}
	if r.Fail && len(t.Cases) == 0 {
		t.Failure = failures[caseKey(nil)]
	}
	return t
}

func (s *suite) errorText(err error) string {
	if topdown.IsCancel(err) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("it took longer than %s", s.config.Timeout)
	}
	return err.Error()
}
