package allowlist

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Save writes a document to a file, as [Document.Encode] does. What [Parse]
// would refuse is not written; whether its Rego compiles is not looked at. The
// file is written beside the old one and renamed, so that there is never half a
// file: it keeps its permissions (0600 for a new one), a symbolic link stays and
// its target is replaced. A file that is mounted by itself cannot be replaced so,
// mount its directory. rego_wasm_base64 is not written: it would be of another
// Rego.
func Save(path string, d Document) error {
	src, err := d.Encode()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if _, err := Parse(path, src); err != nil {
		return err
	}
	f, err := stage(path, src)
	if err != nil {
		return err
	}
	defer f.discard()
	if err := f.rename(); err != nil {
		return err
	}
	return f.syncDir()
}

// staged is a file that is written and not yet in its place.
type staged struct {
	name, target string
	info         os.FileInfo // as it will be in its place
}

// stage writes a file beside the one of a path.
func stage(path string, src []byte) (*staged, error) {
	target, mode, err := place(path)
	if err != nil {
		return nil, fmt.Errorf("save the allowlist: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*")
	if err != nil {
		return nil, fmt.Errorf("save the allowlist: %w", err)
	}
	s := &staged{name: f.Name(), target: target}
	_, err = f.Write(src)
	err = errors.Join(err, f.Chmod(mode), f.Sync())
	info, statErr := f.Stat()
	s.info = info
	if err = errors.Join(err, statErr, f.Close()); err == nil {
		err = s.check(src)
	}
	if err != nil {
		s.discard()
		return nil, fmt.Errorf("save the allowlist: %w", err)
	}
	return s, nil
}

// place finds the file that a path names, and its permissions.
func place(path string) (string, fs.FileMode, error) {
	target, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, 0o600, nil
	}
	if err != nil {
		return "", 0, err
	}
	info, err := os.Stat(target)
	if err != nil {
		return "", 0, err
	}
	if !info.Mode().IsRegular() {
		return "", 0, fmt.Errorf("%s is not a regular file", target)
	}
	return target, info.Mode().Perm(), nil
}

// check reads what was written.
func (s *staged) check(src []byte) error {
	got, err := os.ReadFile(s.name)
	if err == nil && !bytes.Equal(got, src) {
		err = fmt.Errorf("%s does not read as it was written", s.name)
	}
	return err
}

// rename puts the file into its place.
func (s *staged) rename() error {
	if err := os.Rename(s.name, s.target); err != nil {
		return fmt.Errorf("save the allowlist: %w", err)
	}
	return nil
}

// syncDir makes the rename last.
func (s *staged) syncDir() error {
	d, err := os.Open(filepath.Dir(s.target))
	if err == nil {
		err = errors.Join(d.Sync(), d.Close())
	}
	if err != nil {
		return fmt.Errorf("save the allowlist: %w", err)
	}
	return nil
}

// discard takes the file away where it was not renamed.
func (s *staged) discard() { _ = os.Remove(s.name) }
