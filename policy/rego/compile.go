package rego

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/headgate/headgate/policy/rego/content"
)

// compileLimit bounds parsing and compiling.
const compileLimit = 10 * time.Second

// Warning is something about a policy file that its author should know.
type Warning struct {
	File      string
	Line, Col int // from 1
	Message   string
	// Code names the lint that found it; "" for what is found at load.
	Code string

	file int // index into the policy's files
}

// unit is one file on its way through the compiler.
type unit struct {
	file  content.File
	index int
	// readings are the ways to read the file that are left to try, the present
	// one first.
	readings []reading
	failing  bool    // the compiler found fault with the present reading
	faults   []Fault // to show, if no other reading does better
	warnings []Warning
}

// reading is a way to read a file.
type reading struct {
	version ast.RegoVersion
	module  *ast.Module
	// negation is set where negated wildcards are to be rewritten; it needs
	// the faults of the reading before it to be of that one kind.
	negation bool
}

// compiled is what compiling gives.
type compiled struct {
	compiler *ast.Compiler
	versions []ast.RegoVersion // by file
	warnings []Warning
}

// compileWithin runs compile under [compileLimit]. The compiler cannot be
// interrupted: past the limit it is left to end by itself.
func compileWithin(limit time.Duration, files []content.File, caps *ast.Capabilities) (*compiled, error) {
	type outcome struct {
		c   *compiled
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			if r := recover(); r != nil {
				o = outcome{err: fmt.Errorf("the policy compiler failed: %T", r)}
			}
			done <- o
		}()
		o.c, o.err = compile(files, caps)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case o := <-done:
		return o.c, o.err
	case <-timer.C:
		return nil, ErrCompileTimeout
	}
}

// compile parses and compiles all files together, finding out each one's
// version: all are read as v1 where they parse as that; a file that the
// compiler finds fault with moves to its next reading until no fault is left or
// no file has a reading to move to.
func compile(files []content.File, caps *ast.Capabilities) (*compiled, error) {
	units, err := parse(files)
	if err != nil {
		return nil, err
	}
	for {
		modules := make(map[string]*ast.Module, len(units))
		for _, u := range units {
			modules[u.file.Name] = u.readings[0].module
		}
		c := ast.NewCompiler().SetErrorLimit(0).WithCapabilities(caps).
			WithStageAfterID(ast.StageCheckDeprecatedBuiltins, hoistStage)
		c.Compile(modules)
		if !c.Failed() {
			return finish(c, units), nil
		}
		if !advance(units, c.Errors) {
			return nil, unitFaults(units)
		}
	}
}

func finish(c *ast.Compiler, units []*unit) *compiled {
	out := &compiled{compiler: c, versions: make([]ast.RegoVersion, len(units))}
	for i, u := range units {
		out.versions[i] = u.readings[0].version
		if u.readings[0].negation {
			out.warnings = append(out.warnings, u.warnings...)
		}
	}
	return out
}

// parse reads every file in each version that it parses in.
func parse(files []content.File) ([]*unit, error) {
	units := make([]*unit, 0, len(files))
	var faults []Fault
	for i, f := range files {
		u := &unit{file: f, index: i}
		v1, err1 := parseAs(f, ast.RegoV1)
		if err1 == nil {
			u.readings = append(u.readings, reading{version: ast.RegoV1, module: v1})
		}
		// A second parse as v0 costs little and is rarely used: only where
		// compiling as v1 fails.
		v0, err0 := parseAs(f, ast.RegoV0)
		if err0 == nil {
			u.readings = append(u.readings, reading{version: ast.RegoV0, module: v0})
			if !importsV1(v0) {
				u.negation(v0)
			}
		}
		if len(u.readings) == 0 {
			faults = append(faults, parseFaults(f, err0, err1)...)
		}
		units = append(units, u)
	}
	if len(faults) > 0 {
		return nil, compileError(faults)
	}
	return units, nil
}

// parseAs parses one file; a file without a package is an error.
func parseAs(f content.File, v ast.RegoVersion) (*ast.Module, ast.Errors) {
	m, err := ast.ParseModuleWithOpts(f.Name, f.Src, ast.ParserOptions{RegoVersion: v})
	var list ast.Errors
	var one *ast.Error
	switch {
	case err == nil && m != nil:
		return m, nil
	case err == nil:
		one = ast.NewError(ast.ParseErr, nil, "empty module")
	case errors.As(err, &list) && len(list) > 0:
		return nil, list
	case !errors.As(err, &one):
		one = ast.NewError(ast.ParseErr, nil, "%v", err)
	}
	return nil, ast.Errors{one}
}

// parseFaults shows the errors of the version that the file most probably is:
// the one that the parser understands more lines of, v1 where that tells
// nothing.
func parseFaults(f content.File, err0, err1 ast.Errors) []Fault {
	errs, v := err1, ast.RegoV1
	if after(firstFault(err0, f.Name), firstFault(err1, f.Name)) {
		errs, v = err0, ast.RegoV0
	}
	faults := make([]Fault, 0, len(errs))
	for _, e := range errs {
		faults = append(faults, fault(e, f.Name, v))
	}
	return faults
}

func firstFault(errs ast.Errors, name string) Fault {
	first := fault(errs[0], name, ast.RegoV1)
	for _, e := range errs[1:] {
		if f := fault(e, name, ast.RegoV1); after(first, f) {
			first = f
		}
	}
	return first
}

func after(a, b Fault) bool {
	return a.Line > b.Line || a.Line == b.Line && a.Col > b.Col
}

// importsV1 reports whether a module says itself that it is v1.
func importsV1(m *ast.Module) bool {
	return slices.ContainsFunc(m.Imports, func(i *ast.Import) bool {
		path, ok := i.Path.Value.(ast.Ref)
		return ok && path.Equal(ast.RegoV1CompatibleRef)
	})
}

// advance moves each file that has errors to its next reading and reports
// whether any could move.
func advance(units []*unit, errs ast.Errors) bool {
	byFile := map[string]ast.Errors{}
	for _, e := range errs {
		name := units[0].file.Name // an error that names no file could be in any
		if e.Location != nil && e.Location.File != "" {
			name = e.Location.File
		}
		byFile[name] = append(byFile[name], e)
	}
	moved := false
	for _, u := range units {
		own := byFile[u.file.Name]
		if u.failing = len(own) > 0; !u.failing {
			continue
		}
		// The first reading is the most probable one; but where wildcards were
		// mended, what is left counts.
		if u.faults == nil || u.readings[0].negation {
			u.faults = nil
			for _, e := range own {
				u.faults = append(u.faults, fault(e, u.file.Name, u.readings[0].version))
			}
		}
		if len(u.readings) == 1 || u.readings[1].negation && !onlyWildcards(own) {
			continue
		}
		u.readings = u.readings[1:]
		moved = true
	}
	return moved
}

// unitFaults is the error of all files that have faults at last.
func unitFaults(units []*unit) error {
	var faults []Fault
	for _, u := range units {
		if u.failing {
			faults = append(faults, u.faults...)
		}
	}
	return compileError(faults)
}
