package rego

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
)

// TestCoverage tells which lines of the policy the tests reached. A line counts
// that holds a head or an expression; it is covered when all of them are.
type TestCoverage struct {
	Percent    float64        `json:"percent"`
	Covered    int            `json:"covered_lines"`
	NotCovered int            `json:"not_covered_lines"`
	Threshold  float64        `json:"threshold,omitempty"`
	Files      []FileCoverage `json:"files"` // without test files, by name
}

// FileCoverage is one file's coverage.
type FileCoverage struct {
	File       string      `json:"file"`
	Percent    float64     `json:"percent"`
	Covered    []LineRange `json:"covered"`
	NotCovered []LineRange `json:"not_covered"`
}

// LineRange is a run of lines, from 1, both included.
type LineRange struct {
	First int `json:"first"`
	Last  int `json:"last"`
}

// String is "7" or "7-9".
func (r LineRange) String() string {
	if r.First == r.Last {
		return fmt.Sprint(r.First)
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

// coverage runs the tests once more and notes what they reach.
func (s *suite) coverage(ctx context.Context) (*TestCoverage, error) {
	tracer := cover.New()
	if _, err := s.run(ctx, tracer); err != nil {
		return nil, err
	}
	modules := map[string]*ast.Module{}
	for name, m := range s.compiler.Modules {
		if !strings.HasSuffix(name, testSuffix) {
			modules[name] = m
		}
	}
	report := tracer.Report(modules)
	out := &TestCoverage{Files: []FileCoverage{}}
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		covered, missed := map[int]bool{}, map[int]bool{}
		for _, r := range report.Files[name].NotCovered {
			mark(missed, nil, r)
		}
		for _, r := range report.Files[name].Covered {
			mark(covered, missed, r)
		}
		out.Covered += len(covered)
		out.NotCovered += len(missed)
		out.Files = append(out.Files, FileCoverage{
			File: name, Percent: percent(len(covered), len(missed)),
			Covered: lineRanges(covered), NotCovered: lineRanges(missed),
		})
	}
	out.Percent = percent(out.Covered, out.NotCovered)
	return out, nil
}

// mark adds the lines of a range that are not in except.
func mark(lines, except map[int]bool, r cover.Range) {
	for row := r.Start.Row; row <= r.End.Row; row++ {
		if !except[row] {
			lines[row] = true
		}
	}
}

// percent of nothing is 100: there is nothing that a test could miss.
func percent(covered, missed int) float64 {
	if covered+missed == 0 {
		return 100
	}
	return 100 * float64(covered) / float64(covered+missed)
}

func lineRanges(lines map[int]bool) []LineRange {
	out := []LineRange{}
	for _, row := range slices.Sorted(maps.Keys(lines)) {
		if n := len(out); n > 0 && out[n-1].Last == row-1 {
			out[n-1].Last = row
			continue
		}
		out = append(out, LineRange{First: row, Last: row})
	}
	return out
}
