package gemini

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
	f.Add([]byte(user(`{"functionResponse":{"id":"1","name":"f","response":{"output":"a"},"parts":[{"inlineData":{"mimeType":"image/png","data":"AA=="}}]}},{"file_data":{"file_uri":"u"}},{"text":"t","thought":true,"thoughtSignature":"c2ln"}`)))
	f.Add([]byte(`{"model":"models/m","system_instruction":{"parts":{"text":"a"}},"tools":[{"functionDeclarations":[{"name":"a"},{"name":"b"}],"googleSearch":{}},{"mcpServers":[{"name":"c"}]}],"toolConfig":{"functionCallingConfig":{"mode":"AUTO"}},"contents":[{"role":"model","parts":[{"functionCall":{"id":"1","name":"a","args":{"k":"v"}}}]}],"cachedContent":"c"}`))
	f.Add([]byte(`{"generateContentRequest":{"model":"models/m","contents":[{"parts":[{"text":"a"}]}]}}`))
	f.Add([]byte(`{"requests":[{"model":"models/m","content":{"parts":[{"text":"a"}]}}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, codec := range []wire.ChatCodec{GenerateContent{}, CountTokens{}, EmbedContent{}, BatchEmbedContents{}} {
			if r, err := codec.Request(incoming(string(body))); err == nil {
				checkRequest(t, codec, r, body)
			}
		}
	})
}

func checkRequest(t *testing.T, codec wire.ChatCodec, r wire.Request, body []byte) {
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
	if again, err := codec.Request(wire.Incoming{Params: wire.Params{"model": "other"}, Body: out}); err != nil || again.Model() != "other" {
		t.Fatalf("%q with another model: %q, %v", body, out, err)
	}
	if out, err = r.HideTools(body, func(string) bool { return true }); err != nil {
		return
	}
	if again, err := codec.Request(incoming(string(out))); err != nil || len(again.Tools()) > 0 {
		t.Fatalf("%q without tools: %q, %v", body, out, err)
	}
}

// FuzzReply: the same for replies, with every call denied.
func FuzzReply(f *testing.F) {
	f.Add([]byte(replyOf(said + `,` + callA + `,` + callB + `,{"text":"t","thought":true}`)))
	f.Add([]byte(withCopies("Hello", logprobs, supports)))
	f.Add([]byte(`{"error":{"message":"a"},"promptFeedback":{"blockReason":"b"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := GenerateContent{}.Reply(body)
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
		var edits []strictjson.Replacement
		for _, x := range r.Texts() {
			edits = append(edits, strictjson.Replacement{Start: x.Start, End: x.End, Text: []byte(`"X"`)})
		}
		out, err := r.Rewrite(edits, verdicts)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := (GenerateContent{}).Reply(out); err != nil || len(again.Calls()) > 0 {
			t.Fatalf("%q with every call denied: %q, %v", body, out, err)
		}
	})
}

// FuzzStream: events one a line; what is read is rewritten, with every call
// denied and every text replaced.
func FuzzStream(f *testing.F) {
	f.Add([]byte(chunk(`{"text":"a"},`+callA) + "\n" + chunk(`{"text":"t","thought":true}`) + "\n" + last(callB) + "\n]"))
	f.Add([]byte(withCopies("Hello", logprobs, supports) + "\n" + `{"error":{"message":"b"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, s := range []wire.Stream{events(), growing()} {
			checkStream(t, s, body)
		}
	})
}

func checkStream(t *testing.T, s wire.Stream, body []byte) {
	denied := growing()
	type read struct {
		ev   *wire.Event
		data []byte
	}
	var list []read
	for data := range bytes.SplitSeq(body, []byte("\n")) {
		ev, err := s.Event("", data)
		if err != nil {
			break
		}
		list = append(list, read{ev, data})
	}
	s.Response().JSON()
	for _, e := range list {
		var texts []wire.PieceText
		for i, p := range e.ev.Pieces {
			isString(t, e.data, p.Start, p.End)
			texts = append(texts, wire.PieceText{Piece: i, Text: []byte("X")})
		}
		out, err := s.Rewrite(e.ev, e.data, texts, func(wire.CallKey) wire.Verdict { return wire.Verdict{Denied: true, Text: "denied"} })
		if err != nil || len(out) != 1 {
			t.Fatalf("%q became %d events, %v", e.data, len(out), err)
		}
		if ev, err := denied.Event("", out[0].Data); err != nil || len(ev.Calls) > 0 {
			t.Fatalf("%q became %q, which has a call or is not understood: %v", e.data, out[0].Data, err)
		}
	}
}
