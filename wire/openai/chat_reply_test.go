package openai

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

const twoCalls = `{"id":"x","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[` +
	`{"id":"1","type":"function","function":{"name":"a","arguments":"{\"x\":1}"}},` +
	`{"id":"2","type":"function","function":{"name":"b","arguments":"{}"}}]},"logprobs":null,"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}`

func str(s string) *string { return &s }

func TestReplyRewrite(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		verdicts   []wire.Verdict
		want       string
	}{
		{
			"the first of two calls is denied", twoCalls,
			[]wire.Verdict{{Denied: true, Text: "tool `a`: no"}, {}},
			`{"id":"x","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"tool ` + "`a`" + `: no","tool_calls":[` +
				`{"id":"2","type":"function","function":{"name":"b","arguments":"{}"}}]},"logprobs":null,"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}`,
		},
		{
			"both are denied: the reply ends like one without calls", twoCalls,
			[]wire.Verdict{{Denied: true, Text: "A"}, {Denied: true, Text: "B"}},
			`{"id":"x","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"A\nB"},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}`,
		},
		{
			"one has its arguments replaced", twoCalls,
			[]wire.Verdict{{Args: str(`{"x":"[EMAIL]"}`)}, {}},
			`{"id":"x","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[` +
				`{"id":"1","type":"function","function":{"name":"a","arguments":"{\"x\":\"[EMAIL]\"}"}},` +
				`{"id":"2","type":"function","function":{"name":"b","arguments":"{}"}}]},"logprobs":null,"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}`,
		},
		{
			"a legacy call is denied",
			`{"model":"m","choices":[{"message":{"role":"assistant","content":"Wait","function_call":{"name":"f","arguments":"{}"}},"finish_reason":"function_call"}]}`,
			[]wire.Verdict{{Denied: true, Text: "no"}},
			`{"model":"m","choices":[{"message":{"role":"assistant","content":"Wait\nno"},"finish_reason":"stop"}]}`,
		},
		{
			"denied in the second choice alone",
			`{"model":"m","choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"},{"index":1,"message":{"content":[{"type":"text","text":"so"}],"tool_calls":[{"id":"1","custom":{"name":"c","input":"x"}}]},"finish_reason":"tool_calls"}]}`,
			[]wire.Verdict{{Denied: true, Text: "no"}},
			`{"model":"m","choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"},{"index":1,"message":{"content":[{"type":"text","text":"so"},{"text":"no","type":"text"}]},"finish_reason":"stop"}]}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Chat{}.Reply([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			out, err := r.Rewrite(nil, tt.verdicts)
			if err != nil {
				t.Fatal(err)
			}
			if string(out) != tt.want {
				t.Errorf("\n got %s\nwant %s", out, tt.want)
			}
		})
	}
}

func TestReplyDropsLogprobsOfEditedChoice(t *testing.T) {
	body := `{"choices":[{"index":0,"message":{"content":"key"},"logprobs":{"content":[{"token":"key"}]}},{"index":1,"message":{"content":"ok"},"logprobs":{"content":[{"token":"ok"}]}}]}`
	r, err := Chat{}.Reply([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	x := r.Texts()[0]
	out, err := r.Rewrite([]strictjson.Replacement{{Start: x.Start, End: x.End, Text: []byte(`"***"`)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"choices":[{"index":0,"message":{"content":"***"},"logprobs":null},{"index":1,"message":{"content":"ok"},"logprobs":{"content":[{"token":"ok"}]}}]}`
	if string(out) != want {
		t.Errorf("\n got %s\nwant %s", out, want)
	}
}

func TestReplyResponse(t *testing.T) {
	body := `{"model":"m","choices":[{"index":1,"message":{"content":"b","reasoning_content":"hm"},"finish_reason":"stop"},` +
		`{"index":0,"message":{"content":"a","refusal":"no","tool_calls":[{"id":"1","function":{"name":"f","arguments":" {\"k\":1.0} "}},{"id":"2","function":{"name":"g","arguments":"{broken"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`
	r, err := Chat{}.Reply([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"choices":[{"finish_reason":"stop","index":1,"reasoning":"hm","text":"b","tool_calls":[]},` +
		`{"finish_reason":"tool_calls","index":0,"reasoning":"","text":"a\nno","tool_calls":[{"args":{"k":1},"id":"1","name":"f"},{"args":"{broken","id":"2","name":"g"}]}],` +
		`"text":"b\na\nno","usage":{"input_tokens":1,"output_tokens":2}}`
	if got := string(r.Response().JSON()); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	want = `[{"text":"b","tool_calls":[]},{"text":"a\nno","tool_calls":[{"args":{"k":1},"name":"f"},{"args":"{broken","name":"g"}]}]`
	if got := string(r.Response().HashForm()); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestReplyRefuses(t *testing.T) {
	for name, body := range map[string]string{
		"an array":                    `[]`,
		"no choices":                  `{"id":"x"}`,
		"a choice without a message":  `{"choices":[{"index":0}]}`,
		"calls that are an object":    `{"choices":[{"message":{"tool_calls":{}}}]}`,
		"arguments that are no text":  `{"choices":[{"message":{"tool_calls":[{"function":{"name":"f","arguments":{}}}]}}]}`,
		"a call without a name":       `{"choices":[{"message":{"tool_calls":[{"function":{"arguments":""}}]}}]}`,
		"a function_call as a string": `{"choices":[{"message":{"function_call":"f"}}]}`,
		"two contents":                `{"choices":[{"message":{"content":"a","content":"b"}}]}`,
		"Tool_Calls by another case":  `{"choices":[{"message":{"content":"a","Tool_Calls":[]}}]}`,
		"an index that is a string":   `{"choices":[{"index":"0","message":{}}]}`,
		"a call of two kinds":         `{"choices":[{"message":{"tool_calls":[{"function":{"name":"f","arguments":"{}"},"custom":{"name":"g","input":"x"}}]}}]}`,
		"a call of neither kind":      `{"choices":[{"message":{"tool_calls":[{"function":null,"custom":null}]}}]}`,
		"calls beside the message":    `{"choices":[{"message":{"content":"a"},"delta":{"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}}]}`,
		"a call beside the message":   `{"choices":[{"message":{"content":"a"},"delta":{"function_call":{"name":"f","arguments":"{}"}}}]}`,
		"logprobs that are a text":    `{"choices":[{"message":{"content":"a"},"logprobs":"alice@example.com"}]}`,
		"a function_call of others":   `{"choices":[{"message":{"function_call":{"name":"","arguments":"","code":"rm"}}}]}`,
	} {
		if _, err := (Chat{}).Reply([]byte(body)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// What stands beside the known members of a call is read like any other text.
func TestReplyTextsBesideCalls(t *testing.T) {
	body := `{"choices":[{"message":{"content":null,"tool_calls":[{"id":"1","type":"function","note":"beside the call","function":{"name":"f","arguments":"{}","summary":["beside the arguments"]},"custom":null}],` +
		`"function_call":{"name":null,"arguments":""}}},{"message":{"function_call":{"name":"g","arguments":"{}","why":"beside the old call"}}}]}`
	r, err := Chat{}.Reply([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range r.Texts() {
		got = append(got, x.Place.String()+": "+body[x.Start+1:x.End-1])
	}
	slices.Sort(got)
	want := []string{
		"choices[0].tool_calls: beside the arguments", "choices[0].tool_calls: beside the call", "choices[1].tool_calls: beside the old call",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var calls []string
	for _, c := range r.Calls() {
		calls = append(calls, c.Name)
	}
	if diff := cmp.Diff([]string{"f", "g"}, calls); diff != "" {
		t.Errorf("an empty function_call is none: %s", diff)
	}
}

// A changed call's tokens would tell what it was before.
func TestReplyDropsLogprobsOfChangedCalls(t *testing.T) {
	const body = `{"choices":[{"index":0,"message":{"tool_calls":[{"id":"1","function":{"name":"f","arguments":"{\"k\":1}"}}]},"logprobs":{"content":[{"token":"1"}]}},` +
		`{"index":1,"message":{"tool_calls":[{"id":"2","function":{"name":"g","arguments":"{}"}}]},"logprobs":{"content":[{"token":"{}"}]}}]}`
	for name, verdict := range map[string]wire.Verdict{"denied": {Denied: true, Text: "no"}, "other arguments": {Args: str(`{"k":"*"}`)}} {
		r, err := Chat{}.Reply([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		out, err := r.Rewrite(nil, []wire.Verdict{verdict, {}})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(out), `{"token":"1"}`) || !strings.Contains(string(out), `{"token":"{}"}`) {
			t.Errorf("%s: %s", name, out)
		}
	}
}
