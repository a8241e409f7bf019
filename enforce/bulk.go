package enforce

import (
	"bytes"
	"slices"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

// resultsKind is for kept content: the replies to a batch, each decided as if
// it had come alone; any other text, decided as one reply; or what cannot be
// looked into.
type resultsKind struct {
	recordKind
	results wire.ResultsCodec
}

func (k resultsKind) admit(x *Exchange, body []byte) (*Reply, bool) {
	return x.ask(k.results.Ask, body)
}

// classify looks at the bytes alone: upstreams name such content as they like.
func (resultsKind) classify(*Reply, string) replyMode { return modeWhole }

func (k resultsKind) whole(p *Reply) {
	res, err := k.results.Results(p.buf)
	if err != nil {
		p.misread(err)
		return
	}
	if res.Unscanned != "" && !p.x.g.cfg.AllowUnscanned[res.Unscanned] {
		p.refuseWith(p.denyLine(unscanned(res.Unscanned)))
		return
	}
	if res.Unscanned != "" {
		if ref := p.note(res.Unscanned); ref != nil {
			p.refuseWith(p.denyLine(ref))
			return
		}
	}
	out, ok := k.decide(p, res)
	if ok && p.send(out) == nil {
		p.ended = endComplete
	}
}

// decide decides all that was found. Where it answers false, the reply's
// refusal says why.
func (k resultsKind) decide(p *Reply, res *wire.Results) ([]byte, bool) {
	if res.Whole != nil {
		p.x.chat = wholeCodec{k.results}
		return p.decideJSON()
	}
	edits, ok := p.configured(res.Words)
	if !ok {
		return nil, false
	}
	for i := range res.Items {
		it := &res.Items[i]
		edit, ok := p.item(it)
		if !ok {
			return nil, false
		}
		if edit != nil {
			edits = append(edits, *edit)
		}
	}
	if len(edits) == 0 {
		return p.buf, true
	}
	out := strictjson.Splice(nil, p.buf, merge(edits))
	again, err := k.results.Results(out)
	if err != nil || again.Whole != nil || len(again.Items) > len(res.Items) {
		p.refuseWith(p.denyLine(notCarriedOut))
		return nil, false
	}
	return out, true
}

// item decides one reply of a batch, and gives what takes its place; nil where
// it stays. A reply that is denied is replaced by an error of its own, so that
// the others stay what they are.
func (p *Reply) item(it *wire.Item) (*strictjson.Replacement, bool) {
	body := p.buf[it.Start:it.End]
	y := p.x.alone(it)
	q := &Reply{x: y, buf: body}
	if reply, err := it.Codec.Reply(body); err == nil {
		y.model = reply.Model()
	}
	out, ok := q.decideJSON()
	p.counts = addCounts(p.counts, q.counts)
	if q.usage != nil {
		if p.usage == nil {
			p.usage = &wire.Usage{}
		}
		p.usage.Input += q.usage.Input
		p.usage.Output += q.usage.Output
	}
	switch {
	case ok && bytes.Equal(out, body):
		return nil, true
	case ok:
		return &strictjson.Replacement{Start: it.Start, End: it.End, Text: out}, true
	case q.refusal.Code == wire.CodePolicyDenied:
		return &strictjson.Replacement{Start: it.From, End: it.To, Text: it.Denied(*q.refusal)}, true
	}
	p.refusal, p.ended = &wire.Refusal{Code: q.refusal.Code, Reason: it.Name + ": " + q.refusal.Reason}, q.ended
	return nil, false
}

// wholeCodec reads content that is decided as one reply.
type wholeCodec struct{ wire.ResultsCodec }

// Request is never asked for.
func (wholeCodec) Request(wire.Incoming) (wire.Request, error) { return nil, errEdit }

// Reply reads the content.
func (c wholeCodec) Reply(body []byte) (wire.Reply, error) {
	res, err := c.Results(body)
	if err != nil {
		return nil, err
	}
	if res.Whole == nil {
		return nil, errEdit
	}
	return res.Whole, nil
}

// Stream is never asked for: no reply is a stream.
func (wholeCodec) Stream(wire.StreamOptions) wire.Stream { return nil }

// opaque notes what a reply holds that cannot be looked into, and refuses what
// may not pass.
func (p *Reply) opaque(reply any) *wire.Refusal {
	o, ok := reply.(wire.Opaque)
	if !ok {
		return nil
	}
	return p.note(o.Unscanned()...)
}

// note adds facts of the reply to those of the request.
func (p *Reply) note(facts ...string) *wire.Refusal {
	for _, fact := range facts {
		if !p.x.g.mayPass(fact) {
			return unscanned(fact)
		}
	}
	all := append(slices.Clone(p.x.unscanned), facts...)
	slices.Sort(all)
	p.x.unscanned = slices.Compact(all)
	return nil
}

// Interface guards
var (
	_ kind           = resultsKind{}
	_ wire.ChatCodec = wholeCodec{}
)
