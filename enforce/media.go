package enforce

import (
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/wire"
)

// mediaKind is for endpoints whose replies may be JSON, a stream of events, a
// text that is neither, or media, which pass as they come.
type mediaKind struct {
	chatKind
	codec wire.MediaCodec
	media string // of a reply that is neither JSON nor a stream of events
}

func (k *mediaKind) classify(p *Reply, media string) replyMode {
	if mode := k.chatKind.classify(p, media); mode != modeRefuse {
		return mode
	}
	k.media = media
	if k.codec.Medium(media) != "" {
		return modeStream
	}
	if _, ok, _ := k.codec.Text(media, nil); ok {
		return modeWhole
	}
	return modeRefuse
}

func (k *mediaKind) whole(p *Reply) {
	if k.media != "" {
		p.x.chat = textCodec{k.codec, k.media}
	}
	p.closeJSON()
}

func (k *mediaKind) stream(p *Reply) streamer {
	if fact := k.codec.Medium(k.media); fact != "" {
		return newRawReply(p, fact)
	}
	if fact := k.codec.Medium("text/event-stream"); fact != "" {
		if ref := p.note(fact); ref != nil {
			r := &rawReply{p: p}
			r.stop(p.denyLine(ref))
			return r
		}
	}
	return k.chatKind.stream(p)
}

// textCodec reads replies of one media type.
type textCodec struct {
	wire.MediaCodec
	media string
}

// Reply reads a text.
func (c textCodec) Reply(body []byte) (wire.Reply, error) {
	reply, ok, err := c.Text(c.media, body)
	if err == nil && !ok {
		err = errEdit
	}
	return reply, err
}

// rawReply governs a reply of media. Its decision is made before its first
// byte; nothing of it can be looked into.
type rawReply struct {
	p    *Reply
	done bool // refused
}

func newRawReply(p *Reply, fact string) *rawReply {
	r := &rawReply{p: p}
	if ref := p.note(fact); ref != nil {
		r.stop(p.denyLine(ref))
		return r
	}
	rec, _, ref := p.postChat(&wire.Response{}, func() []policy.Finding { return nil })
	if ref == nil {
		ref = p.x.write(rec)
	}
	if ref != nil {
		r.stop(ref)
	}
	return r
}

func (r *rawReply) write(b []byte) error {
	if r.done {
		return errStop
	}
	return r.p.send(b)
}

// close ends the reply. One that broke off has no form to say so in: the
// connection is cut, so that nobody takes it for whole.
func (r *rawReply) close(err error) {
	switch {
	case r.done:
	case err != nil && r.p.sent:
		r.p.cut, r.p.ended = true, endUpstream
	case err != nil:
		r.p.fail(wire.CodeUpstream, brokenOff.Reason)
	default:
		r.complete()
	}
}

func (r *rawReply) stop(ref *wire.Refusal) {
	r.done = true
	r.p.refuseWith(ref)
	r.p.cut = r.p.sent
}

func (r *rawReply) over() bool         { return false }
func (r *rawReply) usage() *wire.Usage { return nil }

func (r *rawReply) complete() {
	if !r.p.sent { // an empty one
		r.p.sent = true
		r.p.x.w.WriteHeader(r.p.status)
	}
	r.p.ended = endComplete
}

// Cut tells whether the connection to the client has to be cut: a reply that
// has no form for an error broke off.
func (p *Reply) Cut() bool { return p.cut }

// Interface guards
var (
	_ kind            = (*mediaKind)(nil)
	_ streamer        = (*rawReply)(nil)
	_ wire.MediaCodec = textCodec{}
)
