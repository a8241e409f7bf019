package caddymodule

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/headgate/headgate/sandbox"
)

func init() {
	caddy.RegisterModule(Sandbox{})
}

// Sandbox answers like a small, deterministic OpenAI-, Anthropic-, Gemini- and
// MCP-compatible endpoint, so that a first run, a test or a policy author needs
// no key and no network. It answers `/v1/chat/completions`, `/v1/responses`,
// `/v1/completions`, `/v1/embeddings`, `/v1/moderations`, `/v1/models`,
// `/v1/messages`, `/v1/messages/count_tokens`,
// `/v1beta/models/{model}:generateContent` and `:streamGenerateContent`, in JSON
// and in streams, and offers the tools `add`, `echo` and `lookup` at `/mcp`.
//
// A model says back what it was told, which shows what it would have received;
// lines that begin with `/call`, `/say`, `/echo` and the like make it ask for
// tools, say something else, or repeat the request's bytes.
type Sandbox struct {
	handler http.Handler
}

// CaddyModule returns the Caddy module information.
func (Sandbox) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.headgate_sandbox",
		New: func() caddy.Module { return new(Sandbox) },
	}
}

// Provision makes the stand-in.
func (s *Sandbox) Provision(caddy.Context) error {
	s.handler = sandbox.New()
	return nil
}

// ServeHTTP answers; it never asks the next handler.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	s.handler.ServeHTTP(w, r)
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Sandbox)(nil)
	_ caddyhttp.MiddlewareHandler = (*Sandbox)(nil)
)
