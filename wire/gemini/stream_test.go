package gemini

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/frame"
)

// run feeds events to a stream and describes each in a line.
func run(s wire.Stream, events ...string) []string {
	var lines []string
	for _, data := range events {
		ev, err := s.Event("", []byte(data))
		if err != nil {
			return append(lines, "error: "+err.Error())
		}
		var b strings.Builder
		for _, p := range ev.Pieces {
			name := p.Channel.Name
			if p.Whole {
				name = "whole"
			}
			if p.Copy {
				name = "copy"
			}
			fmt.Fprintf(&b, "%s.%d=%q ", name, p.Channel.Choice, p.Text)
		}
		for _, k := range ev.Calls {
			fmt.Fprintf(&b, "call %d.%d ", k.Choice, k.Index)
		}
		for _, c := range ev.Whole {
			fmt.Fprintf(&b, "whole %s(%s) ", c.Name, c.Args)
		}
		if ev.End {
			b.WriteString("end")
		}
		lines = append(lines, strings.TrimSpace(b.String()))
	}
	return lines
}

// chunk is an event with the parts of candidate 0.
func chunk(parts string) string {
	return `{"candidates": [{"content": {"parts": [` + parts + `],"role": "model"},"index": 0}],"modelVersion": "m"}`
}

// last is an event that ends candidate 0.
func last(parts string) string {
	return `{"candidates": [{"content": {"parts": [` + parts + `],"role": "model"},"finishReason": "STOP","index": 0}],"usageMetadata": {"promptTokenCount": 3,"candidatesTokenCount": 4}}`
}

func events() wire.Stream {
	return StreamGenerateContent{}.Stream(wire.StreamOptions{Assemble: true, Format: frame.SSE})
}

func growing() wire.Stream {
	return StreamGenerateContent{}.Stream(wire.StreamOptions{Assemble: true, Format: frame.Array})
}

