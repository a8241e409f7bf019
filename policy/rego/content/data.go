package content

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/util"
)

// Document is a data document: an object that is merged into data.
type Document struct {
	Name string // as shown
	Rel  string // as in the policy's hash
	Sum  string // lower-case hex SHA-256 of the bytes
	Root map[string]any
}

// ScanData lists the configured data documents.
func ScanData(paths []string) ([]Stamp, error) {
	stamps := make([]Stamp, 0, len(paths))
	for _, p := range paths {
		info, err := os.Stat(p)
		switch {
		case err != nil:
			return nil, fmt.Errorf("policy data: %w", err)
		case !info.Mode().IsRegular():
			return nil, fmt.Errorf("policy data: %s is not a regular file", p)
		}
		stamps = append(stamps, Stamp{Name: p, Rel: filepath.Base(p), kind: kindData, mtime: info.ModTime(), size: info.Size(), info: info})
	}
	return stamps, nil
}

// isYAML tells YAML from JSON by the file's name.
func isYAML(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

// parseDocument reads a document, whose root must be an object. JSON is read
// strictly: no duplicate names, nothing behind it.
func parseDocument(name, rel string, src []byte) (Document, error) {
	d := Document{Name: name, Rel: rel, Sum: HexSHA256(src)}
	value, err := parseValue(name, src)
	if err != nil {
		return Document{}, err
	}
	root, ok := value.(map[string]any)
	if !ok {
		return Document{}, fmt.Errorf("%s:1:1: a data document must be an object, whose members become data.<name>", name)
	}
	d.Root = root
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

// Merge joins the documents to the one root of data. What two of them define
// must be an object in both.
func Merge(documents []Document) (map[string]any, error) {
	root := map[string]any{}
	owner := map[string]string{}
	for _, d := range documents {
		if err := mergeInto(root, d.Root, "data", d.Name, owner); err != nil {
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
