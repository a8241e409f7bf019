package rego

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/headgate/headgate/policy/rego/content"
)

// Errors of loading.
var (
	// ErrNoPolicy: the paths hold no policy file.
	ErrNoPolicy = content.ErrNoPolicy
	// ErrCompileTimeout: parsing and compiling took longer than the limit.
	ErrCompileTimeout = errors.New("compiling the policy took longer than 10 seconds; it is too large or too complex")
	// ErrTooLarge: the policy files are over their limits.
	ErrTooLarge = content.ErrTooLarge
)

// maxErrors bounds the faults that one error lists.
const maxErrors = 20

// Fault is one thing that is wrong in a policy file.
type Fault struct {
	File      string
	Line, Col int // from 1
	Reason    string
}

// String is "file:line:col: reason".
func (f Fault) String() string {
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Col, f.Reason)
}

// CompileError lists what is wrong in the policy files, sorted by place.
type CompileError struct {
	Faults []Fault
}

// Error is one line "file:line:col: reason" for each fault, at most 20.
func (e *CompileError) Error() string {
	lines := make([]string, 0, maxErrors+1)
	for i, f := range e.Faults {
		if i == maxErrors {
			lines = append(lines, fmt.Sprintf("and %d more", len(e.Faults)-i))
			break
		}
		lines = append(lines, f.String())
	}
	return strings.Join(lines, "\n")
}

// compileError makes a CompileError of what OPA reported.
func compileError(faults []Fault) error {
	slices.SortFunc(faults, func(a, b Fault) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Col, b.Col), cmp.Compare(a.Reason, b.Reason),
		)
	})
	return &CompileError{Faults: slices.Compact(faults)}
}

// fault translates one of OPA's errors. fallback is the file where the error
// names none.
func fault(e *ast.Error, fallback string, v ast.RegoVersion) Fault {
	f := Fault{File: fallback, Line: 1, Col: 1, Reason: e.Message}
	if e.Location != nil {
		if e.Location.File != "" {
			f.File = e.Location.File
		}
		f.Line, f.Col = max(e.Location.Row, 1), max(e.Location.Col, 1)
	}
	if e.Code == ast.TypeErr && e.Details != nil {
		f.Reason += ": " + strings.Join(e.Details.Lines(), ", ")
	}
	f.Reason = strings.Join(strings.Fields(f.Reason), " ")
	if name, ok := strings.CutPrefix(f.Reason, "undefined function "); ok {
		if why := withheldReason(name); why != "" {
			f.Reason += " (withheld from policies: " + why + "; the configuration can name it as a built-in function to give back)"
		}
	}
	if e.Code == ast.UnsafeVarErr && strings.HasPrefix(e.Message, wildcardUnsafe) {
		f.Reason += " (if it is in a negated expression, write `not \"x\" in list` or a helper rule)"
	}
	if v == ast.RegoV0 {
		f.Reason += " (read as Rego v0)"
	}
	return f
}
