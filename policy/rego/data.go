package rego

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/util"
)

// dataFile is a data document: an object that is merged into data.
type dataFile struct {
	name string // as shown
	rel  string // as in the policy's hash
	sum  string // lower-case hex SHA-256 of the bytes
	root map[string]any
}

// scanData lists the configured data documents.
func scanData(paths []string) ([]stamp, error) {
	stamps := make([]stamp, 0, len(paths))
	for _, p := range paths {
		info, err := os.Stat(p)
		switch {
		case err != nil:
			return nil, fmt.Errorf("policy data: %w", err)
		case !info.Mode().IsRegular():
			return nil, fmt.Errorf("policy data: %s is not a regular file", p)
		}
		stamps = append(stamps, stamp{name: p, rel: filepath.Base(p), kind: kindData, mtime: info.ModTime(), size: info.Size(), info: info})
	}
	return stamps, nil
}

// isYAML tells YAML from JSON by the file's name.
func isYAML(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

// parseDocument reads a document, whose root must be an object. JSON is read
// strictly: no duplicate names, nothing behind it.
func parseDocument(name, rel string, src []byte) (dataFile, error) {
	d := dataFile{name: name, rel: rel, sum: hexSHA256(src)}
	value, err := parseValue(name, src)
	if err != nil {
		return dataFile{}, err
	}
	root, ok := value.(map[string]any)
	if !ok {
		return dataFile{}, fmt.Errorf("%s:1:1: a data document must be an object, whose members become data.<name>", name)
	}
	d.root = root
	return d, nil
}

func parseValue(name string, src []byte) (any, error) {
	if !isYAML(name) {
		if line, col, ok := strictJSON(src); !ok {
			return nil, fmt.Errorf("%s:%d:%d: not valid JSON (a name that is written twice, or something behind the document, is not valid either)", name, line, col)
		}
	}
	var value any
	if err := util.Unmarshal(src, &value); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return value, nil
}

// merge joins the documents to the one root of data. What two of them define
// must be an object in both.
func merge(documents []dataFile) (map[string]any, error) {
	root := map[string]any{}
	owner := map[string]string{}
	for _, d := range documents {
		if err := mergeInto(root, d.root, "data", d.name, owner); err != nil {
			return nil, err
		}
	}
	return root, nil
}

func mergeInto(dst, src map[string]any, at, name string, owner map[string]string) error {
	for _, k := range slices.Sorted(maps.Keys(src)) {
		path := at + "." + k
		old, there := dst[k]
		if !there {
			owner[path] = name
			if m, ok := src[k].(map[string]any); ok {
				// A copy: a document may be merged again for the next revision.
				sub := map[string]any{}
				if err := mergeInto(sub, m, path, name, owner); err != nil {
					return err
				}
				dst[k] = sub
				continue
			}
			dst[k] = src[k]
			continue
		}
		a, okA := old.(map[string]any)
		b, okB := src[k].(map[string]any)
		if !okA || !okB {
			return fmt.Errorf("%s: %s is also in %s; keep one, or make both objects", name, path, owner[path])
		}
		if err := mergeInto(a, b, path, name, owner); err != nil {
			return err
		}
	}
	return nil
}

// store holds data with a read transaction that is never closed. Nothing is
// ever written, so there is nothing that it could block.
type store struct {
	store storage.Store
	txn   storage.Transaction
}

// newStore makes the store of the documents, and checks that no rule stands
// where they have a value.
func newStore(ctx context.Context, c *ast.Compiler, documents []dataFile) (*store, error) {
	root, err := merge(documents)
	if err != nil {
		return nil, err
	}
	db := inmem.NewFromObjectWithOpts(root, inmem.OptReturnASTValuesOnRead(true), inmem.OptRoundTripOnWrite(false))
	txn, err := db.NewTransaction(ctx)
	if err != nil {
		return nil, fmt.Errorf("policy data: %w", err)
	}
	if errs := ast.CheckPathConflicts(c, storage.NonEmpty(ctx, db, txn)); len(errs) > 0 {
		faults := make([]Fault, 0, len(errs))
		for _, e := range errs {
			f := fault(e, "", ast.RegoV1)
			f.Reason += ": a data document has a value there; rename one of them"
			faults = append(faults, f)
		}
		return nil, compileError(faults)
	}
	return &store{store: db, txn: txn}, nil
}
