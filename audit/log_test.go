package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func open(t testing.TB, path string, o Options) *Log {
	t.Helper()
	l, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func logPath(t testing.TB) string { return filepath.Join(t.TempDir(), "audit.jsonl") }

func decision(id string) *Record {
	return &Record{Stage: "pre_chat", Decision: "allow", ID: id, Mode: ModeEnforce}
}

func mustAppend(t testing.TB, l *Log, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := l.Append(decision(id)); err != nil {
			t.Fatal(err)
		}
	}
}

// verified checks the chain of a file and returns its head.
func verified(t testing.TB, path string) Head {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	head, err := Verify(f, Head{})
	if err != nil {
		t.Fatal(err)
	}
	return head
}

func contents(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// ids counts the ids in a log.
func ids(t testing.TB, path string) map[string]int {
	t.Helper()
	times := make(map[string]int)
	for line := range strings.Lines(contents(t, path)) {
		var l struct{ ID string }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		times[l.ID]++
	}
	return times
}

func TestOpenCreatesWhatIsNeeded(t *testing.T) {
	tests := []struct{ mode, wantFile, wantDir os.FileMode }{
		{0, 0o600, 0o700},
		{0o640, 0o640, 0o750},
	}
	for _, tt := range tests {
		path := filepath.Join(t.TempDir(), "var", "log", "audit.jsonl")
		l := open(t, path, Options{FileMode: tt.mode})
		mustAppend(t, l, "a")
		for p, want := range map[string]os.FileMode{path: tt.wantFile, filepath.Dir(path): tt.wantDir} {
			info, err := os.Stat(p)
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Mode().Perm(); got != want {
				t.Errorf("%s has mode %o, want %o", p, got, want)
			}
		}
	}
}

func TestReopeningContinuesTheChain(t *testing.T) {
	path := logPath(t)
	for i := range 4 {
		l := open(t, path, Options{})
		mustAppend(t, l, fmt.Sprint(i), "x")
		if l.Repaired() != 0 {
			t.Errorf("a whole log was repaired by %d bytes", l.Repaired())
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if head := verified(t, path); head.Seq != 8 {
		t.Errorf("seq %d, want 8", head.Seq)
	}
}

func TestConcurrentLinesAreOneChain(t *testing.T) {
	const goroutines, each = 64, 50
	path := logPath(t)
	l := open(t, path, Options{})
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range each {
				if err := l.Append(decision(fmt.Sprintf("%d/%d", g, i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if head := verified(t, path); head.Seq != goroutines*each {
		t.Errorf("seq %d, want %d", head.Seq, goroutines*each)
	}
	times := ids(t, path)
	for g := range goroutines {
		for i := range each {
			if id := fmt.Sprintf("%d/%d", g, i); times[id] != 1 {
				t.Errorf("%s is there %d times", id, times[id])
			}
		}
	}
}

func TestASecondWriterIsRefused(t *testing.T) {
	path := logPath(t)
	first := open(t, path, Options{})
	_, err := Open(path, Options{})
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), path) {
		t.Fatalf("got %v, want ErrLocked with the path", err)
	}
	mustAppend(t, first, "a")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, open(t, path, Options{}), "b")
	if head := verified(t, path); head.Seq != 2 {
		t.Errorf("seq %d, want 2", head.Seq)
	}
}

func TestTornTailIsRepaired(t *testing.T) {
	next := decision("torn").AppendJSON(nil, 3, noHash)
	tails := map[string][]byte{
		"one byte":                next[:1],
		"the start of a line":     next[:5],
		"all but the newline":     next[:len(next)-1],
		"zeros of a lost write":   make([]byte, 4096),
		"a start and zeros after": append(next[:40:40], make([]byte, 100)...),
	}
	for name, tail := range tails {
		for _, whole := range []int{0, 1, 2} {
			t.Run(fmt.Sprintf("%s after %d lines", name, whole), func(t *testing.T) {
				path := logPath(t)
				l := open(t, path, Options{})
				mustAppend(t, l, []string{"a", "b"}[:whole]...)
				l.Close()
				before := contents(t, path)
				if err := os.WriteFile(path, append([]byte(before), tail...), 0o600); err != nil {
					t.Fatal(err)
				}

				var logged bytes.Buffer
				l = open(t, path, Options{Logger: slog.New(slog.NewTextHandler(&logged, nil))})
				if l.Repaired() != int64(len(tail)) {
					t.Errorf("Repaired() = %d, want %d", l.Repaired(), len(tail))
				}
				if !strings.Contains(logged.String(), "torn last line") || !strings.Contains(logged.String(), path) {
					t.Errorf("the repair was logged as %q", logged.String())
				}
				if got := contents(t, path); got != before {
					t.Errorf("the whole lines changed:\n%q\n%q", before, got)
				}
				mustAppend(t, l, "c")
				if head := verified(t, path); head.Seq != uint64(whole)+1 {
					t.Errorf("seq %d, want %d", head.Seq, whole+1)
				}
			})
		}
	}
}

// A mistyped path must not cost anyone a file.
func TestForeignFilesAreLeftAlone(t *testing.T) {
	line := string(decision("a").AppendJSON(nil, 1, noHash))
	files := map[string]string{
		"text without newline":       "hello",
		"text":                       "root:x:0:0\n",
		"another program's lines":    `{"level":"info"}` + "\n",
		"a log with text at its end": line + "oops",
		"a blank line at the end":    line + "\n",
		"seq from zero":              strings.Replace(line, `"seq":1`, `"seq":0`, 1),
		"seq too large":              strings.Replace(line, `"seq":1`, `"seq":18446744073709551616`, 1),
		"prev too short":             strings.Replace(line, `00"}`, `"}`, 1),
		"prev in capitals":           strings.Replace(line, `00"}`, `AA"}`, 1),
		"prev not hex":               strings.Replace(line, `00"}`, `zz"}`, 1),
		"an endless torn line":       line + `{"ts":"` + strings.Repeat("x", maxLine),
		"an endless line":            `{"ts":"` + strings.Repeat("{", 3*maxLine) + line,
	}
	for name, text := range files {
		t.Run(name, func(t *testing.T) {
			path := logPath(t)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Open(path, Options{})
			if !errors.Is(err, ErrNotLog) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want ErrNotLog with the path", err)
			}
			if contents(t, path) != text {
				t.Error("the file was changed")
			}
		})
	}
	if _, err := Open(os.DevNull, Options{}); !errors.Is(err, ErrNotLog) {
		t.Errorf("a device: got %v, want ErrNotLog", err)
	}
	if _, err := Open(t.TempDir(), Options{}); err == nil {
		t.Error("a directory was opened as a log")
	}
}

func TestALineBeyondTheLimitIsRefused(t *testing.T) {
	path := logPath(t)
	l := open(t, path, Options{})
	r := decision("a")
	for range 2000 {
		r.Principal.Roles = append(r.Principal.Roles, strings.Repeat("r", 1024))
	}
	if err := l.Append(r); !errors.Is(err, ErrNotWritten) {
		t.Fatalf("got %v", err)
	}
	mustAppend(t, l, "b")
	if head := verified(t, path); head.Seq != 1 {
		t.Errorf("seq %d, want 1", head.Seq)
	}
}

func TestAClosedLogTakesNothing(t *testing.T) {
	path := logPath(t)
	l := open(t, path, Options{})
	mustAppend(t, l, "a")
	for range 2 {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, write := range map[string]func(*Record) error{"Append": l.Append, "AppendRefusal": l.AppendRefusal} {
		err := write(decision("b"))
		if !errors.Is(err, ErrNotWritten) || !errors.Is(err, fs.ErrClosed) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if head := verified(t, path); head.Seq != 1 {
		t.Errorf("seq %d, want 1", head.Seq)
	}
}

func TestARecordWithoutATimeGetsOne(t *testing.T) {
	path := logPath(t)
	r := decision("a")
	if err := open(t, path, Options{}).Append(r); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, path); strings.HasPrefix(got, `{"ts":"0001`) {
		t.Errorf("got %s", got)
	}
	if !r.Time.IsZero() {
		t.Error("the caller's record was changed")
	}
}

func BenchmarkAppend(b *testing.B) {
	l := open(b, logPath(b), Options{})
	r := full()
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Append(r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAppendParallel is 64 concurrent requests for each core.
func BenchmarkAppendParallel(b *testing.B) {
	l := open(b, logPath(b), Options{})
	r := full()
	b.ReportAllocs()
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := l.Append(r); err != nil {
				b.Error(err)
			}
		}
	})
}
