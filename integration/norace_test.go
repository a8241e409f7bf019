//go:build !race

package integration_test

// raceDetector tells whether this test was built with the race detector; the
// binary that it drives is then built with it too.
const raceDetector = false