func TestStreamEvents(t *testing.T) {
	for _, tt := range []struct {
		name   string
		stream wire.Stream
		events []string
		want   []string
	}{
		{
			"words and a thought, then the end", events(),
			[]string{chunk(`{"text":"hm","thought":true},{"text":"a\u00e9"}`), chunk(`{"text":"b"},{"text":"c"}`), last(`{"text":"","thoughtSignature":"c2ln"}`)},
			[]string{`text.0="aé" thought.0="hm"`, `text.0="b" text.0="c"`, `text.0=""`},
		},
		{
			"calls, each whole", events(),
			[]string{chunk(`{"text":"a"},` + callA + `,` + callB), chunk(callB)},
			[]string{`text.0="a" whole.0="n" call 0.0 call 0.1 whole a({"k": 1}) whole b()`, `call 0.2 whole b()`},
		},
		{
			"candidates side by side", events(),
			[]string{`{"candidates":[{"content":{"parts":[{"text":"a"}]}},{"index":1,"content":{"parts":[` + callB + `]}}]}`, `{"candidates":[{"index":1,"content":{"parts":[{"text":"b"}]}}]}`},
			[]string{`text.0="a" call 1.0 whole b()`, `text.1="b"`},
		},
		{
			"what the provider's tools did, and what stands beside the parts", events(),
			[]string{chunk(`{"executableCode":{"language":"PYTHON","code":"c"}}`), `{"candidates":[{"groundingMetadata":{"groundingSupports":[{"segment":{"text":"a"}}],"webSearchQueries":["w"]},"finishReason":"STOP"}],"note":"n"}`},
			[]string{`whole.0="c"`, `copy.0="a" whole.0="w" whole.-1="n"`},
		},
		{
			"a prompt that is not answered", events(),
			[]string{`{"promptFeedback":{"blockReason":"SAFETY","blockReasonMessage":"why"}}`, `{"usageMetadata":{"promptTokenCount":1}}`},
			[]string{`whole.-1="why"`, ""},
		},
		{
			"an error ends events", events(),
			[]string{chunk(`{"text":"a"}`), `{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}`, chunk(`{"text":"b"}`)},
			[]string{`text.0="a"`, `whole.-1="busy" whole.-1="UNAVAILABLE" end`, "error: an event after the end of the stream"},
		},
		{"an array and its bracket", growing(), []string{chunk(`{"text":"a"}`), last(``), "]", "]"}, []string{`text.0="a"`, "", "end", "error: an event after the end of the stream"}},
		{
			"an error in an array", growing(),
			[]string{`{"error":{"message":"busy"}}`, "]", chunk(``)},
			[]string{`whole.-1="busy"`, "end", "error: an event after the end of the stream"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, run(tt.stream, tt.events...)); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStreamRefuses(t *testing.T) {
	for what, list := range map[string][]string{
		"no JSON":                        {`{"candidates":`},
		"an array":                       {`[]`},
		"an array's bracket":             {`]`},
		"a terminator of another API":    {`[DONE]`},
		"Candidates":                     {`{"Candidates":[]}`},
		"a call in pieces":               {chunk(`{"functionCall":{"name":"f","willContinue":true}}`)},
		"the rest of such a call":        {chunk(`{"functionCall":{"partialArgs":[{"jsonPath":"$.a","stringValue":"x"}]}}`)},
		"a text that is an object":       {chunk(`{"text":{}}`)},
		"two candidates with one index":  {`{"candidates":[{"index":1},{"index":1}]}`},
		"more calls than there are":      {chunk(strings.TrimSuffix(strings.Repeat(callB+",", maxCalls), ",")), chunk(callB)},
		"more candidates than there are": {`{"candidates":[` + strings.TrimSuffix(strings.Repeat(`{},`, maxCandidates), ",") + `]}`, `{"candidates":[{"index":1000}]}`},
		"a usage in two spellings":       {`{"usageMetadata":{"promptTokenCount":1,"prompt_token_count":2}}`},
	} {
		lines := run(events(), list...)
		if got := lines[len(lines)-1]; len(lines) != len(list) || !strings.HasPrefix(got, "error: ") {
			t.Errorf("%s: %q", what, lines)
		}
	}
	if _, err := events().Event("error", []byte(chunk(``))); err == nil {
		t.Error("an event with another name is accepted")
	}
	if _, err := events().Event("message", []byte(chunk(``))); err != nil {
		t.Errorf("an event that has the default name: %v", err)
	}
}

func TestStreamDone(t *testing.T) {
	for _, tt := range []struct {
		name         string
		stream       wire.Stream
		events       []string
		done, failed bool
	}{
		{"nothing", events(), nil, false, false},
		{"words", events(), []string{chunk(`{"text":"a"}`)}, false, false},
		{"the last words", events(), []string{chunk(`{"text":"a"}`), last(``)}, true, false},
		{"one of two candidates", events(), []string{`{"candidates":[{"finishReason":"STOP"},{}]}`}, false, false},
		{"both", events(), []string{`{"candidates":[{"finishReason":"STOP"},{}]}`, `{"candidates":[{"index":1,"finishReason":2}]}`}, true, false},
		{"a reason that says nothing", events(), []string{`{"candidates":[{"finishReason":"FINISH_REASON_UNSPECIFIED"}]}`}, false, false},
		{"a blocked prompt", events(), []string{`{"promptFeedback":{"blockReason":"SAFETY"}}`}, true, false},
		{"an error", events(), []string{`{"error":{}}`}, true, true},
		{"a bracket", growing(), []string{`]`}, true, false},
	} {
		run(tt.stream, tt.events...)
		if tt.stream.Done() != tt.done || tt.stream.Failed() != tt.failed {
			t.Errorf("%s: done %v, failed %v", tt.name, tt.stream.Done(), tt.stream.Failed())
		}
	}
	s := StreamGenerateContent{}.Stream(wire.StreamOptions{})
	run(s, chunk(``), last(``))
	if s.Response() != nil || s.Model() != "m" || *s.Usage() != (wire.Usage{Input: 3, Output: 4}) {
		t.Errorf("model %q, usage %v", s.Model(), s.Usage())
	}
}

func TestStreamResponseEqualsReply(t *testing.T) {
	s := events()
	if got := string(s.Response().JSON()); got != `{"choices":[],"text":""}` {
		t.Errorf("before the start: %s", got)
	}
	run(s, chunk(`{"text":"h","thought":true}`), chunk(`{"text":"m","thought":true},{"text":"Hel"}`), chunk(callA), last(`{"text":"lo"}`))
	r, err := GenerateContent{}.Reply([]byte(`{"candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"text":"Hello"},` + callA + `]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4}}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(r.Response().JSON()), string(s.Response().JSON())); diff != "" {
		t.Errorf("one reply, told in two ways (-JSON +stream):\n%s", diff)
	}
}

// rewritten feeds events, and then rewrites each that has to be.
func rewritten(t *testing.T, s wire.Stream, list []string, verdicts map[wire.CallKey]wire.Verdict, redact string) ([]string, error) {
	t.Helper()
	var read []*wire.Event
	for _, data := range list {
		ev, err := s.Event("", []byte(data))
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		read = append(read, ev)
	}
	var out []string
	for i, ev := range read {
		var texts []wire.PieceText
		for j, p := range ev.Pieces {
			if redact != "" && strings.Contains(string(p.Text), redact) {
				texts = append(texts, wire.PieceText{Piece: j, Text: []byte("X\"\n")})
			}
		}
		if len(texts) == 0 && len(ev.Calls) == 0 && !s.(wire.Stale).Stale(ev) {
			out = append(out, list[i])
			continue
		}
		w, err := s.Rewrite(ev, []byte(list[i]), texts, func(k wire.CallKey) wire.Verdict { return verdicts[k] })
		if err != nil {
			return out, err
		}
		if len(w) != 1 || w[0].Name != "" {
			t.Fatalf("%s became %d events", list[i], len(w))
		}
		out = append(out, string(w[0].Data))
	}
	return out, nil
}

func TestStreamRewrite(t *testing.T) {
	copied := func(logprobs, supports string) string {
		return `{"candidates":[{"logprobsResult":` + logprobs + `,"groundingMetadata":{"groundingSupports":` + supports + `}},{"index":1,"logprobsResult":{}}]}`
	}
	deny := func(keys ...wire.CallKey) map[wire.CallKey]wire.Verdict {
		m := map[wire.CallKey]wire.Verdict{}
		for _, k := range keys {
			m[k] = wire.Verdict{Denied: true, Text: "no"}
		}
		return m
	}
	for _, tt := range []struct {
		name, redact string
		verdicts     map[wire.CallKey]wire.Verdict
		events, want []string
	}{
		{"nothing", "", nil, []string{chunk(callA), copied(logprobs, supports), last(``)}, []string{chunk(callA), copied(logprobs, supports), last(``)}},
		{
			"words, and what repeats them later", "a", nil,
			[]string{chunk(`{"text":"a"}`), chunk(`{"text":"b"}`), copied(logprobs, supports)},
			[]string{chunk(`{"text":"X\"\n"}`), chunk(`{"text":"b"}`), copied("null", "null")},
		},
		{"a call", "", deny(wire.CallKey{}), []string{chunk(callB), last(callA)}, []string{chunk(`{"text":"no"}`), last(callA)}},
		{
			"a call after words, and another", "", deny(wire.CallKey{}, wire.CallKey{Index: 2}),
			[]string{chunk(`{"text":"a"}`), chunk(callB + `,` + callA), chunk(callB), copied(logprobs, supports)},
			[]string{chunk(`{"text":"a"}`), chunk(`{"text":"\nno"},` + callA), chunk(`{"text":"\nno"}`), copied("null", "null")},
		},
		{"a call before words", "", deny(wire.CallKey{}), []string{chunk(callB + `,{"text":"a"}`)}, []string{chunk(`{"text":"no"},{"text":"a"}`)}},
		{
			"the call of another candidate", "", deny(wire.CallKey{Choice: 1}),
			[]string{`{"candidates":[{"content":{"parts":[` + callB + `]}},{"content":{"parts":[` + callB + `]}}]}`},
			[]string{`{"candidates":[{"content":{"parts":[` + callB + `]}},{"content":{"parts":[{"text":"no"}]}}]}`},
		},
		{
			"arguments", "", map[wire.CallKey]wire.Verdict{{}: {Args: str(`{"k":2}`)}},
			[]string{chunk(callA), last(``)}, []string{chunk(strings.Replace(callA, `{"k": 1}`, `{"k":2}`, 1)), last(``)},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for what, s := range map[string]wire.Stream{"events": events(), "array": growing()} {
				got, err := rewritten(t, s, tt.events, tt.verdicts, tt.redact)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", what, diff)
				}
			}
		})
	}
	for _, args := range []string{"[]", "{", `"x"`} {
		if _, err := rewritten(t, events(), []string{chunk(callA)}, map[wire.CallKey]wire.Verdict{{}: {Args: &args}}, ""); err == nil {
			t.Errorf("arguments become %s", args)
		}
	}
	s := growing()
	ev, err := s.Event("", []byte("]"))
	if err != nil {
		t.Fatal(err)
	}
	if w, err := s.Rewrite(ev, []byte("]"), nil, nil); err != nil || len(w) != 1 || string(w[0].Data) != "]" {
		t.Errorf("the bracket became %v, %v", w, err)
	}
}

func TestStreamRefuse(t *testing.T) {
	const object = `{"error":{"code":403,"message":"no","status":"PERMISSION_DENIED"}}`
	no := wire.Refusal{Code: wire.CodePolicyDenied, Reason: "no"}
	for _, before := range []string{"", "data: {}\r\n\r\n", "data: {}\n\n"} {
		list := framesOf(t, frame.SSE, before+string(events().Refuse(no)))
		if got := string(list[len(list)-1].Data); got != object {
			t.Errorf("after %q: %s", before, got)
		}
	}
	list := framesOf(t, frame.Array, "[{}"+string(growing().Refuse(no)))
	if len(list) != 3 || string(list[1].Data) != object || string(list[2].Data) != "]" {
		t.Errorf("an array becomes %v", list)
	}
}

func TestFormat(t *testing.T) {
	for media, want := range map[string][2]frame.Format{
		"text/event-stream": {frame.SSE, frame.SSE}, "application/json": {nil, frame.Array}, "": {nil, nil}, "text/html": {nil, nil},
	} {
		for i, stream := range []bool{false, true} {
			if got := (StreamGenerateContent{}).Format(media, stream); got != want[i] {
				t.Errorf("%q, stream %v: %v", media, stream, got)
			}
		}
	}
}
