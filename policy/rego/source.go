package rego

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/rego/content"
)

var errMoving = errors.New("the policy's files do not stand still while they are read; replace them all at once")

// Status is how a source stands.
type Status struct {
	SHA256   string    // of the policy in force, lower-case hex
	LoadedAt time.Time // when it was taken into force
	// LastError is why the last attempt to load a change failed, nil after a
	// success. The policy in force is then older than its sources.
	LastError error
	Failures  uint64 // attempts that failed since the source was opened
	Reloads   uint64 // changes that were taken into force
	Bundles   []BundleStatus
}

// BundleStatus tells how one bundle stands.
type BundleStatus struct {
	Name     string // path, or URL without its query
	Revision string // of the bundle in force
	// Checked is when a server last answered well; the zero time for a file.
	Checked time.Time
	// Err is why the last attempt to fetch it failed, nil after a success.
	Err error
}

func statusOf(r *content.Remote) BundleStatus {
	st := BundleStatus{Name: r.Name()}
	st.Checked, st.Err = r.Contact()
	return st
}

// Source holds the policy of a set of paths and keeps the last good revision
// in force while the files change. It is safe for concurrent use.
type Source struct {
	config   Config
	settings settings
	log      *slog.Logger
	current  atomic.Pointer[Policy]

	mu      sync.Mutex // one load at a time
	status  atomic.Pointer[Status]
	stamps  []content.Stamp // of the last attempt
	remotes []*content.Remote
	inline  *content.File
}

// Open loads the policy of c. Without a policy there is no source: the error
// is then [ErrNoPolicy]. Faults in the files are a [*CompileError].
func Open(ctx context.Context, c Config) (*Source, error) {
	s := &Source{config: c, log: c.Logger, remotes: c.remotes()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if s.settings, err = c.settings(); err != nil {
		return nil, err
	}
	for _, r := range s.remotes {
		if err := r.Open(ctx); err != nil {
			return nil, err
		}
	}
	l, err := s.settled(ctx)
	if err != nil {
		return nil, err
	}
	s.status.Store(&Status{})
	s.take(l)
	return s, nil
}

// loaded is a policy on its way into force.
type loaded struct {
	policy  *Policy
	content content.Content
	bundles []*content.Bundle
	status  []BundleStatus // of each bundle
}

// scan lists all that the policy is made of, without reading files.
func (s *Source) scan() ([]content.Stamp, error) {
	stamps, err := content.Scan(s.config.local())
	if err != nil {
		return nil, err
	}
	data, err := content.ScanData(s.config.Data)
	if err != nil {
		return nil, err
	}
	stamps = append(stamps, data...)
	for _, r := range s.remotes {
		stamps = append(stamps, r.Stamp())
	}
	return stamps, nil
}

// settled loads a set of files that stayed as it is while it was read, so that
// no policy is half of one revision and half of the next. Where the files never
// stand still, that is an error.
func (s *Source) settled(ctx context.Context) (*loaded, error) {
	const tries = 5
	stamps, err := s.scan()
	for range tries {
		s.stamps = stamps
		if err != nil {
			return nil, err
		}
		l, loadErr := s.load(ctx, stamps)
		var again []content.Stamp
		if again, err = s.scan(); err == nil && slices.EqualFunc(stamps, again, content.Stamp.Still) {
			return l, loadErr
		}
		stamps = again
	}
	if err != nil {
		return nil, err
	}
	return nil, errMoving
}

// load reads and compiles what was scanned.
func (s *Source) load(ctx context.Context, stamps []content.Stamp) (*loaded, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("load policy: %w", err)
	}
	local := slices.DeleteFunc(slices.Clone(stamps), func(st content.Stamp) bool { return content.IsRemote(st.Name) })
	c, err := content.Read(local)
	if err != nil {
		return nil, err
	}
	l := &loaded{content: c}
	if err := s.addBundles(l, local); err != nil {
		return nil, err
	}
	if s.inline != nil {
		l.content.Files = append(l.content.Files, *s.inline)
	}
	if len(l.content.Files) == 0 && !s.config.Inline {
		return nil, fmt.Errorf("%w in what is configured", ErrNoPolicy)
	}
	l.content.Sort()
	l.policy, err = policies.open(ctx, &l.content, s.settings)
	return l, err
}

// addBundles opens the bundles on disk and adds those of the servers.
func (s *Source) addBundles(l *loaded, stamps []content.Stamp) error {
	for _, st := range stamps {
		if !st.IsBundle() {
			continue
		}
		b, err := content.LoadBundle(st, s.config.Bundles.Verify)
		if err != nil {
			return err
		}
		l.addBundle(b, BundleStatus{Name: st.Name})
	}
	for _, r := range s.remotes {
		l.addBundle(r.Bundle(), statusOf(r))
	}
	return nil
}

