package gemini

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

func str(s string) *string { return &s }

// replyOf is a reply with the parts of one candidate.
func replyOf(parts string) string {
	return `{"candidates": [{"content": {"parts": [` + parts + `],"role": "model"},"finishReason": "STOP","index": 0}],` +
		`"usageMetadata": {"promptTokenCount": 3,"candidatesTokenCount": 4,"thoughtsTokenCount": 5},"modelVersion": "m"}`
}

const (
	callA = `{"functionCall": {"name": "a","args": {"k": 1},"id": "1","note": "n"},"thoughtSignature": "c2ln"}`
	callB = `{"functionCall": {"name": "b"}}`
	said  = `{"text": "Let me see"}`
)

// withCopies is a candidate whose text is repeated.
func withCopies(text, logprobs, supports string) string {
	return `{"candidates":[{"content":{"parts":[{"text":"` + text + `"}]},"logprobsResult":` + logprobs + `,"groundingMetadata":{"groundingSupports":` + supports + `,"webSearchQueries":["q"]}}]}`
}

const (
	logprobs = `{"chosenCandidates":[{"token":"Hello"}]}`
	supports = `[{"segment":{"endIndex":5,"text":"Hello"}}]`
)

func TestReplyRewrite(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		verdicts   []wire.Verdict
		redact     string // a text that becomes X
		want       string
	}{
		{"nothing", replyOf(said + `, ` + callA), []wire.Verdict{{}}, "", replyOf(said + `, ` + callA)},
		{
			"one of two calls", replyOf(said + `,` + callA + `,` + callB),
			[]wire.Verdict{{Denied: true, Text: "no \"a\""}, {}},
			"", replyOf(said + `,{"text":"\nno \"a\"","thoughtSignature": "c2ln"},` + callB),
		},
		{
			"all calls", replyOf(callA + `,` + callB),
			[]wire.Verdict{{Denied: true, Text: "x"}, {Denied: true, Text: "y"}},
			"", replyOf(`{"text":"x","thoughtSignature": "c2ln"},{"text":"\ny"}`),
		},
		{
			"a call after a thought, before a text", replyOf(`{"text":"hm","thought":true},{"text":""},` + callB + `,` + said),
			[]wire.Verdict{{Denied: true, Text: "x"}},
			"", replyOf(`{"text":"hm","thought":true},{"text":""},{"text":"x"},` + said),
		},
		{"arguments", replyOf(callA), []wire.Verdict{{Args: str(`{"k":"[X]"}`)}}, "", replyOf(strings.Replace(callA, `{"k": 1}`, `{"k":"[X]"}`, 1))},
		{"arguments of a call without them", replyOf(callB), []wire.Verdict{{Args: str(`{"k":2}`)}}, "", replyOf(`{"functionCall": {"name": "b","args":{"k":2}}}`)},
		{"in snake case", replyOf(`{"function_call":{"name":"a"}}`), []wire.Verdict{{Denied: true, Text: "x"}}, "", replyOf(`{"text":"x"}`)},
		{"a text", replyOf(said), nil, "Let me see", replyOf(`{"text": "X"}`)},
		{"a text beside a denied call goes with it", replyOf(callA), []wire.Verdict{{Denied: true, Text: "x"}}, "n", replyOf(`{"text":"x","thoughtSignature": "c2ln"}`)},
		{"a thought that is signed", replyOf(`{"text":"t","thought":true,"thoughtSignature":"c2ln"}`), nil, "t", replyOf(`{"text":"X","thought":true,"thoughtSignature":"c2ln"}`)},
		{"what repeats the text goes with it", withCopies("Hello", logprobs, supports), nil, "Hello", withCopies("X", "null", "null")},
		{"so it does with an edit beside the text", withCopies("Hello", "null", `[{"segment":{"text":"o"}}]`), nil, "q", strings.Replace(withCopies("Hello", "null", "null"), `"q"`, `"X"`, 1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := rewrite(t, tt.body, tt.redact, tt.verdicts)
			if err != nil || string(out) != tt.want {
				t.Errorf("%v\n got %s\nwant %s", err, out, tt.want)
			}
		})
	}
	for _, args := range []string{`[]`, `"x"`, `{`, ``} {
		if _, err := rewrite(t, replyOf(callA), "", []wire.Verdict{{Args: &args}}); !errors.Is(err, errArgs) {
			t.Errorf("arguments become %q: %v", args, err)
		}
	}
}

