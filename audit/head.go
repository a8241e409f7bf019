package audit

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// findHead reads the end of a log of the given size. It returns the head of the
// last whole line and where that line ends; what follows there is a torn line.
func findHead(f io.ReaderAt, size int64) (head Head, end int64, err error) {
	// Room for the last whole line and for a torn one after it.
	start := max(0, size-2*maxLine)
	buf := make([]byte, size-start)
	if _, err := f.ReadAt(buf, start); err != nil && !errors.Is(err, io.EOF) {
		return head, 0, err
	}

	last := bytes.LastIndexByte(buf, '\n')
	if torn := buf[last+1:]; len(torn) > 0 && !mayBeTorn(torn) {
		return head, 0, fmt.Errorf("the file ends in something that no audit log was writing; choose another file, or move this one away: %w", ErrNotLog)
	}
	if last < 0 {
		return head, 0, nil
	}
	first := bytes.LastIndexByte(buf[:last], '\n') + 1
	line := buf[first:last]
	seq, _, ok := place(line)
	if !ok || (first == 0 && start > 0) {
		return head, 0, fmt.Errorf("the last line is no audit line; choose another file, or move this one away: %w", ErrNotLog)
	}
	return Head{Seq: seq, Hash: sha256.Sum256(line)}, start + int64(last) + 1, nil
}

// mayBeTorn tells whether bytes without a newline can be the beginning of a
// line, or the zeros that some file systems leave where a write was lost.
func mayBeTorn(b []byte) bool {
	const begin = `{"ts":"`
	n := min(len(b), len(begin))
	return len(b) < maxLine && (b[0] == 0 || string(b[:n]) == begin[:n])
}
