package audit

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// A line ends in its place in the chain. Inside a JSON string every quote is
// escaped, so the last seqKey of a line is the key itself.
const (
	seqKey  = `,"seq":`
	prevKey = `,"prev":"`
	lineEnd = `"}`
)

// maxLine bounds a line, its newline included, in bytes.
const maxLine = 1 << 20

// ErrChain is wrapped by every error of [Verify] that is about what the log
// holds.
var ErrChain = errors.New("audit log is not what was written")

// Head is where a log stands: the number of its last line and the SHA-256 of
// that line without its newline. The zero Head stands before the first line.
type Head struct {
	Seq  uint64
	Hash [32]byte
}

// Verify reads a log, or the part of one that follows from, and checks that
// every line is a JSON object with a newline at its end, that seq has no gap,
// and that each prev is the hash of the line before. It returns the head of the
// last good line. An error about the content wraps [ErrChain] and names the
// place.
func Verify(r io.Reader, from Head) (Head, error) {
	head := from
	in := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0:
			return head, nil
		case errors.Is(err, io.EOF):
			return head, fmt.Errorf("audit: after seq %d: torn last line: %w", head.Seq, ErrChain)
		case errors.Is(err, bufio.ErrBufferFull):
			return head, fmt.Errorf("audit: after seq %d: line is longer than %d bytes: %w", head.Seq, maxLine, ErrChain)
		case err != nil:
			return head, fmt.Errorf("audit: after seq %d: %w", head.Seq, err)
		}
		line = line[:len(line)-1]
		seq, prev, ok := place(line)
		switch {
		case !ok || !json.Valid(line):
			return head, fmt.Errorf("audit: after seq %d: not an audit line: %w", head.Seq, ErrChain)
		case seq != head.Seq+1:
			return head, fmt.Errorf("audit: after seq %d comes seq %d: %w", head.Seq, seq, ErrChain)
		case prev != head.Hash:
			return head, fmt.Errorf("audit: seq %d: prev is not the hash of the line before: %w", seq, ErrChain)
		}
		head = Head{Seq: seq, Hash: sha256.Sum256(line)}
	}
}

// place reads seq and prev off the end of a line without its newline.
func place(line []byte) (seq uint64, prev [32]byte, ok bool) {
	i := bytes.LastIndex(line, []byte(seqKey))
	if i < 0 || line[0] != '{' {
		return 0, prev, false
	}
	digits, rest, ok := bytes.Cut(line[i+len(seqKey):], []byte(prevKey))
	if !ok || len(digits) == 0 || digits[0] < '1' || digits[0] > '9' {
		return 0, prev, false
	}
	seq, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil {
		return 0, prev, false
	}
	sum, ok := bytes.CutSuffix(rest, []byte(lineEnd))
	if !ok || len(sum) != 2*len(prev) || bytes.ContainsAny(sum, "ABCDEF") {
		return 0, prev, false
	}
	if _, err := hex.Decode(prev[:], sum); err != nil {
		return 0, prev, false
	}
	return seq, prev, true
}
