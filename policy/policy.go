package policy

import "context"

// Policy is one immutable revision of a policy. A request holds one for its
// whole life, so that all its stages are decided by the same rules.
type Policy interface {
	// Decide answers for one stage. It never fails: every failure is a deny
	// with a fixed reason. It is safe for concurrent use and keeps nothing of
	// the input.
	Decide(ctx context.Context, in *Input) Decision
	// Needs tells which computed parts of the input the policy can reach at a
	// stage, found statically. Parts that are not needed may be left out, which
	// no decision can notice.
	Needs(s Stage) Fields
	// SHA256 is the lower-case hex hash of the policy's sources.
	SHA256() string
}

// Engine holds the policy in force.
type Engine interface {
	// Current is the revision to decide a new request with. It is never nil
	// and safe for concurrent use.
	Current() Policy
}
