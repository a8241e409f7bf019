package anthropic

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

// FuzzRequest: whatever comes is read or refused, and what is read can be
// edited.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(user(`[{"type":"tool_result","tool_use_id":"1","content":[{"type":"text","text":"a"}]},{"type":"image","source":{"type":"url","url":"u"}},{"type":"thinking","thinking":"t","signature":"s"}]`)))
	f.Add([]byte(`{"model":"m","system":[{"type":"text","text":"a"}],"tools":[{"name":"a"},{"type":"mcp_toolset","mcp_server_name":"b"}],"mcp_servers":[{"name":"b"}],"tool_choice":{"type":"auto"},"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"a","input":{"k":"v"}}]}],"container":{"id":"c"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := Messages{}.Request(wire.Incoming{Body: body})
		if err != nil {
			return
		}
		for _, x := range r.Texts() {
			isString(t, body, x.Start, x.End)
		}
		r.Messages()
		for _, res := range r.Results() {
			for _, i := range res.Texts {
				if !r.Texts()[i].Result {
					t.Fatalf("%q: a result's text is not marked", body)
				}
			}
		}
		out, err := r.ForceModel(body, "other")
		if err != nil {
			t.Fatal(err)
		}
		if again, err := (Messages{}).Request(wire.Incoming{Body: out}); err != nil || again.Model() != "other" {
			t.Fatalf("%q with another model: %q, %v", body, out, err)
		}
		if out, err = r.HideTools(body, func(string) bool { return true }); err != nil {
			return
		}
		if again, err := (Messages{}).Request(wire.Incoming{Body: out}); err != nil || len(again.Tools()) > 0 {
			t.Fatalf("%q without tools: %q, %v", body, out, err)
		}
	})
}

// FuzzReply: the same for replies, with every call denied.
func FuzzReply(f *testing.F) {
	f.Add([]byte(replyOf(`{"type":"text","text":"a"},`+callA+`,`+callB+`,{"type":"thinking","thinking":"t","signature":"s"}`, "tool_use")))
	f.Add([]byte(`{"type":"error","error":{"message":"a"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := Messages{}.Reply(body)
		if err != nil {
			return
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
		if again, err := (Messages{}).Reply(out); err != nil || len(again.Calls()) > 0 {
			t.Fatalf("%q with every call denied: %q, %v", body, out, err)
		}
	})
}

// FuzzStream: events one a line; what is read is rewritten, with every call
// denied and every text replaced where it can be.
func FuzzStream(f *testing.F) {
	f.Add([]byte(start + "\n" + begin(0, callStart) + "\n" + inputDelta(0, "{}") + "\n" + end(0) + "\n" + last("tool_use") + "\n" + stop))
	f.Add([]byte(start + "\n" + begin(0, `{"type":"server_tool_use","id":"1","name":"s","input":{}}`) + "\n" + inputDelta(0, `{"q":"a\n\`) + "\n" + inputDelta(0, `u00e9"}`) + "\n" + end(0)))
	f.Add([]byte(start + "\n" + begin(0, textStart) + "\n" + textDelta(0, "a") + "\n" + `{"type":"error","error":{"message":"b"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		s := Messages{}.Stream(wire.StreamOptions{Assemble: true})
		denied := Messages{}.Stream(wire.StreamOptions{})
		type read struct {
			ev   *wire.Event
			data []byte
		}
		var events []read
		for data := range bytes.SplitSeq(body, []byte("\n")) {
			ev, err := s.Event(name(string(data)), data)
			if err != nil {
				break
			}
			events = append(events, read{ev, data})
		}
		s.Response().JSON()
		for _, e := range events {
			var texts []wire.PieceText
			for i, p := range e.ev.Pieces {
				if p.Start < 0 || p.End > len(e.data) || p.Start > p.End {
					t.Fatalf("a piece at %d:%d of %q", p.Start, p.End, e.data)
				}
				if _, err := pieceEdit(&p, "X"); err == nil {
					texts = append(texts, wire.PieceText{Piece: i, Text: []byte("X")})
				}
			}
			out, drop, err := rewriteOne(s, e.ev, e.data, texts, func(wire.CallKey) wire.Verdict { return wire.Verdict{Denied: true, Text: "denied"} })
			if err != nil {
				t.Fatal(err)
			}
			if drop {
				continue
			}
			if _, err := strictjson.Canonical(out); err != nil {
				t.Fatalf("%q became %q: %v", e.data, out, err)
			}
			if ev, err := denied.Event(name(string(out)), out); err != nil || len(ev.Calls) > 0 {
				t.Fatalf("%q became %q, which has a call or is not understood: %v", e.data, out, err)
			}
		}
	})
}
