package rego

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/test/cases"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/util"

	"github.com/headgate/headgate/policy/rego/content"
)

var updateConformance = flag.Bool("update-conformance", false, "write testdata/conformance.txt anew")

const conformanceFile = "testdata/conformance.txt"

// conformanceCases are OPA's own cases, by version and note. They lie in OPA's
// module, which is there wherever this test builds.
func conformanceCases(t *testing.T) map[string]cases.TestCase {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/open-policy-agent/opa").Output()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]cases.TestCase{}
	for _, v := range []string{"v0", "v1"} {
		set, err := cases.Load(filepath.Join(strings.TrimSpace(string(out)), "v1/test/cases/testdata", v))
		if err != nil {
			t.Fatal(err)
		}
		for _, tc := range set.Cases {
			key := v + "/" + tc.Note
			for _, taken := all[key]; taken; _, taken = all[key] {
				key += "'"
			}
			all[key] = tc
		}
	}
	return all
}

// Why a case does not hold here, and what holds instead.
const (
	// The case expects a built-in function's error to be the same as no answer.
	// Here it ends the evaluation, which denies; but for that, the case holds.
	becauseStrict = "built-in errors are strict here"
	// The case does not compile, because of that function.
	becauseTestOnly = "calls test.sleep, which only OPA's own tests have"
)

