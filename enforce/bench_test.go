package enforce_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/headgate/headgate/enforce"
)

// discard is a client that reads everything.
type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}
func (d discard) FlushError() error           { return nil }

func benchRequest(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

func promptOf(size int, stream bool) string {
	text := strings.Repeat("The quick brown fox jumps over the lazy dog. ", size/45+1)[:size]
	return fmt.Sprintf(`{"model":"gpt-4o","stream":%v,"messages":[{"role":"system","content":"You are brief."},{"role":"user","content":%q}]}`, stream, text)
}

// BenchmarkStream is a reply of 100 deltas of 4 characters, one write each,
// with the five built-in entities on.
func BenchmarkStream(b *testing.B) {
	const text = "The quick brown fox jumps over the lazy dog while the gateway copies every byte of this answer. "
	var events [][]byte
	for i := range 100 {
		k := i * 4 % (len(text) - 4)
		events = append(events, []byte(`data: {"id":"chatcmpl-mock0000000000000000000001","object":"chat.completion.chunk","created":1767225600,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_mock","choices":[{"index":0,"delta":{"content":"`+text[k:k+4]+`"},"logprobs":null,"finish_reason":null}]}`+"\n\n"))
	}
	events = append(events, []byte(finish(0)), []byte(done))
	g := gate(b, rules{}, &book{fails: nil}, func(c *enforce.Config) {
		withRedaction("*")(c)
		c.Audit = nowhere{}
	})
	body := promptOf(2000, true)
	b.ReportAllocs()
	for b.Loop() {
		w := discard{http.Header{}}
		r := benchRequest(body)
		x := g.Begin(w, r, "")
		reply, ok := x.Admit()
		if !ok {
			b.Fatal("refused")
		}
		w.h.Set("Content-Type", "text/event-stream")
		reply.WriteHeader(200)
		for _, ev := range events {
			if _, err := reply.Write(ev); err != nil {
				b.Fatal(err)
			}
		}
		reply.Close(nil)
	}
}

// BenchmarkJSON is a 2 KB prompt and a 1 KB reply.
func BenchmarkJSON(b *testing.B) {
	g := gate(b, rules{}, &book{}, func(c *enforce.Config) {
		withRedaction("*")(c)
		c.Redact.Request = c.Redact.Response
		c.Audit = nowhere{}
	})
	body := promptOf(2000, false)
	answer := []byte(`{"id":"x","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"` + strings.Repeat("words and words ", 40) + `","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":512,"completion_tokens":128,"total_tokens":640}}`)
	b.ReportAllocs()
	for b.Loop() {
		w := discard{http.Header{}}
		r := benchRequest(body)
		x := g.Begin(w, r, "")
		reply, ok := x.Admit()
		if !ok {
			b.Fatal("refused")
		}
		_, _ = io.Copy(io.Discard, r.Body)
		w.h.Set("Content-Type", "application/json")
		reply.WriteHeader(200)
		if _, err := reply.Write(answer); err != nil {
			b.Fatal(err)
		}
		reply.Close(nil)
	}
}
