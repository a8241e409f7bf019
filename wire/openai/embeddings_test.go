package openai

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

const someEmbeddings = `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,-2e-3]},{"object":"embedding","index":1,"embedding":"LGqyvKvVET0="}],"model":"e","usage":{"prompt_tokens":2,"total_tokens":2}}`

func TestEmbeddingsRequestFacts(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       facts
	}{
		{"a string", `{"model":"m","input":"Hello"}`, facts{Model: "m", Texts: []string{"messages[0].text: Hello"}}},
		{
			"strings, and what stands beside them",
			`{"user":"bob","model":"m","input":["a","b"],"encoding_format":"float","dimensions":8,"stream":false,"extra":{"note":"n"},"suffix":"s"}`,
			facts{Model: "m", Texts: []string{"messages[0].text: a", "messages[1].text: b", "user: bob", "encoding_format: float", "extra: n", "suffix: s"}},
		},
		{"null for what is not there", `{"model":"m","input":["a"],"messages":null,"stream":null,"encoding_format":null}`, facts{Model: "m", Texts: []string{"messages[0].text: a"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, plainFactsOf(t, Embeddings{}, tt.body)); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEmbeddingsRequestRefuses(t *testing.T) {
	for body, want := range map[string]string{
		`{"input":"x"}`:                                         "model: must be a string that names a model",
		`{"model":null,"input":"x"}`:                            "model: must be a string that names a model",
		`{"model":"m","input":"x","stream":true}`:               "stream: this endpoint has no streams",
		`{"model":"m","prompt":"x"}`:                            "prompt: the prompt of this endpoint has one place, \"input\"",
		`{"model":"m","input":[{"type":"text","text":"x"}]}`:    "input[0]: must be a string",
		`{"model":"m","input":[{"content":[{"type":"text"}]}]}`: "input[0]: must be a string",
		`{"model":"m","input":[3.5]}`:                           "input: token ids cannot be looked into",
		`{"model":"m","input":[[]]}`:                            "input: token ids cannot be looked into",
		`{"model":"m","input":"x","Input":"y"}`:                 "key differs from a known field by case",
		`{"model":"m","input":"x","input":[1]}`:                 "duplicate key",
		`{"model":"m","input":"x","content":"y"}`:               "content: the prompt of this endpoint has one place",
		`{"model":"m","input":"x","web_search_options":{}}`:     "web_search_options: this endpoint has no tools",
	} {
		if _, err := (Embeddings{}).Request(wire.Incoming{Body: []byte(body)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want it to contain %q", body, err, want)
		}
	}
}

func TestEmbeddingsReply(t *testing.T) {
	body := `{"object":"list","id":"x","data":[{"object":"embedding","index":0,"embedding":[0.1],"note":"beside it"},{"index":1,"embedding":"no base64!"},{"embedding":["in it"]}],"model":"e","provider":"P","usage":{"total_tokens":4}}`
	r, err := Embeddings{}.Reply([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	var edits []strictjson.Replacement
	for _, x := range r.Texts() {
		got = append(got, x.Place.String()+": "+body[x.Start+1:x.End-1])
		edits = append(edits, strictjson.Replacement{Start: x.Start, End: x.End, Text: []byte(`"*"`)})
	}
	if diff := cmp.Diff([]string{"data: beside it", "data: no base64!", "data: in it", "provider: P"}, got); diff != "" {
		t.Error(diff)
	}
	if got, want := string(r.Response().JSON()), `{"choices":[],"text":"","usage":{"input_tokens":4,"output_tokens":0}}`; got != want {
		t.Errorf("response %s", got)
	}
	if r.Model() != "e" || len(r.Calls()) > 0 {
		t.Errorf("model %q, calls %v", r.Model(), r.Calls())
	}
	out, err := r.Rewrite(edits, nil)
	want := `{"object":"list","id":"x","data":[{"object":"embedding","index":0,"embedding":[0.1],"note":"*"},{"index":1,"embedding":"*"},{"embedding":["*"]}],"model":"e","provider":"*","usage":{"total_tokens":4}}`
	if err != nil || string(out) != want {
		t.Errorf("%v\n got %s\nwant %s", err, out, want)
	}
}

// A batch of embeddings has more values than any other body may have.
func TestEmbeddingsReplyIsLarge(t *testing.T) {
	one := `{"object":"embedding","index":0,"embedding":[` + strings.Repeat("0,", 3071) + `0]}`
	body := `{"object":"list","data":[` + strings.Repeat(one+",", 511) + one + `]}`
	if _, err := (Embeddings{}).Reply([]byte(body)); err != nil {
		t.Error(err)
	}
}

func TestEmbeddingsReplyRefuses(t *testing.T) {
	for _, body := range []string{
		`[]`, `{}`, `{"data":{}}`, `{"data":["alice@example.com"]}`, `{"data":[],"Data":[]}`, `{"data":[{"Embedding":"x"}]}`, `{"embedding":[1]}`, `{"data":[],"data":[]}`,
	} {
		if _, err := (Embeddings{}).Reply([]byte(body)); err == nil {
			t.Errorf("%s: accepted", body)
		}
	}
}

// FuzzEmbeddings: whatever comes, the readers answer or refuse.
func FuzzEmbeddings(f *testing.F) {
	f.Add([]byte(`{"model":"m","input":["a","b\n"],"user":"u"}`))
	f.Add([]byte(`{"model":"m","input":[[1,2]]}`))
	f.Add([]byte(someEmbeddings))
	f.Add([]byte(`{"data":[{"embedding":"x y","a":{"b":["c"]}}],"error":{"message":"m"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		fuzzRequest(t, Embeddings{}, body)
		fuzzReply(t, Embeddings{}, body)
	})
}
