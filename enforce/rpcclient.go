package enforce

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/wire"
)

// admit decides what a client sends.
func (k *rpcKind) admit(x *Exchange, body []byte) (*Reply, bool) {
	m, err := k.codec.Client(x.incoming(body))
	x.own = m.Refuser
	if err != nil {
		x.refuse(&wire.Refusal{Code: wire.CodeInvalidRequest, Reason: err.Error()})
		return nil, false
	}
	k.asked = m
	if ref := k.owns(x); ref != nil {
		x.refuse(ref)
		return nil, false
	}
	x.unscanned, x.stream = m.Unscanned, m.Kind == wire.RPCListen
	if m.Unknown {
		x.drop()
		return nil, false
	}
	if ref := x.unseen(m.Unscanned); ref != nil && m.Kind != wire.RPCAnswer {
		x.refuse(ref)
		return nil, false
	}
	out, ref := k.client(x)
	if ref != nil {
		x.answer(ref)
		return nil, false
	}
	x.forward(out)
	x.forwarded = true
	return newReply(x), true
}

// drop answers a notification that does not go on. JSON-RPC has no answer that
// would tell.
func (x *Exchange) drop() {
	if ref := x.denyMessage("a notification that is not known to the gate"); ref.Code != wire.CodePolicyDenied {
		x.answer(ref)
		return
	}
	x.w.WriteHeader(http.StatusAccepted)
}

// client decides a client's message, and gives what goes upstream. The lines
// are written before it returns.
func (k *rpcKind) client(x *Exchange) ([]byte, *wire.Refusal) {
	m := k.asked
	if ref := x.unseen(m.Unscanned); ref != nil { // of an answer, which the server waits for
		if line := x.denyMessage(ref.Reason); line.Code != wire.CodePolicyDenied {
			return nil, line
		}
		return k.codec.Instead(m, *ref), nil
	}
	e := &rpcEdit{x: x, m: m}
	if ref := e.texts(x.g.cfg.Redact.Args, m.Texts); ref != nil {
		return nil, ref
	}
	reason := e.clientStages()
	var out []byte
	if reason == "" {
		var err error
		if out, err = k.rewritten(e); err != nil {
			reason = e.fail()
		}
	}
	if ref := e.clientLines(); ref != nil {
		return nil, ref
	}
	ref := &wire.Refusal{Code: wire.CodePolicyDenied, Reason: reason}
	switch {
	case reason == "":
		return out, nil
	case m.Kind == wire.RPCAnswer: // the server waits for it
		return k.codec.Instead(m, *ref), nil
	}
	return nil, ref
}

// clientStages asks the stages that a client's message is in. It answers with
// the reason of a denial.
func (e *rpcEdit) clientStages() string {
	x, m := e.x, e.m
	for i := range m.Replies {
		r := &m.Replies[i]
		if d := x.postReply(r, m.Body); !e.take(d, r.Texts, "response", policy.RedactResponse) {
			return d.d.Reason
		}
		for j := range r.Calls {
			if d := x.preTool(&r.Calls[j], m.Body); !e.take(d, r.Calls[j].Texts, "args", policy.RedactArgs) {
				return x.toolDenial(&d)
			}
		}
	}
	if m.Call == nil {
		return ""
	}
	d := x.preTool(m.Call, m.Body)
	if !e.take(d, m.Call.Texts, "args", policy.RedactArgs) {
		return x.toolDenial(&d)
	}
	return ""
}

// postReply decides what a client's model has said.
func (x *Exchange) postReply(r *wire.RPCReply, body []byte) decision {
	needs := x.pol.Needs(policy.PostChat)
	in := x.input(policy.PostChat)
	in.Model = r.Model
	if needs.Has(policy.FieldResponse) {
		in.Response = json.RawMessage(r.Response.JSON())
	}
	if x.g.cfg.Hashes || needs.Has(policy.FieldResponseHash) {
		in.ResponseHash = hash(r.Response.HashForm())
	}
	if needs.Has(policy.FieldFindings) {
		in.Findings = x.findings(body, r.Texts)
	}
	d := decision{in: in, d: x.decide(in)}
	d.set = x.selectors(x.g.cfg.Redact.Response, &d.d)
	return d
}

// rewritten carries the decisions out on the body and on the headers that
// repeat it, and reads both again.
func (k *rpcKind) rewritten(e *rpcEdit) ([]byte, error) {
	x, m := e.x, e.m
	if len(e.edits) == 0 {
		return m.Body, nil
	}
	out := e.body()
	after, err := k.codec.Client(wire.Incoming{Body: out})
	if err != nil {
		return nil, err
	}
	h := x.r.Header.Clone()
	if err := k.codec.Headers(h, m, after); err != nil {
		return nil, err
	}
	again, err := k.codec.Client(wire.Incoming{Body: out, Header: h})
	if err != nil {
		return nil, err
	}
	if !sameMessage(m, again) {
		return nil, errEdit
	}
	maps.Copy(x.r.Header, h)
	k.asked = again
	return out, nil
}

// sameMessage tells whether an edited message is still what it was.
func sameMessage(a, b *wire.RPC) bool {
	return a.Kind == b.Kind && a.Method == b.Method && bytes.Equal(a.ID, b.ID) && a.Unknown == b.Unknown &&
		(a.Call == nil) == (b.Call == nil) && (a.Call == nil || a.Call.Name == b.Call.Name) && (a.Result == nil) == (b.Result == nil) &&
		len(a.Replies) == len(b.Replies) && len(a.Prompts) == len(b.Prompts)
}

// fail turns the last decision into a deny: it cannot be carried out.
func (e *rpcEdit) fail() string {
	reason := notCarriedOut.Reason
	if !e.m.FromServer {
		reason = "the decision cannot be carried out on the message"
	}
	e.edits, e.rest.counts, e.failed = nil, nil, reason
	if n := len(e.done); n > 0 {
		c := &e.done[n-1]
		c.d.Refuse(reason)
		c.counts = nil
	}
	return reason
}

// clientLines writes the lines of a client's message: of the stages it is in,
// else one that says it was looked at.
func (e *rpcEdit) clientLines() *wire.Refusal {
	if len(e.done) > 0 {
		if c := &e.done[0]; !c.denied() {
			c.counts = addCounts(c.counts, e.rest.counts)
		}
		return e.lines()
	}
	x := e.x
	if e.failed != "" {
		if ref := x.denyMessage(e.failed); ref.Code != wire.CodePolicyDenied {
			return ref
		}
		return nil
	}
	rec := x.record("request")
	rec.Decision, rec.RuleLayer = string(policy.Allow), policy.LayerDefault
	setScanned(rec, x.unscanned)
	x.counted(rec, "args", e.rest.counts)
	raise(rec, policy.RedactArgs)
	x.g.cfg.Observer.Decision("request", rec.Decision, rec.RuleLayer, 0)
	return x.write(rec)
}
