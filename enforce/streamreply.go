package enforce

import (
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/redact"
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/frame"
)

// streamReply governs a stream of events.
//
// Where post_chat looks at the reply, the stream is kept until it is whole,
// decided, and then sent through the same way as one that flows. Where it does
// not, post_chat is decided before the first event, and the stream flows.
type streamReply struct {
	p    *Reply
	held []byte // the whole stream, where post_chat looks at it
	hold bool
	flow *flow
	done bool // refused or broken: nothing more is read
	cr   bool // what went out ends with a CR
}

func newStreamReply(p *Reply) *streamReply {
	s := &streamReply{p: p, hold: p.x.mustHold()}
	if s.hold {
		return s
	}
	rec, set, ref := p.postChat(nil, nil)
	if ref == nil {
		ref = p.x.write(rec)
	}
	if ref != nil {
		s.stop(ref)
		return s
	}
	s.flow = newFlow(p, set)
	return s
}

// stop refuses the rest of the stream. What is still held never goes out.
func (s *streamReply) stop(ref *wire.Refusal) {
	s.done = true
	p := s.p
	if (ref == tooMuchHeld || ref == notCarriedOut) && p.refusal == nil {
		ref = p.denyLine(ref)
	}
	if p.refusal == nil {
		p.refusal = ref
		switch ref.Code {
		case wire.CodePolicyDenied, wire.CodeApprovalRequired, wire.CodeUnavailable:
			p.ended = endDenied
		default:
			p.ended = endUpstream
		}
	}
	if p.sent && s.flow != nil {
		ended := p.ended
		said := s.flow.ws.Refuse(*ref)
		if s.cr { // of a CRLF: some clients look for the whole of it
			said = append([]byte("\n"), said...)
		}
		if p.send(said) == nil {
			p.ended = ended
		}
		p.x.g.cfg.Observer.Refusal(string(ref.Code))
	}
}

func (s *streamReply) write(b []byte) error {
	if s.done {
		return errStop
	}
	if s.hold {
		if int64(len(s.held)+len(b)) > s.p.x.g.cfg.MaxBody {
			s.stop(tooMuchHeld)
			return errStop
		}
		s.held = append(s.held, b...)
		return nil
	}
	s.flow.feed(b)
	return s.release()
}

var (
	notCarriedOut = &wire.Refusal{Code: wire.CodePolicyDenied, Reason: "the decision cannot be carried out on the reply"}
	tooMuchHeld   = &wire.Refusal{Code: wire.CodePolicyDenied, Reason: "more of the reply would have to be held than the limit allows"}
	notUnderstood = &wire.Refusal{Code: wire.CodeUpstream, Reason: "the upstream's stream was not understood"}
	brokenOff     = &wire.Refusal{Code: wire.CodeUpstream, Reason: "the upstream's stream broke off"}
)

// release sends what the flow has let go, and stops where it was refused.
func (s *streamReply) release() error {
	out, ref := s.flow.take()
	if ref != nil && !s.p.sent && (s.hold || len(out) == 0) {
		s.stop(ref) // nothing has gone out: a plain refusal
		return errStop
	}
	if err := s.p.send(out); err != nil {
		s.done = true
		return err
	}
	if len(out) > 0 {
		s.cr = out[len(out)-1] == '\r'
	}
	if ref != nil {
		s.stop(ref)
		return errStop
	}
	return nil
}

// close ends the stream: err is why the upstream's side ended, nil at its end.
func (s *streamReply) close(err error) {
	if s.done {
		return
	}
	if s.hold && !s.decideHeld(err) {
		return
	}
	s.flow.end(err == nil)
	over := s.flow.over
	if s.release() != nil && (!over || s.p.refusal != nil) {
		return
	}
	s.complete()
}

// over tells whether the client was sent the whole stream, its end included.
// What the client and the upstream do after that changes nothing.
func (s *streamReply) over() bool {
	return !s.done && s.flow != nil && s.flow.over
}

func (s *streamReply) complete() {
	s.p.ended = endComplete
	if s.flow.ws.Failed() {
		s.p.ended = endUpstream
	}
	if resp := s.flow.ws.Response(); resp != nil {
		s.p.respHash = hash(resp.HashForm())
	}
}

// usage is what the upstream has said so far.
func (s *streamReply) usage() *wire.Usage {
	if s.flow == nil {
		return nil
	}
	return s.flow.ws.Usage()
}

// decideHeld reads the whole stream, asks post_chat, and feeds the flow.
func (s *streamReply) decideHeld(err error) bool {
	p := s.p
	if err != nil {
		s.stop(brokenOff)
		return false
	}
	ws := p.x.chat.Stream(wire.StreamOptions{Assemble: true, Format: p.format})
	texts := map[wire.Channel][]byte{}
	var copies []wire.Piece
	var order []wire.Channel
	if e := readAllFrames(p.format, s.held, func(ev frame.Frame) error {
		we, err := ws.Event(ev.Name, ev.Data)
		if err != nil {
			return err
		}
		for _, piece := range we.Pieces {
			if piece.Copy {
				copies = append(copies, piece)
				continue
			}
			if _, seen := texts[piece.Channel]; !seen {
				order = append(order, piece.Channel)
			}
			texts[piece.Channel] = append(texts[piece.Channel], piece.Text...)
		}
		return nil
	}); e != nil {
		p.x.g.cfg.Logger.Warn("the upstream's stream was not understood", "request_id", p.x.id, "error", e)
		s.stop(notUnderstood)
		return false
	}
	rec, set, ref := p.postChat(ws.Response(), func() []policy.Finding {
		f := p.x.finder()
		for _, ch := range order {
			at := wire.Place{List: "choices", Index: ch.Choice}
			f.text(at.String(), texts[ch], false)
		}
		for i := range copies {
			at := wire.Place{List: "choices", Index: copies[i].Channel.Choice}
			f.copied(at.String(), copies[i].Text, false)
		}
		return f.findings()
	})
	if ref != nil {
		s.stop(ref)
		return false
	}
	rec.Redactions = redactionsOf(set, texts)
	raise(rec, policy.RedactResponse)
	if ref := p.x.write(rec); ref != nil {
		s.stop(ref)
		return false
	}
	s.flow = newFlow(p, set)
	s.flow.feed(s.held)
	s.held = nil
	return true
}

// redactionsOf counts what a set will replace in texts that are whole.
func redactionsOf(set *redact.Set, texts map[wire.Channel][]byte) redact.Counts {
	if set.Empty() {
		return nil
	}
	r := redaction{set: set}
	for _, t := range texts {
		r.find(t, false)
	}
	return r.counts
}

// readAllFrames calls f for every frame that has data.
func readAllFrames(format frame.Format, stream []byte, f func(frame.Frame) error) error {
	rd := format.NewReader()
	rd.Feed(stream)
	for _, next := range []func() (frame.Frame, bool, error){rd.Next, rd.Close} {
		for {
			ev, ok, err := next()
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			if !ev.HasData {
				continue
			}
			if err := f(ev); err != nil {
				return err
			}
		}
	}
	return nil
}
