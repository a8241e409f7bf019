package ollama

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/wire"
)

func line(message string) string {
	return `{"model":"m","created_at":"t","message":{"role":"assistant",` + message + `},"done":false}`
}

const lastLine = `{"model":"m","created_at":"t","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":4}`

// played is what became of a stream's lines.
func played(t *testing.T, s wire.Stream, lines []string, replace map[string]string, verdicts map[int]wire.Verdict) []string {
	t.Helper()
	var events []*wire.Event
	for _, l := range lines {
		ev, err := s.Event("", []byte(l))
		if err != nil {
			t.Fatalf("%s: %v", l, err)
		}
		events = append(events, ev)
	}
	dirty := false
	for _, v := range verdicts {
		dirty = dirty || !v.Untouched()
	}
	var out []string
	for i, ev := range events {
		var texts []wire.PieceText
		for j, p := range ev.Pieces {
			if text, ok := replace[string(p.Text)]; ok {
				texts = append(texts, wire.PieceText{Piece: j, Text: []byte(text)})
			}
		}
		if len(texts) == 0 && !(dirty && len(ev.Calls)+len(ev.Ended) > 0) && !s.(wire.Stale).Stale(ev) {
			out = append(out, lines[i])
			continue
		}
		written, err := s.Rewrite(ev, []byte(lines[i]), texts, func(k wire.CallKey) wire.Verdict { return verdicts[k.Index] })
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range written {
			out = append(out, string(w.Data))
		}
	}
	return out
}

func TestStreamRewrite(t *testing.T) {
	denied := func(text string) wire.Verdict { return wire.Verdict{Denied: true, Text: text} }
	args := `{"a":"X"}`
	for _, tt := range []struct {
		name     string
		codec    wire.ChatCodec
		in       []string
		replace  map[string]string
		verdicts map[int]wire.Verdict
		want     []string
	}{
		{
			"nothing",
			Chat{},
			[]string{line(`"content":"hi"`), line(`"content":"","tool_calls":[` + callF + `]`), lastLine},
			nil, nil,
			[]string{line(`"content":"hi"`), line(`"content":"","tool_calls":[` + callF + `]`), lastLine},
		},
		{
			"a text, with its log probabilities",
			Chat{},
			[]string{`{"message":{"content":"h\u0069"},"logprobs":[{"token":"hi"}]}`, `{"message":{"content":"ho"},"logprobs":[{"token":"ho"}]}`, lastLine},
			map[string]string{"hi": `"`},
			nil,
			[]string{`{"message":{"content":"\""}}`, `{"message":{"content":"ho"},"logprobs":[{"token":"ho"}]}`, lastLine},
		},
		{
			"token ids repeat what was edited before",
			Generate{},
			[]string{`{"response":"hi"}`, `{"response":"","done":true,"context":[1]}`},
			map[string]string{"hi": "X"},
			nil,
			[]string{`{"response":"X"}`, `{"response":"","done":true}`},
		},
		{
			"a denied call beside content",
			Chat{},
			[]string{line(`"content":"hi"`), line(`"content":" so","tool_calls":[` + callF + `]`), line(`"content":"","tool_calls":[` + callG + `]`), lastLine},
			map[string]string{" so": " X"},
			map[int]wire.Verdict{0: denied("no")},
			[]string{line(`"content":"hi"`), line(`"content":" X\nno"`), line(`"content":"","tool_calls":[{"id":"2","function":{"index":0,"name":"g","arguments":{}}}]`), lastLine},
		},
		{
			"all denied, the first words",
			Chat{},
			[]string{line(`"content":"","tool_calls":[` + callF + `,` + callG + `]`), `{"message":{},"done":true,"done_reason":"tool_calls"}`},
			nil,
			map[int]wire.Verdict{0: denied("no"), 1: denied("nor")},
			[]string{line(`"content":"no\nnor"`), `{"message":{},"done":true,"done_reason":"stop"}`},
		},
		{
			"arguments",
			Chat{},
			[]string{line(`"content":"","tool_calls":[` + callF + `]`), lastLine},
			nil,
			map[int]wire.Verdict{0: {Args: &args}},
			[]string{line(`"content":"","tool_calls":[` + strings.Replace(callF, `"x"`, `"X"`, 1) + `]`), lastLine},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, played(t, tt.codec.Stream(wire.StreamOptions{}), tt.in, tt.replace, tt.verdicts)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestStreamIsTheReply: a stream and the same reply as a whole are one.
func TestStreamIsTheReply(t *testing.T) {
	s := Chat{}.Stream(wire.StreamOptions{Assemble: true})
	for _, l := range []string{
		line(`"content":"","thinking":"s"`), line(`"content":"","thinking":"o"`), line(`"content":"h"`), line(`"content":"i"`),
		line(`"content":"","tool_calls":[` + callF + `]`), lastLine,
	} {
		if s.Done() {
			t.Error("done too early")
		}
		if _, err := s.Event("", []byte(l)); err != nil {
			t.Fatal(err)
		}
	}
	whole := replyOf(t, Chat{}, chatReply(`"content":"hi","thinking":"so","tool_calls":[`+callF+`]`, `,"prompt_eval_count":3,"eval_count":4`))
	if got, want := string(s.Response().JSON()), string(whole.Response().JSON()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !s.Done() || s.Failed() || s.Model() != "m" || *s.Usage() != (wire.Usage{Input: 3, Output: 4}) {
		t.Errorf("done %t, failed %t, model %q, usage %v", s.Done(), s.Failed(), s.Model(), s.Usage())
	}
	if _, err := s.Event("", []byte(lastLine)); err == nil {
		t.Error("a line after the end was read")
	}
}

func TestThinkingEndsWhereContentBegins(t *testing.T) {
	s := Chat{}.Stream(wire.StreamOptions{})
	var got []string
	for _, l := range []string{line(`"thinking":"a"`), line(`"thinking":"b","content":""`), line(`"content":"c"`), line(`"thinking":"d"`), line(`"tool_calls":[` + callF + `]`)} {
		ev, err := s.Event("", []byte(l))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range ev.Pieces {
			got = append(got, p.Channel.Name+"="+string(p.Text))
		}
		for _, ch := range ev.Closed {
			got = append(got, "close "+ch.Name)
		}
	}
	want := []string{"thinking:0=a", "thinking:0=b", "content=", "content=c", "close thinking:0", "thinking:1=d", "close thinking:1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestStreamErrors(t *testing.T) {
	s := Chat{}.Stream(wire.StreamOptions{})
	ev, err := s.Event("", []byte(`{"error":"bad"}`))
	if err != nil || !ev.End || !s.Done() || !s.Failed() || len(ev.Pieces) != 1 {
		t.Errorf("%+v, %v, done %t, failed %t", ev, err, s.Done(), s.Failed())
	}
	for _, bad := range []string{`[]`, `{"done":true}`, `{"message":{"content":1}}`, `{"message":{"tool_calls":{}}}`, `data: {}`} {
		if _, err := (Chat{}).Stream(wire.StreamOptions{}).Event("", []byte(bad)); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
	if got := string(s.Refuse(wire.Refusal{Reason: `a "b"`})); got != "{\"error\":\"a \\\"b\\\"\"}\n" {
		t.Errorf("refusal %q", got)
	}
}
