package ollama

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

var codecs = []wire.ChatCodec{Chat{}, Generate{}, Embed{}, Embeddings{}}

// FuzzRequest: whatever comes is read or refused, and what is read can be
// edited.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"model":"m","messages":[{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{"a":"b"}}}]},{"role":"tool","content":"r"}],"tools":[{"function":{"name":"f"}}]}`))
	f.Add([]byte(`{"model":"m","prompt":"p","suffix":"s","system":"y","images":["aGk="]}`))
	f.Add([]byte(`{"model":"m","input":["a"]}`))
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
			r.Results()
			out, err := r.ForceModel(body, "other")
			if err != nil {
				t.Fatal(err)
			}
			if again, err := c.Request(wire.Incoming{Body: out}); err != nil || again.Model() != "other" {
				t.Fatalf("%q with another model: %q, %v", body, out, err)
			}
			if out, err = r.HideTools(body, func(string) bool { return true }); err != nil {
				t.Fatal(err)
			}
			if again, err := c.Request(wire.Incoming{Body: out}); err != nil || len(again.Tools()) > 0 {
				t.Fatalf("%q without tools: %q, %v", body, out, err)
			}
		}
	})
}

// FuzzReply: the same for replies, with every call denied.
func FuzzReply(f *testing.F) {
	f.Add([]byte(chatReply(`"content":"a","tool_calls":[`+callF+`,`+callG+`]`, `,"logprobs":[]`)))
	f.Add([]byte(`{"response":"a","tool_calls":[` + callF + `],"context":[1]}`))
	f.Add([]byte(`{"error":"a"}`))
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
			verdicts := make([]wire.Verdict, len(r.Calls()))
			if out, err := r.Rewrite(nil, verdicts); err != nil || !bytes.Equal(out, body) {
				t.Fatalf("%q changed: %q, %v", body, out, err)
			}
			for i := range verdicts {
				verdicts[i] = wire.Verdict{Denied: true, Text: "denied"}
			}
			out, err := r.Rewrite(nil, verdicts)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := c.Reply(out); err != nil || len(again.Calls()) > 0 {
				t.Fatalf("%q with every call denied: %q, %v", body, out, err)
			}
		}
	})
}

// FuzzStream: what is read is rewritten, with every call denied and every text
// replaced.
func FuzzStream(f *testing.F) {
	f.Add([]byte(line(`"thinking":"a"`) + "\n" + line(`"content":"b","tool_calls":[`+callF+`,`+callG+`]`) + "\n" + lastLine))
	f.Add([]byte(`{"response":"a\n"}` + "\n" + `{"response":"","done":true,"context":[1]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, c := range codecs[:2] {
			s, denied := c.Stream(wire.StreamOptions{Assemble: true}), c.Stream(wire.StreamOptions{})
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
				w, err := s.Rewrite(ev, data, texts, func(wire.CallKey) wire.Verdict { return wire.Verdict{Denied: true, Text: "denied"} })
				if err != nil || len(w) != 1 {
					t.Fatalf("%q became %v, %v", data, w, err)
				}
				if _, err := strictjson.Canonical(w[0].Data); err != nil {
					t.Fatalf("%q became %q: %v", data, w[0].Data, err)
				}
				if ev, err := denied.Event("", w[0].Data); err != nil || len(ev.Calls) > 0 {
					t.Fatalf("%q became %q, which has a call or is not understood: %v", data, w[0].Data, err)
				}
			}
			s.Response().JSON()
		}
	})
}
