package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
)

// diskFull writes to the file below it until room is used up.
type diskFull struct {
	file
	room        int
	noTruncate  bool
	silentShort bool // report a short write without an error
}

func (d *diskFull) Write(p []byte) (int, error) {
	if len(p) <= d.room {
		d.room -= len(p)
		return d.file.Write(p)
	}
	n, err := d.file.Write(p[:d.room])
	d.room = 0
	if err == nil && !d.silentShort {
		err = &fs.PathError{Op: "write", Path: "audit.jsonl", Err: syscall.ENOSPC}
	}
	return n, err
}

func (d *diskFull) Truncate(size int64) error {
	if d.noTruncate {
		return &fs.PathError{Op: "truncate", Path: "audit.jsonl", Err: syscall.EIO}
	}
	return d.file.Truncate(size)
}

func TestAFullDiskNeverLeavesATornLine(t *testing.T) {
	for _, silent := range []bool{false, true} {
		for _, room := range []int{0, 1, 100, 300} {
			t.Run(fmt.Sprintf("silent %v, room %d", silent, room), func(t *testing.T) {
				path := logPath(t)
				var logged bytes.Buffer
				l := open(t, path, Options{Logger: slog.New(slog.NewTextHandler(&logged, nil))})
				mustAppend(t, l, "a")
				disk := &diskFull{file: l.file, room: room, silentShort: silent}
				l.file = disk

				// Each line has more than 200 bytes, so that 300 hold one.
				written := 1 + room/300
				var last error
				for range 4 {
					last = l.Append(decision("b"))
				}
				if !errors.Is(last, ErrNotWritten) || errors.Is(last, syscall.ENOSPC) == silent {
					t.Fatalf("got %v", last)
				}
				if head := verified(t, path); head.Seq != uint64(written) {
					t.Errorf("seq %d while full, want %d", head.Seq, written)
				}

				disk.room = 1 << 20
				mustAppend(t, l, "c", "d")
				if head := verified(t, path); head.Seq != uint64(written)+2 {
					t.Errorf("seq %d after, want %d", head.Seq, written+2)
				}
				if n := strings.Count(logged.String(), "cannot be written"); n != 1 {
					t.Errorf("the failure was logged %d times:\n%s", n, logged.String())
				}
				if n := strings.Count(logged.String(), "can be written again"); n != 1 {
					t.Errorf("the recovery was logged %d times:\n%s", n, logged.String())
				}
			})
		}
	}
}

func TestATornLineThatCannotBeCutBlocksTheNext(t *testing.T) {
	path := logPath(t)
	l := open(t, path, Options{})
	mustAppend(t, l, "a")
	disk := &diskFull{file: l.file, room: 50, noTruncate: true}
	l.file = disk
	if err := l.Append(decision("b")); !errors.Is(err, ErrNotWritten) {
		t.Fatalf("got %v", err)
	}
	disk.room = 1 << 20
	if err := l.Append(decision("c")); !errors.Is(err, ErrNotWritten) || !errors.Is(err, syscall.EIO) {
		t.Fatalf("wrote after a torn line: %v", err)
	}
	disk.noTruncate = false
	mustAppend(t, l, "d")
	if head := verified(t, path); head.Seq != 2 {
		t.Errorf("seq %d, want 2", head.Seq)
	}
}

func TestAShortenedFileIsNotLengthenedWithZeros(t *testing.T) {
	path := logPath(t)
	l := open(t, path, Options{})
	mustAppend(t, l, "a", "b")
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	l.file = &diskFull{file: l.file}
	if err := l.Append(decision("c")); !errors.Is(err, ErrNotWritten) {
		t.Fatalf("got %v", err)
	}
	if got := contents(t, path); got != "" {
		t.Errorf("the file holds %q", got)
	}
}