// OPA's own cases hold for policies that are compiled and evaluated here: their
// versions found out, with all built-in functions given back. What does not
// hold is in testdata/conformance.txt, with the reason; the reason is checked
// too, and an entry that holds after all is an error. The file is written anew
// with -update-conformance.
func TestConformance(t *testing.T) {
	all := conformanceCases(t)
	if len(all) < 4000 {
		t.Fatalf("%d cases", len(all))
	}
	known := readConformance(t)
	var mu sync.Mutex
	found := map[string]string{}
	t.Run("cases", func(t *testing.T) {
		for key, tc := range all {
			t.Run(key, func(t *testing.T) {
				t.Parallel()
				if len(tc.Env) > 0 {
					t.Fatalf("the case sets environment variables, which others that run beside it would see")
				}
				if tc.WantResult == nil && tc.WantErrorCode == nil && tc.WantError == nil {
					t.Fatal("the case wants nothing")
				}
				why := asOPA(t, tc)
				if !*updateConformance && known[key] != why {
					t.Errorf("does not hold because of %q, want %q", why, known[key])
				}
				if why != "" {
					mu.Lock()
					defer mu.Unlock()
					found[key] = why
				}
			})
		}
	})
	reasons := map[string]int{}
	for _, why := range found {
		reasons[why]++
	}
	for key := range known {
		if _, ok := all[key]; !ok && !*updateConformance {
			t.Errorf("%s is no case", key)
		}
	}
	t.Logf("%d cases, %d as OPA", len(all), len(all)-len(found))
	for _, why := range slices.Sorted(maps.Keys(reasons)) {
		t.Logf("%d differ: %s", reasons[why], why)
	}
	if *updateConformance && !t.Failed() {
		var b strings.Builder
		for _, key := range slices.Sorted(maps.Keys(found)) {
			fmt.Fprintf(&b, "%s\t%s\n", key, found[key])
		}
		if err := os.WriteFile(conformanceFile, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// readConformance reads the cases that do not hold, with the reasons.
func readConformance(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(conformanceFile)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]string{}
	for line := range strings.Lines(string(text)) {
		key, why, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok || why == "" {
			t.Fatalf("%q has no reason", line)
		}
		known[key] = why
	}
	return known
}

// holds tells why a case does not hold, after a check that it is so; "" where
// it holds. A case without a reason fails the test.
func asOPA(t *testing.T, tc cases.TestCase) string {
	t.Helper()
	c, err := compile(filesOf(tc), everything(t))
	if err != nil {
		if !strings.Contains(err.Error(), "undefined function test.sleep") {
			t.Errorf("compile: %v", err)
		}
		return becauseTestOnly
	}
	rows, err := ask(t, tc, c.compiler, inputOf(t, tc), true)
	differs := compare(tc, rows, err)
	if differs == nil {
		return ""
	}
	var e *topdown.Error
	if !errors.As(err, &e) || e.Code != topdown.BuiltinErr && e.Code != topdown.TypeErr {
		t.Errorf("%v", differs)
	}
	rows, err = ask(t, tc, c.compiler, inputOf(t, tc), false)
	if err := compare(tc, rows, err); err != nil {
		t.Errorf("also where built-in errors are not strict: %v", err)
	}
	return becauseStrict
}

// everything is the capabilities with all built-in functions.
func everything(t *testing.T) *ast.Capabilities {
	t.Helper()
	caps, err := capabilities(slices.Collect(maps.Keys(withheldBuiltins)))
	if err != nil {
		t.Fatal(err)
	}
	caps.AllowNet = nil // any host
	return caps
}

func filesOf(tc cases.TestCase) []content.File {
	files := make([]content.File, len(tc.Modules))
	for i, m := range tc.Modules {
		files[i] = content.File{Name: fmt.Sprintf("test-%d.rego", i), Src: m}
	}
	return files
}

// ask evaluates a case's query as a stage's, but for the strictness.
func ask(t *testing.T, tc cases.TestCase, c *ast.Compiler, document *ast.Term, strict bool) (topdown.QueryResultSet, error) {
	t.Helper()
	qc := c.QueryCompiler()
	parsed, err := ast.ParseBody(tc.Query)
	if err != nil {
		t.Fatal(err)
	}
	body, err := qc.Compile(parsed)
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	ctx := context.Background()
	data := inmem.New()
	if tc.Data != nil {
		data = inmem.NewFromObject(*tc.Data)
	}
	txn, err := data.NewTransaction(ctx, storage.TransactionParams{})
	if err != nil {
		t.Fatal(err)
	}
	defer data.Abort(ctx, txn)
	return evaluation(body, qc, c, &store{store: data, txn: txn}, nil, &deadline{}).
		WithInput(document).WithStrictBuiltinErrors(strict).Run(ctx)
}

// inputOf is a case's input, read as an agent's content is; nil where it has
// none.
func inputOf(t *testing.T, tc cases.TestCase) *ast.Term {
	t.Helper()
	switch {
	case tc.InputTerm != nil:
		return ast.MustParseTerm(*tc.InputTerm)
	case tc.Input == nil:
		return nil
	}
	raw, err := json.Marshal(*tc.Input)
	if err != nil {
		t.Fatal(err)
	}
	var p jsonParser
	doc, err := p.parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// compare is what OPA's own runner compares.
func compare(tc cases.TestCase, rows topdown.QueryResultSet, err error) error {
	if err != nil && tc.WantErrorCode == nil && tc.WantError == nil {
		return fmt.Errorf("unexpected: %w", err)
	}
	if tc.WantErrorCode != nil {
		var e *topdown.Error
		if !errors.As(err, &e) || e.Code != *tc.WantErrorCode {
			return fmt.Errorf("got error %q, want code %s", code(err), *tc.WantErrorCode)
		}
	}
	if tc.WantError != nil && (err == nil || !strings.Contains(err.Error(), *tc.WantError)) {
		return fmt.Errorf("got error %q, want %s", fmt.Sprint(err), *tc.WantError)
	}
	if tc.WantResult == nil {
		return nil
	}
	want := ast.NewSet()
	for _, row := range *tc.WantResult {
		want.Add(ast.NewTerm(ast.MustInterfaceToValue(row)))
	}
	got, err := bindings(tc, rows)
	if err == nil && want.Compare(got) != 0 {
		err = fmt.Errorf("got %v, want %v", got, want)
	}
	return err
}

// bindings are the rows of an answer, as a case compares them.
func bindings(tc cases.TestCase, rows topdown.QueryResultSet) (ast.Set, error) {
	set := ast.NewSet()
	for _, row := range rows {
		obj := ast.NewObject()
		for k, term := range row {
			v, err := ast.JSON(term.Value)
			if err != nil {
				return nil, err
			}
			if list, ok := v.([]any); ok && tc.SortBindings {
				slices.SortFunc(list, util.Compare)
			}
			if name := string(k); !tc.IgnoreGeneratedVars || !strings.HasPrefix(name, "__localq") {
				obj.Insert(ast.StringTerm(name), ast.NewTerm(ast.MustInterfaceToValue(v)))
			}
		}
		set.Add(ast.NewTerm(obj))
	}
	return set, nil
}
