package caddymodule

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/headgate/headgate/audit"
)

func newAuditLogs() *auditLogs {
	return &auditLogs{logger: slog.New(slog.DiscardHandler), byPath: map[string]*lateLog{}}
}

func lines(t *testing.T, path string) int {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(b), "\n")
}

// Caddy starts its apps in no order: a request can come before the headgate
// app has started, and its line opens the log.
func TestALogIsOpenedByItsFirstLine(t *testing.T) {
	for name, write := range map[string]func(*lateLog) error{
		"a line":    func(l *lateLog) error { return l.Append(&audit.Record{Stage: "pre_chat"}) },
		"a refusal": func(l *lateLog) error { return l.AppendRefusal(&audit.Record{Stage: "request"}) },
	} {
		t.Run(name, func(t *testing.T) {
			logs := newAuditLogs()
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			log, err := logs.use(path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
				t.Fatalf("the log is there before it is needed: %v", err)
			}
			if err := write(log); err != nil {
				t.Fatal(err)
			}
			if err := logs.open(); err != nil { // the start, after the first line
				t.Fatal(err)
			}
			if err := write(log); err != nil {
				t.Fatal(err)
			}
			if err := logs.close(); err != nil {
				t.Fatal(err)
			}
			if n := lines(t, path); n < 2 {
				t.Errorf("%d lines", n)
			}
		})
	}
}

// Lines that come at the same time, and a second site, open one log once.
func TestALogIsOpenedOnce(t *testing.T) {
	logs := newAuditLogs()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	one, err := logs.use(path)
	if err != nil {
		t.Fatal(err)
	}
	two, err := logs.use(path)
	if err != nil || one != two {
		t.Fatalf("two sites have two logs of one file: %v", err)
	}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if err := one.Append(&audit.Record{Stage: "pre_chat"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(logs.opened) != 1 {
		t.Errorf("opened %q", logs.opened)
	}
	if err := logs.close(); err != nil {
		t.Fatal(err)
	}
	if refs, exists := openLogs.References(path); exists {
		t.Errorf("%d still use the log", refs)
	}
	if n := lines(t, path); n != 16 {
		t.Errorf("%d lines", n)
	}
}

// A line for a log that cannot be opened is not written, and says so; when it
// can be, the next line opens it.
func TestALineForALogThatCannotBeOpenedIsNotWritten(t *testing.T) {
	logs := newAuditLogs()
	dir := filepath.Join(t.TempDir(), "logs")
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // a file stands where the directory should
		t.Fatal(err)
	}
	log, err := logs.use(filepath.Join(dir, "audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := log.Append(&audit.Record{}); !errors.Is(err, audit.ErrNotWritten) {
			t.Errorf("got %v", err)
		}
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := log.Append(&audit.Record{}); err != nil {
		t.Error(err)
	}
	if err := logs.close(); err != nil {
		t.Error(err)
	}
}

// A configuration that has ended opens nothing any more: nobody would close it.
func TestAClosedConfigurationOpensNoLog(t *testing.T) {
	logs := newAuditLogs()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	log, err := logs.use(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := logs.close(); err != nil {
		t.Fatal(err)
	}
	if err := log.Append(&audit.Record{}); !errors.Is(err, audit.ErrNotWritten) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the log was opened: %v", err)
	}
}
