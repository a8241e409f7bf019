package openai

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/wire"
)

// run feeds events to a stream and describes each in a line.
func run(t *testing.T, s wire.Stream, events ...string) []string {
	t.Helper()
	var lines []string
	for _, data := range events {
		ev, err := s.Event("", []byte(data))
		if err != nil {
			return append(lines, "error: "+err.Error())
		}
		var b strings.Builder
		for _, p := range ev.Pieces {
			if data[p.Start] != '"' || data[p.End-1] != '"' {
				t.Errorf("the span of %q is not a string", p.Text)
			}
			fmt.Fprintf(&b, "%d/%s=%q ", p.Channel.Choice, p.Channel.Name, p.Text)
		}
		for _, k := range ev.Calls {
			fmt.Fprintf(&b, "call %d.%d ", k.Choice, k.Index)
		}
		for _, c := range ev.Whole {
			fmt.Fprintf(&b, "whole %s(%s) ", c.Name, c.Args)
		}
		for _, i := range ev.Ended {
			fmt.Fprintf(&b, "ends %d ", i)
		}
		if ev.End {
			b.WriteString("end")
		}
		lines = append(lines, strings.TrimSpace(b.String()))
	}
	return lines
}

func chunk(choices string) string { return `{"id":"x","model":"m","choices":[` + choices + `]}` }

