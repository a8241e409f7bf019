package openai

import (
	"strings"
	"testing"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/recordings"
	"github.com/headgate/headgate/wire/sse"
)

// refused are the recordings that are rightly not understood.
var refused = map[string]string{
	"test_invalid_response.yaml#0":             "a reply without choices",
	"duration_includes_model_attribute.yaml#0": "a reply of Ollama's own API",
	"mistral-transcription.json#0":             "a transcription",
	"test_ollama_embeddings_legacy.yaml#0":     "a request and a reply of Ollama's own API",
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
	all, err := recordings.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		protocol string // what a recording's protocol contains
		codec    wire.ChatCodec
	}{
		{"chat", Chat{}},
		{"openai-completions", Completions{}},
		{"openai-embeddings", Embeddings{}},
		{"openai-responses", Responses{}},
	} {
		t.Run(tt.codec.Protocol(), func(t *testing.T) { realTraffic(t, all, tt.protocol, tt.codec) })
	}
}

func realTraffic(t *testing.T, all []recordings.Recording, protocol string, codec wire.ChatCodec) {
	requests, replies, streams := 0, 0, 0
	for _, r := range all {
		if !strings.Contains(r.Protocol, protocol) {
			continue
		}
		if r.Request != nil && r.Request.Encoding == "utf8" && r.Request.Body != "" {
			requests++
			req, err := codec.Request(wire.Incoming{Body: []byte(r.Request.Body)})
			switch {
			case err == nil:
				req.Messages()
			case !expected(r.ID):
				t.Errorf("%s: request: %v", r.ID, err)
			}
		}
		if r.Response == nil || r.Response.Encoding != "utf8" || r.Response.Status != 200 {
			continue
		}
		if !strings.HasPrefix(strings.TrimSpace(r.Response.Body), "{") {
			streams++
			realStream(t, &r, codec)
			continue
		}
		replies++
		reply, err := codec.Reply([]byte(r.Response.Body))
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

func realStream(t *testing.T, r *recordings.Recording, codec wire.ChatCodec) {
	var rd sse.Reader
	rd.Feed([]byte(r.Response.Body))
	s := codec.Stream(wire.StreamOptions{Assemble: true})
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
