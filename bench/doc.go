// Package bench measures the gate, room by room, with Go's own benchmarks:
//
//	go test -run '^$' -bench . ./bench
//
// Where a figure is to be compared with another, both are taken in the same run,
// and the ratio is what counts. README.md holds the last table.
package bench
