package allowlist

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// List is the list in force.
func (e *Engine) List() *List {
	if p := e.pair.Load(); p != nil {
		return p.list
	}
	return nil
}

// Status tells how the engine stands.
func (e *Engine) Status() Status { return *e.status.Load() }

// Reload takes a change of the file into force and reports whether there was
// one. The file is read only where it is another one, or its time or its size
// changed, since the last attempt; one that was refused for its Rego is read
// again after the policy changed. On an error the last good document stays in
// force, list and Rego; the error is returned again until the file changes.
func (e *Engine) Reload() (changed bool, err error) {
	return e.reload(context.Background(), false)
}

// ForceReload is [Engine.Reload] that reads in any case.
func (e *Engine) ForceReload(ctx context.Context) (changed bool, err error) {
	return e.reload(ctx, true)
}

func (e *Engine) reload(ctx context.Context, force bool) (bool, error) {
	e.load.Lock()
	defer e.load.Unlock()
	e.renew(false)
	if err := ctx.Err(); err != nil {
		return false, fmt.Errorf("allowlist: %w", err)
	}
	// Before reading: a write in between is then seen by the next attempt.
	info, err := os.Stat(e.config.Path)
	if err != nil {
		e.seen = nil
		return false, e.failed(fmt.Errorf("allowlist: %w", err))
	}
	if !force && e.known(info) {
		return false, e.Status().LastError
	}
	e.attempt(info)
	l, err := Load(e.config.Path)
	if err == nil {
		err = e.take(ctx, l, nil)
		e.refused = err != nil
	}
	if err == nil {
		return e.loaded(l), nil
	}
	if _, ok := errors.AsType[*os.PathError](err); ok || ctx.Err() != nil {
		e.seen = nil // not the document's fault: try again
	}
	if ctx.Err() != nil {
		return false, err // nobody waits for it
	}
	return false, e.failed(err)
}

// known reports whether an attempt with this file was made already.
func (e *Engine) known(now os.FileInfo) bool {
	if e.refused {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.moved {
			return false
		}
	}
	return e.seen != nil && os.SameFile(now, e.seen) && now.Size() == e.seen.Size() && now.ModTime().Equal(e.seen.ModTime())
}

// attempt notes what is going to be read.
func (e *Engine) attempt(info os.FileInfo) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seen, e.refused, e.moved = info, false, false
}

// failed notes an error, and tells it once.
func (e *Engine) failed(err error) error {
	st := e.Status()
	said := st.LastError != nil && st.LastError.Error() == err.Error()
	st.LastError = err
	st.Failures++
	e.status.Store(&st)
	if e.List() == nil {
		return err // there is no start
	}
	if !said {
		e.log.Warn("allowlist not reloaded, the last good one stays in force", "error", err.Error(), "sha256", st.SHA256[:12])
	}
	if e.config.OnReload != nil {
		e.config.OnReload(st)
	}
	return err
}

// loaded notes that l is in force and reports whether it is another document
// than before.
func (e *Engine) loaded(l *List) bool {
	st := e.Status()
	start, changed := st.SHA256 == "", st.SHA256 != l.sum
	st.LastError = nil
	if changed {
		st.SHA256, st.LoadedAt = l.sum, time.Now()
		e.log.Info("allowlist loaded", "sha256", l.sum[:12])
		for _, w := range l.warnings {
			e.log.Warn("allowlist warning", "warning", w)
		}
	}
	if changed && !start {
		st.Reloads++
	}
	e.status.Store(&st)
	if !start && e.config.OnReload != nil {
		e.config.OnReload(st)
	}
	return changed
}

// Watch looks for a change every interval (at least 10 ms) until the context
// ends. Failures are logged and counted, see [Engine.Status].
func (e *Engine) Watch(ctx context.Context, interval time.Duration) {
	tick := time.NewTicker(max(interval, 10*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_, _ = e.reload(ctx, false) // logged and counted in the status
		}
	}
}
