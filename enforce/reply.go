package enforce

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/headgate/headgate/redact"
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/coding"
	"github.com/headgate/headgate/wire/frame"
)

// How an exchange ended, in the outcome line.
const (
	endComplete = "complete"
	endDenied   = "denied"
	endGone     = "client_gone"
	endUpstream = "upstream_error"
	endAborted  = "aborted"
)

// Reply governs one upstream's reply: the next handler writes to it, and it
// writes to the client what was decided. It must be closed.
type Reply struct {
	x      *Exchange
	mode   replyMode
	format frame.Format // of streams
	status int
	buf    []byte   // of replies that are looked at whole
	coding string   // of the reply, "" for none
	stream streamer // of streams

	sent     bool // the client's header has gone out
	cut      bool // see Cut
	bytesOut int64
	ended    string
	refusal  *wire.Refusal
	counts   redact.Counts
	usage    *wire.Usage
	respHash string
}

type replyMode int

const (
	modeNone   replyMode = iota // no header yet
	modeWhole                   // a successful reply that is looked at whole
	modeStream                  // a stream of events
	modeError                   // a reply that is no success
	modeRefuse                  // a reply that is not understood: swallowed
)

var errStop = errors.New("the reply was refused")

func newReply(x *Exchange) *Reply { return &Reply{x: x} }

// Header is the client's header, which the upstream's is copied into. What is
// set after WriteHeader, such as trailers, goes nowhere.
func (p *Reply) Header() http.Header {
	if p.mode != modeNone {
		return http.Header{}
	}
	return p.x.w.Header()
}

// WriteHeader looks at the upstream's status and header, and decides how the
// body is governed. Nothing goes to the client yet, except 1xx.
func (p *Reply) WriteHeader(status int) {
	if p.mode != modeNone {
		return
	}
	if status >= 100 && status < 200 {
		if status != http.StatusSwitchingProtocols {
			p.x.w.WriteHeader(status)
			return
		}
		status = http.StatusBadGateway // nothing was asked to switch
	}
	p.status = status
	p.mode = p.classify(status)
	if p.mode == modeStream {
		p.stream = p.x.kind.stream(p)
	}
}

func (p *Reply) classify(status int) replyMode {
	h := p.Header()
	h.Set(RequestIDHeader, p.x.id)
	coded, err := coding.Of(h.Values("Content-Encoding"))
	if err != nil {
		p.fail(wire.CodeUpstream, "the upstream's reply has a content coding that is not supported")
		return modeRefuse
	}
	p.coding = coded
	if status < 200 || status > 299 {
		return modeError
	}
	var media string
	var params map[string]string
	if values := h.Values("Content-Type"); len(values) > 0 {
		media, params, err = mime.ParseMediaType(strings.Join(values, ", "))
	}
	charset := params["charset"]
	switch {
	case err != nil, charset != "" && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "us-ascii"):
	default:
		mode := p.x.kind.classify(p, media)
		if mode == modeStream && p.coding != "" {
			p.fail(wire.CodeUpstream, "the upstream's stream is encoded")
			return modeRefuse
		}
		if mode != modeRefuse {
			return mode
		}
	}
	p.fail(wire.CodeUpstream, "the upstream's reply is neither JSON nor a stream of events")
	return modeRefuse
}

// formatOf finds out how a reply of some media type is framed, if it is a
// stream.
func formatOf(c wire.Codec, media string, stream bool) frame.Format {
	if f, ok := c.(wire.Framer); ok {
		return f.Format(media, stream)
	}
	if media == "text/event-stream" {
		return frame.SSE
	}
	return nil
}

// fail notes a refusal; Close sends it.
func (p *Reply) fail(code wire.Code, reason string) {
	p.refusal = &wire.Refusal{Code: code, Reason: reason}
	p.ended = endUpstream
	if code == wire.CodePolicyDenied {
		p.ended = endDenied
	}
}

// Write takes a piece of the upstream's body. An error asks the next handler
// to stop.
func (p *Reply) Write(b []byte) (n int, err error) {
	defer func() {
		if v := recover(); v != nil {
			n, err = 0, p.crash(v)
		}
	}()
	return p.take(b)
}

// crash ends the reply after a panic.
func (p *Reply) crash(v any) error {
	p.x.panicked(v)
	ref := &wire.Refusal{Code: wire.CodeInternal, Reason: internalError}
	if p.stream != nil {
		p.stream.stop(ref)
	}
	p.mode, p.refusal, p.ended = modeRefuse, ref, endAborted
	return errStop
}

