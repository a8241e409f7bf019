package content

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Content is everything that a policy is made of.
type Content struct {
	Files     []File
	Documents []Document
	Notes     []string // what a bundle holds and the gate does not use
}

// Add joins what another origin holds.
func (c *Content) Add(o Content) {
	c.Files = append(c.Files, o.Files...)
	c.Documents = append(c.Documents, o.Documents...)
	c.Notes = append(c.Notes, o.Notes...)
}

// Sort brings the files into the order in which equal sums mean equal lists,
// whatever the paths are.
func (c *Content) Sort() {
	slices.SortFunc(c.Files, func(a, b File) int {
		return cmp.Or(cmp.Compare(a.Rel, b.Rel), cmp.Compare(a.Sum, b.Sum), cmp.Compare(a.Name, b.Name))
	})
	slices.SortFunc(c.Documents, func(a, b Document) int {
		return cmp.Or(cmp.Compare(a.Rel, b.Rel), cmp.Compare(a.Sum, b.Sum), cmp.Compare(a.Name, b.Name))
	})
}

// Sum is the policy's hash, lower-case hex: of the bytes of a single file; of
// several files the SHA-256 over the sorted lines
//
//	path NUL sha256 LF
//
// where path is relative to the configured directory or the bundle's root and
// slash-separated (the base name for a file that is configured itself), and
// sha256 is the lower-case hex hash of the file's bytes. Data documents are
// files too. Of nothing it is "".
func (c *Content) Sum() string {
	switch {
	case len(c.Files) == 0 && len(c.Documents) == 0:
		return ""
	case len(c.Files) == 1 && len(c.Documents) == 0:
		return c.Files[0].Sum
	}
	lines := make([]string, 0, len(c.Files)+len(c.Documents))
	for _, f := range c.Files {
		lines = append(lines, f.Rel+"\x00"+f.Sum+"\n")
	}
	for _, d := range c.Documents {
		lines = append(lines, d.Rel+"\x00"+d.Sum+"\n")
	}
	slices.Sort(lines)
	return HexSHA256([]byte(strings.Join(lines, "")))
}

// HexSHA256 is the lower-case hex SHA-256 of b.
func HexSHA256(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// budget counts the bytes of one load.
type budget struct{ used int64 }

func (b *budget) take(name string, size int64) error {
	if b.used += size; size > maxFileSize || b.used > maxTotalSize {
		return fmt.Errorf("%s: %w: over %d bytes a file or %d in all", name, ErrTooLarge, maxFileSize, maxTotalSize)
	}
	return nil
}

// readFile reads a scanned file that is no bundle.
func (b *budget) readFile(st Stamp) ([]byte, error) {
	if err := b.take(st.Name, st.size); err != nil {
		return nil, err
	}
	src, err := os.ReadFile(st.Name)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return src, nil
}

// Read loads the scanned policy files and data documents; bundles are for
// [LoadBundle].
func Read(stamps []Stamp) (Content, error) {
	var c Content
	var b budget
	for _, st := range stamps {
		if st.kind == kindBundle {
			continue
		}
		src, err := b.readFile(st)
		if err != nil {
			return Content{}, err
		}
		if st.kind == kindRego {
			c.Files = append(c.Files, File{Name: st.Name, Rel: st.Rel, Src: string(src), Sum: HexSHA256(src)})
			continue
		}
		d, err := parseDocument(st.Name, st.Rel, src)
		if err != nil {
			return Content{}, err
		}
		c.Documents = append(c.Documents, d)
	}
	c.Sort()
	return c, nil
}
