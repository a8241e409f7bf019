package content

import (
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/semver"
)

// revisions remembers, for the life of the process, the revision of each bundle
// that was last taken into force, by the bundle's place. It is shared by all
// sources, so that loading a new configuration opens no way back.
var revisions = floor{last: map[string]string{}}

type floor struct {
	mu   sync.Mutex
	last map[string]string
}

// check refuses a revision that is before the one in force.
func (f *floor) check(b *Bundle) error {
	revision := b.Revision
	f.mu.Lock()
	last := f.last[b.place]
	f.mu.Unlock()
	if last == revision || last == "" {
		return nil
	}
	if revision == "" {
		return fmt.Errorf("%w: it has no revision, and the one in force has", ErrOlder)
	}
	if c, ok := compareRevisions(revision, last); ok && c < 0 {
		return fmt.Errorf("%w: revision %.64q is before %.64q; to go back, publish the old policy with a new revision", ErrOlder, revision, last)
	}
	return nil
}

// accept notes a revision that came into force.
func (f *floor) accept(b *Bundle) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last[b.place] = b.Revision
}

// compareRevisions compares two revisions of one bundle. They have an order
// where both are whole numbers, both dates (RFC 3339, or its date alone), or
// both versions (semver.org, with or without a v). Others, such as the hashes of
// commits, have none.
func compareRevisions(a, b string) (order int, ok bool) {
	if x, okX := wholeNumber(a); okX {
		y, okY := wholeNumber(b)
		if !okY {
			return 0, false
		}
		return x.Cmp(y), true
	}
	if x, okX := date(a); okX {
		y, okY := date(b)
		return x.Compare(y), okY
	}
	x, y := "v"+strings.TrimPrefix(a, "v"), "v"+strings.TrimPrefix(b, "v")
	if !strings.Contains(a, ".") || !strings.Contains(b, ".") || !semver.IsValid(x) || !semver.IsValid(y) {
		return 0, false
	}
	return semver.Compare(x, y), true
}

// ordered tells whether a revision can be compared at all.
func ordered(revision string) bool {
	_, ok := compareRevisions(revision, revision)
	return ok
}

func wholeNumber(s string) (*big.Int, bool) {
	if s == "" || len(s) > 64 || strings.Trim(s, "0123456789") != "" {
		return nil, false
	}
	return new(big.Int).SetString(s, 10)
}

func date(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
