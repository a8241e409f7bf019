package openai

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/wire"
)

func TestCompletionsStreamEvents(t *testing.T) {
	for _, tt := range []struct {
		name   string
		events []string
		want   []string
	}{
		{
			"words of two choices, the last one with the end",
			[]string{
				chunk(`{"text":"a\u00e9","index":0,"logprobs":null,"finish_reason":null}`),
				chunk(`{"text":"x","index":1,"finish_reason":null},{"text":"b","index":0,"finish_reason":"length"}`),
				chunk(`{"text":"","index":1,"finish_reason":"stop"}`),
				`{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}`,
				`[DONE]`,
			},
			[]string{`0/text="aé"`, `1/text="x" 0/text="b" ends 0`, `1/text="" ends 1`, "", "ends 0 ends 1 end"},
		},
		{
			"strings beside the text are channels",
			[]string{chunk(`{"text":null,"index":1,"reasoning":"r","thoughts":"t","more":{"a":["b"]},"message":null}`)},
			[]string{`1/reasoning="r" 1/thoughts="t" 1/more.a="b"`},
		},
		{
			"words beside the choices are whole",
			[]string{`{"choices":[{"index":0,"text":"a"}],"provider":"P","system_fingerprint":"fp"}`},
			[]string{`0/text="a" -1/="P"`},
		},
		{
			"an empty chunk after the end",
			[]string{chunk(`{"index":0,"text":"a","finish_reason":"stop"}`), chunk(`{"index":0,"text":""}`)},
			[]string{`0/text="a" ends 0`, `0/text=""`},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, run(t, Completions{}.Stream(wire.StreamOptions{}), tt.events...)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCompletionsStreamRefuses(t *testing.T) {
	end := chunk(`{"index":0,"text":"","finish_reason":"stop"}`)
	for name, events := range map[string][]string{
		"no JSON":                       {`{"a`},
		"an array":                      {`[]`},
		"a choice that is a text":       {chunk(`"alice@example.com"`)},
		"a text that is an array":       {chunk(`{"text":["a"]}`)},
		"two texts":                     {chunk(`{"text":"a","text":"b"}`)},
		"Text by another case":          {chunk(`{"Text":"a"}`)},
		"a chat's delta":                {chunk(`{"delta":{"content":"a"}}`)},
		"a chat's message":              {chunk(`{"text":"","message":{"content":"a"}}`)},
		"tool calls":                    {chunk(`{"text":"","tool_calls":[]}`)},
		"tool calls inside":             {chunk(`{"text":"","more":{"tool_calls":[{"function":{"name":"f"}}]}}`)},
		"an index that is a string":     {chunk(`{"index":"0","text":"a"}`)},
		"logprobs that are a text":      {chunk(`{"text":"a","logprobs":"alice@example.com"}`)},
		"words after the choice's end":  {end, chunk(`{"index":0,"text":"more"}`)},
		"an event after the terminator": {end, "[DONE]", chunk(`{"index":0,"text":"more"}`)},
	} {
		lines := run(t, Completions{}.Stream(wire.StreamOptions{}), events...)
		if last := lines[len(lines)-1]; !strings.HasPrefix(last, "error: ") {
			t.Errorf("%s: accepted: %q", name, last)
		}
	}
}

func TestCompletionsStreamDone(t *testing.T) {
	s := Completions{}.Stream(wire.StreamOptions{})
	run(t, s, chunk(`{"index":0,"text":"a"},{"index":1,"text":"b","finish_reason":"stop"}`))
	if s.Done() {
		t.Error("done while a choice is open")
	}
	run(t, s, `{"error":{"message":"overloaded"}}`)
	if !s.Done() || !s.Failed() {
		t.Error("not done although the upstream has sent an error")
	}
}

func TestCompletionsStreamResponseEqualsReply(t *testing.T) {
	s := Completions{}.Stream(wire.StreamOptions{Assemble: true})
	run(t, s,
		chunk(`{"index":0,"text":"Hel"}`), chunk(`{"index":1,"text":"Yo","reasoning":"hm"}`), chunk(`{"index":0,"text":"lo","finish_reason":"length"}`),
		chunk(`{"index":1,"text":"","finish_reason":"stop"}`), `{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}`, "[DONE]")
	r, err := Completions{}.Reply([]byte(`{"choices":[{"index":0,"text":"Hello","finish_reason":"length"},{"index":1,"text":"Yo","reasoning":"hm","finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(r.Response().JSON()), string(s.Response().JSON())); diff != "" {
		t.Errorf("one reply, told in two ways (-JSON +stream):\n%s", diff)
	}
}

func TestCompletionsStreamRewriteDropsLogprobs(t *testing.T) {
	data := chunk(`{"index":1,"text":"ok","logprobs":{"tokens":["ok"]}},{"index":0,"text":"my key","logprobs":{"tokens":["my key"]},"finish_reason":"stop"}`)
	s := Completions{}.Stream(wire.StreamOptions{})
	ev, err := s.Event("", []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	out, drop, err := rewriteOne(s, ev, []byte(data), []wire.PieceText{{Piece: 1, Text: []byte(`my "*"`)}}, nil)
	want := chunk(`{"index":1,"text":"ok","logprobs":{"tokens":["ok"]}},{"index":0,"text":"my \"*\"","logprobs":null,"finish_reason":"stop"}`)
	if err != nil || drop || string(out) != want {
		t.Errorf("%v, dropped %v\n got %s\nwant %s", err, drop, out, want)
	}
}

func TestCompletionsStreamRefuse(t *testing.T) {
	got := string(Completions{}.Stream(wire.StreamOptions{}).Refuse(wire.Refusal{Code: wire.CodePolicyDenied, Reason: "no"}))
	want := "data: {\"error\":{\"message\":\"no\",\"type\":\"policy_denied\",\"param\":null,\"code\":\"policy_denied\"}}\n\ndata: [DONE]\n\n"
	if got != want {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
}

// FuzzCompletionsStream: whatever comes, line by line, the events are
// understood or refused; with every text replaced, an event still is one, and
// says nothing else.
func FuzzCompletionsStream(f *testing.F) {
	f.Add([]byte(chunk(`{"index":0,"text":"a","logprobs":{"tokens":["a"]}}`) + "\n" + chunk(`{"index":0,"text":"b","finish_reason":"stop"}`) + "\n[DONE]"))
	f.Add([]byte(chunk(`{"text":"\ud83d\ude00","x":{"y":["z"]}},{"index":1,"text":null}`) + "\n" + `{"choices":[],"usage":{"prompt_tokens":1},"error":{"message":"m"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		s, again := Completions{}.Stream(wire.StreamOptions{Assemble: true}), Completions{}.Stream(wire.StreamOptions{})
		for data := range bytes.SplitSeq(body, []byte("\n")) {
			ev, err := s.Event("", data)
			if err != nil {
				return
			}
			var texts []wire.PieceText
			for i, p := range ev.Pieces {
				if p.Start < 0 || p.End > len(data) || p.End-p.Start < 2 || data[p.Start] != '"' || data[p.End-1] != '"' {
					t.Fatalf("span %d:%d of %q is no string", p.Start, p.End, data)
				}
				if len(p.Text) > 0 {
					texts = append(texts, wire.PieceText{Piece: i, Text: []byte("*")})
				}
			}
			if len(ev.Calls)+len(ev.Whole) > 0 {
				t.Fatalf("%q asks for a tool", data)
			}
			out, drop, err := rewriteOne(s, ev, data, texts, nil)
			if err != nil || drop {
				t.Fatalf("%q rewritten: dropped %v, %v", data, drop, err)
			}
			read, err := again.Event("", out)
			if err != nil {
				t.Fatalf("%q with every text replaced: %q, %v", data, out, err)
			}
			for _, p := range read.Pieces {
				if len(p.Text) > 0 && string(p.Text) != "*" {
					t.Fatalf("%q is left in %q", p.Text, out)
				}
			}
		}
		s.Response().JSON()
	})
}