func TestStreamEvents(t *testing.T) {
	for _, tt := range []struct {
		name   string
		events []string
		want   []string
	}{
		{
			"words, then the end",
			[]string{
				chunk(`{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}`),
				chunk(`{"index":0,"delta":{"content":"a\u00e9"},"finish_reason":null}`),
				chunk(`{"index":0,"delta":{},"finish_reason":"stop"}`),
				`{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}`,
				`[DONE]`,
			},
			[]string{`0/content=""`, `0/content="aé"`, "ends 0", "", "ends 0 end"},
		},
		{
			"reasoning, refusal and unknown fields are channels",
			[]string{chunk(`{"index":1,"delta":{"reasoning_content":"r","refusal":"f","thoughts":"t","reasoning_details":[{"type":"x","text":"d"}]}}`)},
			[]string{`1/reasoning_content="r" 1/refusal="f" 1/thoughts="t" 1/reasoning_details.text="d"`},
		},
		{
			"two calls side by side",
			[]string{
				chunk(`{"index":0,"delta":{"tool_calls":[{"index":0,"id":"1","type":"function","function":{"name":"a","arguments":""}}]}}`),
				chunk(`{"index":0,"delta":{"tool_calls":[{"index":1,"id":"2","type":"function","function":{"name":"b","arguments":"{\"y\""}}]}}`),
				chunk(`{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}},{"index":1,"function":{"arguments":":1}"}}]}}`),
				chunk(`{"index":0,"delta":{},"finish_reason":"tool_calls"}`),
			},
			[]string{"call 0.0", "call 0.1", "call 0.0 call 0.1", `whole a({}) whole b({"y":1}) ends 0`},
		},
		{
			"calls without an index, each whole in one chunk",
			[]string{chunk(`{"index":0,"delta":{"tool_calls":[{"id":"1","function":{"name":"a","arguments":"{}"}},{"id":"2","function":{"name":"b","arguments":"{}"}}]},"finish_reason":"tool_calls"}`)},
			[]string{"call 0.0 call 0.1 whole a({}) whole b({}) ends 0"},
		},
		{
			"the terminator ends choices that did not end",
			[]string{chunk(`{"index":0,"delta":{"function_call":{"name":"f","arguments":"{}"}}}`), "[DONE]"},
			[]string{"call 0.-1", "whole f({}) ends 0 end"},
		},
		{
			"an empty finish_reason ends nothing",
			[]string{
				chunk(`{"index":0,"delta":{"content":"a"},"finish_reason":""}`),
				chunk(`{"index":0,"delta":{"content":"b"},"finish_reason":""}`),
				chunk(`{"index":0,"delta":{},"finish_reason":"stop"}`),
			},
			[]string{`0/content="a"`, `0/content="b"`, "ends 0"},
		},
		{
			"an empty function_call beside a call is none",
			[]string{
				chunk(`{"index":0,"delta":{"function_call":{"name":"","arguments":""},"tool_calls":[{"index":0,"id":"1","function":{"name":"a","arguments":"{}"}}]}}`),
				chunk(`{"index":0,"delta":{"function_call":{"name":"","arguments":null},"tool_calls":[{"index":0,"function":{"arguments":""}}]}}`),
				chunk(`{"index":0,"delta":{},"finish_reason":"tool_calls"}`),
			},
			[]string{"call 0.0", "call 0.0", "whole a({}) ends 0"},
		},
		{
			"words beside those of a call are whole",
			[]string{chunk(`{"index":0,"delta":{"tool_calls":[{"index":0,"id":"1","note":"n","function":{"name":"a","arguments":"{}","summary":"s"}}],"function_call":{"name":"f","why":"w"}}}`)},
			[]string{`0/="n" 0/="s" 0/="w" call 0.0 call 0.-1`},
		},
		{
			"words beside the choices are whole",
			[]string{`{"choices":[{"index":0,"delta":{"content":"a"},"content_filter_results":{"note":"n"}}],"x_groq":{"error":"e"}}`},
			[]string{`0/content="a" 0/="n" -1/="e"`},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, run(t, Chat{}.Stream(wire.StreamOptions{}), tt.events...)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStreamRefuses(t *testing.T) {
	first := chunk(`{"index":0,"delta":{"tool_calls":[{"index":0,"id":"1","function":{"name":"a","arguments":""}}]}}`)
	end := chunk(`{"index":0,"delta":{},"finish_reason":"stop"}`)
	for name, events := range map[string][]string{
		"no JSON":                       {`{"a`},
		"an array":                      {`[]`},
		"two contents":                  {chunk(`{"delta":{"content":"a","content":"b"}}`)},
		"Content by another case":       {chunk(`{"delta":{"Content":"a"}}`)},
		"calls that are an object":      {chunk(`{"delta":{"tool_calls":{"index":0}}}`)},
		"two calls with one index":      {first, chunk(`{"index":0,"delta":{"tool_calls":[{"index":0,"id":"2","function":{"name":"b"}}]}}`)},
		"a call with two names":         {first, chunk(`{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"name":"b"}}]}}`)},
		"a call without a name":         {chunk(`{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]},"finish_reason":"tool_calls"}`)},
		"an index that is a string":     {chunk(`{"index":"0","delta":{"content":"a"}}`)},
		"a call's index below zero":     {chunk(`{"index":0,"delta":{"tool_calls":[{"index":-1,"function":{"name":"a"}}]}}`)},
		"arguments that are an object":  {chunk(`{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"name":"a","arguments":{}}}]}}`)},
		"words after the choice's end":  {end, chunk(`{"index":0,"delta":{"content":"more"}}`)},
		"a call after the choice's end": {end, first},
		"a call of two kinds":           {chunk(`{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"name":"a"},"custom":{"name":"b"}}]}}`)},
		"a call that changes its kind":  {first, chunk(`{"index":0,"delta":{"tool_calls":[{"index":0,"custom":{"input":"x"}}]}}`)},
		"calls beside the delta":        {chunk(`{"index":0,"delta":{},"message":{"tool_calls":[{"function":{"name":"a","arguments":"{}"}}]}}`)},
		"a call beside the delta":       {chunk(`{"index":0,"delta":{},"message":{"function_call":{"name":"a","arguments":"{}"}}}`)},
		"a choice that is a text":       {chunk(`"alice@example.com"`)},
		"logprobs that are a text":      {chunk(`{"index":0,"delta":{"content":"a"},"logprobs":"alice@example.com"}`)},
		"a function_call of others":     {chunk(`{"index":0,"delta":{"function_call":{"name":"","code":"rm"}},"finish_reason":"function_call"}`)},
		"an event after the terminator": {end, "[DONE]", chunk(`{"index":0,"delta":{"content":"more"}}`)},
	} {
		lines := run(t, Chat{}.Stream(wire.StreamOptions{}), events...)
		if last := lines[len(lines)-1]; !strings.HasPrefix(last, "error: ") {
			t.Errorf("%s: accepted: %q", name, last)
		}
	}
}

func TestStreamDone(t *testing.T) {
	s := Chat{}.Stream(wire.StreamOptions{})
	if s.Done() {
		t.Error("done before it began")
	}
	run(t, s, chunk(`{"index":0,"delta":{"content":"a"}},{"index":1,"delta":{}}`), chunk(`{"index":0,"delta":{},"finish_reason":"stop"}`))
	if s.Done() {
		t.Error("done while a choice is open")
	}
	run(t, s, chunk(`{"index":1,"delta":{},"finish_reason":"length"}`))
	if !s.Done() {
		t.Error("not done although every choice has ended")
	}
}

func TestStreamResponseEqualsReply(t *testing.T) {
	s := Chat{}.Stream(wire.StreamOptions{Assemble: true})
	run(t, s,
		chunk(`{"index":0,"delta":{"role":"assistant","reasoning_content":"h"}}`), chunk(`{"index":0,"delta":{"reasoning_content":"m"}}`),
		chunk(`{"index":0,"delta":{"content":"Hel"}}`), chunk(`{"index":1,"delta":{"content":"Yo"}}`), chunk(`{"index":0,"delta":{"content":"lo"}}`),
		chunk(`{"index":0,"delta":{"tool_calls":[{"index":0,"id":"1","function":{"name":"f","arguments":"{\"a\""}}]}}`),
		chunk(`{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]},"finish_reason":"tool_calls"}`),
		chunk(`{"index":1,"delta":{},"finish_reason":"stop"}`),
		`{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}`, "[DONE]")
	r, err := Chat{}.Reply([]byte(`{"choices":[{"index":0,"message":{"content":"Hello","reasoning_content":"hm","tool_calls":[{"id":"1","function":{"name":"f","arguments":"{\"a\":1}"}}]},"finish_reason":"tool_calls"},` +
		`{"index":1,"message":{"content":"Yo"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(r.Response().JSON()), string(s.Response().JSON())); diff != "" {
		t.Errorf("one reply, told in two ways (-JSON +stream):\n%s", diff)
	}
}

func TestStreamRewrite(t *testing.T) {
	events := []string{
		chunk(`{"index":0,"delta":{"role":"assistant","content":"Let me see"}}`),
		chunk(`{"index":0,"delta":{"tool_calls":[{"index":0,"id":"1","type":"function","function":{"name":"a","arguments":""}}]}}`),
		chunk(`{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}}`),
		chunk(`{"index":0,"delta":{"tool_calls":[{"index":1,"id":"2","type":"function","function":{"name":"b","arguments":"{\"k\":"}}]}}`),
		chunk(`{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"1}"}}]}}`),
		chunk(`{"index":0,"delta":{},"finish_reason":"tool_calls"}`),
	}
	withoutIndex := []string{
		chunk(`{"index":0,"delta":{"tool_calls":[{"id":"1","function":{"name":"a","arguments":"{\"k\":"}}]}}`),
		chunk(`{"index":0,"delta":{"tool_calls":[{"function":{"arguments":"1}"}}]}}`),
		chunk(`{"index":0,"delta":{"tool_calls":[{"id":"2","function":{"name":"b","arguments":"{\"k\":"}}]}}`),
		chunk(`{"index":0,"delta":{"tool_calls":[{"function":{"arguments":"2}"}}]}}`),
		chunk(`{"index":0,"delta":{},"finish_reason":"tool_calls"}`),
	}
	for _, tt := range []struct {
		name     string
		verdicts []wire.Verdict
		want     []string
		events   []string // if not the usual ones
	}{
		{
			"parts without an index belong to the call that was begun last",
			[]wire.Verdict{{Denied: true, Text: "no a"}, {}},
			[]string{
				`{"index":0,"delta":{"content":"no a"}}`,
				`{"index":0,"delta":{"tool_calls":[{"id":"2","function":{"name":"b","arguments":"{\"k\":"}}]}}`,
				`{"index":0,"delta":{"tool_calls":[{"function":{"arguments":"2}"}}]}}`,
				`{"index":0,"delta":{},"finish_reason":"tool_calls"}`,
			},
			withoutIndex,
		},
		{
			"the first is denied: the second moves up",
			[]wire.Verdict{{Denied: true, Text: "no a"}, {}},
			[]string{
				`{"index":0,"delta":{"role":"assistant","content":"Let me see"}}`,
				`{"index":0,"delta":{"content":"\nno a"}}`,
				`{"index":0,"delta":{"tool_calls":[{"index":0,"id":"2","type":"function","function":{"name":"b","arguments":"{\"k\":"}}]}}`,
				`{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}}`,
				`{"index":0,"delta":{},"finish_reason":"tool_calls"}`,
			},
			nil,
		},
		{
			"both are denied: the choice ends like one without calls",
			[]wire.Verdict{{Denied: true, Text: "no a"}, {Denied: true, Text: "no b"}},
			[]string{
				`{"index":0,"delta":{"role":"assistant","content":"Let me see"}}`,
				`{"index":0,"delta":{"content":"\nno a"}}`,
				`{"index":0,"delta":{"content":"\nno b"}}`,
				`{"index":0,"delta":{},"finish_reason":"stop"}`,
			},
			nil,
		},
		{
			"other arguments go out at once, in the first part",
			[]wire.Verdict{{}, {Args: str(`{"k":"*"}`)}},
			[]string{
				`{"index":0,"delta":{"role":"assistant","content":"Let me see"}}`,
				`{"index":0,"delta":{"tool_calls":[{"index":0,"id":"1","type":"function","function":{"name":"a","arguments":""}}]}}`,
				`{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}}`,
				`{"index":0,"delta":{"tool_calls":[{"index":1,"id":"2","type":"function","function":{"name":"b","arguments":"{\"k\":\"*\"}"}}]}}`,
				`{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":""}}]}}`,
				`{"index":0,"delta":{},"finish_reason":"tool_calls"}`,
			},
			nil,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			events := events
			if tt.events != nil {
				events = tt.events
			}
			s := Chat{}.Stream(wire.StreamOptions{})
			var read []*wire.Event
			for _, data := range events {
				ev, err := s.Event("", []byte(data))
				if err != nil {
					t.Fatal(err)
				}
				read = append(read, ev)
			}
			var got []string
			for i, ev := range read {
				out, drop, err := rewriteOne(s, ev, []byte(events[i]), nil, func(k wire.CallKey) wire.Verdict { return tt.verdicts[k.Index] })
				if err != nil {
					t.Fatal(err)
				}
				if !drop {
					got = append(got, strings.TrimSuffix(strings.TrimPrefix(string(out), `{"id":"x","model":"m","choices":[`), "]}"))
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStreamRewriteTextDropsLogprobs(t *testing.T) {
	data := chunk(`{"index":0,"delta":{"content":"my key"},"logprobs":{"content":[{"token":"my key"}]}}`)
	s := Chat{}.Stream(wire.StreamOptions{})
	ev, err := s.Event("", []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := rewriteOne(s, ev, []byte(data), []wire.PieceText{{Piece: 0, Text: []byte(`my "*"`)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := chunk(`{"index":0,"delta":{"content":"my \"*\""},"logprobs":null}`); string(out) != want {
		t.Errorf("\n got %s\nwant %s", out, want)
	}
}

// A changed call's tokens would tell what it was before.
func TestStreamDropsLogprobsOfChangedCalls(t *testing.T) {
	data := chunk(`{"index":0,"delta":{"tool_calls":[{"index":0,"id":"1","function":{"name":"a","arguments":"{\"k\":\"key\"}"}}]},"logprobs":{"content":[{"token":"key"}]},"finish_reason":"tool_calls"}`)
	for name, verdict := range map[string]wire.Verdict{"denied": {Denied: true, Text: "no"}, "other arguments": {Args: str(`{"k":"*"}`)}} {
		s := Chat{}.Stream(wire.StreamOptions{})
		ev, err := s.Event("", []byte(data))
		if err != nil {
			t.Fatal(err)
		}
		out, _, err := rewriteOne(s, ev, []byte(data), nil, func(wire.CallKey) wire.Verdict { return verdict })
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(out), `"logprobs":null`) || strings.Contains(string(out), "key") {
			t.Errorf("%s: %s", name, out)
		}
	}
}

func TestStreamRefuse(t *testing.T) {
	got := string(Chat{}.Stream(wire.StreamOptions{}).Refuse(wire.Refusal{Code: wire.CodePolicyDenied, Reason: "no"}))
	want := "data: {\"error\":{\"message\":\"no\",\"type\":\"policy_denied\",\"param\":null,\"code\":\"policy_denied\"}}\n\ndata: [DONE]\n\n"
	if got != want {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
}

// FuzzChat: whatever comes, the three readers answer or refuse, and what they
// answer lies inside the body.
func FuzzChat(f *testing.F) {
	f.Add([]byte(twoCalls))
	f.Add([]byte(chunk(`{"index":0,"delta":{"tool_calls":[{"index":1,"id":"2","custom":{"name":"b","input":"x"}}],"content":"a"},"finish_reason":"stop"}`)))
	f.Add([]byte(`{"model":"m","stream":true,"tools":[{"type":"function","function":{"name":"f"}}],"messages":[{"role":"user","content":[{"type":"text","text":"a"}]},{"role":"tool","tool_call_id":"1","content":"r"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		inside := func(start, end int) {
			if start < 0 || end > len(body) || end-start < 2 || body[start] != '"' || body[end-1] != '"' {
				t.Fatalf("span %d:%d of %q is no string", start, end, body)
			}
		}
		if r, err := (Chat{}).Request(wire.Incoming{Body: body}); err == nil {
			for _, x := range r.Texts() {
				inside(x.Start, x.End)
			}
			r.Messages()
			r.Results()
			out, err := r.ForceModel(body, "other")
			if err != nil {
				t.Fatal(err)
			}
			if again, err := (Chat{}).Request(wire.Incoming{Body: out}); err != nil || again.Model() != "other" {
				t.Fatalf("%q with another model: %q, %v", body, out, err)
			}
		}
		if r, err := (Chat{}).Reply(body); err == nil {
			for _, x := range r.Texts() {
				inside(x.Start, x.End)
			}
			r.Response().JSON()
			verdicts := make([]wire.Verdict, len(r.Calls()))
			for i := range verdicts {
				verdicts[i] = wire.Verdict{Denied: true, Text: "denied"}
			}
			out, err := r.Rewrite(nil, verdicts)
			if err != nil {
				t.Fatal(err)
			}
			again, err := (Chat{}).Reply(out)
			if err != nil || len(again.Calls()) > 0 {
				t.Fatalf("%q with every call denied: %q, %v", body, out, err)
			}
		}
		s := Chat{}.Stream(wire.StreamOptions{Assemble: true})
		if ev, err := s.Event("", body); err == nil {
			for _, p := range ev.Pieces {
				inside(p.Start, p.End)
			}
			s.Response().JSON()
			out, drop, err := rewriteOne(s, ev, body, nil, func(wire.CallKey) wire.Verdict { return wire.Verdict{Denied: true, Text: "denied"} })
			if err != nil {
				t.Fatal(err)
			}
			if !drop {
				if ev, err := (Chat{}).Stream(wire.StreamOptions{}).Event("", out); err != nil || len(ev.Calls) > 0 {
					t.Fatalf("%q with every call denied: %q, %v", body, out, err)
				}
			}
		}
	})
}
