package caddymodule

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/headgate/headgate/enforce"
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/openai"
)

// Provision builds the gate.
func (h *Handler) Provision(ctx caddy.Context) error {
	h.logger = ctx.Logger()
	v, err := ctx.App("headgate")
	if err != nil {
		return err
	}
	app := v.(*App)
	h.merge(&app.Config)
	if err := errors.Join(h.validate(), h.validateWhole()); err != nil {
		return err
	}
	log := ctx.Slogger()
	m, err := newMetrics(ctx.GetMetricsRegistry())
	if err != nil {
		return fmt.Errorf("headgate metrics: %w", err)
	}
	key, err := secret("redaction_key", h.RedactionKey)
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
	if cfg.Identify, err = h.Config.principals(log); err != nil {
		return err
	}
	if cfg.Identify != nil { // else the upstream tells callers apart
		cfg.Bindings, cfg.AllowForeignIDs = app.ids, h.ForeignIDs == "allow"
	}
	engine, err := openEngine(ctx, &h.Config, log, m)
	h.cleanup = append(h.cleanup, engine.close)
	if err != nil {
		return err
	}
	app.engines.add(engine)
	cfg.Policy = wrapPolicy(engine)
	if cfg.Audit, err = app.logs.use(h.auditPath()); err != nil {
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
func (h *Handler) Cleanup() error { return runAll(&h.cleanup) }

// runAll calls the functions once, the last one first.
func runAll(functions *[]func() error) error {
	var errs []error
	for _, f := range slices.Backward(*functions) {
		errs = append(errs, f())
	}
	*functions = nil
	return errors.Join(errs...)
}

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

// expand replaces placeholders that are known when the configuration loads.
func expand(s string) string { return caddy.NewReplacer().ReplaceKnown(s, "") }

// secret expands a key. A placeholder that is unknown or empty must not become
// a key that everybody can guess.
func secret(word, s string) ([]byte, error) {
	if s == "" {
		return nil, nil
	}
	key, err := caddy.NewReplacer().ReplaceOrErr(s, true, true)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; set what the placeholder stands for", word, err)
	}
	return []byte(key), nil
}

// auditPath is the audit log's file, "" for the default.
func (c *Config) auditPath() string {
	if c.Audit == nil {
		return ""
	}
	return expand(c.Audit.Path)
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
