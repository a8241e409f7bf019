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

// Source is a policy layer that can take the Rego of the document as one more
// file.
type Source interface {
	policy.Engine
	// SetInline compiles the sources with one more policy file, named name,
	// whose text is src ("" takes it away), and takes the result into force. On
	// an error the policy in force stays, with the text that it had; the error
	// tells the faults as name:line:col. It does not call the engine's Reload or
	// Replace.
	SetInline(ctx context.Context, name, src string) error
}

// Config says what an [Engine] is made of.
type Config struct {
	// Policy is asked before the list. A [Source] is given the Rego of the
	// document; without one a document that has Rego is refused. Its revisions
	// are told apart with ==. Nil is an empty layer, which covers nothing; it
	// needs Fallthrough.
	Policy policy.Engine
	// Path is the document's file.
	Path string
	// Fallthrough lets the list decide where the policy gave no answer
	// ([policy.Decision.NoAnswer]).
	Fallthrough bool
	// Logger takes warnings, reloads and every fall-through; nil is silent.
	Logger *slog.Logger
	// OnReload is called after every attempt to load a change and after every
	// [Engine.Replace] that was done, with the status after it. It must not call
	// the engine's Reload or Replace.
	OnReload func(Status)
}

// Status is how an engine stands.
type Status struct {
	SHA256   string    // of the document in force, lower-case hex
	LoadedAt time.Time // when it was taken into force
	// LastError is why the last attempt to load a change failed, nil after a
	// success. The document in force is then older than the file.
	LastError error
	Failures  uint64 // attempts that failed since the start
	Reloads   uint64 // changes that were taken into force
}

// Engine is a policy with a list behind it. It keeps the last good document in
// force while the file changes, and is safe for concurrent use.
type Engine struct {
	config Config
	log    *slog.Logger
	pair   atomic.Pointer[layers] // in force
	status atomic.Pointer[Status]

	load    sync.Mutex  // one load at a time
	seen    os.FileInfo // of the last attempt; nil: read in any case
	inline  *string     // the Rego that the policy has from us; nil: none was set yet
	refused bool        // the last attempt failed by the document's Rego

	mu     sync.Mutex // of storing the pair and of what follows; held for moments
	pinned bool       // a document is on its way: the pair stays
	moved  bool       // the policy changed by itself since the last attempt
}

// New loads the document of c.
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
	e.status.Store(new(Status))
	if _, err := e.Reload(); err != nil {
		return nil, err
	}
	return e, nil
}

// Current is the policy in force with the list in force behind it. Both are of
// one document: while a new one is on its way, and has given its Rego to the
// policy but not yet its list to the engine, this is still the old pair.
func (e *Engine) Current() policy.Policy {
	p := e.pair.Load()
	if e.config.Policy.Current() == p.policy {
		return p
	}
	return e.renew(false)
}

// PolicyChanged tells that the policy has loaded its own files anew, whether
// they changed or not. [Engine.Current] notices a change in any case; the call
// lets a document be tried again that was refused because of them. It may come
// from within SetInline.
func (e *Engine) PolicyChanged() { e.renew(true) }

// renew puts the policy's revision before the list in force, unless a document
// is on its way.
func (e *Engine) renew(told bool) *layers {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.pair.Load()
	if e.pinned || p == nil {
		return p
	}
	e.moved = e.moved || told
	if first := e.config.Policy.Current(); first != p.policy {
		p = e.join(first, p.list)
		e.pair.Store(p)
		e.moved = true
	}
	return p
}

func (e *Engine) join(first policy.Policy, l *List) *layers {
	return &layers{
		policy: first, list: l, through: e.config.Fallthrough, log: e.log,
		sum: combinedSum(first.SHA256(), l.sum),
	}
}

// take puts a list and its Rego into force, both at once for everybody who asks
// [Engine.Current]. commit, unless nil, is what has to succeed between them. On
// an error all stays as it was.
func (e *Engine) take(ctx context.Context, l *List, commit func() error) error {
	e.mu.Lock()
	e.pinned = true
	e.mu.Unlock()
	err := e.setInline(ctx, l.Rego)
	if err == nil && commit != nil {
		if err = commit(); err != nil {
			err = errors.Join(err, e.setInline(context.WithoutCancel(ctx), e.List().Rego))
		}
	}
	if err != nil {
		l = e.List()
	}
	if l != nil {
		e.settle(l)
	}
	return err
}

// settle stores the pair and lets go of it. Where the policy does not have the
// Rego that belongs to the list, because the way back failed as well, the old
// pair goes on until a load brings them together.
func (e *Engine) settle(l *List) {
	if e.inline == nil || *e.inline != l.Rego {
		e.seen = nil
		return
	}
	first := e.config.Policy.Current()
	e.mu.Lock()
	defer e.mu.Unlock()
	if old := e.pair.Load(); old != nil && old.policy != first {
		e.moved = true
	}
	e.pair.Store(e.join(first, l))
	e.pinned = false
}

// setInline gives the policy the document's Rego, where it has another.
func (e *Engine) setInline(ctx context.Context, src string) error {
	if e.inline != nil && *e.inline == src {
		return nil
	}
	s, ok := e.config.Policy.(Source)
	switch {
	case ok:
		if err := s.SetInline(ctx, e.config.Path+"#rego", src); err != nil {
			return fmt.Errorf("%s: its rego is refused: %w", e.config.Path, err)
		}
	case src != "":
		return fmt.Errorf("%s: there is no policy layer that takes the rego of this document; name a policy, or take rego out of it", e.config.Path)
	}
	e.inline = &src
	return nil
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
