package allowlist

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/policy"
)

// Config says what an [Engine] is made of.
type Config struct {
	// Policy is asked before the list. Nil is an empty layer, which covers
	// nothing; it needs Fallthrough.
	Policy policy.Engine
	// Path is the list's file.
	Path string
	// Fallthrough lets the list decide where the policy gave no answer
	// ([policy.Decision.NoAnswer]).
	Fallthrough bool
	// Logger takes warnings, reloads and every fall-through; nil is silent.
	Logger *slog.Logger
}

// Engine is a policy with a list behind it. It keeps the last good list in
// force while the file changes, and is safe for concurrent use.
type Engine struct {
	config Config
	log    *slog.Logger
	list   atomic.Pointer[List]

	mu      sync.Mutex // one load at a time
	stamp   stamp      // of the last attempt
	lastErr error
}

// stamp is what tells that the file changed without reading it.
type stamp struct {
	mtime time.Time
	size  int64
}

// New loads the list of c.
func New(c Config) (*Engine, error) {
	e := &Engine{config: c, log: c.Logger}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if c.Policy == nil {
		if !c.Fallthrough {
			return nil, errors.New("allowlist: without a policy and without fall-through nothing would be allowed")
		}
		e.config.Policy = emptyLayer{}
	}
	if _, err := e.Reload(); err != nil {
		return nil, err
	}
	return e, nil
}

// List is the list in force.
func (e *Engine) List() *List { return e.list.Load() }

// Reload takes a change of the file into force and reports whether there was
// one. The file is read only where its time or its size changed since the last
// attempt. On an error the last good list stays in force; the error is returned
// again until the file changes.
func (e *Engine) Reload() (changed bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	info, err := os.Stat(e.config.Path)
	if err != nil {
		e.stamp = stamp{}
		return false, e.failed(fmt.Errorf("allowlist: %w", err))
	}
	// Before reading: a write in between is then seen by the next attempt.
	now := stamp{info.ModTime(), info.Size()}
	if now.size == e.stamp.size && now.mtime.Equal(e.stamp.mtime) {
		return false, e.lastErr
	}
	l, err := Load(e.config.Path)
	if err != nil {
		e.stamp = now
		if _, ok := errors.AsType[*os.PathError](err); ok {
			e.stamp = stamp{} // not the document's fault: try again
		}
		return false, e.failed(err)
	}
	e.stamp, e.lastErr = now, nil
	old := e.list.Swap(l)
	if old != nil && old.sum == l.sum {
		return false, nil
	}
	e.log.Info("allowlist loaded", "sha256", l.sum[:12])
	for _, w := range l.warnings {
		e.log.Warn("allowlist warning", "warning", w)
	}
	return true, nil
}

// failed notes an error, and tells it once.
func (e *Engine) failed(err error) error {
	said := e.lastErr != nil && e.lastErr.Error() == err.Error()
	e.lastErr = err
	if l := e.list.Load(); l != nil && !said {
		e.log.Warn("allowlist not reloaded, the last good one stays in force", "error", err.Error(), "sha256", l.sum[:12])
	}
	return err
}

// Watch looks for a change every interval (at least 10 ms) until the context
// ends. Failures are logged.
func (e *Engine) Watch(ctx context.Context, interval time.Duration) {
	tick := time.NewTicker(max(interval, 10*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_, _ = e.Reload() // logged
		}
	}
}

// Current is the policy in force with the list in force behind it.
func (e *Engine) Current() policy.Policy {
	first, l := e.config.Policy.Current(), e.list.Load()
	return &layers{
		policy: first, list: l, through: e.config.Fallthrough, log: e.log,
		sum: combinedSum(first.SHA256(), l.sum),
	}
}

// combinedSum is the hash of both layers: the list's own where the policy has
// none, else the hex SHA-256 of the lines "allowlist NUL sha256 LF" and
// "policy NUL sha256 LF".
func combinedSum(first, list string) string {
	if first == "" {
		return list
	}
	sum := sha256.Sum256([]byte("allowlist\x00" + list + "\npolicy\x00" + first + "\n"))
	return hex.EncodeToString(sum[:])
}

// emptyLayer is the policy of nobody: it covers no stage.
type emptyLayer struct{}

func (emptyLayer) Current() policy.Policy           { return emptyLayer{} }
func (emptyLayer) Needs(policy.Stage) policy.Fields { return 0 }
func (emptyLayer) SHA256() string                   { return "" }

func (emptyLayer) Decide(_ context.Context, in *policy.Input) policy.Decision {
	return policy.Combine(in.Stage, nil, false)
}

// Interface guards
var (
	_ policy.Engine = (*Engine)(nil)
	_ policy.Engine = emptyLayer{}
	_ policy.Policy = emptyLayer{}
)
