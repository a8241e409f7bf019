package sandbox

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestParseScript(t *testing.T) {
	with := func(change func(*script)) *script {
		s := &script{chunk: defaultChunk, cut: -1}
		change(s)
		return s
	}
	tests := map[string]struct {
		text string
		want *script // nil: malformed
	}{
		"no command":            {"hello\nworld", with(func(s *script) { s.rest = "hello\nworld" })},
		"say":                   {"/say one\n/say  two ", with(func(s *script) { s.content = []string{"one", " two "} })},
		"say nothing":           {"/say", with(func(s *script) { s.content = []string{""} })},
		"carriage return":       {"/say a\r\nrest\r", with(func(s *script) { s.content = []string{"a"}; s.rest = "rest\r" })},
		"echo and say in order": {"/echo\n/say x", with(func(s *script) { s.content = []string{"BODY", "x"} })},
		"tab behind the word":   {"/say\tx", with(func(s *script) { s.content = []string{"x"} })},
		"calls": {"/call f {\"a\": 1}\n/call g", with(func(s *script) {
			s.calls = []scriptCall{{"f", `{"a": 1}`}, {"g", "{}"}}
		})},
		"no JSON passes":      {"/call f {\"a\"", with(func(s *script) { s.calls = []scriptCall{{"f", `{"a"`}} })},
		"status without text": {"/status 500", with(func(s *script) { s.status = 500 })},
		"status":              {"/status 429 slow  down", with(func(s *script) { s.status, s.statusText = 429, "slow  down" })},
		"the last one counts": {"/chunk 2\n/chunk 3", with(func(s *script) { s.chunk = 3 })},
		"all of the pacing": {"/chunk 4096\n/cut 0\n/pause 1500ms\n/finish stop", with(func(s *script) {
			s.chunk, s.cut, s.pause, s.finish = 4096, 0, 1500*time.Millisecond, "stop"
		})},
		"reason and refuse":      {"/reason a\n/refuse no", with(func(s *script) { s.reasoning, s.refusal = []string{"a"}, []string{"no"} })},
		"not at the line's head": {" /say x", with(func(s *script) { s.rest = " /say x" })},
		"another word":           {"/saying x\n/etc/hosts\n/SAY x\n/", with(func(s *script) { s.rest = "/saying x\n/etc/hosts\n/SAY x\n/" })},

		"echo with text":       {"/echo hello", nil},
		"refuse nothing":       {"/refuse", nil},
		"call nobody":          {"/call", nil},
		"call with two spaces": {"/call  f", nil},
		"too many calls":       {strings.Repeat("/call f\n", maxCalls+1), nil},
		"chunk of none":        {"/chunk 0", nil},
		"chunk too large":      {"/chunk 4097", nil},
		"chunk of what":        {"/chunk", nil},
		"cut below zero":       {"/cut -1", nil},
		"status too low":       {"/status 399", nil},
		"status too high":      {"/status 600", nil},
		"pause too long":       {"/pause 5001ms", nil},
		"pause backwards":      {"/pause -1s", nil},
		"pause without unit":   {"/pause 5", nil},
		"finish two words":     {"/finish a b", nil},
		"a good one behind":    {"/chunk x\n/chunk 5", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := parseScript(tt.text, []byte("BODY"))
			if tt.want == nil {
				if e := (*commandError)(nil); !errors.As(err, &e) || !strings.HasPrefix(tt.text, e.command) {
					t.Errorf("error %v, want one that names the command", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(script{}, scriptCall{})); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// TestEveryCommandIsDocumented: the table in the package comment and the
// table in the code name the same commands.
func TestEveryCommandIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var documented, known []string
	for line := range strings.Lines(string(doc)) {
		if rest, ok := strings.CutPrefix(line, "//\t/"); ok {
			documented = append(documented, "/"+strings.Fields(rest)[0])
		}
	}
	for word := range commands {
		known = append(known, word)
	}
	slices.Sort(documented)
	slices.Sort(known)
	if diff := cmp.Diff(known, documented); diff != "" {
		t.Errorf("-code +comment\n%s", diff)
	}
}

func FuzzScript(f *testing.F) {
	for _, s := range []string{
		"", "hello", "/say a\n/echo\nb", "/call f {}\n/call g", "/chunk 3\n/cut 4\n/pause 1s", "/status 429 x\r\n", "/finish\t\n", "/say \xff\u2028",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseScript(text, []byte("BODY"))
		if err != nil {
			var e *commandError
			if !errors.As(err, &e) || commands[e.command].wants != e.wants {
				t.Fatalf("error %v", err)
			}
			return
		}
		if s.chunk < 1 || s.chunk > maxChunk || s.cut < -1 || s.cut > maxCut || s.pause < 0 || s.pause > maxPause ||
			len(s.calls) > maxCalls || s.status != 0 && (s.status < 400 || s.status > 599) {
			t.Fatalf("out of bounds: %+v", s)
		}
		// What is left over holds no command, so reading it again changes nothing.
		again, err := parseScript(s.rest, nil)
		if err != nil || again.rest != s.rest || again.answers() {
			t.Fatalf("the rest %q reads as %+v, %v", s.rest, again, err)
		}
		var joined strings.Builder
		n := 0
		for p := range pieces(text, s.chunk) {
			if p == "" || utf8.RuneCountInString(p) > s.chunk {
				t.Fatalf("piece %q of %d", p, s.chunk)
			}
			joined.WriteString(p)
			n++
		}
		if joined.String() != text || n != countTokens(text, s.chunk) {
			t.Fatalf("%d pieces join to %q", n, joined.String())
		}
	})
}

// FuzzChat: whatever the body, the reply is a status with JSON, or a stream
// that tells the same story as the reply without one.
func FuzzChat(f *testing.F) {
	for _, text := range []string{"hello", "/say Grüße\n/reason r", "/call f {\"a\":1}\n/call g\n/chunk 2", "/refuse no", "/status 500", "/echo\n/chunk 9", "/finish length"} {
		f.Add(ask(text, `"n":2`, `"logprobs":true`))
	}
	f.Add(`{"model":"m","messages":[{"role":"tool","content":[{"type":"text","text":"x"}]}],"tool_choice":{"type":"custom","custom":{"name":"f"}}}`)
	f.Fuzz(func(t *testing.T, body string) {
		plain, cut := chat(withStream(body, false))
		if cut {
			return
		}
		if !json.Valid(plain.Body.Bytes()) {
			t.Fatalf("no JSON: %q", plain.Body)
		}
		streamed, cut := chat(withStream(body, true))
		if cut || streamed.Code != plain.Code || plain.Code != 200 {
			if streamed.Code != plain.Code {
				t.Fatalf("status %d, as a stream %d", plain.Code, streamed.Code)
			}
			return
		}
		var want chatCompletion
		if err := json.Unmarshal(plain.Body.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		got := collect(t, streamed.Body.String(), len(want.Choices))
		for i, c := range want.Choices {
			text := deref(c.Message.Content)
			if strings.Contains(text, `"stream"`) {
				return // /echo: the two bodies differ
			}
			if got[i].content != text || got[i].refusal != deref(c.Message.Refusal) || got[i].reasoning != c.Message.Reasoning || got[i].finish != c.FinishReason {
				t.Fatalf("choice %d: %+v as a stream, %+v without", i, got[i], c)
			}
			for j := range c.Message.ToolCalls {
				if got[i].calls[j] != c.Message.ToolCalls[j].text() {
					t.Fatalf("choice %d: call %d differs", i, j)
				}
			}
		}
	})
}

// withStream sets the stream member of a body that is an object.
func withStream(body string, on bool) string {
	rest, ok := strings.CutSuffix(strings.TrimSpace(body), "}")
	if !ok {
		return body
	}
	if on {
		return rest + `,"stream":true}`
	}
	return rest + `,"stream":false}`
}

type collected struct {
	content, reasoning, refusal, finish string
	calls                               map[int]string
}

// collect joins the deltas of a stream of n choices.
func collect(t *testing.T, stream string, n int) []collected {
	t.Helper()
	events := strings.Split(strings.TrimSuffix(stream, "\n\n"), "\n\n")
	if events[len(events)-1] != "data: [DONE]" {
		t.Fatalf("the stream ends with %q", events[len(events)-1])
	}
	got := make([]collected, n)
	for _, e := range events[:len(events)-1] {
		var c chatChunk
		if err := json.Unmarshal([]byte(strings.TrimPrefix(e, "data: ")), &c); err != nil {
			t.Fatalf("%q: %v", e, err)
		}
		for _, choice := range c.Choices {
			g := &got[choice.Index]
			d := choice.Delta
			content, _ := d.Content.(string)
			refusal, _ := d.Refusal.(string)
			g.content, g.refusal, g.reasoning = g.content+content, g.refusal+refusal, g.reasoning+d.Reasoning
			g.finish += deref(choice.FinishReason)
			for _, call := range d.ToolCalls {
				if g.calls == nil {
					g.calls = map[int]string{}
				}
				g.calls[*call.Index] += call.text()
			}
		}
	}
	return got
}
