package audit

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

var (
	// ErrNotWritten is wrapped by every error of [Log.Append] and
	// [Log.AppendRefusal]: the log does not hold the line.
	ErrNotWritten = errors.New("audit line was not written")
	// ErrLocked is wrapped by the error of [Open] for a log that another
	// process, or another Log of this one, is writing.
	ErrLocked = errors.New("audit log is already being written")
	// ErrNotLog is wrapped by the error of [Open] for a file whose end is not
	// that of an audit log. Such a file is left as it is.
	ErrNotLog = errors.New("not an audit log")
)

// Recorder takes records. It is what the gate needs of a [Log].
type Recorder interface {
	Append(r *Record) error
	AppendRefusal(r *Record) error
}

// Options are the choices for [Open].
type Options struct {
	Logger   *slog.Logger // for repairs and failures; nil discards
	FileMode os.FileMode  // of a file that Open creates; 0 means 0600. Directories get the matching search bits
}

// Log is a file of audit lines with one writer. It may be used by many
// goroutines.
type Log struct {
	path     string
	logger   *slog.Logger
	repaired int64
	refusals refusals

	mu     sync.Mutex
	file   file
	size   int64 // where the last whole line ends
	head   Head
	torn   bool // there may be bytes after size
	failed bool // the last write failed
	closed bool
}

// file is what a Log needs of an *os.File opened for appending.
type file interface {
	Write(p []byte) (int, error)
	Stat() (fs.FileInfo, error)
	Truncate(size int64) error
	Close() error
}

// Open opens the log at path for writing, or creates it together with the
// directories that it needs. It goes on after the last whole line. A torn last
// line, which a process leaves that died in the middle of a write, was never
// acknowledged: it is cut off, which the logger and [Log.Repaired] report.
//
// One Log at a time can have a file open: the error for a second one wraps
// [ErrLocked]. The error for a file that holds something else wraps [ErrNotLog].
func Open(path string, o Options) (*Log, error) {
	logger := o.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	mode := o.FileMode.Perm()
	if mode == 0 {
		mode = 0o600
	}
	search := (mode & 0o444) >> 2
	if err := os.MkdirAll(filepath.Dir(path), mode|search|0o700); err != nil {
		return nil, fmt.Errorf("audit: create the log's directory: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, mode)
	if err != nil {
		return nil, fmt.Errorf("audit: open the log: %w", err)
	}
	l := &Log{path: path, logger: logger, file: f}
	if err := l.takeOver(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return l, nil
}

// takeOver locks the file, finds its head and cuts off a torn last line.
func (l *Log) takeOver(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("audit: open the log: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("audit: %s: not a regular file: %w", l.path, ErrNotLog)
	}
	if err := lock(f); err != nil {
		return fmt.Errorf("audit: %s: %w", l.path, err)
	}
	// Only the holder of the lock may trust the size.
	if info, err = f.Stat(); err != nil {
		return fmt.Errorf("audit: open the log: %w", err)
	}
	if l.head, l.size, err = findHead(f, info.Size()); err != nil {
		return fmt.Errorf("audit: %s: %w", l.path, err)
	}
	if l.repaired = info.Size() - l.size; l.repaired == 0 {
		return nil
	}
	if err := f.Truncate(l.size); err != nil {
		return fmt.Errorf("audit: cut off a torn last line: %w", err)
	}
	l.logger.Warn("audit log had a torn last line, which was cut off",
		"path", l.path, "bytes", l.repaired, "last_seq", l.head.Seq)
	return nil
}

// Repaired returns how many bytes of a torn last line [Open] cut off, 0 for a
// log that was whole.
func (l *Log) Repaired() int64 { return l.repaired }

// line is a line on its way to the file.
type line struct {
	text []byte
	hash hash.Hash
	sum  []byte
}

var lines = sync.Pool{New: func() any { return &line{hash: sha256.New()} }}

// Append writes one line and returns once write(2) has taken all of it. A
// record without a time gets the present one. Every error wraps
// [ErrNotWritten]; the file is then as if Append had not been called, and a
// later Append tries anew.
func (l *Log) Append(r *Record) error {
	if r.Time.IsZero() {
		c := *r
		c.Time = time.Now()
		r = &c
	}
	n := lines.Get().(*line)
	defer lines.Put(n)
	n.text = r.appendBody(n.text[:0])
	n.hash.Reset()
	n.hash.Write(n.text)
	if err := l.write(n); err != nil {
		return fmt.Errorf("audit: %s: %w: %w", l.path, ErrNotWritten, err)
	}
	return nil
}

// write completes the line and writes it. What does not depend on the line
// before is done by then, so the lock is held for little more than write(2).
func (l *Log) write(n *line) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fs.ErrClosed
	}
	body := len(n.text)
	n.text = appendTail(n.text, l.head.Seq+1, l.head.Hash)
	if len(n.text) > maxLine {
		return fmt.Errorf("line is longer than %d bytes", maxLine)
	}
	n.hash.Write(n.text[body : len(n.text)-1])
	n.sum = n.hash.Sum(n.sum[:0])

	if err := l.writeWhole(n.text); err != nil {
		if !l.failed {
			l.failed = true
			l.logger.Error("audit log cannot be written", "path", l.path, "error", err)
		}
		return err
	}
	if l.failed {
		l.failed = false
		l.logger.Warn("audit log can be written again", "path", l.path)
	}
	l.size += int64(len(n.text))
	l.head = Head{Seq: l.head.Seq + 1, Hash: [32]byte(n.sum)}
	return nil
}

// writeWhole leaves all of the line in the file or, where the file system lets
// it, nothing of it. What it could not take back the next call does first.
func (l *Log) writeWhole(line []byte) error {
	if err := l.cutTorn(); err != nil {
		return err
	}
	n, err := l.file.Write(line)
	if err == nil && n == len(line) {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("short write: %d of %d bytes", n, len(line))
	}
	l.torn = true
	return errors.Join(err, l.cutTorn())
}

func (l *Log) cutTorn() error {
	if !l.torn {
		return nil
	}
	info, err := l.file.Stat()
	if err != nil {
		return err
	}
	// Truncating would lengthen the file with zeros.
	if info.Size() < l.size {
		return errors.New("another process has shortened the file")
	}
	if err := l.file.Truncate(l.size); err != nil {
		return err
	}
	l.torn = false
	return nil
}

// Close writes the counts of refusals that are still held, closes the file and
// gives up the lock. Closing twice is harmless.
func (l *Log) Close() error {
	held := l.closeRefusals()

	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	return errors.Join(held, l.cutTorn(), l.file.Close())
}

var (
	_ Recorder = (*Log)(nil)
	_ file     = (*os.File)(nil)
)
