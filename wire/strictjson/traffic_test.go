package strictjson

import (
	"encoding/json"
	"testing"

	"github.com/headgate/headgate/wire/internal/recordings"
)

// TestRecordedTraffic passes real requests and replies through the gate, where
// the development data is at hand: all of them must be taken, be read as
// encoding/json reads them, and have a stable canonical form.
func TestRecordedTraffic(t *testing.T) {
	bodies, err := recordings.Bodies()
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, body := range bodies {
		if !json.Valid(body) { // streams, audio
			continue
		}
		checked++
		if _, err := Parse(body, Limits{}); err != nil {
			t.Errorf("%.80q: %v", body, err)
		}
		if err := agree(body); err != nil {
			t.Errorf("%.80q: %v", body, err)
		}
		if err := checkCanonical(body); err != nil {
			t.Errorf("%.80q: %v", body, err)
		}
	}
	t.Logf("%d recorded bodies", checked)
}
