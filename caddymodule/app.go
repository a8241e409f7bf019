// Package caddymodule is Headgate's skin for Caddy: the app that holds what
// sites share, the handler that governs a site, the sandbox that stands in for
// a model, their configuration and their metrics. What is decided, and how it
// is enforced, is in the packages below it, which know no Caddy.
package caddymodule

import (
	"errors"

	"github.com/caddyserver/caddy/v2"
)

func init() {
	caddy.RegisterModule(App{})
}

// App holds the options that the sites' `headgate` handlers share. It is what
// the global option block of the same name sets; a handler's own option
// replaces the app's option of that name whole.
//
// It also owns the audit logs of all sites. They are opened when the
// configuration starts, not when it is validated: a log has one writer, and
// `headgate validate` must not need to be it.
type App struct {
	Config

	logs    *auditLogs
	ids     *bindings
	engines *engines
}

// CaddyModule returns the Caddy module information.
func (App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "headgate",
		New: func() caddy.Module { return new(App) },
	}
}

// Provision checks the shared options.
func (a *App) Provision(ctx caddy.Context) error {
	a.engines = &engines{}
	a.ids = &bindings{}
	a.logs = &auditLogs{logger: ctx.Slogger(), byPath: map[string]*lateLog{}}
	return a.validate()
}

// Start opens the audit logs.
func (a *App) Start() error { return a.logs.open() }

// Stop has nothing to stop: a log may be in use until Cleanup.
func (a *App) Stop() error { return nil }

// Cleanup gives the audit logs and the bindings back.
func (a *App) Cleanup() error {
	if a.logs == nil { // it was never provisioned
		return nil
	}
	return errors.Join(a.logs.close(), a.ids.close())
}

// Interface guards
var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
