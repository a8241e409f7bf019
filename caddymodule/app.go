// Package caddymodule is Headgate's skin for Caddy: the app that holds what
// sites share, the handler that governs a site, the sandbox that stands in for
// a model, their configuration and their metrics. What is decided, and how it
// is enforced, is in the packages below it, which know no Caddy.
package caddymodule

import (
	"github.com/caddyserver/caddy/v2"
)

func init() {
	caddy.RegisterModule(App{})
}

// App holds the options that the sites' `headgate` handlers share. It is what
// the global option block of the same name sets; a handler's own option
// replaces the app's option of that name whole.
type App struct {
	Config
}

// CaddyModule returns the Caddy module information.
func (App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "headgate",
		New: func() caddy.Module { return new(App) },
	}
}

// Validate checks the shared options.
func (a *App) Validate() error { return a.validate() }

// Start has nothing to start: the handlers do the work.
func (a *App) Start() error { return nil }

// Stop has nothing to stop.
func (a *App) Stop() error { return nil }

// Interface guards
var (
	_ caddy.App       = (*App)(nil)
	_ caddy.Validator = (*App)(nil)
)
