package rego

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/policy"
)

// Defaults of [Config].
const (
	DefaultTimeout  = 100 * time.Millisecond
	DefaultMaxInput = 32 << 20
)

// Config says where the policy is and how it is evaluated.
type Config struct {
	// Paths are files and directories. A directory is searched recursively for
	// .rego files; _test.rego files and hidden names are left out.
	Paths []string
	// Packages hold the rule sets; none means [DefaultPackages].
	Packages []string
	// DefaultAllow lists the stages that pass where nothing covers them
	// (pre_chat, pre_tool, session; the post stages always pass).
	DefaultAllow map[policy.Stage]bool
	// Timeout bounds a decision; 0 is [DefaultTimeout]. It is soft, see the
	// package's comment.
	Timeout time.Duration
	// MaxInput bounds, in bytes, the content that a policy reads in one
	// decision; 0 is [DefaultMaxInput].
	MaxInput int
	// Builtins names built-in functions to give back of those that are
	// withheld ("http.send", or "+http.send").
	Builtins []string
	// Logger takes the load-time table, warnings and reloads; nil is silent.
	Logger *slog.Logger
	// OnReload is called after every attempt to load a change, with the status
	// after it. It must not call the source's Reload.
	OnReload func(Status)
}

// Status is how a source stands.
type Status struct {
	SHA256   string    // of the policy in force, lower-case hex
	LoadedAt time.Time // when it was taken into force
	// LastError is why the last attempt to load a change failed, nil after a
	// success. The policy in force is then older than the files.
	LastError error
	Failures  uint64 // attempts that failed since the source was opened
	Reloads   uint64 // changes that were taken into force
}

// Source holds the policy of a set of paths and keeps the last good revision
// in force while the files change. It is safe for concurrent use.
type Source struct {
	config   Config
	settings settings
	log      *slog.Logger
	current  atomic.Pointer[Policy]

	mu     sync.Mutex // one load at a time
	status atomic.Pointer[Status]
	stamps []stamp // of the last attempt
}

// Open loads the policy of c. Without a policy there is no source: the error
// is then [ErrNoPolicy]. Faults in the files are a [*CompileError].
func Open(ctx context.Context, c Config) (*Source, error) {
	s, err := newSource(c)
	if err != nil {
		return nil, err
	}
	stamps, err := scan(c.Paths)
	if err != nil {
		return nil, err
	}
	p, files, err := s.load(ctx, stamps)
	if err != nil {
		return nil, err
	}
	s.stamps = stamps
	s.current.Store(p)
	s.status.Store(&Status{SHA256: p.sum, LoadedAt: time.Now()})
	s.report(p, files)
	return s, nil
}

func newSource(c Config) (*Source, error) {
	s := &Source{config: c, log: c.Logger, settings: settings{
		packages:     slices.Clone(c.Packages),
		builtins:     slices.Sorted(slices.Values(c.Builtins)),
		defaultAllow: maps.Clone(c.DefaultAllow),
		timeout:      c.Timeout,
		maxInput:     c.MaxInput,
	}}
	if len(s.settings.packages) == 0 {
		s.settings.packages = DefaultPackages
	}
	if s.settings.timeout == 0 {
		s.settings.timeout = DefaultTimeout
	}
	if s.settings.maxInput == 0 {
		s.settings.maxInput = DefaultMaxInput
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	switch {
	case len(c.Paths) == 0:
		return nil, ErrNoPolicy
	case s.settings.timeout < 0:
		return nil, errors.New("policy timeout is negative")
	case s.settings.maxInput < 0:
		return nil, errors.New("policy input limit is negative")
	}
	for st := range c.DefaultAllow {
		if !slices.Contains(policy.Stages(), st) {
			return nil, fmt.Errorf("unknown stage %q", st)
		}
	}
	return s, nil
}

// load reads and compiles the scanned files.
func (s *Source) load(ctx context.Context, stamps []stamp) (*Policy, []file, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, fmt.Errorf("load policy: %w", err)
	}
	files, err := read(stamps)
	if err != nil {
		return nil, nil, err
	}
	p, err := policies.open(ctx, files, s.settings)
	return p, files, err
}

// Current is the policy in force, a [*Policy].
func (s *Source) Current() policy.Policy { return s.current.Load() }

// Policy is the policy in force with what is known about its files.
func (s *Source) Policy() *Policy { return s.current.Load() }

