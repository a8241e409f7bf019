package rego

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
)

// content is everything that a policy is made of.
type content struct {
	files     []file
	documents []dataFile
	notes     []string // what a bundle holds and the gate does not use
}

// add joins what another origin holds.
func (c *content) add(o content) {
	c.files = append(c.files, o.files...)
	c.documents = append(c.documents, o.documents...)
	c.notes = append(c.notes, o.notes...)
}

// sort brings the files into the order in which equal sums mean equal lists,
// whatever the paths are.
func (c *content) sort() {
	slices.SortFunc(c.files, func(a, b file) int {
		return cmp.Or(cmp.Compare(a.rel, b.rel), cmp.Compare(a.sum, b.sum), cmp.Compare(a.name, b.name))
	})
	slices.SortFunc(c.documents, func(a, b dataFile) int {
		return cmp.Or(cmp.Compare(a.rel, b.rel), cmp.Compare(a.sum, b.sum), cmp.Compare(a.name, b.name))
	})
}

// sum is the policy's hash, lower-case hex: of the bytes of a single file; of
// several files the SHA-256 over the sorted lines
//
//	path NUL sha256 LF
//
// where path is relative to the configured directory or the bundle's root and
// slash-separated (the base name for a file that is configured itself), and
// sha256 is the lower-case hex hash of the file's bytes. Data documents are
// files too. Of nothing it is "".
func (c *content) sum() string {
	switch {
	case len(c.files) == 0 && len(c.documents) == 0:
		return ""
	case len(c.files) == 1 && len(c.documents) == 0:
		return c.files[0].sum
	}
	lines := make([]string, 0, len(c.files)+len(c.documents))
	for _, f := range c.files {
		lines = append(lines, f.rel+"\x00"+f.sum+"\n")
	}
	for _, d := range c.documents {
		lines = append(lines, d.rel+"\x00"+d.sum+"\n")
	}
	slices.Sort(lines)
	return hexSHA256([]byte(strings.Join(lines, "")))
}

func hexSHA256(b []byte) string {
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
func (b *budget) readFile(st stamp) ([]byte, error) {
	if err := b.take(st.name, st.size); err != nil {
		return nil, err
	}
	src, err := os.ReadFile(st.name)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return src, nil
}

// readAll loads the scanned policy files and data documents.
func readAll(stamps []stamp) (content, error) {
	var c content
	var b budget
	for _, st := range stamps {
		if st.kind == kindBundle {
			continue
		}
		src, err := b.readFile(st)
		if err != nil {
			return content{}, err
		}
		if st.kind == kindRego {
			c.files = append(c.files, file{name: st.name, rel: st.rel, src: string(src), sum: hexSHA256(src)})
			continue
		}
		d, err := parseDocument(st.name, st.rel, src)
		if err != nil {
			return content{}, err
		}
		c.documents = append(c.documents, d)
	}
	c.sort()
	return c, nil
}
