package enforce

import (
	"bytes"

	"github.com/headgate/headgate/redact"
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/frame"
)

// flow is a stream on its way through: text runs through the detectors, one
// scanner for each channel, and an event goes out, exactly as it came, once
// all of its text is resolved. Tool calls wait until they are whole and
// decided. Order is kept within a choice's channel and free between channels,
// unless the protocol keeps it everywhere; an event that ends a choice or the
// reply waits for all before it.
type flow struct {
	p   *Reply
	fmt frame.Format
	rd  frame.Reader
	ws  wire.Stream
	set *redact.Set

	ordered  bool // all events keep their order
	stale    wire.Stale
	creator  wire.Creator
	bound    int // how many of its ids are bound
	channels map[wire.Channel]*channel
	verdicts map[wire.CallKey]wire.Verdict
	dirty    map[int]bool // choices of which a call was changed
	queue    []pending
	calls    map[int][]pending // events that hold nothing but parts of calls, by choice
	held     int64

	out     []byte
	over    bool // the event that ends the reply has gone out
	refusal *wire.Refusal
}

// channel is one text of the reply.
type channel struct {
	scan     *redact.Stream
	pos      int64 // bytes read
	resolved int64 // bytes that no later edit touches
	edits    []redact.Edit
	copy     bool // what is found was counted before
}

// pending is an event that waits.
type pending struct {
	ev     frame.Frame
	we     *wire.Event
	pieces []placed
}

// placed is where a piece lies in its channel.
type placed struct {
	ch         *channel
	start, end int64
}

// maxQueued bounds the events that wait for their text; a scanner holds back
// a kilobyte or so, and an event with text has at least a byte.
const maxQueued = 1 << 14

func newFlow(p *Reply, set *redact.Set) *flow {
	ws := p.x.chat.Stream(wire.StreamOptions{Assemble: p.x.g.cfg.Hashes, Format: p.format})
	_, ordered := ws.(wire.Ordered)
	stale, _ := ws.(wire.Stale)
	creator, _ := ws.(wire.Creator)
	return &flow{
		p: p, set: set, ws: ws, ordered: ordered, stale: stale, creator: creator, fmt: p.format, rd: p.format.NewReader(),
		channels: map[wire.Channel]*channel{}, verdicts: map[wire.CallKey]wire.Verdict{},
		dirty: map[int]bool{}, calls: map[int][]pending{},
	}
}

// take gives what may be sent, and why the stream ends, if it was refused.
// What was let go before a refusal still goes out.
func (f *flow) take() ([]byte, *wire.Refusal) {
	out := f.out
	f.out = f.out[:0]
	return out, f.refusal
}

// feed reads bytes of the upstream.
func (f *flow) feed(b []byte) {
	f.rd.Feed(b)
	for f.refusal == nil {
		ev, ok, err := f.rd.Next()
		if err != nil {
			f.refusal = notUnderstood
			return
		}
		if !ok {
			return
		}
		f.event(ev)
	}
}

// end is the end of the upstream's bytes; whole tells that they did not break
// off.
func (f *flow) end(whole bool) {
	if f.refusal != nil {
		return
	}
	for f.refusal == nil && whole {
		ev, ok, err := f.rd.Close()
		if err != nil {
			f.refusal = brokenOff
			return
		}
		if !ok {
			break
		}
		f.event(ev)
	}
	if f.refusal != nil {
		return
	}
	if !whole || !f.ws.Done() {
		f.refusal = brokenOff
		return
	}
	for _, ch := range f.channels {
		f.closeChannel(ch)
	}
	f.pump()
	if len(f.queue) > 0 && f.refusal == nil {
		f.refusal = brokenOff
	}
}

