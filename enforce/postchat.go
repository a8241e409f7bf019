package enforce

import (
	"encoding/json"

	"github.com/headgate/headgate/audit"
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/redact"
	"github.com/headgate/headgate/wire"
)

// mustHold tells whether post_chat can be decided only on the whole reply.
func (x *Exchange) mustHold() bool {
	return x.pol.Needs(policy.PostChat)&policy.ReplyFields != 0
}

// postChat decides a reply: one decision, for all choices. resp is nil where
// the policy does not look at the reply and it has not come yet. The line is
// for the caller to write, with what was replaced; a deny is already written.
func (p *Reply) postChat(resp *wire.Response, findings func() []policy.Finding) (*audit.Record, *redact.Set, *wire.Refusal) {
	x := p.x
	needs := x.pol.Needs(policy.PostChat)
	in := x.input(policy.PostChat)
	in.Model = x.model
	if resp != nil {
		if needs.Has(policy.FieldResponse) {
			in.Response = json.RawMessage(resp.JSON())
		}
		if x.g.cfg.Hashes || needs.Has(policy.FieldResponseHash) {
			in.ResponseHash = hash(resp.HashForm())
			p.respHash = in.ResponseHash
		}
		if needs.Has(policy.FieldFindings) {
			in.Findings = findings()
		}
	}
	d := x.decide(in)
	set := x.selectors(x.g.cfg.Redact.Response, &d)
	rec := x.decided(in, &d)
	if d.Action != policy.Deny {
		return rec, set, nil
	}
	if ref := x.write(rec); ref != nil {
		return nil, nil, ref
	}
	return nil, nil, &wire.Refusal{Code: wire.CodePolicyDenied, Reason: d.Reason}
}

// calls decides every tool call of a whole reply.
func (p *Reply) calls(calls []wire.Call) ([]wire.Verdict, *wire.Refusal) {
	verdicts := make([]wire.Verdict, len(calls))
	for i := range calls {
		v, ref := p.call(&calls[i])
		if ref != nil {
			return nil, ref
		}
		verdicts[i] = v
	}
	return verdicts, nil
}

// call decides one tool call (pre_tool) and writes its line.
func (p *Reply) call(c *wire.Call) (wire.Verdict, *wire.Refusal) {
	x := p.x
	needs := x.pol.Needs(policy.PreTool)
	in := x.input(policy.PreTool)
	in.Tool, in.Model = c.Name, x.model
	args, err := c.ArgsJSON()
	if err != nil {
		d := policy.Decision{Action: policy.Deny, Reason: reasonToolArgs, Layer: "default", SHA256: x.pol.SHA256()}
		return p.denied(in, &d)
	}
	if x.g.cfg.Hashes || needs.Has(policy.FieldArgsHash) {
		in.ArgsHash = hash(args)
	}
	if needs.Has(policy.FieldArgs) {
		in.Args = args
	}
	if needs.Has(policy.FieldFindings) {
		f := x.finder()
		f.text("args", []byte(c.Args), !c.Free)
		in.Findings = f.findings()
	}
	d := x.decide(in)
	set := x.selectors(x.g.cfg.Redact.Args, &d)
	if d.Action == policy.Deny {
		return p.denied(in, &d)
	}
	r := redaction{set: set}
	v := wire.Verdict{}
	if !set.Empty() {
		if edits := r.find([]byte(c.Args), !c.Free); len(edits) > 0 {
			out := applyEdits(c.Args, edits)
			v.Args = &out
		}
	}
	rec := x.decided(in, &d)
	x.counted(rec, "args", r.counts)
	raise(rec, policy.RedactArgs)
	p.counts = addCounts(p.counts, r.counts)
	return v, x.write(rec)
}

// denied writes the line of a denied call and says what takes its place.
func (p *Reply) denied(in *policy.Input, d *policy.Decision) (wire.Verdict, *wire.Refusal) {
	if ref := p.x.write(p.x.decided(in, d)); ref != nil {
		return wire.Verdict{}, ref
	}
	text := toolReason(p.x.cleanTool(in.Tool), d.Reason)
	if p.x.g.cfg.DenyWithError {
		return wire.Verdict{}, &wire.Refusal{Code: wire.CodePolicyDenied, Reason: text}
	}
	return wire.Verdict{Denied: true, Text: text}, nil
}

// toolReason is how a reason that concerns a tool reads.
func toolReason(tool, reason string) string { return "tool `" + tool + "`: " + reason }

func applyEdits(text string, edits []redact.Edit) string {
	var out []byte
	var at int64
	for _, e := range edits {
		out = append(out, text[at:e.Start]...)
		out = append(out, e.Text...)
		at = e.End
	}
	return string(append(out, text[at:]...))
}

// reasonToolArgs is the fixed reason for arguments that do not pass the gate.
const reasonToolArgs = "tool_args_invalid"
