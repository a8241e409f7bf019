package policy

import "context"

// Prober is a [Policy] that can be asked about what has not happened yet, so
// that a list shows nobody what they could never use. Probes are no decisions:
// they are not audited.
type Prober interface {
	Policy
	// Hopeless tells whether in is denied whatever those of its fields hold
	// that unknown names. False where that cannot be told.
	Hopeless(ctx context.Context, in *Input, unknown Fields) bool
	// Hidden gives the names and globs of the tools that hide_tools takes away
	// for in, whose stage is PreChat, whatever else is decided. A policy that
	// fails hides everything: "*".
	Hidden(ctx context.Context, in *Input) []string
}