func (l *loaded) addBundle(b *content.Bundle, st BundleStatus) {
	st.Revision = b.Revision
	l.content.Add(b.Content)
	l.bundles = append(l.bundles, b)
	l.status = append(l.status, st)
}

// Current is the policy in force, a [*Policy].
func (s *Source) Current() policy.Policy { return s.current.Load() }

// Policy is the policy in force with what is known about its files.
func (s *Source) Policy() *Policy { return s.current.Load() }

// Status tells how the source stands.
func (s *Source) Status() Status { return *s.status.Load() }

// Reload takes a change of the files into force and reports whether the policy
// changed. It compiles only where the set of files, a time or a size changed
// since the last attempt, and asks a bundle server only where that is due. On
// an error the last good policy stays in force; the error is returned again
// until the files change.
func (s *Source) Reload(ctx context.Context) (changed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reload(ctx, false)
}

// ForceReload is [Source.Reload] that asks, reads and compiles in any case.
func (s *Source) ForceReload(ctx context.Context) (changed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reload(ctx, true)
}

// SetInline compiles the sources with one more policy file that has no place
// of its own, named name, and takes the result into force. A src of "" takes it
// away. On an error what was in force stays.
func (s *Source) SetInline(ctx context.Context, name, src string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.inline
	s.inline = nil
	if src != "" {
		s.inline = &content.File{Name: name, Rel: "#rego", Src: src, Sum: content.HexSHA256([]byte(src))}
	}
	l, err := s.settled(ctx)
	if err != nil {
		s.inline = old
		return err
	}
	s.take(l)
	return nil
}

func (s *Source) reload(ctx context.Context, force bool) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, fmt.Errorf("load policy: %w", err)
	}
	asked, unreachable := s.ask(ctx, force)
	if stamps, err := s.scan(); !force && s.seen(stamps, err) {
		if asked {
			s.contacted(unreachable)
		}
		return false, s.Status().LastError
	}
	l, err := s.settled(ctx)
	if err != nil {
		s.failed(err)
		return false, err
	}
	changed := s.take(l)
	if unreachable != nil {
		s.failed(unreachable)
	}
	return changed, unreachable
}

// ask asks the bundle servers whose time has come. What they have new is then
// part of the next scan.
func (s *Source) ask(ctx context.Context, force bool) (asked bool, err error) {
	var errs []error
	for _, r := range s.remotes {
		if force || r.Due(time.Now()) {
			asked = true
			errs = append(errs, r.Refresh(ctx))
		}
	}
	return asked, errors.Join(errs...)
}

// contacted notes how the servers answered where nothing else changed.
func (s *Source) contacted(err error) {
	st := s.Status()
	st.Bundles = slices.Clone(st.Bundles)
	for i, r := range s.remotes {
		b := &st.Bundles[len(st.Bundles)-len(s.remotes)+i]
		b.Checked, b.Err = r.Contact()
	}
	if err == nil && isFetch(st.LastError) {
		st.LastError = nil
	}
	s.status.Store(&st)
	if err != nil {
		s.failed(err)
	} else if s.config.OnReload != nil {
		s.config.OnReload(st)
	}
}

// isFetch tells an error of a server or its bundle from one of the policy.
func isFetch(err error) bool {
	return errors.Is(err, content.ErrFetch) || errors.Is(err, content.ErrBundle) || errors.Is(err, content.ErrSignature) || errors.Is(err, content.ErrOlder)
}

// seen reports whether an attempt with what a scan found was already made.
func (s *Source) seen(stamps []content.Stamp, err error) bool {
	last := s.Status().LastError
	var faults *CompileError
	lasting := last == nil || errors.As(last, &faults) || errors.Is(last, ErrCompileTimeout) || isFetch(last)
	if err != nil || !lasting {
		return false // not the files' fault: it may pass without a change of theirs
	}
	return slices.EqualFunc(stamps, s.stamps, content.Stamp.Same)
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
		"error", err.Error(), "sha256", policy.Short(st.SHA256), "failures", st.Failures)
	if s.config.OnReload != nil {
		s.config.OnReload(st)
	}
}

// take brings a policy into force and reports whether it is another one.
func (s *Source) take(l *loaded) bool {
	first := s.current.Load() == nil
	st := s.Status()
	changed := first || st.SHA256 != l.policy.sum
	st.LastError, st.Bundles = nil, l.status
	if changed {
		st.SHA256, st.LoadedAt = l.policy.sum, time.Now()
		if !first {
			st.Reloads++
		}
	}
	s.current.Store(l.policy)
	s.status.Store(&st)
	for _, b := range l.bundles {
		b.Accept()
	}
	if changed {
		s.report(l)
	}
	if !first && s.config.OnReload != nil {
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

var _ policy.Engine = (*Source)(nil)
