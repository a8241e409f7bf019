package anthropic

import (
	"bytes"
	"strings"
	"testing"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/recordings"
	"github.com/headgate/headgate/wire/sse"
)

// TestRealTraffic: what the API and its clients really send is understood, and
// rewriting nothing changes nothing.
func TestRealTraffic(t *testing.T) {
	all, err := recordings.Load()
	if err != nil {
		t.Fatal(err)
	}
	requests, replies, streams := 0, 0, 0
	for _, r := range all {
		if r.Protocol != "anthropic-messages" {
			continue
		}
		if r.Request != nil && r.Request.Encoding == "utf8" && r.Request.Body != "" {
			requests++
			req, err := Messages{}.Request(wire.Incoming{Body: []byte(r.Request.Body)})
			if err != nil {
				t.Errorf("%s: request: %v", r.ID, err)
			} else {
				req.Messages()
				req.Results()
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
		reply, err := Messages{}.Reply([]byte(r.Response.Body))
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

func realStream(t *testing.T, r *recordings.Recording) {
	s := Messages{}.Stream(wire.StreamOptions{Assemble: true})
	for _, ev := range eventsOf(r.Response.Body) {
		we, err := s.Event(ev.Name, ev.Data)
		if err != nil {
			t.Errorf("%s: stream: %v in %.300q", r.ID, err, ev.Data)
			return
		}
		out, drop, err := rewriteOne(s, we, ev.Data, nil, func(wire.CallKey) wire.Verdict { return wire.Verdict{} })
		if err != nil || drop || !bytes.Equal(out, ev.Data) {
			t.Errorf("%s: rewriting nothing changed the event: %v", r.ID, err)
		}
	}
	if !s.Done() {
		t.Errorf("%s: the stream has no end: %.300q", r.ID, r.Response.Body[max(0, len(r.Response.Body)-300):])
	}
	s.Response().JSON()
}

// eventsOf cuts a stream into its events with data.
func eventsOf(body string) []sse.Event {
	var rd sse.Reader
	rd.Feed([]byte(body))
	var list []sse.Event
	next := func() (sse.Event, bool) {
		if ev, ok, _ := rd.Next(); ok {
			return ev, true
		}
		return rd.Close()
	}
	for ev, ok := next(); ok; ev, ok = next() {
		if ev.HasData {
			list = append(list, ev)
		}
	}
	return list
}
