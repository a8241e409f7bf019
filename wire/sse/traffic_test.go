package sse

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/headgate/headgate/wire/internal/recordings"
)

// TestRecordedStreams reads real streams, where the development data is at hand.
func TestRecordedStreams(t *testing.T) {
	bodies, err := recordings.Bodies()
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, body := range bodies {
		if json.Valid(body) || !bytes.Contains(body, []byte("data:")) {
			continue
		}
		checked++
		for _, size := range []int{1, 4096} {
			checkReader(t, string(body), size)
		}
		checkAppendData(t, string(body), "{}")
	}
	t.Logf("%d recorded streams", checked)
}
