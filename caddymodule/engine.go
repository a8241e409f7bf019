package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/allowlist"
	"github.com/headgate/headgate/policy/rego"
	"github.com/headgate/headgate/policy/rego/content"
)

// watchInterval is how often the policy's files are looked at.
const watchInterval = time.Second

// wrapPolicy lets tests see what the policy is asked. What it gives has
// policies that are a policy.Prober, as those that it takes.
var wrapPolicy = func(e policy.Engine) policy.Engine { return e }

// engine is what decides for one site: the Rego layer, then the allowlist. It
// follows the changes of its files, and SIGHUP.
type engine struct {
	policy.Engine
	source   *rego.Source
	list     *allowlist.Engine // nil without an allowlist
	listPath string
	close    func() error
}

// openEngine opens the layers of a configuration. What it returns has to be
// closed, also beside an error.
func openEngine(ctx caddy.Context, c *Config, log *slog.Logger, m *metrics) (*engine, error) {
	watch, cancel := context.WithCancel(ctx)
	e := &engine{close: func() error { cancel(); return nil }}
	if err := c.validateFallthrough(); err != nil {
		return e, err
	}
	rc, err := c.Policy.rego(log)
	if err != nil {
		return e, fmt.Errorf("policy: %w", err)
	}
	rc.MaxInput = int(c.MaxBody)
	rc.OnReload = func(st rego.Status) {
		m.reloaded(layerRego, st.LastError)
		m.bundles(st.Bundles)
		if e.list != nil {
			e.list.PolicyChanged()
		}
	}
	if e.source, err = rego.Open(ctx, rc); err != nil {
		return e, fmt.Errorf("policy: %w", err)
	}
	m.loaded(layerRego)
	m.bundles(e.source.Status().Bundles)
	e.Engine = e.source
	if c.Allowlist != "" {
		e.listPath = expand(c.Allowlist)
		e.list, err = allowlist.New(allowlist.Config{
			Policy: e.source, Path: e.listPath, Fallthrough: c.Policy.Fallthrough, Logger: log,
			OnReload: func(st allowlist.Status) { m.reloaded(layerAllowlist, st.LastError) },
		})
		if err != nil {
			return e, err
		}
		m.loaded(layerAllowlist)
		e.Engine = e.list
		go e.list.Watch(watch, watchInterval)
	}
	go e.source.Watch(watch, watchInterval)
	go onHangup(watch, func() { _ = e.reload(watch) }) // the layers tell log and metrics
	return e, nil
}

// reload reads everything anew.
func (e *engine) reload(ctx context.Context) error {
	_, err := e.source.ForceReload(ctx)
	if e.list != nil {
		_, listErr := e.list.ForceReload(ctx)
		err = errors.Join(err, listErr)
	}
	return err
}

// rego is the configuration of the Rego layer.
func (p *PolicyConfig) rego(log *slog.Logger) (rego.Config, error) {
	rc := rego.Config{
		Inline: len(p.Paths) == 0, Packages: p.Packages, DefaultAllow: p.defaultAllow(),
		Timeout: time.Duration(p.Timeout), Builtins: p.Builtins, AllowNet: p.AllowNet, Logger: log,
	}
	for _, path := range p.Paths {
		rc.Paths = append(rc.Paths, expand(path))
	}
	for _, path := range p.Data {
		rc.Data = append(rc.Data, expand(path))
	}
	if p.Bundle == nil {
		return rc, nil
	}
	return rc, p.Bundle.into(&rc.Bundles)
}

// into expands the configuration of bundles.
func (b *BundleConfig) into(rb *content.Servers) error {
	rb.Poll = time.Duration(b.Poll)
	for name, value := range b.Headers {
		if rb.Header == nil {
			rb.Header = http.Header{}
		}
		text, err := caddy.NewReplacer().ReplaceOrErr(value, true, true)
		if err != nil {
			return fmt.Errorf("header %s: %w; set what the placeholder stands for", name, err)
		}
		rb.Header.Set(name, text)
	}
	if len(b.VerifyKeys) == 0 {
		return nil
	}
	v := &content.Verification{Keys: map[string]content.VerificationKey{}, Scope: b.VerifyScope}
	for _, k := range b.VerifyKeys {
		text, err := k.text()
		if err != nil {
			return fmt.Errorf("verify_key: %w", err)
		}
		id := k.ID
		if id == "" {
			id, v.KeyID = "default", "default"
		}
		v.Keys[id] = content.VerificationKey{Key: text, Algorithm: k.Algorithm}
	}
	rb.Verify = v
	return nil
}

// text is the key itself.
func (k *VerifyKeyConfig) text() (string, error) {
	if strings.HasPrefix(k.Key, "{") {
		return caddy.NewReplacer().ReplaceOrErr(k.Key, true, true)
	}
	text, err := os.ReadFile(expand(k.Key))
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(text)), nil
}

// onHangup calls reload on SIGHUP, which Caddy leaves alone.
func onHangup(ctx context.Context, reload func()) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			reload()
		}
	}
}

// engines are those of all sites of one configuration, for the admin API.
type engines struct {
	mu  sync.Mutex
	all []*engine
}

func (e *engines) add(one *engine) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, one)
}

func (e *engines) list() []*engine {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]*engine(nil), e.all...)
}
