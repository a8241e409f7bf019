package caddymodule

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/headgate/headgate/enforce"
)

// responseWriter stands between the client and the next handler. Everything
// that is written goes through the exchange's reply, also what comes by
// ReadFrom; nothing may reach the wrapped writer around it.
type responseWriter struct {
	*caddyhttp.ResponseWriterWrapper
	reply *enforce.Reply
}

func newResponseWriter(w http.ResponseWriter, reply *enforce.Reply) *responseWriter {
	return &responseWriter{ResponseWriterWrapper: &caddyhttp.ResponseWriterWrapper{ResponseWriter: w}, reply: reply}
}

// Header is the reply's, which takes nothing any more after WriteHeader.
func (rw *responseWriter) Header() http.Header { return rw.reply.Header() }

func (rw *responseWriter) WriteHeader(status int) { rw.reply.WriteHeader(status) }

// Write stops the next handler by a panic where the reply takes nothing more,
// as a reverse proxy itself does. An error would stop it too, but the proxy
// then logs the request with its headers, an upstream's X-Api-Key among them.
func (rw *responseWriter) Write(b []byte) (int, error) {
	n, err := rw.reply.Write(b)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return n, nil
}

// ReadFrom hides the wrapped writer's own, which would bypass the reply.
func (rw *responseWriter) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(writerOnly{rw}, r)
}

// FlushError sends what may be sent; what is held stays held.
func (rw *responseWriter) FlushError() error { return rw.reply.Flush() }

// Push is not offered: a pushed reply would not be governed.
func (rw *responseWriter) Push(string, *http.PushOptions) error { return http.ErrNotSupported }

// Hijack is not offered: what goes over a hijacked connection is not governed.
func (rw *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return nil, nil, http.ErrNotSupported
}

// Unwrap keeps http.ResponseController's deadlines working.
func (rw *responseWriter) Unwrap() http.ResponseWriter { return rw.ResponseWriterWrapper }

type writerOnly struct{ io.Writer }

// nextError lets the core know the status that Caddy's handlers give their
// errors, without knowing Caddy.
type nextError struct{ error }

func (e nextError) Unwrap() error { return e.error }

// HTTPStatus is the status that the next handler asked for, or 0.
func (e nextError) HTTPStatus() int {
	var he caddyhttp.HandlerError
	if errors.As(e.error, &he) {
		return he.StatusCode
	}
	return 0
}

// Interface guards
var (
	_ http.ResponseWriter = (*responseWriter)(nil)
	_ io.ReaderFrom       = (*responseWriter)(nil)
	_ http.Pusher         = (*responseWriter)(nil)
	_ http.Hijacker       = (*responseWriter)(nil)
)
