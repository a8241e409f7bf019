package rego

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/open-policy-agent/opa/v1/topdown"
)

// slowSteps is how many steps an evaluation may take before it is a slow one:
// a few milliseconds of work. It is counted in steps because the time that an
// evaluation takes says little about its own work where a machine is busy. One
// whose steps are long is slow when half of its time has passed.
const slowSteps = 2048

// slowLane holds a place for each slow evaluation that may run at the same
// time: half of the processors, so that runaway policies cannot take those of
// the other requests. The rest wait in it, within their own deadline.
var slowLane = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))

// deadline is the cancel flag of one evaluation. The evaluation asks for it
// between its steps, and is made to wait there when it is slow. It needs no
// goroutine of its own, and no channel while the evaluation is a quick one.
type deadline struct {
	lane  chan struct{} // nil: it never waits
	steps int           // of the evaluation, which alone counts them
	holds bool          // the evaluation holds a place in the lane

	state atomic.Uint32

	mu     sync.Mutex // of what follows, and of the change to isOver
	timer  *time.Timer
	left   time.Duration // after the first half
	passed chan struct{} // closed when the time is over; made to wait in the lane
}

// The states of an evaluation.
const (
	inTime uint32 = iota
	isLate        // half of the time has passed
	isOver
)

// start begins to count the time and the steps of a decision.
func (d *deadline) start(timeout time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lane, d.left = slowLane, timeout-timeout/2
	d.timer = time.AfterFunc(timeout/2, d.fire)
}

// fire makes the evaluation a late one, and ends it when it fires again.
func (d *deadline) fire() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left <= 0 {
		d.cancel()
		return
	}
	d.state.CompareAndSwap(inTime, isLate)
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
		<-d.lane
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
	if d.state.Swap(isOver) != isOver && d.passed != nil {
		close(d.passed)
	}
}

// over reports whether the evaluation was ended.
func (d *deadline) over() bool { return d.state.Load() == isOver }

// Cancelled counts a step and reports whether the evaluation is to end. It is
// called by the evaluation alone, between its steps.
func (d *deadline) Cancelled() bool {
	d.steps++
	switch s := d.state.Load(); {
	case s == isOver:
		return true
	case d.lane == nil || d.holds || s == inTime && d.steps < slowSteps:
		return false
	}
	return d.wait()
}

// wait takes a place in the lane, and reports whether the time is over.
func (d *deadline) wait() bool {
	select {
	case d.lane <- struct{}{}:
		d.holds = true
		return d.over()
	default:
	}
	d.mu.Lock()
	if d.passed == nil {
		d.passed = make(chan struct{})
		if d.over() {
			close(d.passed)
		}
	}
	d.mu.Unlock()
	select {
	case d.lane <- struct{}{}:
		d.holds = true
		return d.over()
	case <-d.passed:
		return true
	}
}

var _ topdown.Cancel = (*deadline)(nil)
