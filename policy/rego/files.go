package rego

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
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
	maxFiles     = 10_000
	maxFileSize  = 8 << 20
	maxTotalSize = 64 << 20
	maxDirDepth  = 32
)

// file is one policy file.
type file struct {
	name string // as shown: the configured path, joined with rel
	rel  string // relative to the configured path, slash-separated
	src  string
	sum  string // lower-case hex SHA-256 of the bytes
}

// stamp is what tells that a file changed without reading it.
type stamp struct {
	name, rel string
	mtime     time.Time
	size      int64
}

// scan lists the policy files of the configured paths in the order of their
// names, without reading them. A directory is searched recursively for .rego
// files; tests (_test.rego) and hidden names, as the timestamped directories of
// a Kubernetes volume, are left out. A file that is named itself is taken as it
// is. Symbolic links to files and directories are followed.
func scan(paths []string) ([]stamp, error) {
	s := scanner{seen: map[string]bool{}}
	for _, p := range paths {
		if err := s.root(p); err != nil {
			return nil, err
		}
	}
	if len(s.stamps) == 0 {
		return nil, fmt.Errorf("%w in %s", ErrNoPolicy, strings.Join(paths, ", "))
	}
	slices.SortFunc(s.stamps, func(a, b stamp) int { return strings.Compare(a.name, b.name) })
	return s.stamps, nil
}

type scanner struct {
	stamps []stamp
	seen   map[string]bool // absolute paths without links
}

func (s *scanner) root(p string) error {
	if strings.HasSuffix(p, ".tar.gz") || strings.HasSuffix(p, ".tgz") {
		return fmt.Errorf("%s: %w", p, ErrBundle)
	}
	info, err := os.Stat(p)
	if err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	if info.IsDir() {
		return s.dir(p, "", 0)
	}
	return s.file(p, filepath.Base(p), info)
}

func (s *scanner) dir(root, rel string, depth int) error {
	name := filepath.Join(root, filepath.FromSlash(rel))
	if depth > maxDirDepth {
		return fmt.Errorf("%s: %w: more than %d directories deep", name, ErrTooLarge, maxDirDepth)
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
			err = s.file(full, child, info)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *scanner) file(name, rel string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("policy: %s is not a regular file", name)
	}
	if !s.first(name) {
		return nil
	}
	if len(s.stamps) == maxFiles {
		return fmt.Errorf("%w: more than %d files", ErrTooLarge, maxFiles)
	}
	s.stamps = append(s.stamps, stamp{name: name, rel: rel, mtime: info.ModTime(), size: info.Size()})
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

// read loads the scanned files.
func read(stamps []stamp) ([]file, error) {
	files := make([]file, 0, len(stamps))
	total := int64(0)
	for _, st := range stamps {
		if total += st.size; st.size > maxFileSize || total > maxTotalSize {
			return nil, fmt.Errorf("%s: %w: over %d bytes a file or %d in all", st.name, ErrTooLarge, maxFileSize, maxTotalSize)
		}
		b, err := os.ReadFile(st.name)
		if err != nil {
			return nil, fmt.Errorf("policy: %w", err)
		}
		files = append(files, file{name: st.name, rel: st.rel, src: string(b), sum: hexSHA256(b)})
	}
	// In this order equal sums mean equal lists, whatever the paths are.
	slices.SortFunc(files, func(a, b file) int {
		return cmp.Or(cmp.Compare(a.rel, b.rel), cmp.Compare(a.sum, b.sum), cmp.Compare(a.name, b.name))
	})
	return files, nil
}

// sum is the policy's hash, lower-case hex: of the bytes of a single file; of
// several files the SHA-256 over the sorted lines
//
//	path NUL sha256 LF
//
// where path is relative to the configured directory and slash-separated (the
// base name for a file that is configured itself), and sha256 is the lower-case
// hex hash of the file's bytes.
func sum(files []file) string {
	if len(files) == 1 {
		return files[0].sum
	}
	lines := make([]string, 0, len(files))
	for _, f := range files {
		lines = append(lines, f.rel+"\x00"+f.sum+"\n")
	}
	slices.Sort(lines)
	return hexSHA256([]byte(strings.Join(lines, "")))
}

func hexSHA256(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}
