package rego

import (
	"sync"
	"testing"
	"time"
)

// Slow evaluations take turns: never more of them run than the lane has places,
// and each of them ends by its own deadline, also while it waits.
func TestSlowLane(t *testing.T) {
	const evaluations = 8
	var mu sync.Mutex
	running, most, ended := 0, 0, 0
	var all sync.WaitGroup
	for range evaluations {
		all.Go(func() {
			d := &deadline{}
			d.start(500 * time.Millisecond)
			defer d.stop()
			counted := false
			for !d.Cancelled() {
				mu.Lock()
				if d.holds && !counted {
					counted = true
					running++
					most = max(most, running)
				}
				mu.Unlock()
			}
			mu.Lock()
			defer mu.Unlock()
			ended++
			if counted {
				running--
			}
		})
	}
	all.Wait()
	if most == 0 || most > cap(slowLane) || ended != evaluations {
		t.Errorf("%d ran at the same time, %d ended, the lane has %d places", most, ended, cap(slowLane))
	}
	if len(slowLane) != 0 {
		t.Errorf("%d places were not given back", len(slowLane))
	}
}

// A quick evaluation never waits, whoever is slow.
func TestFastLane(t *testing.T) {
	for range cap(slowLane) {
		slowLane <- struct{}{}
	}
	defer func() {
		for range cap(slowLane) {
			<-slowLane
		}
	}()
	d := &deadline{}
	d.start(time.Hour)
	defer d.stop()
	for range slowSteps - 1 {
		if d.Cancelled() {
			t.Fatal("a quick one was ended")
		}
	}
	d.Cancel()
	if !d.Cancelled() {
		t.Error("it goes on after it was ended")
	}
	// One of many steps waits, and so does one of long steps; they end while
	// they wait.
	for _, steps := range []int{slowSteps, 0} {
		slow := &deadline{steps: steps}
		slow.start(20 * time.Millisecond)
		for !slow.Cancelled() { // it returns at once while it is quick
		}
		if !slow.over() || slow.holds {
			t.Error("it goes on")
		}
		slow.Cancel() // once more does no harm
		slow.stop()
	}
}
