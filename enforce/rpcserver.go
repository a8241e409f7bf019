package enforce

import (
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/wire"
)

// server decides a message of the server, and gives what goes to the client in
// its place; nil for nothing. The lines are written before it returns.
func (k *rpcKind) server(p *Reply, body []byte) ([]byte, *wire.Refusal) {
	x := p.x
	if k.asked.Kind == wire.RPCListen { // for hours: each message is decided by the policy in force
		x.pol = x.g.cfg.Policy.Current()
	}
	m, err := k.codec.Server(body, k.asked)
	if err != nil {
		x.g.cfg.Logger.Warn("the upstream's message was not understood", "request_id", x.id, "error", err)
		return nil, &wire.Refusal{Code: wire.CodeUpstream, Reason: "the upstream's reply was not understood"}
	}
	if m.Unknown {
		return k.unknown(x, m)
	}
	e := &rpcEdit{x: x, m: m}
	if ref := e.texts(x.g.cfg.Redact.Results, m.Texts); ref != nil {
		return nil, ref
	}
	reason, ref := k.serverStages(e)
	if ref != nil {
		return nil, ref
	}
	out := body
	if reason == "" && len(e.edits) > 0 {
		out = e.body()
		if again, err := k.codec.Server(out, k.asked); err != nil || !sameMessage(m, again) {
			reason = e.fail()
		}
	}
	if ref := e.lines(); ref != nil {
		return nil, ref
	}
	if _, ref := x.binds(kept(m.Makes), 0); ref != nil {
		return nil, ref
	}
	if e.failed != "" && len(e.done) == 0 {
		if ref := x.denyMessage(e.failed); ref.Code != wire.CodePolicyDenied {
			return nil, ref
		}
	}
	k.answered = k.answered || m.Answers && m.ID != nil
	if reason != "" {
		k.denied = k.denied || m.Answers
		return k.codec.Instead(m, wire.Refusal{Code: wire.CodePolicyDenied, Reason: reason}), nil
	}
	for i := range e.done {
		p.counts = addCounts(p.counts, e.done[i].counts)
	}
	p.counts = addCounts(p.counts, e.rest.counts)
	for entity, n := range e.rest.counts {
		x.g.cfg.Observer.Redaction("results", entity, n)
	}
	return out, nil
}

// unknown is what becomes of what no revision of the protocol has: of a request,
// one that the client refuses; of a notification, nothing.
func (k *rpcKind) unknown(x *Exchange, m *wire.RPC) ([]byte, *wire.Refusal) {
	if ref := x.denyMessage("a message of the server that is not known to the gate"); ref.Code != wire.CodePolicyDenied {
		return nil, ref
	}
	if m.Kind == wire.RPCNotification {
		return nil, nil
	}
	return k.codec.Instead(m, wire.Refusal{Code: wire.CodePolicyDenied, Reason: "this method is not known to the gate"}), nil
}

// denyMessage writes the line of a denial before any stage, and gives it.
func (x *Exchange) denyMessage(reason string) *wire.Refusal {
	rec := x.record("request")
	rec.Decision, rec.Reason, rec.RuleLayer = string(policy.Deny), reason, policy.LayerDefault
	x.g.cfg.Observer.Decision("request", rec.Decision, rec.RuleLayer, 0)
	if ref := x.write(rec); ref != nil {
		return ref
	}
	return &wire.Refusal{Code: wire.CodePolicyDenied, Reason: reason}
}

// serverStages asks the stages that a server's message is in. It answers with
// the reason of a denial.
func (k *rpcKind) serverStages(e *rpcEdit) (string, *wire.Refusal) {
	x, m := e.x, e.m
	for i := range m.Prompts {
		if reason, ref := e.prompt(&m.Prompts[i]); reason != "" || ref != nil {
			return reason, ref
		}
	}
	if len(m.Offers) > 0 {
		names := make([]string, len(m.Offers))
		for i := range m.Offers {
			names[i] = m.Offers[i].Name
		}
		hidden := x.hides(names)
		e.edits = append(e.edits, wire.HideOffers(m.Offers, func(name string) bool { return hidden(name) || x.hopeless(name) })...)
	}
	if m.Result == nil {
		return "", nil
	}
	var args []byte
	if m.Answers && k.asked.Call != nil {
		args = k.asked.Call.Args
	}
	if d := x.postTool(m.Result, args, m.Body); !e.take(d, m.Result.Texts, "results", policy.RedactResult) {
		return x.resultDenial(&d), nil
	}
	return "", nil
}

// prompt decides a prompt that the server has for the client, and the results
// of tools inside it.
func (e *rpcEdit) prompt(p *wire.RPCPrompt) (string, *wire.Refusal) {
	x, body := e.x, e.m.Body
	if ref := x.unseen(p.Unscanned); ref != nil {
		d := decision{in: x.input(policy.PreChat), d: policy.Decision{
			Action: policy.Deny, Reason: ref.Reason, Layer: policy.LayerDefault, SHA256: x.pol.SHA256(),
		}}
		e.take(d, nil, "request", policy.RedactMessages)
		return ref.Reason, nil
	}
	r := redaction{}
	for i := range p.Results {
		if ref := x.result(&p.Results[i], p.Texts, body, &r); ref != nil {
			if ref.Code == wire.CodePolicyDenied {
				return ref.Reason, nil
			}
			return "", ref
		}
	}
	e.edits = append(e.edits, r.edits...)
	d := x.preAsk(p, body)
	if !e.take(d, p.Texts, "request", policy.RedactMessages) {
		return d.d.Reason, nil
	}
	e.edits = append(e.edits, wire.HideOffers(p.Tools, func(name string) bool { return matchAny(d.d.HideTools, name) })...)
	return "", nil
}

// preAsk decides a prompt of the server.
func (x *Exchange) preAsk(p *wire.RPCPrompt, body []byte) decision {
	needs := x.pol.Needs(policy.PreChat)
	in := x.input(policy.PreChat)
	in.Model, in.Unscanned = p.Model, facts(x.unscanned, p.Unscanned)
	in.Tools = make([]string, len(p.Tools))
	for i := range p.Tools {
		in.Tools[i] = p.Tools[i].Name
	}
	if x.g.cfg.Hashes || needs.Has(policy.FieldMessages) || needs.Has(policy.FieldMessagesHash) {
		in.Messages = wire.Conversation(p.Messages)
		in.MessagesHash = hash(in.Messages)
	}
	if needs.Has(policy.FieldFindings) {
		in.Findings = x.findings(body, p.Texts)
	}
	d := decision{in: in, d: x.decide(in)}
	if d.d.Action != policy.Deny && d.d.ForceModel != "" && d.d.ForceModel != p.Model {
		d.d.Refuse("a model cannot be forced on what a server asks its client")
	}
	d.set = x.selectors(x.g.cfg.Redact.Request, &d.d)
	return d
}
