package allowlist

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/headgate/headgate/policy"
)

// layers is one revision of a policy and the list behind it.
type layers struct {
	policy  policy.Policy
	list    *List
	through bool
	log     *slog.Logger
	sum     string
}

// Decide asks the policy, then the list. See [policy.Policy].
func (p *layers) Decide(ctx context.Context, in *policy.Input) policy.Decision {
	start := time.Now()
	d := p.decide(in, p.policy.Decide(ctx, in))
	d.SHA256, d.Eval = p.sum, time.Since(start)
	return d
}

// decide puts the list's answer behind the policy's decision.
func (p *layers) decide(in *policy.Input, d policy.Decision) policy.Decision {
	falls := p.through && d.NoAnswer && d.Action == policy.Deny
	if d.Action == policy.Deny && !falls {
		return d
	}
	allow, reason := p.list.Decide(in)
	if falls {
		p.warn(in, &d, allow)
		d = stand(in.Stage, d)
	}
	if !allow {
		return policy.Decision{Action: policy.Deny, Reason: reason, Layer: policy.LayerAllowlist}
	}
	return d
}

// warn tells of a fall-through. Reasons of a policy that gave no answer are
// fixed words.
func (p *layers) warn(in *policy.Input, d *policy.Decision, allow bool) {
	answer := policy.Deny
	if allow {
		answer = policy.Allow
	}
	p.log.Warn("the policy gave no answer, the allowlist decides", "stage", string(in.Stage), "decision", string(answer),
		"reason", d.Reason, "detail", d.Detail, "request_id", in.Request.ID)
}

// stand turns the deny of a policy that gave no answer into an allow by the
// list, with the restrictions that the policy found all the same. The highest
// of them names the decision.
func stand(s policy.Stage, d policy.Decision) policy.Decision {
	d.NoAnswer, d.Reason, d.Detail, d.Layer = false, "", "", policy.LayerAllowlist
	switch {
	case len(d.Approvals) > 0:
		d.Action, d.Reason = policy.RequireApproval, strings.Join(d.Approvals, "; ")
	case d.ForceModel != "":
		d.Action = policy.ForceModel
	case len(d.Redact) > 0:
		d.Action = s.Redaction()
	case len(d.HideTools) > 0:
		d.Action = policy.HideTools
	default:
		d.Action = policy.Allow
	}
	return d
}

// Needs is that of the policy: the list reads what is always there.
func (p *layers) Needs(s policy.Stage) policy.Fields { return p.policy.Needs(s) }

// SHA256 is the hash of both layers, see combinedSum.
func (p *layers) SHA256() string { return p.sum }

var _ policy.Policy = (*layers)(nil)
