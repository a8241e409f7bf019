package rego

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/test/cases"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// Moving the stage guards to the front changes no answer. Every body of every
// policy of OPA's cases, rules, comprehensions and every, gets a guard as its
// last expression, and is compiled once as it is and once with the guards
// hoisted. At the stage that the guard lets through both must answer, or fail,
// alike; at another one too, except that an error that the guard keeps from
// being met may be gone.
func TestHoistingChangesNothing(t *testing.T) {
	all := conformanceCases(t)
	caps := everything(t)
	guards := []string{
		`input.stage == "here"`,
		`input.stage in {"here", "there"}`,
		`the_stage := input.stage; the_stage == "here"`,
	}
	var compared, hoisted atomic.Int64
	t.Run("cases", func(t *testing.T) {
		for i, key := range slices.Sorted(maps.Keys(all)) {
			t.Run(key, func(t *testing.T) {
				t.Parallel()
				tc, guard := all[key], guards[i%len(guards)]
				found, err := compile(filesOf(tc), caps)
				if err != nil || len(tc.Modules) == 0 {
					return // TestConformance tells which these are
				}
				plain, moved := guardedCompiler(t, tc, found.versions, caps, guard), guardedCompiler(t, tc, found.versions, caps, guard)
				moved.compiler.WithStageAfterID(ast.StageCheckDeprecatedBuiltins, hoistStage)
				plain.compiler.Compile(plain.modules)
				moved.compiler.Compile(moved.modules)
				if plain.compiler.Failed() != moved.compiler.Failed() {
					t.Fatalf("compiling: %v, with hoisting %v", plain.compiler.Errors, moved.compiler.Errors)
				}
				if plain.compiler.Failed() {
					return
				}
				compared.Add(1)
				hoisted.Add(begun(moved.compiler) - begun(plain.compiler))
				for _, stage := range []string{"here", "elsewhere"} {
					doc := atStage(inputOf(t, tc), stage)
					a, errA := ask(t, tc, plain.compiler, doc, true)
					b, errB := ask(t, tc, moved.compiler, doc, true)
					if errA != nil && errB == nil && stage != "here" {
						continue
					}
					if code(errA) != code(errB) {
						t.Errorf("at %s: %v, with hoisting %v", stage, errA, errB)
						continue
					}
					one, err1 := bindings(tc, a)
					two, err2 := bindings(tc, b)
					if err1 != nil || err2 != nil || one.Compare(two) != 0 {
						t.Errorf("at %s: %v %v, with hoisting %v %v", stage, one, err1, two, err2)
					}
				}
			})
		}
	})
	t.Logf("%d policies compared, %d bodies hoisted", compared.Load(), hoisted.Load())
	if compared.Load() < 4000 || hoisted.Load() < 4000 {
		t.Error("too few")
	}
}

// begun counts the bodies that begin with a guard.
func begun(c *ast.Compiler) (n int64) {
	for _, m := range c.Modules {
		ast.WalkBodies(m, func(b ast.Body) bool {
			_, guard := asGuard(b[0], nil)
			_, alias := asAlias(b[0])
			if len(b) > 1 && (guard || alias) {
				n++
			}
			return false
		})
	}
	return n
}

type guardedRule struct {
	compiler *ast.Compiler
	modules  map[string]*ast.Module
}

// guardedCompiler reads a case's policies and puts guard at the end of each
// body.
func guardedCompiler(t *testing.T, tc cases.TestCase, versions []ast.RegoVersion, caps *ast.Capabilities, guard string) guardedRule {
	t.Helper()
	g := guardedRule{ast.NewCompiler().SetErrorLimit(0).WithCapabilities(caps), map[string]*ast.Module{}}
	add := func(b ast.Body) ast.Body {
		for _, e := range ast.MustParseBodyWithOpts(guard, ast.ParserOptions{RegoVersion: ast.RegoV1}) {
			e.SetLocation(b[len(b)-1].Location)
			b.Append(e)
		}
		return b
	}
	for i, f := range filesOf(tc) {
		m, err := parseAs(f, versions[i])
		if err != nil {
			t.Fatal(err)
		}
		ast.NewGenericVisitor(func(x any) bool {
			switch x := x.(type) {
			case *ast.Rule:
				if !x.Default {
					x.Body = add(x.Body)
				}
			case *ast.ArrayComprehension:
				x.Body = add(x.Body)
			case *ast.SetComprehension:
				x.Body = add(x.Body)
			case *ast.ObjectComprehension:
				x.Body = add(x.Body)
			case *ast.Every:
				x.Body = add(x.Body)
			}
			return false
		}).Walk(m)
		g.modules[fmt.Sprintf("test-%d.rego", i)] = m
	}
	return g
}

// atStage is the input with a stage; one that is no object has none.
func atStage(document *ast.Term, stage string) *ast.Term {
	one := ast.NewObject([2]*ast.Term{ast.StringTerm("stage"), ast.StringTerm(stage)})
	if document == nil {
		return ast.NewTerm(one)
	}
	obj, ok := document.Value.(ast.Object)
	if !ok {
		return document
	}
	merged, _ := one.Merge(obj.Diff(one))
	return ast.NewTerm(merged)
}

func code(err error) string {
	var e *topdown.Error
	if errors.As(err, &e) {
		return e.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}
