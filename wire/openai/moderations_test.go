package openai

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/headgate/headgate/wire"
)

const someModeration = `{"id":"modr-1","model":"omni-moderation-latest","results":[{"flagged":true,"categories":{"violence":true},"category_scores":{"violence":0.9},"category_applied_input_types":{"violence":["text"]}}]}`

func TestModerationsRequestFacts(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       facts
	}{
		{"a string, without a model", `{"input":"Hello"}`, facts{Texts: []string{"messages[0].text: Hello"}}},
		{"a null model", `{"model":null,"input":"Hello"}`, facts{Texts: []string{"messages[0].text: Hello"}}},
		{"strings", `{"model":"m","input":["a","b"]}`, facts{Model: "m", Texts: []string{"messages[0].text: a", "messages[1].text: b"}}},
		{
			"parts", `{"model":"m","input":[{"type":"text","text":"a","note":"n"},{"type":"image_url","image_url":{"url":"https://x.test/i.png","detail":"low"}},{"type":"text","text":"b"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]}`,
			facts{Model: "m", Unscanned: []string{"image", "remote_url"}, Texts: []string{"messages[0].text: a", "messages[0].text: b", "messages[0].text: n", "messages[0].text: low"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, plainFactsOf(t, Moderations{}, tt.body)); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestModerationsRequestRefuses(t *testing.T) {
	parts := func(s string) string { return `{"input":[{"type":"text","text":"x"},` + s + `]}` }
	for body, want := range map[string]string{
		`{"input":"x","stream":true}`:                       "stream: this endpoint has no streams",
		parts(`"y"`):                                        "input[1]: must be a part, as the first one is",
		parts(`[1]`):                                        "input[1]: must be a part, as the first one is",
		parts(`{"type":"text"}`):                            "input[1]: must hold a string",
		parts(`{"type":"text","Text":"y"}`):                 "input[1]: key differs from a known field by case",
		parts(`{"type":"image_url","image_url":{}}`):        "input[1]: media without a known source",
		parts(`{"type":"image_url","image_url":{"URL":1}}`): "input[1]: key differs from a known field by case",
		parts(`{"type":"input_audio","input_audio":{}}`):    "input[1]: unknown type of content part",
	} {
		if _, err := (Moderations{}).Request(wire.Incoming{Body: []byte(body)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want it to contain %q", body, err, want)
		}
	}
}

// Parts are one message, as in a chat, so that a value is found also where it
// is cut between two of them.
func TestModerationsPartsAreOneMessage(t *testing.T) {
	const parts = `[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}},{"type":"text","text":"b"}]`
	r, err := Moderations{}.Request(wire.Incoming{Body: []byte(`{"input":` + parts + `}`)})
	if err != nil {
		t.Fatal(err)
	}
	chat, err := Chat{}.Request(wire.Incoming{Body: []byte(`{"model":"m","messages":[{"role":"user","content":` + parts + `}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(chat.Messages()), string(r.Messages())); diff != "" {
		t.Errorf("(-chat +moderations):\n%s", diff)
	}
	texts := r.Texts()
	if len(texts) != 2 || texts[0].Group == 0 || texts[0].Group != texts[1].Group {
		t.Errorf("the parts are not of one group: %+v", texts)
	}
}

func TestModerationsReply(t *testing.T) {
	r, err := Moderations{}.Reply([]byte(someModeration))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range r.Texts() {
		got = append(got, x.Place.String()+": "+someModeration[x.Start+1:x.End-1])
	}
	if diff := cmp.Diff([]string{"results: text"}, got); diff != "" {
		t.Error(diff)
	}
	if got := string(r.Response().JSON()); got != `{"choices":[],"text":""}` {
		t.Errorf("response %s", got)
	}
	for _, body := range []string{`[]`, `{}`, `{"results":{}}`, `{"results":["alice@example.com"]}`, `{"Results":[],"results":[]}`} {
		if _, err := (Moderations{}).Reply([]byte(body)); err == nil {
			t.Errorf("%s: accepted", body)
		}
	}
}

// FuzzModerations: whatever comes, the readers answer or refuse.
func FuzzModerations(f *testing.F) {
	f.Add([]byte(`{"input":["a","b\n"]}`))
	f.Add([]byte(`{"input":[{"type":"text","text":"a","b":["c"]},{"type":"image_url","image_url":{"url":"data:,","d":"e"}}]}`))
	f.Add([]byte(someModeration))
	f.Fuzz(func(t *testing.T, body []byte) {
		fuzzRequest(t, Moderations{}, body)
		fuzzReply(t, Moderations{}, body)
	})
}
