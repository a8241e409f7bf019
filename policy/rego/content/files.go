package content

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Limits of what is loaded.
const (
	// MaxFiles and MaxDepth bound what is looked at in directories.
	MaxFiles     = 10_000
	maxFileSize  = 8 << 20
	maxTotalSize = 64 << 20
	MaxDepth     = 32
)

// File is one policy file.
type File struct {
	Name string // as shown: the configured path, joined with Rel
	Rel  string // relative to the configured path, slash-separated
	Src  string
	Sum  string // lower-case hex SHA-256 of the bytes
}

// kind is what a stamped file holds.
type kind uint8

const (
	kindRego   kind = iota // one policy file
	kindData               // a data document
	kindBundle             // an OPA bundle, .tar.gz
)

// Stamp is what tells that a file changed without reading it.
type Stamp struct {
	Name, Rel string
	kind      kind
	mtime     time.Time
	size      int64
	info      fs.FileInfo // nil for what is no file
}

// Still reports whether it is the same file, too.
func (s Stamp) Still(t Stamp) bool {
	return s.Same(t) && (s.info == nil || t.info != nil && os.SameFile(s.info, t.info))
}

// Same reports whether the file looks as it did.
func (s Stamp) Same(t Stamp) bool {
	return s.Name == t.Name && s.Rel == t.Rel && s.kind == t.kind && s.size == t.size && s.mtime.Equal(t.mtime)
}

// Scan lists the policy files of the configured paths in the order of their
// names, without reading them. A directory is searched recursively for .rego
// files; tests (_test.rego) and hidden names, as the timestamped directories of
// a Kubernetes volume, are left out. A file that is named itself is taken as it
// is; one that ends in .tar.gz is an OPA bundle. Symbolic links to files and
// directories are followed.
func Scan(paths []string) ([]Stamp, error) {
	s := scanner{seen: map[string]bool{}}
	for _, p := range paths {
		if err := s.root(p); err != nil {
			return nil, err
		}
	}
	if len(s.stamps) == 0 && len(paths) > 0 {
		return nil, fmt.Errorf("%w in %s", ErrNoPolicy, strings.Join(paths, ", "))
	}
	slices.SortFunc(s.stamps, func(a, b Stamp) int { return strings.Compare(a.Name, b.Name) })
	return s.stamps, nil
}

// isBundle tells a bundle from a policy file by its name.
func isBundle(name string) bool {
	return strings.HasSuffix(name, ".tar.gz") || strings.HasSuffix(name, ".tgz")
}

type scanner struct {
	stamps []Stamp
	seen   map[string]bool // absolute paths without links
}

func (s *scanner) root(p string) error {
	info, err := os.Stat(p)
	switch {
	case err != nil:
		return fmt.Errorf("policy: %w", err)
	case info.IsDir():
		return s.dir(p, "", 0)
	case isBundle(p):
		return s.file(p, filepath.Base(p), kindBundle, info)
	}
	return s.file(p, filepath.Base(p), kindRego, info)
}

func (s *scanner) dir(root, rel string, depth int) error {
	name := filepath.Join(root, filepath.FromSlash(rel))
	if depth > MaxDepth {
		return fmt.Errorf("%s: %w: more than %d directories deep", name, ErrTooLarge, MaxDepth)
	}
	if !s.first(name) {
		return nil
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		child := path.Join(rel, e.Name())
		full := filepath.Join(name, e.Name())
		isPolicy := strings.HasSuffix(e.Name(), ".rego") && !strings.HasSuffix(e.Name(), "_test.rego")
		if !isPolicy && !e.IsDir() && e.Type()&fs.ModeSymlink == 0 {
			continue
		}
		info, err := os.Stat(full)
		if err != nil {
			if isPolicy {
				return fmt.Errorf("policy: %w", err)
			}
			continue // a dangling link to something else
		}
		switch {
		case info.IsDir():
			err = s.dir(root, child, depth+1)
		case isPolicy:
			err = s.file(full, child, kindRego, info)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *scanner) file(name, rel string, k kind, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("policy: %s is not a regular file", name)
	}
	if !s.first(name) {
		return nil
	}
	if len(s.stamps) == MaxFiles {
		return fmt.Errorf("%w: more than %d files", ErrTooLarge, MaxFiles)
	}
	s.stamps = append(s.stamps, Stamp{Name: name, Rel: rel, kind: k, mtime: info.ModTime(), size: info.Size(), info: info})
	return nil
}

// first reports whether the file or directory was not met before, under
// whatever name.
func (s *scanner) first(name string) bool {
	id := name
	if target, err := filepath.EvalSymlinks(name); err == nil {
		id = target
	}
	if abs, err := filepath.Abs(id); err == nil {
		id = abs
	}
	if s.seen[id] {
		return false
	}
	s.seen[id] = true
	return true
}

// IsBundle tells whether the file is a bundle.
func (s Stamp) IsBundle() bool { return s.kind == kindBundle }
