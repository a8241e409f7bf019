package a2a

import (
	"bytes"
	"testing"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

func isString(t *testing.T, body []byte, start, end int) {
	t.Helper()
	if start < 0 || end > len(body) || end-start < 2 || body[start] != '"' || body[end-1] != '"' {
		t.Fatalf("span %d:%d of %q is no string", start, end, body)
	}
}

var codecs = []wire.ChatCodec{RPC{}, REST{sendMessage}, REST{streamTask}}

// FuzzRequest: whatever comes is read or refused, and each text is a string.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(call("message/send", said(`{"kind":"text","text":"a"},{"data":["b"]},{"raw":"aGk="},{"file":{"uri":"u"}}`))))
	f.Add([]byte(said(`{"text":"a"}`)))
	f.Add([]byte(call("tasks/get", `{"id":"k"}`)))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, c := range codecs {
			r, err := c.Request(wire.Incoming{Body: body})
			if err != nil {
				continue
			}
			for _, x := range r.Texts() {
				isString(t, body, x.Start, x.End)
			}
			r.Messages()
			r.Release()
		}
	})
}

// FuzzReply: the same for replies, which rewrite to themselves.
func FuzzReply(f *testing.F) {
	f.Add([]byte(result(task03)))
	f.Add([]byte(`{"tasks":[{"id":"k","status":{"state":"s"}}],"parts":[1,"a",{"file":"b"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, c := range codecs {
			r, err := c.Reply(body)
			if err != nil {
				continue
			}
			for _, x := range r.Texts() {
				isString(t, body, x.Start, x.End)
			}
			r.Response().JSON()
			if out, err := r.Rewrite(nil, nil); err != nil || !bytes.Equal(out, body) {
				t.Fatalf("%q changed: %q, %v", body, out, err)
			}
		}
	})
}

// FuzzStream: events one a line; every text that is read can be replaced.
func FuzzStream(f *testing.F) {
	f.Add([]byte(result(working) + "\n" + artifact("a", "1", "") + "\n" + artifact("a", "2", `,"append":true`) + "\n" + result(finished)))
	f.Add([]byte(`{"artifactUpdate":{"artifact":{"parts":[{"text":"a"},{"data":"b"}]}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, c := range codecs[:2] {
			s, again := c.Stream(wire.StreamOptions{Assemble: true}), c.Stream(wire.StreamOptions{})
			for data := range bytes.SplitSeq(body, []byte("\n")) {
				ev, err := s.Event("", data)
				if err != nil {
					break
				}
				var texts []wire.PieceText
				for i, p := range ev.Pieces {
					isString(t, data, p.Start, p.End)
					texts = append(texts, wire.PieceText{Piece: i, Text: []byte("X")})
				}
				w, err := s.Rewrite(ev, data, texts, nil)
				if err != nil || len(w) != 1 {
					t.Fatalf("%q became %v, %v", data, w, err)
				}
				if _, err := strictjson.Canonical(w[0].Data); err != nil {
					t.Fatalf("%q became %q: %v", data, w[0].Data, err)
				}
				ev, err = again.Event("", w[0].Data)
				if err != nil {
					t.Fatalf("%q became %q: %v", data, w[0].Data, err)
				}
				for _, p := range ev.Pieces {
					if string(p.Text) != "X" {
						t.Fatalf("%q became %q", data, w[0].Data)
					}
				}
			}
			s.Response().JSON()
		}
	})
}
