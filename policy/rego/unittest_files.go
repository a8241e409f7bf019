package rego

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/headgate/headgate/policy/rego/content"
)

// testSuffix ends the names of files that hold tests.
const testSuffix = "_test.rego"

// testFiles reads the policy files of the paths together with the test files.
func testFiles(paths []string) ([]content.File, error) {
	tests, err := findTests(paths)
	if err != nil {
		return nil, err
	}
	stamps, err := content.Scan(paths)
	switch {
	case len(tests) > 0 && (err == nil || errors.Is(err, ErrNoPolicy)):
		stamps, err = content.Scan(slices.Concat(paths, tests))
	case errors.Is(err, ErrNoPolicy):
		return nil, fmt.Errorf("%w, and no %s", err, "*"+testSuffix)
	}
	if err != nil {
		return nil, err
	}
	c, err := content.Read(stamps)
	return c.Files, err
}

// findTests lists the test files of those paths that are directories. What a
// gate passes over, hidden names and what is too deep, is passed over here too.
func findTests(paths []string) ([]string, error) {
	var out []string
	var walk func(dir string, depth int) error
	walk = func(dir string, depth int) error {
		if depth > content.MaxDepth {
			return fmt.Errorf("%s: %w: more than %d directories deep", dir, ErrTooLarge, content.MaxDepth)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			return fmt.Errorf("tests: %w", err)
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), ".") {
				continue
			}
			name := filepath.Join(dir, e.Name())
			info, err := os.Stat(name)
			switch {
			case err != nil && strings.HasSuffix(name, testSuffix):
				return fmt.Errorf("tests: %w", err)
			case err != nil: // a dangling link to something else
			case info.IsDir():
				if err := walk(name, depth+1); err != nil {
					return err
				}
			case strings.HasSuffix(name, testSuffix):
				out = append(out, name)
			}
			if len(out) > content.MaxFiles {
				return fmt.Errorf("%w: more than %d files", ErrTooLarge, content.MaxFiles)
			}
		}
		return nil
	}
	for _, p := range paths {
		if info, err := os.Stat(p); err != nil || !info.IsDir() {
			continue // scan tells what is wrong with it
		}
		if err := walk(p, 0); err != nil {
			return nil, err
		}
	}
	return out, nil
}