// event reads one event and lets go what it resolves.
func (f *flow) event(ev frame.Frame) {
	if f.fmt.Stray(ev) {
		f.refusal = notUnderstood
		return
	}
	if !ev.HasData {
		switch {
		case len(f.queue) > 0 && f.ordered && len(bytes.TrimSpace(ev.Raw)) == 0: // the rest of a line end that was cut
			f.keep(pending{ev: ev, we: &wire.Event{}})
		case f.set.Empty() || len(f.set.Scan(f.fmt.Asides(ev))) == 0:
			f.out = append(f.out, ev.Raw...) // comments and pings
		}
		return
	}
	if !f.set.Empty() && len(f.set.Scan(f.fmt.Asides(ev))) > 0 {
		ev = f.fmt.Without(ev)
	}
	we, err := f.ws.Event(ev.Name, ev.Data)
	if err != nil {
		f.p.x.g.cfg.Logger.Warn("the upstream's stream was not understood", "request_id", f.p.x.id, "error", err)
		f.refusal = notUnderstood
		return
	}
	if f.bound, f.refusal = f.p.x.binds(f.creator, f.bound); f.refusal != nil {
		return
	}
	p := pending{ev: ev, we: we, pieces: f.place(we)}
	for _, name := range we.Closed {
		if ch := f.channels[name]; ch != nil {
			f.closeChannel(ch)
			delete(f.channels, name)
		}
	}
	for _, choice := range we.Ended {
		f.endChoice(choice)
	}
	if we.End {
		for _, ch := range f.channels {
			f.closeChannel(ch)
		}
	}
	if !f.decide(we.Whole) {
		return
	}
	if len(f.queue) == 0 && len(we.Calls) == 0 && len(we.Whole) == 0 && f.ready(&p) {
		if _, waits := f.aside(we); !waits {
			f.emit(&p)
			return
		}
	}
	f.keep(p)
	f.pump()
}

// place scans the event's texts.
func (f *flow) place(we *wire.Event) []placed {
	if f.set.Empty() || len(we.Pieces) == 0 {
		return nil
	}
	pieces := make([]placed, len(we.Pieces))
	for i := range we.Pieces {
		piece := &we.Pieces[i]
		var ch *channel
		if piece.Whole {
			ch = &channel{scan: f.set.NewStream(), copy: piece.Copy}
		} else if ch = f.channels[piece.Channel]; ch == nil {
			ch = &channel{scan: f.set.NewStream()}
			f.channels[piece.Channel] = ch
		}
		pieces[i] = placed{ch: ch, start: ch.pos, end: ch.pos + int64(len(piece.Text))}
		ch.pos = pieces[i].end
		if ch.scan != nil && len(piece.Text) > 0 {
			resolved, edits := ch.scan.Write(piece.Text)
			f.resolved(ch, resolved, edits)
		}
		if piece.Whole {
			f.closeChannel(ch)
		}
	}
	return pieces
}

// resolved takes a scanner's answer into the channel.
func (f *flow) resolved(ch *channel, to int64, edits []redact.Edit) {
	ch.resolved = to
	if len(edits) == 0 {
		return
	}
	ch.edits = append(ch.edits, edits...)
	if ch.copy {
		return
	}
	for i := range edits {
		f.p.counts = addCounts(f.p.counts, redact.Counts{edits[i].Entity: 1})
		f.p.x.g.cfg.Observer.Redaction("response", edits[i].Entity, 1)
	}
}

func (f *flow) closeChannel(ch *channel) {
	if ch.scan == nil {
		return
	}
	resolved, edits := ch.scan.Close()
	f.resolved(ch, resolved, edits)
	ch.scan = nil
}

// endChoice resolves every text of a choice.
func (f *flow) endChoice(choice int) {
	for key, ch := range f.channels {
		if key.Choice == choice {
			f.closeChannel(ch)
		}
	}
}

// decide asks pre_tool about calls that have become whole. It answers false
// where the stream is over for it.
func (f *flow) decide(calls []wire.Call) bool {
	for i := range calls {
		v, ref := f.p.call(&calls[i])
		if ref != nil {
			f.refusal = ref
			return false
		}
		f.verdicts[wire.CallKey{Choice: calls[i].Choice, Index: calls[i].Index}] = v
		if !v.Untouched() {
			f.dirty[calls[i].Choice] = true
		}
	}
	for i := range calls { // the calls' events go out before the one that ends the choice
		choice := calls[i].Choice
		f.queue = append(f.queue, f.calls[choice]...)
		delete(f.calls, choice)
	}
	return true
}
