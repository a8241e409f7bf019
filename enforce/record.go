package enforce

import (
	"net/http"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/redact"
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

// recorder reads the records that an upstream answers with.
type recorder interface {
	Record(body []byte) (wire.Reply, error)
}

// recordKind is for requests without a prompt, about things that the upstream
// keeps. Its replies are no model's: what the configuration redacts is
// redacted, and no stage is asked.
type recordKind struct{ codec recorder }

func (k recordKind) admit(x *Exchange, body []byte) (*Reply, bool) {
	return x.ask(k.codec.(wire.RecordCodec).Ask, body)
}

func (recordKind) classify(_ *Reply, media string) replyMode {
	if media == "application/json" {
		return modeWhole
	}
	return modeRefuse
}

// stream is never asked for: no reply is a stream.
func (recordKind) stream(*Reply) streamer { return nil }

func (k recordKind) whole(p *Reply) {
	reply, err := k.codec.Record(p.buf)
	if err != nil {
		p.misread(err)
		return
	}
	edits, ok := p.configured(reply.Texts())
	if !ok {
		return
	}
	out := p.buf
	if len(edits) > 0 {
		if out, err = reply.Rewrite(edits, nil); err == nil {
			_, err = k.codec.Record(out)
		}
		if err != nil {
			p.refuseWith(p.denyLine(notCarriedOut))
			return
		}
	}
	creator, _ := reply.(wire.Creator)
	if _, ref := p.x.binds(creator, 0); ref != nil {
		p.refuseWith(ref)
		return
	}
	if p.send(out) == nil {
		p.ended = endComplete
	}
}

// configured is what the configuration replaces in texts of a reply that no
// stage decides; the counts go to the outcome.
func (p *Reply) configured(texts []wire.Text) ([]strictjson.Replacement, bool) {
	set, err := p.x.g.sets.get(p.x.g.cfg.Redact.Response)
	if err != nil {
		p.fail(wire.CodeInternal, "the configured redaction cannot be used")
		return nil, false
	}
	r := redaction{set: set}
	if !set.Empty() {
		r.texts(p.buf, texts)
	}
	p.counts = addCounts(p.counts, r.counts)
	for entity, n := range r.counts {
		p.x.g.cfg.Observer.Redaction("response", entity, n)
	}
	return merge(r.edits), true
}

// ask lets a request without a prompt through, with one line.
func (x *Exchange) ask(read func(wire.Incoming) (wire.Request, error), body []byte) (*Reply, bool) {
	req, err := read(x.incoming(body))
	if err != nil {
		x.refuse(&wire.Refusal{Code: wire.CodeInvalidRequest, Reason: err.Error()})
		return nil, false
	}
	defer req.Release()
	if ref := x.owns(req); ref != nil {
		x.refuse(ref)
		return nil, false
	}
	edits, counts, ref := x.besides(body, req.Texts())
	if ref != nil {
		x.refuse(ref)
		return nil, false
	}
	if len(edits) > 0 {
		body = strictjson.Splice(nil, body, edits)
		again, err := read(x.incoming(body))
		if err != nil {
			x.refuse(notCarriedOutOnRequest)
			return nil, false
		}
		again.Release()
	}
	return x.let(body, counts)
}

var notCarriedOutOnRequest = &wire.Refusal{Code: wire.CodePolicyDenied, Reason: "the decision cannot be carried out on the request"}

// besides is what the configuration replaces in texts of a request that no
// stage decides.
func (x *Exchange) besides(body []byte, texts []wire.Text) ([]strictjson.Replacement, redact.Counts, *wire.Refusal) {
	set, err := x.g.sets.get(x.g.cfg.Redact.Request)
	if err != nil {
		return nil, nil, &wire.Refusal{Code: wire.CodeInternal, Reason: "the configured redaction cannot be used"}
	}
	r := redaction{set: set}
	if !set.Empty() {
		r.texts(body, texts)
	}
	return merge(r.edits), r.counts, nil
}

// let writes the one line of a request that no stage decides, and makes it
// ready for the upstream.
func (x *Exchange) let(body []byte, counts redact.Counts) (*Reply, bool) {
	rec := x.record("request")
	rec.Decision, rec.RuleLayer = string(policy.Allow), policy.LayerDefault
	x.counted(rec, "request", counts)
	raise(rec, policy.RedactMessages)
	setScanned(rec, x.unscanned)
	x.g.cfg.Observer.Decision(rec.Stage, rec.Decision, rec.RuleLayer, 0)
	if ref := x.write(rec); ref != nil {
		x.answer(ref)
		return nil, false
	}
	x.forward(body)
	if len(body) == 0 {
		x.r.Body = http.NoBody
		x.r.Header.Del("Content-Length")
	}
	x.forwarded = true
	return newReply(x), true
}

// Interface guard
var _ kind = recordKind{}
