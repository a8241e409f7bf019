package sandbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// maxBody is the largest request body, in bytes, that is read: Headgate's own
// default limit, so that what the gate lets through fits here too.
const maxBody = 32 << 20

// created is the time of every reply and model, 2026-01-01T00:00:00Z, in
// seconds since the Unix epoch.
const created = 1767225600

// Handler is the sandbox endpoint. It holds no state and is safe for
// concurrent use. Make one with [New].
type Handler struct {
	sleep func(context.Context, time.Duration)
}

// New returns a sandbox endpoint.
func New() *Handler { return &Handler{sleep: sleep} }

// sleep waits for d, or until the client is gone.
func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// makeID returns prefix and the first 24 hex digits of the SHA-256 of body,
// followed by the numbers in ns.
func makeID(prefix string, body []byte, ns ...int) string {
	sum := sha256.New()
	sum.Write(body)
	for _, n := range ns {
		sum.Write([]byte{0})
		sum.Write(strconv.AppendInt(nil, int64(n), 10))
	}
	return prefix + hex.EncodeToString(sum.Sum(nil))[:24]
}

// encode returns v as JSON without a newline and without HTML escapes, so that
// text reads as it was sent.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		// Only this package's own types come here, and all of them encode.
		panic("sandbox: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// writeJSON sends v as the whole reply.
func writeJSON(w http.ResponseWriter, status int, v any) {
	b := encode(v)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b) // the client is gone: nobody is left to tell
}

// abort sends what is buffered and breaks the connection off.
func abort(w http.ResponseWriter) {
	_ = http.NewResponseController(w).Flush() // it breaks off either way
	panic(http.ErrAbortHandler)
}

// Interface guard.
var _ http.Handler = (*Handler)(nil)
