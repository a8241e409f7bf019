package allowlist

import (
	"context"

	"github.com/headgate/headgate/policy"
)

// Hopeless tells whether one of the layers denies in whatever its unknown
// fields hold. See [policy.Prober]. The list reads nothing that can be unknown,
// and a deny of its own stands in any case. With fall-through the policy has to
// deny by an answer.
func (p *layers) Hopeless(ctx context.Context, in *policy.Input, unknown policy.Fields) bool {
	if allow, _ := p.list.Decide(in); !allow {
		return true
	}
	if p.through {
		first, ok := p.policy.(policy.Refuser)
		return ok && first.Refused(ctx, in, unknown)
	}
	first, ok := p.policy.(policy.Prober)
	return ok && first.Hopeless(ctx, in, unknown)
}

// Hidden is that of the policy: the list hides nothing. A policy that cannot
// be asked hides everything.
func (p *layers) Hidden(ctx context.Context, in *policy.Input) []string {
	if first, ok := p.policy.(policy.Prober); ok {
		return first.Hidden(ctx, in)
	}
	return []string{"*"}
}

// Hopeless is what the empty layer decides, which reads nothing.
func (l emptyLayer) Hopeless(ctx context.Context, in *policy.Input, _ policy.Fields) bool {
	return l.Decide(ctx, in).Action == policy.Deny
}

// Refused is false: an empty layer gives no answers.
func (emptyLayer) Refused(context.Context, *policy.Input, policy.Fields) bool { return false }

// Hidden is nothing.
func (emptyLayer) Hidden(context.Context, *policy.Input) []string { return nil }

// Interface guards
var (
	_ policy.Prober  = (*layers)(nil)
	_ policy.Refuser = emptyLayer{}
)
