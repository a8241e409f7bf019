package openai

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

// plainCodecs are the endpoints whose prompt is no conversation, with the
// member that holds it.
var plainCodecs = []struct {
	codec  wire.ChatCodec
	prompt string
}{
	{Completions{}, "prompt"},
	{Embeddings{}, "input"},
	{Moderations{}, "input"},
}

func TestPlainProtocols(t *testing.T) {
	var got []string
	for _, e := range (Dialect{}).Endpoints() {
		c, ok := e.Codec.(wire.ChatCodec)
		if _, media := e.Codec.(wire.MediaCodec); !ok || media || c.Protocol() == responsesProtocol {
			continue
		}
		got = append(got, e.Method+" "+e.Path+" "+c.Protocol())
	}
	want := []string{
		"POST /chat/completions openai.chat", "POST /completions openai.completions",
		"POST /embeddings openai.embeddings", "POST /moderations openai.moderations",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestPlainMessages: a prompt says the same, and has the same hash, whichever
// endpoint carried it.
func TestPlainMessages(t *testing.T) {
	for _, p := range plainCodecs {
		for _, tt := range []struct{ prompt, chat string }{
			{`"hi"`, `[{"role":"user","content":"hi"}]`},
			{`["hi"]`, `[{"role":"user","content":"hi"}]`},
			{`["a","b\u00e9"]`, `[{"role":"user","content":"a"},{"role":"user","content":"bé"}]`},
			{`[]`, `[]`},
			{`""`, `[{"role":"user","content":""}]`},
		} {
			chat, err := Chat{}.Request(wire.Incoming{Body: []byte(`{"model":"m","messages":` + tt.chat + `}`)})
			if err != nil {
				t.Fatal(err)
			}
			r, err := p.codec.Request(wire.Incoming{Body: []byte(`{"model":"m","` + p.prompt + `":` + tt.prompt + `}`)})
			if err != nil {
				t.Fatalf("%s %s: %v", p.codec.Protocol(), tt.prompt, err)
			}
			if diff := cmp.Diff(string(chat.Messages()), string(r.Messages())); diff != "" {
				t.Errorf("%s %s (-chat +this):\n%s", p.codec.Protocol(), tt.prompt, diff)
			}
		}
		r, err := p.codec.Request(wire.Incoming{Body: []byte(`{"model":"m","` + p.prompt + `":"hi"}`)})
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(r.Messages())
		if got, want := hex.EncodeToString(sum[:]), "1407317499301e010711f113b3deab38590ed367cf5ac50b9b464c5532b0bd2c"; got != want {
			t.Errorf("%s: messages_hash of \"hi\" is %s", p.codec.Protocol(), got)
		}
	}
}

func TestPlainRefuses(t *testing.T) {
	for _, p := range plainCodecs {
		body := func(rest string) string { return `{"model":"m","` + p.prompt + `":"x",` + rest + `}` }
		prompt := func(v string) string { return `{"model":"m","` + p.prompt + `":` + v + `}` }
		const tokens = "token ids cannot be looked into, send the text itself"
		for _, tt := range []struct{ name, body, want string }{
			{"an array", `[]`, "the body is not a JSON object"},
			{"no prompt", `{"model":"m"}`, p.prompt + ": must be a string or an array"},
			{"a null prompt", prompt(`null`), p.prompt + ": must be a string or an array"},
			{"a prompt that is an object", prompt(`{"text":"x"}`), p.prompt + ": must be a string or an array"},
			{"token ids", prompt(`[1,2]`), p.prompt + ": " + tokens},
			{"arrays of token ids", prompt(`[[1],[2]]`), p.prompt + ": " + tokens},
			{"token ids after a string", prompt(`["x",[2]]`), p.prompt + ": " + tokens},
			{"a null among strings", prompt(`["x",null]`), p.prompt + "[1]: must be a string"},
			{"a part among strings", prompt(`["x",{"type":"text","text":"y"}]`), p.prompt + "[1]: must be a string"},
			{"a model that is a number", `{"model":1,"` + p.prompt + `":"x"}`, "model: must be a string that names a model"},
			{"an empty model", `{"model":"","` + p.prompt + `":"x"}`, "model: must be a string that names a model"},
			{"a second model beside the first", body(`"Model":"n"`), "key differs from a known field by case"},
			{"a list of fallback models", body(`"models":["n"]`), "models: a request names its model in one place"},
			{"a preset", body(`"preset":"p"`), "models: a request names its model in one place"},
			{"two prompts", body(`"` + p.prompt + `":"y"`), "duplicate key"},
			{"a prompt by another case", body(`"` + strings.ToUpper(p.prompt) + `":"y"`), "key differs from a known field by case"},
			{"a conversation beside the prompt", body(`"messages":[{"role":"user","content":"y"}]`), "messages: the prompt of this endpoint has one place"},
			{"a prompt by another name", body(`"inputs":"y"`), "inputs: the prompt of this endpoint has one place"},
			{"a prompt as numbers beside it", body(`"prompt_embeds":"AAAA"`), "prompt_embeds: the prompt of this endpoint has one place"},
			{"tools", body(`"tools":[{"type":"web_search"}]`), "tools: this endpoint has no tools"},
			{"plugins", body(`"plugins":[{"id":"web"}]`), "plugins: this endpoint has no tools"},
			{"a stream flag that is a string", body(`"stream":"true"`), "stream: must be true or false"},
			{"trailing bytes", body(`"n":1`) + `{}`, "trailing data"},
		} {
			r, err := p.codec.Request(wire.Incoming{Body: []byte(tt.body)})
			if err == nil {
				t.Errorf("%s: %s: accepted, model %q", p.codec.Protocol(), tt.name, r.Model())
				continue
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %s: error %q, want it to contain %q", p.codec.Protocol(), tt.name, err, tt.want)
			}
		}
	}
}

// plainFactsOf is factsOf for another codec than the chat's.
func plainFactsOf(t *testing.T, c wire.ChatCodec, body string) facts {
	t.Helper()
	r, err := c.Request(wire.Incoming{Body: []byte(body)})
	if err != nil {
		t.Fatalf("Request(%s): %v", body, err)
	}
	f := facts{Model: r.Model(), Stream: r.Stream(), Tools: r.Tools(), Unscanned: r.Unscanned()}
	for _, x := range r.Texts() {
		f.Texts = append(f.Texts, x.Place.String()+": "+string(strictjson.Unescape(nil, []byte(body)[x.Start:x.End])))
	}
	if len(r.Results()) > 0 {
		t.Error("results where no tool was called")
	}
	return f
}

func TestPlainForceModel(t *testing.T) {
	for _, p := range plainCodecs {
		body := []byte(`{ "` + p.prompt + `": ["x"], "model" : "m" }`)
		r, err := p.codec.Request(wire.Incoming{Body: body})
		if err != nil {
			t.Fatal(err)
		}
		out, err := r.ForceModel(body, "other")
		if err != nil {
			t.Fatal(err)
		}
		if want := `{ "` + p.prompt + `": ["x"], "model" : "other" }`; string(out) != want {
			t.Errorf("\n got %s\nwant %s", out, want)
		}
	}
}

// An endpoint without streams understands no event of one, and ends it with
// an error.
func TestNoStream(t *testing.T) {
	for _, c := range []wire.ChatCodec{Embeddings{}, Moderations{}} {
		s := c.Stream(wire.StreamOptions{Assemble: true})
		for _, data := range []string{`{"data":[]}`, "[DONE]"} {
			if _, err := s.Event("", []byte(data)); err == nil {
				t.Errorf("%s: %s: understood", c.Protocol(), data)
			}
		}
		if s.Done() || s.Failed() {
			t.Errorf("%s: done", c.Protocol())
		}
		if got := string(s.Refuse(wire.Refusal{Code: wire.CodeUpstream, Reason: "no"})); !strings.HasPrefix(got, `data: {"error":{"message":"no"`) {
			t.Errorf("%s: %q", c.Protocol(), got)
		}
	}
}

// fuzzRequest checks what holds of every request that is understood.
func fuzzRequest(t *testing.T, c wire.ChatCodec, body []byte) {
	r, err := c.Request(wire.Incoming{Body: body})
	if err != nil {
		return
	}
	fuzzTexts(t, body, r.Texts())
	r.Messages()
	out, err := r.ForceModel(body, "other")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.Request(wire.Incoming{Body: out}); err != nil || again.Model() != "other" {
		t.Fatalf("%q with another model: %q, %v", body, out, err)
	}
}

// fuzzReply checks what holds of every reply that is understood: with all its
// texts replaced, it is still one, and says nothing else.
func fuzzReply(t *testing.T, c wire.ChatCodec, body []byte) {
	r, err := c.Reply(body)
	if err != nil {
		return
	}
	fuzzTexts(t, body, r.Texts())
	r.Response().JSON()
	if out, err := r.Rewrite(nil, nil); err != nil || !bytes.Equal(out, body) {
		t.Fatalf("rewriting nothing changed %q to %q, %v", body, out, err)
	}
	var edits []strictjson.Replacement
	for _, x := range r.Texts() {
		edits = append(edits, strictjson.Replacement{Start: x.Start, End: x.End, Text: []byte(`"*"`)})
	}
	out, err := r.Rewrite(edits, nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.Reply(out)
	if err != nil {
		t.Fatalf("%q with every text replaced: %q, %v", body, out, err)
	}
	for _, x := range again.Texts() {
		if text := out[x.Start:x.End]; string(text) != `"*"` {
			t.Fatalf("%q is left in %q", text, out)
		}
	}
}

func fuzzTexts(t *testing.T, body []byte, texts []wire.Text) {
	for _, x := range texts {
		if x.Start < 0 || x.End > len(body) || x.End-x.Start < 2 || body[x.Start] != '"' || body[x.End-1] != '"' {
			t.Fatalf("span %d:%d of %q is no string", x.Start, x.End, body)
		}
	}
}
