//go:build linux

package audit

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"testing"

	"golang.org/x/sys/unix"
)

// The test binary runs itself as the process that dies: childEnv names the part
// that it plays, pathEnv the log that it writes.
const (
	childEnv = "HEADGATE_AUDIT_TEST_CHILD"
	pathEnv  = "HEADGATE_AUDIT_TEST_LOG"
)

func TestMain(m *testing.M) {
	var err error
	switch part := os.Getenv(childEnv); part {
	case "":
		os.Exit(m.Run())
	case "endless":
		err = writeEndlessly(os.Getenv(pathEnv))
	case "limited":
		err = writeUnderALimit(os.Getenv(pathEnv))
	default:
		err = fmt.Errorf("unknown part %q", part)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func child(t *testing.T, part, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+part, pathEnv+"="+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// writeEndlessly appends from many goroutines and prints the id of each line
// after it was acknowledged.
func writeEndlessly(path string) error {
	l, err := Open(path, Options{})
	if err != nil {
		return err
	}
	failed := make(chan error)
	for g := range 16 {
		go func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d.%d.%d", os.Getpid(), g, i)
				r := full()
				r.ID = id
				if err := l.Append(r); err != nil {
					failed <- err
				}
				// One write(2) of one line: what the parent reads is whole.
				if _, err := os.Stdout.WriteString(id + "\n"); err != nil {
					failed <- err
				}
			}
		}()
	}
	return <-failed
}

func TestKillLosesNoAcknowledgedLine(t *testing.T) {
	path := logPath(t)
	var acknowledged []string
	for range 5 {
		cmd := child(t, "endless", path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		enough := len(acknowledged) + 500
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			acknowledged = append(acknowledged, lines.Text())
			if len(acknowledged) == enough {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil || len(acknowledged) < enough {
			t.Fatalf("the child ended by itself: %v", err)
		}

		l := open(t, path, Options{})
		mustAppend(t, l, "after the crash")
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}

	verified(t, path)
	written := ids(t, path)
	for _, id := range acknowledged {
		if written[id] != 1 {
			t.Errorf("acknowledged line %s is there %d times", id, written[id])
		}
	}
	t.Logf("%d lines acknowledged, %d in the log", len(acknowledged), len(written))
}

// writeUnderALimit lets the kernel run out of room: with a limit on the size of
// files the last write is a short one.
func writeUnderALimit(path string) error {
	signal.Ignore(unix.SIGXFSZ)
	l, err := Open(path, Options{})
	if err != nil {
		return err
	}
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &was); err != nil {
		return err
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 10_000, Max: was.Max}); err != nil {
		return err
	}
	for range 100 {
		if err = l.Append(full()); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrNotWritten) || !errors.Is(err, unix.EFBIG) {
		return fmt.Errorf("want a failure for want of room, got %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() != l.size || info.Size() == 0 {
		return fmt.Errorf("the file has %d bytes, whole lines end at %d", info.Size(), l.size)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &was); err != nil {
		return err
	}
	if err := l.Append(decision("room again")); err != nil {
		return err
	}
	return l.Close()
}

func TestAShortWriteOfTheKernel(t *testing.T) {
	path := logPath(t)
	if err := child(t, "limited", path).Run(); err != nil {
		t.Fatal(err)
	}
	verified(t, path)
	if ids(t, path)["room again"] != 1 {
		t.Error("the line after the recovery is missing")
	}
	if l := open(t, path, Options{}); l.Repaired() != 0 {
		t.Errorf("%d torn bytes were left", l.Repaired())
	}
}
