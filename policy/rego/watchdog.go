package rego

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/open-policy-agent/opa/v1/topdown"
)

// slowAfter is how long an evaluation may run before it is a slow one. An
// honest decision takes a small fraction of it.
const slowAfter = 5 * time.Millisecond

// slowLane holds a place for each slow evaluation that may run at the same
// time: half of the processors, so that runaway policies cannot take those of
// the other requests. The rest wait in it, within their own deadline.
var slowLane = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))

// deadline is the cancel flag of one evaluation. The evaluation asks for it
// between its steps, and is made to wait there when it is slow. It needs no
// goroutine of its own, and no channel while the evaluation is in time.
type deadline struct {
	state  atomic.Uint32
	holds  bool          // the evaluation holds a place in the lane
	passed chan struct{} // closed by Cancel; made when the evaluation becomes slow

	mu    sync.Mutex // of what follows, and of changes of state
	timer *time.Timer
	left  time.Duration // after slowAfter
}

// The states of an evaluation.
const (
	inTime uint32 = iota
	isSlow
	isOver
)

// start begins to count the time.
func (d *deadline) start(timeout time.Duration) {
	first := min(timeout, slowAfter)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left = timeout - first
	d.timer = time.AfterFunc(first, d.fire)
}

// fire makes the evaluation a slow one, and ends it when it fires again.
func (d *deadline) fire() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left <= 0 {
		d.cancel()
		return
	}
	if d.state.Load() == inTime {
		d.passed = make(chan struct{})
		d.state.Store(isSlow)
	}
	d.timer.Reset(d.left)
	d.left = 0
}

// stop ends the counting and leaves the lane.
func (d *deadline) stop() {
	d.mu.Lock()
	d.timer.Stop()
	d.left = 0
	d.mu.Unlock()
	if d.holds {
		<-slowLane
		d.holds = false
	}
}

// Cancel ends the evaluation at its next step.
func (d *deadline) Cancel() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cancel()
}

func (d *deadline) cancel() {
	if d.state.Swap(isOver) == isSlow {
		close(d.passed)
	}
}

// over reports whether the evaluation was ended.
func (d *deadline) over() bool { return d.state.Load() == isOver }

// Cancelled reports whether the evaluation is to end. It is called by the
// evaluation alone, between its steps.
func (d *deadline) Cancelled() bool {
	switch d.state.Load() {
	case inTime:
		return false
	case isOver:
		return true
	}
	if d.holds {
		return false
	}
	select {
	case slowLane <- struct{}{}:
		d.holds = true
		return d.over()
	case <-d.passed:
		return true
	}
}

var _ topdown.Cancel = (*deadline)(nil)
