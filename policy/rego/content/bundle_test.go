package content

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"strings"
	"testing"
)

// pack makes a bundle of paths and texts, in turn; not of names that no archive
// can have.
func pack(t testing.TB, files ...string) (raw []byte, ok bool) {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for i := 0; i < len(files); i += 2 {
		if err := w.WriteHeader(&tar.Header{Name: files[i], Mode: 0o644, Size: int64(len(files[i+1]))}); err != nil {
			return nil, false
		}
		if _, err := w.Write([]byte(files[i+1])); err != nil {
			return nil, false // a folder, by its name
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		return nil, false
	}
	return b.Bytes(), true
}

// Whatever is in a bundle, it is refused with an error of ours or read whole:
// each file once, under the bundle's name, with its hash.
func FuzzOpenBundle(f *testing.F) {
	f.Add("/p.rego", "package p\n", "/data.json", `{"a": 1}`, `{"revision": "1"}`, false)
	f.Add("/a/../p.rego", "package p\n", "p.rego", "x", `{"roots": ["p"]}`, false)
	f.Add("/x/data.yaml", "a: &a [*a]", "/.signatures.json", `{"signatures": ["a.b.c"]}`, "{", true)
	f.Add("/patch.json", "{}", "/policy.wasm", "\x00asm", `{"roots": [""], "revision": 7}`, false)
	f.Fuzz(func(t *testing.T, path1, text1, path2, text2, manifest string, cut bool) {
		raw, ok := pack(t, path1, text1, path2, text2, "/.manifest", manifest)
		if !ok {
			return
		}
		if cut {
			raw = raw[:len(raw)/2]
		}
		b, err := openBundle("b", raw, nil)
		if err != nil {
			if !errors.Is(err, ErrBundle) && !errors.Is(err, ErrSignature) {
				t.Errorf("an error of another kind: %v", err)
			}
			return
		}
		seen := map[string]bool{}
		for _, file := range b.Files {
			if seen[file.Name] || !strings.HasPrefix(file.Name, "b/") || file.Sum != HexSHA256([]byte(file.Src)) {
				t.Errorf("file %q", file.Name)
			}
			seen[file.Name] = true
		}
		if _, err := Merge(b.Documents); err != nil && len(b.Documents) < 2 {
			t.Errorf("one document conflicts with itself: %v", err)
		}
	})
}

// The order of revisions is one: opposite ways round it is the opposite.
func FuzzCompareRevisions(f *testing.F) {
	for _, s := range []string{"1", "007", "2026-11-24", "2026-11-24T10:00:00+02:00", "v1.2.3-rc.1", "1.2", "b2f4c1", ""} {
		f.Add(s, "v1.10.0")
		f.Add("10", s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		x, okX := compareRevisions(a, b)
		y, okY := compareRevisions(b, a)
		if okX != okY || okX && x != -y {
			t.Errorf("%q and %q: %d %v, the other way round %d %v", a, b, x, okX, y, okY)
		}
		if okX && !ordered(a) {
			t.Errorf("%q has an order with %q and none with itself", a, b)
		}
	})
}
