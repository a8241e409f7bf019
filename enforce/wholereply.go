package enforce

import (
	"strconv"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/coding"
	"github.com/headgate/headgate/wire/strictjson"
)

// closeWhole decides a reply that is no stream.
func (p *Reply) closeWhole() {
	if p.coding != "" {
		body, err := coding.Decode(p.coding, p.buf, p.x.g.cfg.MaxBody)
		if err != nil {
			p.fail(wire.CodeUpstream, "the upstream's reply cannot be decoded")
			return
		}
		p.buf = body
		p.x.w.Header().Del("Content-Encoding")
	}
	if p.mode == modeWhole {
		p.x.kind.whole(p)
		return
	}
	if k, ok := p.x.kind.(failing); ok {
		k.failed(p)
		return
	}
	p.closeError()
}

// closeJSON decides a whole reply and sends it.
func (p *Reply) closeJSON() {
	if out, ok := p.decideJSON(); ok && p.send(out) == nil {
		p.ended = endComplete
	}
}

// misread notes that the upstream's reply was not understood.
func (p *Reply) misread(err error) {
	p.x.g.cfg.Logger.Warn("the upstream's reply was not understood", "request_id", p.x.id, "error", err)
	p.fail(wire.CodeUpstream, "the upstream's reply was not understood")
}

// decideJSON decides a whole reply: first its words, then its tool calls. Where
// it answers false, the reply's refusal says why.
func (p *Reply) decideJSON() ([]byte, bool) {
	reply, err := p.x.chat.Reply(p.buf)
	if err != nil {
		p.misread(err)
		return nil, false
	}
	if ref := p.opaque(reply); ref != nil {
		p.refuseWith(p.denyLine(ref))
		return nil, false
	}
	resp := reply.Response()
	p.usage = resp.Usage
	r := redaction{}
	rec, set, ref := p.postChat(resp, func() []policy.Finding { return p.x.findings(p.buf, reply.Texts()) })
	if ref != nil {
		p.refuseWith(ref)
		return nil, false
	}
	r.set = set
	if !set.Empty() {
		r.texts(p.buf, reply.Texts())
	}
	p.x.counted(rec, "response", r.counts)
	raise(rec, policy.RedactResponse)
	p.counts = addCounts(p.counts, r.counts)
	if ref := p.x.write(rec); ref != nil {
		p.refuseWith(ref)
		return nil, false
	}
	verdicts, ref := p.calls(reply.Calls())
	if ref != nil {
		p.refuseWith(ref)
		return nil, false
	}
	out, err := p.rewrite(reply, merge(r.edits), verdicts)
	if err != nil {
		p.refuseWith(p.denyLine(notCarriedOut))
		return nil, false
	}
	creator, _ := reply.(wire.Creator)
	if _, ref := p.x.binds(creator, 0); ref != nil {
		p.refuseWith(ref)
		return nil, false
	}
	return out, true
}

// denyLine writes the line of a reply that is denied after it was decided, and
// gives the refusal to send.
func (p *Reply) denyLine(ref *wire.Refusal) *wire.Refusal {
	rec := p.x.record(string(policy.PostChat))
	rec.Decision, rec.Reason, rec.RuleLayer = string(policy.Deny), ref.Reason, policy.LayerDefault
	p.x.g.cfg.Observer.Decision(rec.Stage, rec.Decision, rec.RuleLayer, 0)
	if unavailable := p.x.write(rec); unavailable != nil {
		return unavailable
	}
	return ref
}

func (p *Reply) rewrite(reply wire.Reply, edits []strictjson.Replacement, verdicts []wire.Verdict) ([]byte, error) {
	touched := len(edits) > 0
	for _, v := range verdicts {
		touched = touched || !v.Untouched()
	}
	if !touched {
		return p.buf, nil
	}
	out, err := reply.Rewrite(edits, verdicts)
	if err != nil {
		return nil, err
	}
	if _, err := p.x.chat.Reply(out); err != nil {
		return nil, err
	}
	return out, nil
}

// closeError passes on a reply that is no success: its status and headers,
// and its body where that is JSON, redacted.
func (p *Reply) closeError() {
	doc, err := strictjson.Parse(p.buf, strictjson.Limits{})
	if err != nil {
		p.fail(wire.CodeUpstream, "the upstream answered with status "+strconv.Itoa(p.status)+" and a body that is no JSON")
		return
	}
	defer doc.Release()
	set, err := p.x.g.sets.get(p.x.g.cfg.Redact.Response)
	if err != nil {
		p.fail(wire.CodeInternal, "the configured redaction cannot be used")
		return
	}
	out := p.buf
	if !set.Empty() {
		r := redaction{set: set}
		edits := r.nested(doc.Root(), nil)
		for _, e := range edits {
			r.edits = append(r.edits, strictjson.Replacement{Start: int(e.Start), End: int(e.End), Text: []byte(e.Text)})
		}
		out = strictjson.Splice(nil, p.buf, r.edits)
		p.counts = addCounts(p.counts, r.counts)
	}
	if p.send(out) == nil {
		p.ended = endUpstream
	}
}
