package openai

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

const twoTexts = `{"id":"x","object":"text_completion","model":"m","choices":[{"text":"key","index":0,"logprobs":{"tokens":["key"],"token_logprobs":[-1],"top_logprobs":[{"key":-1}],"text_offset":[0]},"finish_reason":"stop"},` +
	`{"text":"ok","index":1,"logprobs":{"tokens":["ok"]},"finish_reason":"length"}],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}`

func TestCompletionsRequestFacts(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       facts
	}{
		{"a string", `{"model":"m","prompt":"Hello"}`, facts{Model: "m", Texts: []string{"messages[0].text: Hello"}}},
		{
			"strings, a suffix and a stream",
			`{"suffix":"end","stream":true,"model":"m","prompt":["a","b"],"echo":true,"best_of":3,"n":2,"logprobs":5,"logit_bias":{"50256":-100},"stream_options":{"include_usage":true}}`,
			facts{Model: "m", Stream: true, Texts: []string{"messages[0].text: a", "messages[1].text: b", "messages[2].text: end"}},
		},
		{
			"other fields hold words too",
			`{"model":"m","prompt":"a","suffix":null,"user":"alice@example.com","stop":["end"],"metadata":{"id":"i"},"extra":{"note":"n"}}`,
			facts{Model: "m", Texts: []string{"messages[0].text: a", "user: alice@example.com", "stop: end", "metadata: i", "extra: n"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, plainFactsOf(t, Completions{}, tt.body)); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCompletionsRequestRefuses(t *testing.T) {
	for body, want := range map[string]string{
		`{"prompt":"x"}`:                              "model: must be a string that names a model",
		`{"model":"m","input":"x"}`:                   "input: the prompt of this endpoint has one place, \"prompt\"",
		`{"model":"m","prompt":"x","suffix":["y"]}`:   "suffix: must be a string",
		`{"model":"m","prompt":"x","suffix":[1]}`:     "suffix: must be a string",
		`{"model":"m","prompt":"x","ſuffix":"y"}`:     "key differs from a known field by case",
		`{"model":"m","prompt":"x","Suffix":"y"}`:     "key differs from a known field by case",
		`{"model":"m","prompt":[{"type":"text"}]}`:    "prompt[0]: must be a string",
		`{"model":"m","prompt":"x","functions":[{}]}`: "functions: this endpoint has no tools",
	} {
		if _, err := (Completions{}).Request(wire.Incoming{Body: []byte(body)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want it to contain %q", body, err, want)
		}
	}
}

// A suffix is asked for as much as a prompt is.
func TestCompletionsSuffixIsAMessage(t *testing.T) {
	r, err := Completions{}.Request(wire.Incoming{Body: []byte(`{"model":"m","prompt":"a","suffix":"b"}`)})
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"parts":[{"text":"a","type":"text"}],"role":"user","text":"a","tool_calls":[],"tool_results":[]},` +
		`{"parts":[{"text":"b","type":"text"}],"role":"user","text":"b","tool_calls":[],"tool_results":[]}]`
	if got := string(r.Messages()); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestCompletionsReply(t *testing.T) {
	body := `{"id":"x","choices":[{"text":"b","index":1,"reasoning":"hm","finish_reason":"stop","stop_reason":"END"},{"index":0,"text":null,"finish_reason":"length","content_filter_results":{"note":"n"}}],"model":"m","usage":{"prompt_tokens":1,"completion_tokens":2},"provider":"P"}`
	r, err := Completions{}.Reply([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range r.Texts() {
		got = append(got, x.Place.String()+": "+body[x.Start+1:x.End-1])
	}
	want := []string{"provider: P", "choices[1].text: b", "choices[1].reasoning: hm", "choices[1].stop_reason: END", "choices[0].content_filter_results: n"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	response := `{"choices":[{"finish_reason":"stop","index":1,"reasoning":"hm","text":"b","tool_calls":[]},{"finish_reason":"length","index":0,"reasoning":"","text":"","tool_calls":[]}],` +
		`"text":"b","usage":{"input_tokens":1,"output_tokens":2}}`
	if got := string(r.Response().JSON()); got != response {
		t.Errorf("\n got %s\nwant %s", got, response)
	}
	if r.Model() != "m" || len(r.Calls()) > 0 {
		t.Errorf("model %q, calls %v", r.Model(), r.Calls())
	}
}

// The text's second copy goes with the text, and that of other choices stays.
func TestCompletionsReplyDropsLogprobsOfEditedChoice(t *testing.T) {
	r, err := Completions{}.Reply([]byte(twoTexts))
	if err != nil {
		t.Fatal(err)
	}
	x := r.Texts()[0]
	out, err := r.Rewrite([]strictjson.Replacement{{Start: x.Start, End: x.End, Text: []byte(`"***"`)}}, nil)
	want := strings.Replace(twoTexts, `"text":"key","index":0,"logprobs":{"tokens":["key"],"token_logprobs":[-1],"top_logprobs":[{"key":-1}],"text_offset":[0]}`, `"text":"***","index":0,"logprobs":null`, 1)
	if err != nil || string(out) != want {
		t.Errorf("%v\n got %s\nwant %s", err, out, want)
	}
}

func TestCompletionsReplyRefuses(t *testing.T) {
	for name, body := range map[string]string{
		"an array":                   `[]`,
		"no choices":                 `{"id":"x"}`,
		"choices that are an object": `{"choices":{}}`,
		"a choice that is a text":    `{"choices":["alice@example.com"]}`,
		"a choice without a text":    `{"choices":[{"index":0}]}`,
		"a text that is an array":    `{"choices":[{"text":["a"]}]}`,
		"a chat's message":           `{"choices":[{"text":"","message":{"content":"a"}}]}`,
		"tool calls":                 `{"choices":[{"text":"","tool_calls":[]}]}`,
		"tool calls inside":          `{"choices":[{"text":"","more":{"tool_calls":[{"function":{"name":"f"}}]}}]}`,
		"two texts":                  `{"choices":[{"text":"a","text":"b"}]}`,
		"Text by another case":       `{"choices":[{"text":"a","Text":"b"}]}`,
		"an index that is a string":  `{"choices":[{"index":"0","text":"a"}]}`,
		"logprobs that are a text":   `{"choices":[{"text":"a","logprobs":"alice@example.com"}]}`,
	} {
		if _, err := (Completions{}).Reply([]byte(body)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// FuzzCompletions: whatever comes, the readers answer or refuse.
func FuzzCompletions(f *testing.F) {
	f.Add([]byte(`{"model":"m","prompt":["a","b\n"],"suffix":"c","stream":true}`))
	f.Add([]byte(`{"model":"m","prompt":[1,2]}`))
	f.Add([]byte(twoTexts))
	f.Add([]byte(`{"choices":[{"text":"a","logprobs":{},"x":["y"]}],"error":{"message":"m"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		fuzzRequest(t, Completions{}, body)
		fuzzReply(t, Completions{}, body)
		if r, err := (Completions{}).Reply(body); err == nil && len(r.Calls()) > 0 {
			t.Fatalf("%q asks for a tool", body)
		}
	})
}
