package sse

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestRecordedStreams reads real streams, where the development data is at hand.
func TestRecordedStreams(t *testing.T) {
	checked := 0
	for _, body := range recordedBodies(t) {
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

// recordedBodies returns the request and response bodies of the recordings, none
// if they are not at hand.
func recordedBodies(t *testing.T) (bodies [][]byte) {
	dir := os.Getenv("HEADGATE_SHARED")
	if dir == "" {
		dir = "../../../shared"
	}
	files, _ := filepath.Glob(filepath.Join(dir, "data/traffic/*.jsonl.gz"))
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(z)
		lines.Buffer(nil, 64<<20)
		for lines.Scan() {
			var record struct{ Request, Response *struct{ Body string } }
			if err := json.Unmarshal(lines.Bytes(), &record); err != nil {
				t.Fatal(err)
			}
			if record.Request != nil {
				bodies = append(bodies, []byte(record.Request.Body))
			}
			if record.Response != nil {
				bodies = append(bodies, []byte(record.Response.Body))
			}
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return bodies
}
