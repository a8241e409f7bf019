package openai

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/sse"
)

// recording is a real exchange with a provider, where recordings are at hand
// (HEADGATE_SHARED, or ../shared beside the repository).
type recording struct {
	ID, Protocol string
	Stream       bool
	Request      *struct {
		Path, Body string
		Encoding   string `json:"body_encoding"`
	}
	Response *struct {
		Status   int
		Body     string
		Encoding string `json:"body_encoding"`
	}
}

func recordings(t *testing.T) []recording {
	t.Helper()
	dir := os.Getenv("HEADGATE_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	f, err := os.Open(filepath.Join(dir, "data", "traffic", "recordings.jsonl.gz"))
	if err != nil {
		t.Log("no recordings at hand")
		return nil
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var list []recording
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var r recording
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(r.Protocol, "chat") {
			list = append(list, r)
		}
	}
	return list
}

// refused are the recordings that are rightly not understood.
var refused = map[string]string{
	"test_invalid_response.yaml#0":             "a reply without choices",
	"duration_includes_model_attribute.yaml#0": "a reply of Ollama's own API",
	"mistral-transcription.json#0":             "a transcription",
}

func expected(id string) bool {
	for suffix := range refused {
		if strings.HasSuffix(id, suffix) {
			return true
		}
	}
	return false
}

// TestRealTraffic: what providers and their clients really send is understood,
// and rewriting nothing changes nothing.
func TestRealTraffic(t *testing.T) {
	requests, replies, streams := 0, 0, 0
	for _, r := range recordings(t) {
		if r.Request != nil && r.Request.Encoding == "utf8" && r.Request.Body != "" {
			requests++
			req, err := Chat{}.Request([]byte(r.Request.Body))
			if err != nil {
				t.Errorf("%s: request: %v", r.ID, err)
			} else {
				req.Messages()
			}
		}
		if r.Response == nil || r.Response.Encoding != "utf8" || r.Response.Status != 200 {
			continue
		}
		if !strings.HasPrefix(strings.TrimSpace(r.Response.Body), "{") {
			streams++
			realStream(t, &r)
			continue
		}
		replies++
		reply, err := Chat{}.Reply([]byte(r.Response.Body))
		if expected(r.ID) {
			if err == nil {
				t.Errorf("%s: understood", r.ID)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: reply: %v", r.ID, err)
			continue
		}
		out, err := reply.Rewrite(nil, make([]wire.Verdict, len(reply.Calls())))
		if err != nil || string(out) != r.Response.Body {
			t.Errorf("%s: rewriting nothing changed the reply: %v", r.ID, err)
		}
		reply.Response().JSON()
	}
	t.Logf("%d requests, %d replies, %d streams", requests, replies, streams)
}

func realStream(t *testing.T, r *recording) {
	var rd sse.Reader
	rd.Feed([]byte(r.Response.Body))
	s := Chat{}.Stream(wire.StreamOptions{Assemble: true})
	next := func() (sse.Event, bool) {
		if ev, ok, _ := rd.Next(); ok {
			return ev, true
		}
		return rd.Close()
	}
	for ev, ok := next(); ok; ev, ok = next() {
		if !ev.HasData {
			continue
		}
		if _, err := s.Event(ev.Name, ev.Data); err != nil {
			t.Errorf("%s: stream: %v in %.300q", r.ID, err, ev.Data)
			return
		}
	}
	if !s.Done() {
		t.Errorf("%s: the stream has no end: %.300q", r.ID, r.Response.Body[max(0, len(r.Response.Body)-300):])
	}
	s.Response().JSON()
}