func (p *Reply) take(b []byte) (int, error) {
	if p.mode == modeNone {
		p.WriteHeader(http.StatusOK)
	}
	switch p.mode {
	case modeStream:
		if err := p.stream.write(b); err != nil {
			return 0, err
		}
	case modeWhole, modeError:
		if int64(len(p.buf)+len(b)) > p.x.g.cfg.MaxBody {
			p.fail(wire.CodeUpstream, "the upstream's reply is over the limit")
			p.mode = modeRefuse
			return 0, errStop
		}
		p.buf = append(p.buf, b...)
	case modeRefuse:
		return 0, errStop
	}
	return len(b), nil
}

// Flush sends what may be sent. Held bytes stay held.
func (p *Reply) Flush() error {
	if !p.sent {
		return nil
	}
	return http.NewResponseController(p.x.w).Flush()
}

// send writes to the client, with the header before the first byte.
func (p *Reply) send(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if !p.sent {
		p.sent = true
		h := p.x.w.Header()
		h.Del("Content-Length")
		h.Del("Trailer")
		if p.mode != modeStream {
			h.Set("Content-Length", strconv.Itoa(len(b)))
		}
		p.x.w.WriteHeader(p.status)
	}
	n, err := p.x.w.Write(b)
	p.bytesOut += int64(n)
	if err != nil {
		p.ended = endGone
		return err
	}
	if p.mode == modeStream {
		if err := http.NewResponseController(p.x.w).Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			p.ended = endGone
			return err
		}
	}
	return nil
}

// Close ends the reply: err is what the next handler came back with, or what
// it panicked with. It finishes what was held, answers the client if nobody
// has, and writes the outcome. It never panics for the upstream's sake.
func (p *Reply) Close(err error) {
	func() {
		defer func() {
			if v := recover(); v != nil {
				_ = p.crash(v)
			}
		}()
		p.finish(err)
	}()
	for name := range p.x.w.Header() { // an upstream's trailers were not looked at
		if strings.HasPrefix(name, http.TrailerPrefix) {
			delete(p.x.w.Header(), name)
		}
	}
	if p.refusal != nil && !p.sent {
		p.sent = true
		p.status = p.x.answer(p.refusal)
	}
	p.outcome()
}

func (p *Reply) finish(err error) {
	if p.refusal != nil || p.ended == endGone {
		return
	}
	gone := errors.Is(p.x.ctx.Err(), context.Canceled)
	switch {
	case p.stream != nil && p.stream.over() && (gone || err != nil): // many a client leaves once it has read the end
		p.stream.complete()
		return
	case gone:
		p.ended = endGone
		return
	}
	if err != nil && p.mode != modeStream {
		p.upstreamFailed(err)
		return
	}
	switch p.mode {
	case modeNone:
		p.fail(wire.CodeUpstream, "the upstream did not answer")
	case modeWhole, modeError:
		p.closeWhole()
	case modeStream:
		p.stream.close(err)
	}
}

// statusError is what errors of the next handler may say of themselves.
type statusError interface{ HTTPStatus() int }

// upstreamFailed turns the next handler's error into the dialect's 502 or 504.
func (p *Reply) upstreamFailed(err error) {
	code, reason := wire.CodeUpstream, "the upstream cannot be reached"
	var se statusError
	switch {
	case errors.As(err, &se) && se.HTTPStatus() == http.StatusGatewayTimeout,
		errors.Is(err, context.DeadlineExceeded):
		code, reason = wire.CodeUpstreamTimeout, "the upstream did not answer in time"
	case p.mode != modeNone:
		reason = "the upstream's reply broke off"
	}
	p.fail(code, reason)
}

func (p *Reply) refuseWith(ref *wire.Refusal) {
	p.refusal, p.ended = ref, endDenied
}

func addCounts(to, from redact.Counts) redact.Counts {
	if to == nil && len(from) > 0 {
		to = redact.Counts{}
	}
	for e, n := range from {
		to[e] += n
	}
	return to
}

// outcome closes the exchange's story. The client has its answer by now, so a
// line that cannot be written is only told.
func (p *Reply) outcome() {
	x := p.x
	if p.ended == "" {
		p.ended = endAborted
	}
	rec := x.record("")
	rec.Kind, rec.Status, rec.Ended = "outcome", p.status, p.ended
	rec.BytesIn, rec.BytesOut = x.bytesIn, p.bytesOut
	rec.ResponseHash = p.respHash
	if len(p.counts) > 0 {
		rec.Redactions = p.counts
	}
	if p.stream != nil {
		p.usage = p.stream.usage()
	}
	if p.usage != nil {
		rec.InputTokens, rec.OutputTokens = p.usage.Input, p.usage.Output
	}
	if err := x.g.cfg.Audit.Append(rec); err != nil {
		x.g.cfg.Observer.AuditFailure()
		x.g.cfg.Logger.Error("outcome line not written", "request_id", x.id, "error", err)
	}
	x.g.cfg.Observer.Outcome(x.protocol(), p.ended, rec.InputTokens, rec.OutputTokens)
}
