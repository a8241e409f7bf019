package redact

import (
	"fmt"
	"slices"
	"testing"
)

// TestBuiltinStates: the scanning automaton of all built-in entities is small
// enough to be held whole, so no text can make it start afresh.
func TestBuiltinStates(t *testing.T) {
	s := mustCompile(t, "*")
	a := s.groups[0].automaton
	seen := map[string]bool{}
	tab := a.cur.Load()
	queue := []*dfaState{tab.states[a.initial(afterOther)>>a.shift]}
	for len(queue) > 0 && len(seen) <= 4*maxStates {
		from := queue[0]
		queue = queue[1:]
		for col := range a.repr {
			a.mu.Lock()
			after, before := a.step(from, col)
			slices.Sort(a.pcs)
			slices.Sort(a.accepts)
			key := fmt.Sprint(a.pcs, a.accepts, after, before)
			if !seen[key] {
				seen[key] = true
				queue = append(queue, &dfaState{pcs: slices.Clone(a.pcs), accept: slices.Clone(a.accepts), after: after})
			}
			a.mu.Unlock()
		}
	}
	t.Logf("%d states, %d byte classes, %d instructions", len(seen), len(a.repr), len(a.insts))
	if len(seen) > maxStates {
		t.Errorf("more than %d states", maxStates)
	}
}
