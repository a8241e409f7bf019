package read_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/wire/internal/read"
)

// TestFragmentsAtEveryCut: the strings of a document are the same wherever it is cut.
func TestFragmentsAtEveryCut(t *testing.T) {
	const input = `{"a\"b": "x\u0040\\y\ud83d\ude00", "n": [1, "", "z"]}`
	want := []string{`a"b`, `x@\y😀`, "n", "", "z"}
	for i := range len(input) {
		for j := i; j < len(input); j++ {
			var r read.Fragments
			got := make([]string, len(want))
			for _, frag := range []string{input[:i], input[i:j], input[j:]} {
				for _, s := range r.Read([]byte(frag)) {
					got[s.Of-1] += string(s.Text)
					if !s.Fixed && frag[s.From:s.To] != string(s.Text) && !strings.Contains(frag[s.From:s.To], `\`) {
						t.Fatalf("%q: %d:%d is not %q", frag, s.From, s.To, s.Text)
					}
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("cut at %d and %d (-want +got):\n%s", i, j, diff)
			}
		}
	}
}
