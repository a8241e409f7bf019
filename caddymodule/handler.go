package caddymodule

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/headgate/headgate/enforce"
)

func init() {
	caddy.RegisterModule(Handler{})
}

// Handler is the policy gate in front of models and tools. It governs every
// request of its site: the prompt on its way to the model, each tool call that
// the model asks for, and the reply, JSON or streamed. Each is decided by
// Rego policies in an embedded OPA, rewritten where the policy says so, and
// written to an audit log before it goes on.
//
// The gate understands OpenAI's API (chat completions, responses and
// conversations, completions, embeddings, moderations, images, audio, files,
// batches), Anthropic's messages, Gemini, also on Vertex AI, Ollama, and all
// that speak like them; the Model Context Protocol, the Agent2Agent protocol,
// and HTTP endpoints that are tools. One policy holds for all of them. What the
// gate does not understand (a path, a method, a content type, a body) is refused
// in the API's own error shape, and audited.
//
// It belongs in front of `reverse_proxy`. Options that are absent are taken
// from the `headgate` app, which the global option block of the Caddyfile
// sets.
type Handler struct {
	Config

	gate    *enforce.Gate
	logger  *zap.Logger
	cleanup []func() error
}

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.headgate",
		New: func() caddy.Module { return new(Handler) },
	}
}

// ServeHTTP governs one exchange.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	remoteIP, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	x := h.gate.Begin(w, r, remoteIP)
	if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		repl.Set("http.headgate.request_id", x.ID())
	}
	reply, ok := x.Admit()
	switch {
	case !ok:
		return nil
	case reply == nil: // passes unread
		rec := caddyhttp.NewResponseRecorder(w, nil, nil)
		err := next.ServeHTTP(rec, r)
		x.Passed(rec.Status(), int64(rec.Size()), err)
		return err
	}
	reply.Close(h.forward(newResponseWriter(w, reply), r, next))
	if reply.Cut() {
		panic(http.ErrAbortHandler)
	}
	return nil
}

var errAborted = errors.New("the next handler aborted")

// forward asks the next handler. A reverse proxy panics to cut a connection
// whose upstream broke off; the client gets the protocol's error instead.
func (h *Handler) forward(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) (err error) {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			err = errAborted
		default:
			h.logger.Error("panic in the next handler", zap.String("type", fmt.Sprintf("%T", v)), zap.ByteString("stack", debug.Stack()))
			err = errAborted
		}
	}()
	if err := next.ServeHTTP(w, r); err != nil {
		return nextError{err}
	}
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.Validator             = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
