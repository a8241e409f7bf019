// Package binding remembers which caller made the things that an upstream
// keeps: responses, conversations, files, batches, sessions. Behind one
// upstream credential every caller could otherwise read and continue what
// another one left there.
//
// It is a leaf: it knows ids and owners, and nothing of requests.
package binding

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// ErrNotStore is wrapped by the error of [Open] for a file that holds
// something else. Such a file is left as it is.
var ErrNotStore = errors.New("not a file of bindings")

// DefaultMax is how many bindings are remembered, where nothing else is said:
// about 100 MB of memory when all are in use, 40 MB on disk.
const DefaultMax = 1 << 20

// Owner is who made a thing; see [OwnerOf].
type Owner [16]byte

// OwnerOf names a caller: the first 128 bits of a SHA-256 over its parts, each
// behind its length.
func OwnerOf(parts ...string) Owner { return Owner(digest(parts...)) }

type key [16]byte

// digest hashes texts, each behind its length as 8 bytes, so that no two lists
// have one digest.
func digest(parts ...string) [16]byte {
	h := sha256.New()
	var n [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return [16]byte(h.Sum(nil))
}

// magic begins a file. A record follows another without a gap: 16 bytes of the
// thing, 16 of its owner, and the CRC-32 (IEEE) of both, big-endian.
var magic = []byte("headgate bindings 1\n")

const recordSize = 16 + 16 + 4

// Store is a file of bindings. The newest are in memory, so that a lookup
// reads no disk; a binding is in the file before [Store.Bind] returns, though
// not yet flushed to the disk. Several processes may use one file: what one of
// them adds is seen by the others. A Store may be used by many goroutines.
type Store struct {
	path string
	max  int

	mu    sync.Mutex
	file  *os.File
	read  int64 // bytes of the file that are in memory
	owner map[key]Owner
	order []key // in the order of binding; those before first are forgotten
	first int
}

// Open opens a file of bindings, which is made where there is none. max bounds
// how many are remembered, [DefaultMax] where it is 0; of a longer file the
// newest are, and the file is written anew without the rest.
func Open(path string, limit int) (*Store, error) {
	if limit <= 0 {
		limit = DefaultMax
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("bindings: %w", err)
	}
	s := &Store{path: path, max: limit, owner: map[key]Owner{}}
	if err := s.open(); err != nil {
		return nil, err
	}
	if (s.read-int64(len(magic)))/recordSize > 4*int64(limit) {
		if err := s.compact(); err != nil {
			s.file.Close()
			return nil, err
		}
	}
	return s, nil
}

// open opens the file and reads what is in it.
func (s *Store) open() error {
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("bindings: %w", err)
	}
	s.file, s.read = f, 0
	head := make([]byte, len(magic))
	n, err := f.ReadAt(head, 0)
	switch {
	case n == 0 && errors.Is(err, io.EOF):
		_, err = f.Write(magic)
	case !bytes.Equal(head[:n], magic):
		err = ErrNotStore
	default:
		err = nil
	}
	if err == nil {
		s.read = int64(len(magic))
		err = s.catchUp()
	}
	if err != nil {
		f.Close()
		return fmt.Errorf("bindings: %s: %w", s.path, err)
	}
	return nil
}

// catchUp reads what was added to the file. A record that is broken, because a
// process died while it wrote, is passed over byte by byte.
func (s *Store) catchUp() error {
	rest, err := io.ReadAll(io.NewSectionReader(s.file, s.read, 1<<62))
	if err != nil {
		return err
	}
	for len(rest) >= recordSize {
		step := 1
		if k, o, ok := decode(rest[:recordSize]); ok {
			s.remember(k, o)
			step = recordSize
		}
		rest, s.read = rest[step:], s.read+int64(step)
	}
	return nil
}

func encode(k key, o Owner) []byte {
	b := append(append(make([]byte, 0, recordSize), k[:]...), o[:]...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

func decode(b []byte) (k key, o Owner, ok bool) {
	ok = crc32.ChecksumIEEE(b[:32]) == binary.BigEndian.Uint32(b[32:])
	return key(b[:16]), Owner(b[16:32]), ok
}

// remember notes a binding in memory. The first one of a thing stays.
func (s *Store) remember(k key, o Owner) {
	if _, known := s.owner[k]; known {
		return
	}
	s.owner[k] = o
	s.order = append(s.order, k)
	for ; len(s.order)-s.first > s.max; s.first++ {
		delete(s.owner, s.order[s.first])
	}
	if s.first > s.max { // what is forgotten is half of the list
		s.order = append([]key(nil), s.order[s.first:]...)
		s.first = 0
	}
}

// Bind notes that a thing of some kind belongs to owner. A thing that is bound
// stays with its first owner, which is no error.
func (s *Store) Bind(kind, id string, owner Owner) error {
	k := key(digest(kind, id))
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.owner[k]; known {
		return nil
	}
	if _, err := s.file.Write(encode(k, owner)); err != nil {
		return fmt.Errorf("bindings: %w", err)
	}
	s.remember(k, owner)
	return nil
}

// Owner tells whose a thing is; false where that is not known.
func (s *Store) Owner(kind, id string) (Owner, bool, error) {
	k := key(digest(kind, id))
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, known := s.owner[k]; known {
		return o, true, nil
	}
	if err := s.refresh(); err != nil {
		return Owner{}, false, fmt.Errorf("bindings: %w", err)
	}
	o, known := s.owner[k]
	return o, known, nil
}

// refresh reads what others have added. Where the file was written anew, it is
// opened again.
func (s *Store) refresh() error {
	mine, err := s.file.Stat()
	if err != nil {
		return err
	}
	if now, err := os.Stat(s.path); err != nil || !os.SameFile(mine, now) {
		s.file.Close()
		return s.open()
	}
	if mine.Size() <= s.read {
		return nil
	}
	return s.catchUp()
}

// compact writes the file anew, with what is remembered.
func (s *Store) compact() error {
	tmp, err := os.CreateTemp(filepath.Dir(s.path), filepath.Base(s.path)+".*")
	if err != nil {
		return fmt.Errorf("bindings: %w", err)
	}
	defer os.Remove(tmp.Name()) // gone where all went well
	b := bytes.Clone(magic)
	for _, k := range s.order[s.first:] {
		b = append(b, encode(k, s.owner[k])...)
	}
	_, err = tmp.Write(b)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), s.path)
	}
	if err != nil {
		return fmt.Errorf("bindings: %w", err)
	}
	s.file.Close()
	return s.open()
}

// Close closes the file.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.file.Close()
}
