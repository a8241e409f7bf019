package policy

import "context"

// Prober is a [Policy] that can be asked about what has not happened yet, so
// that a list shows nobody what they could never use. Probes are no decisions:
// they are not audited.
type Prober interface {
	Policy
	// Hopeless tells whether in is denied whatever those of its fields hold
	// that unknown names. What belongs to a single call is never taken as known:
	// the request's id, time and stream, the facts that are unscanned and, at
	// [PreChat], the tools that are offered. With a content its hash and the
	// findings are unknown too. An approval that is required is no denial. False
	// where it cannot be told, or not in time.
	Hopeless(ctx context.Context, in *Input, unknown Fields) bool
	// Hidden gives the names and globs of the tools that hide_tools takes away
	// for in, whose stage is PreChat, whatever else is decided. A policy that
	// fails hides everything: "*".
	Hidden(ctx context.Context, in *Input) []string
}

// Refuser is a [Prober] that another layer may stand in for where it gives no
// answer.
type Refuser interface {
	Prober
	// Refused is [Prober.Hopeless] for denials that are an answer of the policy:
	// true only where every decision is a deny without [Decision.NoAnswer].
	Refused(ctx context.Context, in *Input, unknown Fields) bool
}
