package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/headgate/headgate/enforce"
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/allowlist"
	"github.com/headgate/headgate/policy/rego"
	"github.com/headgate/headgate/principal"
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/openai"
)

// watchInterval is how often the policy's files are looked at.
const watchInterval = time.Second

// Provision builds the gate.
func (h *Handler) Provision(ctx caddy.Context) error {
	h.logger = ctx.Logger()
	v, err := ctx.App("headgate")
	if err != nil {
		return err
	}
	app := v.(*App)
	h.merge(&app.Config)
	if err := h.validate(); err != nil {
		return err
	}
	if h.Policy == nil {
		return errors.New("headgate has no policy: write `policy <file-or-directory>` in its block or in the global one")
	}
	log := ctx.Slogger()
	m, err := newMetrics(ctx.GetMetricsRegistry())
	if err != nil {
		return fmt.Errorf("headgate metrics: %w", err)
	}
	key, err := redactionKey(h.RedactionKey)
	if err != nil {
		return err
	}
	h.checkUpstreamKeys(log)
	cfg := enforce.Config{
		Fallback: openai.Dialect{}, Observer: m, Logger: log,
		PassUnknown: h.UnknownPaths == "pass", DenyWithError: h.DeniedCalls == "error",
		MaxBody: h.MaxBody, Hashes: h.Audit != nil && h.Audit.Hashes,
		AllowUnscanned: h.allowUnscanned(), Exempt: h.exempts, UpstreamKey: h.expandUpstreamKey,
		Redact: enforce.Redaction{
			Request: h.selectors("request"), Response: h.selectors("response"),
			Args: h.selectors("args"), Results: h.selectors("results"),
		},
		RedactionKey: key,
	}
	if cfg.Router, err = h.router(); err != nil {
		return err
	}
	if cfg.Identify, err = h.principals(log); err != nil {
		return err
	}
	if cfg.Policy, err = h.policy(ctx, log, m); err != nil {
		return err
	}
	var path string
	if h.Audit != nil {
		path = expand(h.Audit.Path)
	}
	if cfg.Audit, err = app.logs.use(path); err != nil {
		return err
	}
	if h.gate, err = enforce.New(cfg); err != nil {
		return fmt.Errorf("headgate: %w", err)
	}
	return nil
}

// Validate has nothing left to check: Provision fails on what is wrong.
func (h *Handler) Validate() error {
	if h.gate == nil {
		return errors.New("headgate was not provisioned")
	}
	return nil
}

// Cleanup gives back what is shared. It also runs after a failed Provision.
func (h *Handler) Cleanup() error {
	var errs []error
	for _, f := range slices.Backward(h.cleanup) {
		errs = append(errs, f())
	}
	h.cleanup = nil
	return errors.Join(errs...)
}

// dialectsByName are the APIs that this version speaks.
var dialectsByName = map[string]wire.Dialect{"openai": openai.Dialect{}}

func (h *Handler) router() (*wire.Router, error) {
	var served []wire.Served
	for _, s := range h.served() {
		d, ok := dialectsByName[s.Dialect]
		if !ok {
			return nil, unsupported("serve " + s.Dialect)
		}
		served = append(served, wire.Served{Dialect: d, Prefix: s.Prefix, Name: s.Name})
	}
	return wire.NewRouter(served)
}

func (h *Handler) principals(log *slog.Logger) (principal.Source, error) {
	if h.Principals == nil {
		log.Warn("no principals: every caller is anonymous, and the client's own provider credential goes on to the upstream")
		return nil, nil
	}
	var chain principal.Chain
	if h.Principals.Caddy {
		chain = append(chain, principal.Attributes{Lookup: caddyUser})
	}
	if file := h.Principals.APIKeys; file != "" {
		keys, err := principal.LoadAPIKeys(expand(file))
		if err != nil {
			return nil, fmt.Errorf("principals: %w", err)
		}
		for _, w := range keys.Warnings() {
			log.Warn(w)
		}
		chain = append(chain, keys)
	}
	if tenant := h.Principals.Anonymous; tenant != nil {
		chain = append(chain, principal.Anonymous{Tenant: expand(*tenant)})
	}
	return chain, nil
}

