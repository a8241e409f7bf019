package audit

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// refusalsPerSecond is how many refusals of one stage for one reason get a
	// line each before the rest of that second share one.
	refusalsPerSecond = 10
	// maxReasons bounds the reasons that are told apart within a second.
	maxReasons = 256
	// otherReasons stands for the reasons beyond that.
	otherReasons = "other reasons"
)

// refusals counts what callers without an identity are refused for, so that
// they cannot fill the disk. A window of a second opens with a first refusal.
type refusals struct {
	mu     sync.Mutex
	seen   map[refusalKey]*refusalCount
	timer  *time.Timer // runs while a window is open
	closed bool
}

type refusalKey struct{ stage, reason string }

type refusalCount struct {
	written int
	held    Record // Count is how many refusals wait to be written as one line
}

// AppendRefusal is [Log.Append] for the refusal of a caller whom nobody
// vouches for. The first ten in a second with one stage and reason are written
// at once. The others are held and written as one line with their count and the
// time of the last of them, when the second is over and at [Log.Close]; that
// line has no request's ids. A count that cannot be written is kept and tried
// again a second later.
func (l *Log) AppendRefusal(r *Record) error {
	if l.holdRefusal(r) {
		return nil
	}
	return l.Append(r)
}

func (l *Log) holdRefusal(r *Record) bool {
	s := &l.refusals
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false // for Append to say so
	}
	if s.timer == nil {
		s.timer = time.AfterFunc(time.Second, l.endRefusalWindow)
	}
	c := s.count(refusalKey{r.Stage, CutReason(r.Reason)})
	if c.written < refusalsPerSecond {
		c.written++
		return false
	}
	c.held.Count++
	c.held.Time, c.held.Decision, c.held.Mode = r.Time, r.Decision, r.Mode
	return true
}

func (s *refusals) count(k refusalKey) *refusalCount {
	c := s.seen[k]
	if c == nil && len(s.seen) >= maxReasons {
		k.reason = otherReasons
		c = s.seen[k]
	}
	if c == nil {
		c = &refusalCount{held: Record{Stage: k.stage, Reason: k.reason}}
		if s.seen == nil {
			s.seen = make(map[refusalKey]*refusalCount)
		}
		s.seen[k] = c
	}
	return c
}

func (l *Log) endRefusalWindow() {
	s := &l.refusals
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.timer = nil
	// The log reports a failure by itself; the counts stay.
	if err := l.flushRefusals(); err != nil {
		s.timer = time.AfterFunc(time.Second, l.endRefusalWindow)
	}
}

// flushRefusals writes what is held and forgets what was written.
func (l *Log) flushRefusals() error {
	s := &l.refusals
	byName := func(a, b refusalKey) int {
		return cmp.Or(cmp.Compare(a.stage, b.stage), cmp.Compare(a.reason, b.reason))
	}
	var errs []error
	for _, k := range slices.SortedFunc(maps.Keys(s.seen), byName) {
		c := s.seen[k]
		if c.held.Count > 0 {
			if err := l.Append(&c.held); err != nil {
				errs = append(errs, err)
				continue
			}
		}
		delete(s.seen, k)
	}
	return errors.Join(errs...)
}

func (l *Log) closeRefusals() error {
	s := &l.refusals
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if s.timer != nil {
		s.timer.Stop()
	}
	return l.flushRefusals()
}
