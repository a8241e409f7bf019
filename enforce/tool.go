package enforce

import (
	"encoding/json"
	"slices"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/redact"
	"github.com/headgate/headgate/wire"
)

const reasonHidden = "the tool is hidden by policy"

// decision is what a stage has decided, before it is carried out: its line is
// written once that has succeeded.
type decision struct {
	in  *policy.Input
	d   policy.Decision
	set *redact.Set
}

func (d *decision) denied() bool { return d.d.Action == policy.Deny }

// preTool decides a call. Its texts are placed in body.
func (x *Exchange) preTool(c *wire.ToolCall, body []byte) decision {
	needs := x.pol.Needs(policy.PreTool)
	in := x.input(policy.PreTool)
	in.Tool = c.Name
	if x.g.cfg.Hashes || needs.Has(policy.FieldArgsHash) {
		in.ArgsHash = hash(c.Args)
	}
	if needs.Has(policy.FieldArgs) {
		in.Args = c.Args
	}
	if needs.Has(policy.FieldFindings) {
		in.Findings = x.findings(body, c.Texts)
	}
	d := decision{in: in, d: x.decide(in)}
	if d.d.Action != policy.Deny && x.hides([]string{c.Name})(c.Name) {
		d.d.Refuse(reasonHidden)
	}
	d.set = x.selectors(x.g.cfg.Redact.Args, &d.d)
	return d
}

// postTool decides a result. args are those of its call, nil where they are
// unknown. The texts of the result are placed in body.
func (x *Exchange) postTool(r *wire.ToolResult, args json.RawMessage, body []byte) decision {
	needs := x.pol.Needs(policy.PostTool)
	in := x.input(policy.PostTool)
	in.Tool, in.Unscanned = r.Name, facts(x.unscanned, r.Unscanned)
	if args == nil {
		args = json.RawMessage("{}")
	}
	if x.g.cfg.Hashes || needs.Has(policy.FieldArgsHash) {
		in.ArgsHash = hash(args)
	}
	if x.g.cfg.Hashes || needs.Has(policy.FieldResultHash) {
		in.ResultHash = hash(r.Value)
	}
	if needs.Has(policy.FieldResult) {
		in.Result = r.Value
	}
	if needs.Has(policy.FieldFindings) {
		in.Findings = x.findings(body, r.Texts)
	}
	d := decision{in: in}
	if ref := x.unseen(r.Unscanned); ref != nil {
		d.d = policy.Decision{Action: policy.Deny, Reason: ref.Reason, Layer: policy.LayerDefault, SHA256: x.pol.SHA256()}
		return d
	}
	d.d = x.decide(in)
	d.set = x.selectors(x.g.cfg.Redact.Results, &d.d)
	return d
}

// unseen refuses facts of content that cannot be looked into, unless they may
// reach the policy.
func (x *Exchange) unseen(list []string) *wire.Refusal {
	for _, fact := range list {
		if !x.g.mayPass(fact) {
			return &wire.Refusal{
				Code:   wire.CodePolicyDenied,
				Reason: "content that cannot be scanned: " + fact + "; `unscanned allow " + fact + "` lets the policy decide",
			}
		}
	}
	return nil
}

// facts joins two sorted lists.
func facts(a, b []string) []string {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// firsts are the texts that repeat no other, and the copies.
func firsts(texts []wire.Text) (first, copies []wire.Text) {
	for _, t := range texts {
		if t.Copy {
			copies = append(copies, t)
		} else {
			first = append(first, t)
		}
	}
	return first, copies
}

// firstly scans texts, and counts what is found in copies once.
func (r *redaction) firstly(body []byte, texts []wire.Text) {
	if r.set.Empty() {
		return
	}
	first, copies := firsts(texts)
	r.texts(body, first)
	again := redaction{set: r.set, edits: r.edits}
	again.texts(body, copies)
	r.edits = again.edits
	r.counts = addCounts(r.counts, unseenIn(r.counts, again.counts))
}

// unseenIn are the counts in again of what is not in first.
func unseenIn(first, again redact.Counts) redact.Counts {
	left := redact.Counts{}
	for entity, n := range again {
		if first[entity] == 0 {
			left[entity] = n
		}
	}
	return left
}

// toolDenial is how the denial of a call reads.
func (x *Exchange) toolDenial(d *decision) string {
	return toolReason(x.cleanTool(d.in.Tool), d.d.Reason)
}

// resultDenial is how the denial of a result reads.
func (x *Exchange) resultDenial(d *decision) string {
	return x.clean("result of " + toolReason(x.cleanTool(d.in.Tool), d.d.Reason))
}

// hides tells which of some tools the policy hides. A policy that cannot be
// asked hides none.
func (x *Exchange) hides(names []string) func(name string) bool {
	p, ok := x.pol.(policy.Prober)
	if !ok || len(names) == 0 {
		return func(string) bool { return false }
	}
	in := x.input(policy.PreChat)
	in.Tools = names
	hidden := p.Hidden(x.ctx, in)
	return func(name string) bool { return matchAny(hidden, name) }
}

// hopeless tells whether a tool is denied whatever its arguments.
func (x *Exchange) hopeless(name string) bool {
	p, ok := x.pol.(policy.Prober)
	if !ok {
		return false
	}
	in := x.input(policy.PreTool)
	in.Tool = name
	return p.Hopeless(x.ctx, in, policy.FieldArgs|policy.FieldArgsHash|policy.FieldFindings)
}