// caddyUser reads what Caddy's own authentication has set.
func caddyUser(r *http.Request, name string) (string, bool) {
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return "", false
	}
	return repl.GetString("http.auth.user." + name)
}

// wrapPolicy lets tests see what the policy is asked.
var wrapPolicy = func(e policy.Engine) policy.Engine { return e }

// policy opens the layers that decide: Rego, then the allowlist.
func (h *Handler) policy(ctx caddy.Context, log *slog.Logger, m *metrics) (policy.Engine, error) {
	if err := h.validateFallthrough(); err != nil {
		return nil, err
	}
	watch, cancel := context.WithCancel(ctx)
	h.cleanup = append(h.cleanup, func() error { cancel(); return nil })
	var engine policy.Engine
	if len(h.Config.Policy.Paths) > 0 {
		source, err := h.rego(ctx, log, m)
		if err != nil {
			return nil, err
		}
		go source.Watch(watch, watchInterval)
		go onHangup(watch, func() { _, _ = source.ForceReload(watch) }) // the source tells the log and OnReload
		engine = source
	}
	if h.Allowlist != "" {
		list, err := allowlist.New(allowlist.Config{
			Policy: engine, Path: expand(h.Allowlist), Fallthrough: h.Config.Policy.Fallthrough, Logger: log,
		})
		if err != nil {
			return nil, err
		}
		go list.Watch(watch, watchInterval)
		go onHangup(watch, func() { _, _ = list.Reload() })
		engine = list
	}
	return wrapPolicy(engine), nil
}

// rego opens the Rego layer.
func (h *Handler) rego(ctx caddy.Context, log *slog.Logger, m *metrics) (*rego.Source, error) {
	p := h.Config.Policy
	c := rego.Config{
		Packages: p.Packages, Timeout: time.Duration(p.Timeout), Logger: log, MaxInput: int(h.MaxBody),
		DefaultAllow: p.defaultAllow(),
		OnReload:     func(st rego.Status) { m.reloaded(st.LastError) },
	}
	for _, path := range p.Paths {
		c.Paths = append(c.Paths, expand(path))
	}
	source, err := rego.Open(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	m.loadedAt.SetToCurrentTime()
	return source, nil
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

// expand replaces placeholders that are known when the configuration loads.
func expand(s string) string { return caddy.NewReplacer().ReplaceKnown(s, "") }

// redactionKey expands the key. A placeholder that is unknown or empty must not
// become a key that everybody can guess.
func redactionKey(s string) ([]byte, error) {
	if s == "" {
		return nil, nil
	}
	key, err := caddy.NewReplacer().ReplaceOrErr(s, true, true)
	if err != nil {
		return nil, fmt.Errorf("redaction_key: %w; set what the placeholder stands for", err)
	}
	return []byte(key), nil
}

// checkUpstreamKeys says at start that a credential is missing. It is no
// error: a sandbox needs none.
func (h *Handler) checkUpstreamKeys(log *slog.Logger) {
	for _, k := range h.UpstreamKeys {
		if strings.Contains(k.Value, "{http.") {
			continue // known with a request only
		}
		if caddy.NewReplacer().ReplaceAll(k.Value, "") == "" {
			log.Warn("upstream_key is empty: requests go upstream without a credential", "dialect", k.Dialect)
		}
	}
}

// expandUpstreamKey is called for each request, so that a rotated file or
// variable takes effect.
func (h *Handler) expandUpstreamKey(r *http.Request, dialect string) string {
	value, ok := h.upstreamKey(dialect)
	if !ok {
		return ""
	}
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		repl = caddy.NewReplacer()
	}
	return repl.ReplaceAll(value, "")
}
