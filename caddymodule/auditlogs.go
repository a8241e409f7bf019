package caddymodule

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"

	"github.com/headgate/headgate/audit"
)

// openLogs are the audit logs of the process. One file has one writer, also
// while an old and a new configuration overlap.
var openLogs = caddy.NewUsagePool()

type pooledLog struct{ *audit.Log }

// Destruct closes the log when nobody uses it any more.
func (l pooledLog) Destruct() error { return l.Close() }

// auditLogs are the logs of one configuration.
type auditLogs struct {
	logger *slog.Logger
	mu     sync.Mutex
	byPath map[string]*lateLog
	opened []string
	closed bool
}

// use names a log that a site writes to. It takes lines once it is open.
func (a *auditLogs) use(path string) (*lateLog, error) {
	if path == "" {
		path = filepath.Join(caddy.AppDataDir(), "headgate-audit.jsonl")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byPath[path] == nil {
		a.byPath[path] = &lateLog{open: a.open}
	}
	return a.byPath[path], nil
}

// open opens the logs that are not open yet.
func (a *auditLogs) open() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return errNotOpen
	}
	for path, late := range a.byPath {
		if late.log.Load() != nil {
			continue
		}
		v, _, err := openLogs.LoadOrNew(path, func() (caddy.Destructor, error) {
			l, err := audit.Open(path, audit.Options{Logger: a.logger})
			if err != nil {
				return nil, err
			}
			return pooledLog{l}, nil
		})
		if err != nil {
			return fmt.Errorf("audit: %w", err)
		}
		a.opened = append(a.opened, path)
		late.log.Store(v.(pooledLog).Log)
	}
	return nil
}

func (a *auditLogs) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var errs []error
	for _, path := range a.opened {
		_, err := openLogs.Delete(path)
		errs = append(errs, err)
	}
	a.opened, a.closed = nil, true
	return errors.Join(errs...)
}

// lateLog is a log that is opened when the configuration starts, or by the
// first line: Caddy starts apps in no order, so that requests may come before
// the headgate app has started. A line for a log that cannot be opened is not
// written, and what depends on the line is refused.
type lateLog struct {
	log  atomic.Pointer[audit.Log]
	open func() error
}

var errNotOpen = fmt.Errorf("%w: the audit log is not open", audit.ErrNotWritten)

func (l *lateLog) opened() (*audit.Log, error) {
	if log := l.log.Load(); log != nil {
		return log, nil
	}
	if err := l.open(); err != nil {
		return nil, errors.Join(errNotOpen, err)
	}
	return l.log.Load(), nil
}

// Append writes a line.
func (l *lateLog) Append(r *audit.Record) error {
	log, err := l.opened()
	if err != nil {
		return err
	}
	return log.Append(r)
}

// AppendRefusal writes a line that may be counted together with others.
func (l *lateLog) AppendRefusal(r *audit.Record) error {
	log, err := l.opened()
	if err != nil {
		return err
	}
	return log.AppendRefusal(r)
}

// Interface guard
var _ audit.Recorder = (*lateLog)(nil)
