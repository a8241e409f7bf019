package openai

import (
	"bytes"
	"testing"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// FuzzResponsesRequest: whatever is understood has texts that can be replaced,
// and is understood with other words, another model and no tools.
func FuzzResponsesRequest(f *testing.F) {
	f.Add([]byte(`{"model":"m","instructions":"a","input":[{"role":"user","content":[{"type":"input_text","text":"b"}]},{"type":"function_call","call_id":"1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"1","output":"c"}]}`))
	f.Add([]byte(`{"model":"m","input":[{"type":"shell_call","call_id":"1","action":{"commands":["a"]}},{"type":"unheard_call","a":{"b":"c"}},{"type":"computer_call","actions":[]}],"tools":[{"type":"namespace","name":"n","tools":[{"type":"function","name":"f"}]}]}`))
	f.Add([]byte(`{"model":"m","input":"hi","tool_choice":{"type":"allowed_tools","tools":[{"type":"function","name":"f"}]},"prompt":{"id":"p","variables":{"a":"b"}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := Responses{}.Request(wire.Incoming{Body: body})
		if err != nil {
			return
		}
		if _, err := strictjson.Canonical(r.Messages()); err != nil {
			t.Fatalf("%q: messages: %v", body, err)
		}
		for _, res := range r.Results() {
			for _, i := range res.Texts {
				if !r.Texts()[i].Result {
					t.Fatalf("%q: a result's text that is none", body)
				}
			}
		}
		var edits []strictjson.Replacement
		for _, x := range r.Texts() {
			if x.Start < 0 || x.End > len(body) || body[x.Start] != '"' || body[x.End-1] != '"' {
				t.Fatalf("%q: a text at %d:%d", body, x.Start, x.End)
			}
			edits = append(edits, strictjson.Replacement{Start: x.Start, End: x.End, Text: []byte(`"X"`)})
		}
		read.Sort(edits)
		out := strictjson.Splice(nil, body, edits)
		if _, err := (Responses{}).Request(wire.Incoming{Body: out}); err != nil {
			t.Fatalf("%q became %q: %v", body, out, err)
		}
		if out, err := r.ForceModel(body, "n"); err != nil {
			t.Fatal(err)
		} else if again, err := (Responses{}).Request(wire.Incoming{Body: out}); err != nil || again.Model() != "n" {
			t.Fatalf("%q became %q: %v", body, out, err)
		}
		if out, err := r.HideTools(body, func(string) bool { return true }); err == nil {
			if again, err := (Responses{}).Request(wire.Incoming{Body: out}); err != nil || len(again.Tools()) > 0 {
				t.Fatalf("%q became %q: %v", body, out, err)
			}
		}
	})
}

// FuzzResponsesReply: what is understood is understood with every text
// replaced, and asks for nothing with every call denied.
func FuzzResponsesReply(f *testing.F) {
	f.Add([]byte(`{"id":"r","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"a","logprobs":[{"token":"a"}]}]},{"type":"function_call","id":"fc_1","name":"f","arguments":"{}"}]}`))
	f.Add([]byte(`{"object":"list","data":[{"type":"shell_call","id":"x","action":{"a":["b"]}},{"type":"unheard_call"}]}`))
	f.Add([]byte(`{"type":"mcp_call","arguments":"{}","output":"a"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := Responses{}.Reply(body)
		if err != nil {
			return
		}
		r.Response().JSON()
		r.Response().HashForm()
		var edits []strictjson.Replacement
		for _, x := range r.Texts() {
			edits = append(edits, strictjson.Replacement{Start: x.Start, End: x.End, Text: []byte(`"X"`)})
		}
		read.Sort(edits)
		verdicts := make([]wire.Verdict, len(r.Calls()))
		for i := range verdicts {
			verdicts[i] = wire.Verdict{Denied: true, Text: "denied"}
		}
		out, err := r.Rewrite(edits, verdicts)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := (Responses{}).Reply(out); err != nil || len(again.Calls()) > 0 {
			t.Fatalf("%q with every call denied: %q, %v", body, out, err)
		}
	})
}

// FuzzResponsesStream: events one a line; what is read is rewritten, with
// every call denied and every text replaced where it can be. What comes out
// is understood and has no call.
func FuzzResponsesStream(f *testing.F) {
	const end = `{"type":"response.completed","sequence_number":5,"response":{"output":[{"type":"function_call","id":"fc_1","name":"f","arguments":"{}"}]}}`
	f.Add([]byte(`{"type":"response.output_item.added","sequence_number":0,"output_index":0,"item":{"type":"function_call","id":"fc_1","name":"f","arguments":""}}` + "\n" +
		`{"type":"response.function_call_arguments.delta","sequence_number":1,"output_index":0,"delta":"{}"}` + "\n" +
		`{"type":"response.output_item.done","sequence_number":2,"output_index":0,"item":{"type":"function_call","id":"fc_1","name":"f","arguments":"{}"}}` + "\n" + end))
	f.Add([]byte(`{"type":"response.output_text.delta","sequence_number":3,"output_index":1,"content_index":0,"delta":"a"}` + "\n" + `{"type":"response.mcp_call_arguments.delta","output_index":2,"delta":"{\"a\":\"b\\"}` + "\n" + `{"type":"error","error":{"message":"b"}}` + "\n" + `{"type":"response.failed","response":{}}`))
	f.Add([]byte(end))
	f.Fuzz(func(t *testing.T, body []byte) {
		s := Responses{}.Stream(wire.StreamOptions{Assemble: true}).(*responseStream)
		denied := Responses{}.Stream(wire.StreamOptions{})
		type read struct {
			ev   *wire.Event
			data []byte
		}
		var events []read
		for data := range bytes.SplitSeq(body, []byte("\n")) {
			ev, err := s.Event("", data)
			if err != nil {
				break
			}
			events = append(events, read{ev, data})
		}
		s.Response().JSON()
		if !s.Done() {
			return // calls may be in it that are not whole
		}
		for _, e := range events {
			var texts []wire.PieceText
			for i, p := range e.ev.Pieces {
				if p.Start < 0 || p.End > len(e.data) || p.Start > p.End {
					t.Fatalf("a piece at %d:%d of %q", p.Start, p.End, e.data)
				}
				if p.End > 0 {
					texts = append(texts, wire.PieceText{Piece: i, Text: []byte("X")})
				}
			}
			out, err := s.Rewrite(e.ev, e.data, texts, func(wire.CallKey) wire.Verdict { return wire.Verdict{Denied: true, Text: "denied"} })
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range out {
				if _, err := strictjson.Canonical(w.Data); err != nil && string(w.Data) != "[DONE]" {
					t.Fatalf("%q became %q: %v", e.data, w.Data, err)
				}
				if ev, err := denied.Event("", w.Data); err != nil || len(ev.Calls) > 0 {
					t.Fatalf("%q became %q, which has a call or is not understood: %v", body, w.Data, err)
				}
			}
		}
	})
}