// rewrite replaces a text by X and carries verdicts out.
func rewrite(t *testing.T, body, text string, verdicts []wire.Verdict) ([]byte, error) {
	t.Helper()
	r, err := GenerateContent{}.Reply([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	var edits []strictjson.Replacement
	for _, x := range r.Texts() {
		if text != "" && string(strictjson.Unescape(nil, []byte(body)[x.Start:x.End])) == text {
			edits = append(edits, strictjson.Replacement{Start: x.Start + 1, End: x.End - 1, Text: []byte("X")})
		}
	}
	if text != "" && len(edits) == 0 {
		t.Fatalf("%q is no text of %s", text, body)
	}
	return r.Rewrite(edits, verdicts)
}

func TestReplyTexts(t *testing.T) {
	body := `{"candidates":[{"content":{"role":"model","parts":[{"text":"th","thought":true},{"text":"a"},` + callA + `,{"text":"b","thoughtSignature":"c2ln"},` +
		`{"executableCode":{"language":"PYTHON","code":"c","id":"1"}},{"codeExecutionResult":{"outcome":"OUTCOME_OK","output":"o"}},{"inlineData":{"mimeType":"image/png","data":"AA=="}},` +
		`{"toolCall":{"toolType":"X","args":{"id":"q"}}},{"toolResponse":{"response":{"type":"r"}}},{"audioTranscription":{"text":"heard"}}]},"finishReason":1,"finishMessage":"fin","avgLogprobs":-1,` +
		`"groundingMetadata":{"webSearchQueries":["w"],"searchEntryPoint":{"renderedContent":"<b>","sdkBlob":"AA=="},"groundingChunks":[{"web":{"uri":"https://x.test","title":"T"}}],"groundingSupports":[{"segment":{"text":"a"}}]},` +
		`"citationMetadata":{"citations":[{"uri":"https://y.test"}]},"urlContextMetadata":{"urlMetadata":[{"retrievedUrl":"https://z.test","urlRetrievalStatus":"OK"}]},` +
		`"logprobsResult":{"chosenCandidates":[{"token":"a"}]},"safetyRatings":[{"category":"C","probability":"LOW"}],"whispers":["u"]},` +
		`{"index":2,"content":{"parts":[{"text":"second"}]},"finishReason":"MAX_TOKENS"}],` +
		`"promptFeedback":{"blockReasonMessage":"why"},"usageMetadata":{"trafficType":"ON_DEMAND"},"modelVersion":"m","automaticFunctionCallingHistory":[{"parts":[{"functionCall":{"name":"f","args":{"type":"z"}}}]}]}`
	r, err := GenerateContent{}.Reply([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range r.Texts() {
		mark := ""
		if x.Copy {
			mark = " (copy)"
		}
		got = append(got, x.Place.String()+mark+": "+string(strictjson.Unescape(nil, []byte(body)[x.Start:x.End])))
	}
	want := []string{
		"choices[0].text: a", "choices[0].text: b", "choices[0].reasoning: th", "choices[0].tool_calls: n", "choices[0].content: c", "choices[0].content: o",
		"choices[0].content: q", "choices[0].content: r", "choices[0].content: heard", "choices[0].finishMessage: fin",
		"choices[0].groundingMetadata (copy): a", "choices[0].groundingMetadata: w", "choices[0].groundingMetadata: <b>", "choices[0].groundingMetadata: https://x.test",
		"choices[0].groundingMetadata: T", "choices[0].citationMetadata: https://y.test", "choices[0].urlContextMetadata: https://z.test", "choices[0].whispers: u",
		"choices[2].text: second", "promptFeedback: why", "automaticFunctionCallingHistory: f", "automaticFunctionCallingHistory: z",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("texts (-want +got):\n%s", diff)
	}
	x := r.Texts()
	if x[0].Group == 0 || x[0].Group != x[1].Group || x[0].Group == x[2].Group || x[18].Group == x[0].Group || x[18].Choice != 2 {
		t.Errorf("groups %v", x)
	}
	const form = `{"choices":[{"finish_reason":"STOP","index":0,"reasoning":"th","text":"ab","tool_calls":[{"args":{"k":1},"id":"1","name":"a"}]},` +
		`{"finish_reason":"MAX_TOKENS","index":2,"reasoning":"","text":"second","tool_calls":[]}],"text":"ab\nsecond","usage":{"input_tokens":0,"output_tokens":0}}`
	if got := string(r.Response().JSON()); got != form {
		t.Errorf("response %s", got)
	}
	if c := r.Calls(); len(c) != 1 || c[0].Name != "a" || r.Model() != "m" {
		t.Errorf("calls %v of %s", c, r.Model())
	}
}

func TestReplyCandidates(t *testing.T) {
	indices := func(body string) []int {
		r, err := GenerateContent{}.Reply([]byte(body))
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		var list []int
		for _, c := range r.Response().Choices {
			list = append(list, c.Index)
		}
		return list
	}
	for body, want := range map[string][]int{
		`{"candidates":[{},{}]}`:                       {0, 1},
		`{"candidates":[{"index":1},{}]}`:              {1, 0},
		`{"candidates":[{"index":null},{"index":0}]}`:  {1, 0},
		`{"promptFeedback":{"blockReason":"SAFETY"}}`:  nil,
		`{"error":{"code":500,"message":"m"}}`:         nil,
		`{"usageMetadata":{"promptTokenCount":1}}`:     nil,
		`{"candidates":[{"finishReason":"SAFETY"}]}`:   {0},
		`{"candidates":[{"content":{"parts":null}}]}`:  {0},
		`{"candidates":[{"content":{}}],"error":null}`: {0},
	} {
		if diff := cmp.Diff(want, indices(body)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
	for v, want := range map[string]string{`"STOP"`: "STOP", `0`: "", `2`: "MAX_TOKENS", `17`: "17", `"FINISH_REASON_UNSPECIFIED"`: "", `null`: "", `[]`: ""} {
		r, err := GenerateContent{}.Reply([]byte(`{"candidates":[{"finishReason":` + v + `}]}`))
		if err != nil || r.Response().Choices[0].FinishReason != want {
			t.Errorf("%s: %v", v, err)
		}
	}
}

func TestReplyRefuses(t *testing.T) {
	for name, body := range map[string]string{
		"an array":                         `[]`,
		"another API's reply":              `{"choices":[{"message":{"content":"a"}}]}`,
		"candidates that are an object":    `{"candidates":{}}`,
		"Candidates beside candidates":     `{"candidates":[],"Candidates":[]}`,
		"a candidate that is a string":     `{"candidates":["a"]}`,
		"a candidate far away":             `{"candidates":[{"index":1048577}]}`,
		"a candidate below zero":           `{"candidates":[{"index":-1}]}`,
		"two candidates with one index":    `{"candidates":[{"index":1},{"index":1}]}`,
		"more candidates than there are":   `{"candidates":[` + strings.Repeat(`{},`, maxCandidates) + `{}]}`,
		"a content that is a string":       `{"candidates":[{"content":"a"}]}`,
		"parts that are a string":          `{"candidates":[{"content":{"parts":"a"}}]}`,
		"a part that is a string":          replyOf(`"a"`),
		"a part of two things":             replyOf(`{"text":"a","functionCall":{"name":"f"}}`),
		"a text that is an object":         replyOf(`{"text":{}}`),
		"a part whose Text is another":     replyOf(`{"text":"a","Text":"b"}`),
		"a call in two spellings":          replyOf(`{"functionCall":{"name":"f"},"function_call":{"name":"g"}}`),
		"a call without a name":            replyOf(`{"functionCall":{"args":{}}}`),
		"a call whose args are a string":   replyOf(`{"functionCall":{"name":"a","args":"{}"}}`),
		"a call in pieces":                 replyOf(`{"functionCall":{"name":"a","partialArgs":[]}}`),
		"a call that goes on":              replyOf(`{"functionCall":{"name":"a","willContinue":true}}`),
		"more calls than anybody asks for": replyOf(strings.Repeat(callB+",", maxCalls) + callB),
		"more parts than anybody writes":   replyOf(strings.Repeat(`{},`, maxParts) + `{}`),
		"two documents":                    `{"candidates":[]}{}`,
		"a usage in two spellings":         `{"candidates":[],"usageMetadata":{"promptTokenCount":1,"prompt_token_count":2}}`,
		"a feedback of another case":       `{"promptFeedback":{"BlockReason":"X"}}`,
	} {
		if _, err := (GenerateContent{}).Reply([]byte(body)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, tt := range []struct {
		codec wire.ChatCodec
		body  string
		texts int
	}{
		{CountTokens{}, `{"totalTokens":14,"promptTokensDetails":[{"modality":"TEXT","tokenCount":14}]}`, 0},
		{CountTokens{}, `{"totalTokens":14,"note":"words"}`, 1},
		{ComputeTokens{}, `{"tokensInfo":[{"role":"user","tokenIds":["1841"],"tokens":["aGk="],"note":"words"}]}`, 1},
		{EmbedContent{}, `{"embedding":{"values":[0.1]},"usageMetadata":{"promptTokenCount":2}}`, 0},
		{BatchEmbedContents{}, `{"embeddings":[{"values":[0.1],"note":"words"}]}`, 1},
	} {
		r, err := tt.codec.Reply([]byte(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Texts()) != tt.texts || len(r.Response().Choices) != 0 || len(r.Calls()) != 0 || r.Model() != "" {
			t.Errorf("%s: texts %v, response %s", tt.body, r.Texts(), r.Response().JSON())
		}
		out, err := r.Rewrite(nil, nil)
		if err != nil || string(out) != tt.body {
			t.Errorf("%s became %s, %v", tt.body, out, err)
		}
		for _, body := range []string{`[]`, `{"candidates":[]}`, `{"Embedding":{}}`, `{`} {
			if _, err := tt.codec.Reply([]byte(body)); err == nil {
				t.Errorf("%s: accepted", body)
			}
		}
		s := tt.codec.Stream(wire.StreamOptions{Assemble: true})
		if _, err := s.Event("", []byte(`{}`)); err == nil || s.Done() || len(s.Response().Choices) > 0 {
			t.Error("a stream where none belongs is accepted")
		}
	}
}
