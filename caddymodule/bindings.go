package caddymodule

import (
	"errors"
	"path/filepath"
	"sync"

	"github.com/caddyserver/caddy/v2"

	"github.com/headgate/headgate/binding"
	"github.com/headgate/headgate/enforce"
)

// openBindings has the process's file of bindings, which configurations that
// overlap share.
var openBindings = caddy.NewUsagePool()

type pooledBindings struct{ *binding.Store }

// Destruct closes the file when nobody uses it any more.
func (b pooledBindings) Destruct() error { return b.Close() }

var errBindingsClosed = errors.New("the file of bindings is closed")

// bindings is the file of one configuration, opened when it is first needed:
// most gates never see an id that an upstream keeps.
type bindings struct {
	mu     sync.Mutex
	path   string // of the open file
	store  *binding.Store
	closed bool
}

func (b *bindings) open() (*binding.Store, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.store != nil:
		return b.store, nil
	case b.closed:
		return nil, errBindingsClosed
	}
	path := filepath.Join(caddy.AppDataDir(), "headgate-ids")
	v, _, err := openBindings.LoadOrNew(path, func() (caddy.Destructor, error) {
		s, err := binding.Open(path, 0)
		if err != nil {
			return nil, err
		}
		return pooledBindings{s}, nil
	})
	if err != nil {
		return nil, err
	}
	b.path, b.store = path, v.(pooledBindings).Store
	return b.store, nil
}

// Bind notes an owner.
func (b *bindings) Bind(kind, id string, owner binding.Owner) error {
	s, err := b.open()
	if err != nil {
		return err
	}
	return s.Bind(kind, id, owner)
}

// Owner looks an owner up.
func (b *bindings) Owner(kind, id string) (binding.Owner, bool, error) {
	s, err := b.open()
	if err != nil {
		return binding.Owner{}, false, err
	}
	return s.Owner(kind, id)
}

func (b *bindings) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if b.store == nil {
		return nil
	}
	b.store = nil
	_, err := openBindings.Delete(b.path)
	return err
}

// Interface guard
var _ enforce.Bindings = (*bindings)(nil)
