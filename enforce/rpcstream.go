package enforce

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/headgate/headgate/redact"
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/frame"
)

// rpcStream governs a stream of messages, each of which is decided and goes out
// before the next is looked at. Some live for hours; no more than one event is
// held.
type rpcStream struct {
	k    *rpcKind
	p    *Reply
	rd   frame.Reader
	set  *redact.Set // of what stands beside the messages
	done bool        // refused or broken: nothing more is read

	resumable bool // the client can ask for the rest
}

func (k *rpcKind) stream(p *Reply) streamer {
	s := &rpcStream{k: k, p: p, rd: frame.SSE.NewReader()}
	var err error
	if s.set, err = p.x.g.sets.get(p.x.g.cfg.Redact.Results); err != nil {
		s.stop(&wire.Refusal{Code: wire.CodeInternal, Reason: "the configured redaction cannot be used"})
		return s
	}
	if ref := k.opens(p); ref != nil {
		s.stop(ref)
		return s
	}
	p.open()
	return s
}

// open sends the header of a stream, which may have no event for long.
func (p *Reply) open() {
	p.sent = true
	h := p.x.w.Header()
	h.Del("Content-Length")
	h.Del("Trailer")
	p.x.w.WriteHeader(p.status)
	if err := http.NewResponseController(p.x.w).Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		p.ended = endGone
	}
}

func (s *rpcStream) write(b []byte) error {
	if s.done {
		return errStop
	}
	s.rd.Feed(b)
	return s.events(s.rd.Next)
}

// events reads events as long as there are any.
func (s *rpcStream) events(next func() (frame.Frame, bool, error)) error {
	for {
		ev, ok, err := next()
		if err != nil {
			s.stop(notUnderstood)
			return errStop
		}
		if !ok {
			return nil
		}
		out, ref := s.event(ev)
		if ref != nil {
			s.stop(ref)
			return errStop
		}
		if err := s.p.send(out); err != nil {
			s.done = true
			return err
		}
	}
}

// event decides one event, and gives what goes out.
func (s *rpcStream) event(ev frame.Frame) ([]byte, *wire.Refusal) {
	if frame.SSE.Stray(ev) {
		return nil, notUnderstood
	}
	if !s.set.Empty() && len(s.set.Scan(frame.SSE.Asides(ev))) > 0 {
		ev = frame.SSE.Without(ev)
		if !ev.HasData {
			return nil, nil
		}
	}
	if !ev.HasData || len(ev.Data) == 0 {
		s.resumable = s.resumable || hasID(ev)
		return ev.Raw, nil
	}
	switch ev.Name {
	case "", "message":
	case "endpoint":
		if s.k.asked.Kind == wire.RPCListen && s.p.x.governs(string(ev.Data)) {
			return ev.Raw, s.k.opensAt(s.p.x, string(ev.Data))
		}
		return nil, s.p.x.denyMessage("the upstream names an endpoint that is not governed")
	default: // clients skip what they do not know
		return nil, nil
	}
	out, ref := s.k.server(s.p, ev.Data)
	if ref != nil {
		return nil, ref
	}
	s.resumable = s.resumable || hasID(ev)
	switch {
	case out == nil:
		return nil, nil
	case bytes.Equal(out, ev.Data):
		return ev.Raw, nil
	}
	return frame.SSE.Append(nil, ev, out), nil
}

// hasID tells whether an event has an id that a client can go on from.
func hasID(ev frame.Frame) bool {
	aside := frame.SSE.Asides(ev)
	if !ev.HasData {
		aside = ev.Raw[ev.Lead:]
	}
	for line := range bytes.FieldsFuncSeq(aside, func(r rune) bool { return r == '\r' || r == '\n' }) {
		if bytes.HasPrefix(line, []byte("id:")) {
			return true
		}
	}
	return false
}

// governs tells whether the address to which a client is told to send its
// messages is of this server, and governed. What clients read in two ways is
// not: slashes that come twice, or the other way round, or dots.
func (x *Exchange) governs(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.User != nil || u.Opaque != "" || u.Fragment != "" {
		return false
	}
	if path := u.EscapedPath(); strings.Contains(path, "//") || strings.Contains(path, "..") || strings.ContainsFunc(address, notInAddresses) {
		return false
	}
	if u.Host != "" && u.Host != x.r.Host || u.Scheme != "" && (u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return false
	}
	base := &url.URL{Path: x.r.URL.Path, RawPath: x.r.URL.RawPath}
	route, err := x.g.cfg.Router.Route(http.MethodPost, base.ResolveReference(u).EscapedPath())
	if err != nil || route.Served != x.route.Served {
		return false
	}
	_, ok := route.Codec().(wire.RPCCodec)
	return ok
}

// notInAddresses tells of characters that have to be escaped in an address, and
// that some take for the end of it, or for a slash.
func notInAddresses(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' }

// close ends the stream: err is why the upstream's side ended, nil at its end.
// A client that can resume is let do so.
func (s *rpcStream) close(err error) {
	if s.done {
		return
	}
	if err == nil && s.events(s.rd.Close) != nil {
		return
	}
	waits := s.k.asked.Kind == wire.RPCRequest && !s.k.answered && !s.resumable
	switch {
	case waits:
		s.stop(brokenOff)
	case err != nil && !s.k.answered:
		s.p.ended = endUpstream
	default:
		s.complete()
	}
}

// stop refuses the rest of the stream.
func (s *rpcStream) stop(ref *wire.Refusal) {
	s.done = true
	p := s.p
	if p.refusal != nil {
		return
	}
	p.refusal, p.ended = ref, endUpstream
	if ref.Code == wire.CodePolicyDenied || ref.Code == wire.CodeUnavailable {
		p.ended = endDenied
	}
	if !p.sent {
		return
	}
	p.x.g.cfg.Observer.Refusal(string(ref.Code))
	if s.k.asked.Kind != wire.RPCRequest || s.k.answered {
		return // nobody waits for an answer; the stream's end says that there is no more
	}
	ended := p.ended
	_, body := s.k.asked.Refuser.Refuse(*ref)
	if p.send(frame.SSE.AppendNew(nil, "message", body)) == nil {
		p.ended = ended
	}
}

func (s *rpcStream) over() bool { return !s.done && s.k.answered }

func (s *rpcStream) complete() {
	s.p.ended = endComplete
	if s.k.denied {
		s.p.ended = endDenied
	}
}

func (s *rpcStream) usage() *wire.Usage { return nil }
