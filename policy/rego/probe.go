package rego

import (
	"context"
	"encoding/binary"
	"encoding/json"

	"github.com/headgate/headgate/policy"
)

// Hopeless tells whether in is denied whatever its unknown fields hold. See
// [policy.Prober]. It takes up to three steps:
//
//  1. A decision with one value for what is unknown. Where that is no deny,
//     nothing is hopeless.
//  2. Where the stage reads nothing that is unknown, that decision was exact.
//  3. Else partial evaluation, see probe. Its answers are remembered.
func (p *Policy) Hopeless(ctx context.Context, in *policy.Input, unknown policy.Fields) bool {
	d, q, hidden := p.sample(ctx, in, unknown)
	switch {
	case d.Action != policy.Deny:
		return false
	case q.exact(hidden):
		return !failed(&d)
	case d.Reason == policy.ReasonTimeout:
		return false
	}
	return p.hopeless(ctx, q, in, hidden)
}

// Refused tells whether every decision is a deny by an answer. See
// [policy.Refuser]. An evaluation can fail for some values of what it reads, so
// that only what is exact can be told.
func (p *Policy) Refused(ctx context.Context, in *policy.Input, unknown policy.Fields) bool {
	d, q, hidden := p.sample(ctx, in, unknown)
	return d.Action == policy.Deny && !d.NoAnswer && !failed(&d) && q.exact(hidden)
}

// sample decides in with one value for each field that is unknown. It also
// gives the parts that are not known of the stage's query. An unknown stage is
// no deny here.
func (p *Policy) sample(ctx context.Context, in *policy.Input, unknown policy.Fields) (policy.Decision, *query, parts) {
	q := p.queries[in.Stage]
	if q == nil || ctx.Err() != nil {
		return policy.Decision{}, q, 0
	}
	hidden := unknownParts(in.Stage, unknown)
	return p.Decide(ctx, sampleInput(in, hidden.fields())), q, hidden
}

// sampleInput is in with an empty value for each unknown field.
func sampleInput(in *policy.Input, unknown policy.Fields) *policy.Input {
	out := *in
	if unknown.Has(policy.FieldMessages) {
		out.Messages = json.RawMessage("[]")
	}
	if unknown.Has(policy.FieldArgs) {
		out.Args = json.RawMessage("{}")
	}
	if unknown.Has(policy.FieldResponse) {
		out.Response = json.RawMessage("{}")
	}
	if unknown.Has(policy.FieldResult) {
		out.Result = json.RawMessage("{}")
	}
	if unknown.Has(policy.FieldMessagesHash) {
		out.MessagesHash = ""
	}
	if unknown.Has(policy.FieldArgsHash) {
		out.ArgsHash = ""
	}
	if unknown.Has(policy.FieldResponseHash) {
		out.ResponseHash = ""
	}
	if unknown.Has(policy.FieldResultHash) {
		out.ResultHash = ""
	}
	if unknown.Has(policy.FieldFindings) {
		out.Findings = nil
	}
	if unknown.Has(policy.FieldClaims) {
		out.Principal.Claims = nil
	}
	if unknown.Has(policy.FieldHeaders) {
		out.Request.Headers = nil
	}
	return &out
}

// failed tells a deny that says nothing about the policy's rules.
func failed(d *policy.Decision) bool {
	switch d.Reason {
	case policy.ReasonError, policy.ReasonTimeout, policy.ReasonInput, policy.ReasonConflict:
		return true
	}
	return false
}

// exact reports whether a decision of the stage depends on what is known alone.
func (q *query) exact(unknown parts) bool {
	return !q.impure && !q.parts.has(unknown)
}

// hopeless asks the stage's probe, or remembers what it answered. An answer
// that was cut short by the clock is not remembered.
func (p *Policy) hopeless(ctx context.Context, q *query, in *policy.Input, unknown parts) bool {
	if q.probe == nil {
		return false
	}
	k := keys.Get().(*key)
	defer keys.Put(k)
	known := k.set(in, q.parts&^unknown)
	if known {
		k.text = binary.BigEndian.AppendUint64(k.text, uint64(unknown)) // of one length, so that no two keys meet
		if d := q.probe.memo.get(k); d != nil {
			return d.Action == policy.Deny
		}
	}
	hopeless, whole := q.probe.run(ctx, p, in, q.parts, unknown)
	if known && whole {
		d := policy.Decision{Action: policy.Allow}
		if hopeless {
			d.Action = policy.Deny
		}
		q.probe.memo.put(k, d)
	}
	return hopeless
}

// Interface guards
var (
	_ policy.Prober  = (*Policy)(nil)
	_ policy.Refuser = (*Policy)(nil)
)