// Status tells how the source stands.
func (s *Source) Status() Status { return *s.status.Load() }

// Reload takes a change of the files into force and reports whether the policy
// changed. It compiles only where the set of files, a time or a size changed
// since the last attempt. On an error the last good policy stays in force; the
// error is returned again until the files change.
func (s *Source) Reload(ctx context.Context) (changed bool, err error) {
	return s.reload(ctx, false)
}

// ForceReload is [Source.Reload] that reads and compiles in any case.
func (s *Source) ForceReload(ctx context.Context) (changed bool, err error) {
	return s.reload(ctx, true)
}

func (s *Source) reload(ctx context.Context, force bool) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return false, fmt.Errorf("load policy: %w", err)
	}
	stamps, err := scan(s.config.Paths)
	if !force && s.seen(stamps, err) {
		return false, s.Status().LastError
	}
	s.stamps = stamps
	var p *Policy
	var files []file
	if err == nil {
		p, files, err = s.load(ctx, stamps)
	}
	if err != nil {
		s.failed(err)
		return false, err
	}
	return s.loaded(p, files), nil
}

// seen reports whether an attempt with what a scan found was already made.
func (s *Source) seen(stamps []stamp, err error) bool {
	var faults *CompileError
	if last := s.Status().LastError; err != nil || last != nil && !errors.As(last, &faults) && !errors.Is(last, ErrCompileTimeout) {
		return false // not the files' fault: it may pass without a change of theirs
	}
	return slices.EqualFunc(stamps, s.stamps, func(a, b stamp) bool {
		return a.name == b.name && a.size == b.size && a.mtime.Equal(b.mtime)
	})
}

func (s *Source) failed(err error) {
	st := s.Status()
	level := slog.LevelWarn
	if st.LastError != nil && st.LastError.Error() == err.Error() {
		level = slog.LevelDebug // said before
	}
	st.LastError = err
	st.Failures++
	s.status.Store(&st)
	s.log.Log(context.Background(), level, "policy not reloaded, the last good one stays in force",
		"error", err.Error(), "sha256", short(st.SHA256), "failures", st.Failures)
	if s.config.OnReload != nil {
		s.config.OnReload(st)
	}
}

func (s *Source) loaded(p *Policy, files []file) bool {
	st := s.Status()
	changed := st.SHA256 != p.sum
	st.LastError = nil
	if changed {
		st.SHA256, st.LoadedAt = p.sum, time.Now()
		st.Reloads++
	}
	s.current.Store(p)
	s.status.Store(&st)
	if changed {
		s.report(p, files)
	}
	if s.config.OnReload != nil {
		s.config.OnReload(st)
	}
	return changed
}

// Watch looks for changes every interval (at least 10 ms) until the context
// ends. Failures are logged and counted, see [Source.Status].
func (s *Source) Watch(ctx context.Context, interval time.Duration) {
	tick := time.NewTicker(max(interval, 10*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_, _ = s.Reload(ctx) // logged and counted in the status
		}
	}
}

// report logs the table of stages and surfaces, and the warnings.
func (s *Source) report(p *Policy, files []file) {
	s.log.Info("policy loaded", "sha256", short(p.sum), "files", len(files))
	for i, f := range p.files {
		s.log.Debug("policy file", "path", files[i].name, "rego", f.Version)
	}
	for _, row := range p.rows {
		paths := make([]string, 0, len(row.Surfaces))
		for _, sf := range row.Surfaces {
			paths = append(paths, sf.Path)
		}
		if row.Covered {
			s.log.Info("policy stage", "stage", row.Stage, "surfaces", paths, "needs", p.Needs(row.Stage).String())
			continue
		}
		s.log.Warn("policy stage is not covered", "stage", row.Stage, "surfaces", paths,
			"default", s.fallback(row.Stage))
	}
	for _, w := range p.warnings {
		// A shared policy may have been opened under other paths.
		s.log.Warn("policy warning", "at", fmt.Sprintf("%s:%d:%d", files[w.file].name, w.Line, w.Col), "warning", w.Message)
	}
}

// fallback says what happens at a stage that nothing covers.
func (s *Source) fallback(st policy.Stage) string {
	switch {
	case st.Post():
		return "pass"
	case s.settings.defaultAllow[st]:
		return "allow"
	}
	return "deny"
}

// short is the part of a hash that logs show.
func short(sum string) string { return sum[:min(12, len(sum))] }

var _ policy.Engine = (*Source)(nil)
