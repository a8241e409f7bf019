package pdp

import (
	"errors"
	"strconv"
	"sync"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/redact"
)

// Bounds on what a policy may return for one decision, as in the gate.
const (
	maxSelectors     = 64
	maxSelectorBytes = 1024
	maxRemembered    = 256
)

// selectors remembers which selectors compile. Policies return the same few
// again and again; compiling one takes far longer than a decision.
type selectors struct {
	mu   sync.Mutex
	seen map[string]bool
}

// usable reports whether the gate itself could do what the selectors ask for,
// or a later version of it: the caller may know operators that the gate does
// not have yet. What is malformed, unknown or without a bound is of no use to
// anyone.
func (s *selectors) usable(list []policy.Selector) bool {
	if len(list) > maxSelectors {
		return false
	}
	for _, sel := range list {
		if len(sel.Spec) > maxSelectorBytes || !s.compiles(sel) {
			return false
		}
	}
	return true
}

func (s *selectors) compiles(sel policy.Selector) bool {
	id := sel.As + " " + strconv.Itoa(sel.KeepLast) + " " + sel.Spec
	s.mu.Lock()
	defer s.mu.Unlock()
	ok, known := s.seen[id]
	if known {
		return ok
	}
	_, err := redact.Compile(
		[]redact.Selector{{Spec: sel.Spec, As: sel.As, KeepLast: sel.KeepLast}},
		redact.Options{Key: make([]byte, 32)}, // the caller's key is none of ours
	)
	ok = err == nil || errors.Is(err, redact.ErrUnsupported)
	if s.seen == nil || len(s.seen) >= maxRemembered { // a policy that makes up selectors must not fill the memory
		s.seen = map[string]bool{}
	}
	s.seen[id] = ok
	return ok
}
