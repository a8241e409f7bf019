package caddymodule

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/headgate/headgate/pdp"
)

func init() {
	caddy.RegisterModule(PDP{})
}

// PDP answers systems that ask for a decision instead of being proxied: the
// policy decision endpoints `/pdp/policy`, `/pdp/health`, those of OPA's Data
// API below `/v1/data/`, and `/v1/integrations/cloudevents`, which records an
// event. The same policies decide as in front of a model, and every answer is
// in the audit log.
//
// A caller signs its requests with one of the `pdp_keys`, or is known by the
// `principals`; without either it is refused, unless anonymous callers are
// allowed there. Requests for other paths go on to the next handler unseen.
//
// Options that are absent are taken from the `headgate` app.
type PDP struct {
	Config

	point   *pdp.Handler
	cleanup []func() error
}

// CaddyModule returns the Caddy module information.
func (PDP) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.headgate_pdp",
		New: func() caddy.Module { return new(PDP) },
	}
}

// Provision builds the decision point.
func (p *PDP) Provision(ctx caddy.Context) error {
	v, err := ctx.App(appName)
	if err != nil {
		return err
	}
	app := v.(*App)
	p.merge(&app.Config)
	if err := errors.Join(p.validate(), p.validatePDP()); err != nil {
		return err
	}
	log := ctx.Slogger()
	m, err := newMetrics(ctx.GetMetricsRegistry())
	if err != nil {
		return fmt.Errorf("headgate metrics: %w", err)
	}
	cfg := pdp.Config{
		Anonymous: p.Principals != nil && p.Principals.Anonymous != nil,
		MaxBody:   p.MaxBody, Hashes: p.Audit != nil && p.Audit.Hashes, Observer: m, Logger: log,
	}
	if p.Principals != nil {
		if cfg.Identify, err = p.principals(log); err != nil {
			return err
		}
	}
	for _, k := range p.PDPKeys {
		key, err := secret("pdp_key", k)
		if err != nil {
			return err
		}
		cfg.Keys = append(cfg.Keys, key)
	}
	engine, err := openEngine(ctx, &p.Config, log, m)
	p.cleanup = append(p.cleanup, engine.close)
	if err != nil {
		return err
	}
	app.engines.add(engine)
	cfg.Policy = wrapPolicy(engine)
	if cfg.Audit, err = app.logs.use(p.auditPath()); err != nil {
		return err
	}
	if p.point, err = pdp.New(cfg); err != nil {
		return fmt.Errorf("headgate_pdp: %w", err)
	}
	return nil
}

// Cleanup stops following the policy's files.
func (p *PDP) Cleanup() error { return runAll(&p.cleanup) }

// ServeHTTP answers the endpoints, and hands everything else on.
func (p *PDP) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if !p.point.Serves(r) {
		return next.ServeHTTP(w, r)
	}
	remoteIP, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	p.point.Handle(w, r, remoteIP)
	return nil
}

// UnmarshalCaddyfile sets up the handler from Caddyfile tokens, in the syntax
// of [Handler.UnmarshalCaddyfile].
func (p *PDP) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return p.Config.unmarshalCaddyfile(d)
}

// Interface guards
var (
	_ caddy.Provisioner           = (*PDP)(nil)
	_ caddy.CleanerUpper          = (*PDP)(nil)
	_ caddyhttp.MiddlewareHandler = (*PDP)(nil)
	_ caddyfile.Unmarshaler       = (*PDP)(nil)
)
