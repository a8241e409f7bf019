package enforce

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/coding"
)

var errTooLarge = errors.New("over the limit")

// readBody reads the request's body, under the limit. A body that breaks off
// is refused, never taken for a shorter one.
func (x *Exchange) readBody() ([]byte, *wire.Refusal) {
	limit := x.g.cfg.MaxBody
	tooLarge := &wire.Refusal{Code: wire.CodeTooLarge, Reason: "the body is over the limit of " + strconv.FormatInt(limit, 10) + " bytes"}
	if x.r.ContentLength > limit {
		return nil, tooLarge
	}
	body, err := readAll(x.r.Body, x.r.ContentLength, limit)
	x.bytesIn = int64(len(body))
	switch {
	case errors.Is(err, errTooLarge):
		return nil, tooLarge
	case err != nil:
		return nil, &wire.Refusal{Code: wire.CodeInvalidRequest, Reason: "aborted: the body broke off"}
	case x.coding == "":
		return body, nil
	}
	// It goes on decoded: what was decided is then what the upstream reads.
	body, err = coding.Decode(x.coding, body, limit)
	switch {
	case errors.Is(err, coding.ErrTooLarge):
		return nil, tooLarge
	case err != nil:
		return nil, &wire.Refusal{Code: wire.CodeInvalidRequest, Reason: err.Error()}
	}
	return body, nil
}

// readAll reads r, whose length is size where that is not negative.
func readAll(r io.Reader, size, limit int64) ([]byte, error) {
	if r == nil {
		return nil, nil
	}
	buf := make([]byte, 0, max(512, min(size+1, 1<<20)))
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		room := buf[len(buf):cap(buf)]
		if left := limit + 1 - int64(len(buf)); int64(len(room)) > left {
			room = room[:left]
		}
		n, err := r.Read(room)
		buf = buf[:len(buf)+n]
		if int64(len(buf)) > limit {
			return buf, errTooLarge
		}
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}

// forward puts the decided body into the request, and takes out of its
// headers what could make the upstream see something else.
func (x *Exchange) forward(body []byte) {
	r := x.r
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.ContentLength = int64(len(body))
	r.TransferEncoding = nil
	r.Trailer = nil
	for _, name := range hopByHop {
		delete(r.Header, name)
	}
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	r.Header.Set("Accept-Encoding", "identity")
	x.setUpstreamKey()
}

// hopByHop are headers that concern one connection, or ask for a part of a
// reply. Connection goes first of all: what it names would be taken out after
// the decision.
var hopByHop = []string{
	"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
	"Content-Encoding", "Range", "If-Range", "If-None-Match", "If-Modified-Since", "Expect",
	"X-Http-Method-Override", "X-Http-Method", "X-Method-Override", RequestIDHeader,
}

func (x *Exchange) setUpstreamKey() {
	if x.g.cfg.UpstreamKey == nil || x.route.Served == nil {
		return
	}
	d := x.route.Served.Dialect
	key := x.g.cfg.UpstreamKey(x.r, d.Name())
	if key == "" {
		return
	}
	for _, name := range []string{"Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key"} {
		x.r.Header.Del(name)
	}
	d.SetCredential(x.r.Header, key)
}

// Interface guard
var _ http.ResponseWriter = (*Reply)(nil)
