package enforce

import (
	"slices"
	"testing"

	"github.com/headgate/headgate/redact"
)

func TestCrosses(t *testing.T) {
	starts := []int64{0, 5, 10, 15} // three parts and the end
	for _, tt := range []struct {
		from, to int64
		want     bool
	}{{0, 5, false}, {0, 6, true}, {4, 5, false}, {4, 6, true}, {5, 10, false}, {9, 11, true}, {10, 15, false}, {2, 14, true}} {
		if got := crosses(starts, redact.Edit{Start: tt.from, End: tt.to}); got != tt.want {
			t.Errorf("%d to %d: %v, want %v", tt.from, tt.to, got, tt.want)
		}
	}
}

func TestClip(t *testing.T) {
	edits := []redact.Edit{{Start: 1, End: 3, Text: "a"}, {Start: 4, End: 8, Text: "b"}, {Start: 8, End: 9, Text: "c"}}
	for _, tt := range []struct {
		from, to int64
		want     []redact.Edit
	}{
		{0, 5, []redact.Edit{{Start: 1, End: 3, Text: "a"}, {Start: 4, End: 5, Text: "b"}}},
		{5, 7, []redact.Edit{{Start: 0, End: 2}}},
		{7, 12, []redact.Edit{{Start: 0, End: 1}, {Start: 1, End: 2, Text: "c"}}},
		{3, 4, nil},
		{9, 12, nil},
	} {
		if got := clip(edits, tt.from, tt.to); !slices.Equal(got, tt.want) {
			t.Errorf("%d to %d: %v, want %v", tt.from, tt.to, got, tt.want)
		}
	}
}
