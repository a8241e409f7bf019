package ollama

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/recordings"
	"github.com/headgate/headgate/wire/strictjson"
)

const (
	callF = `{"function":{"index":0,"name":"f","arguments":{"a":"x"}}}`
	callG = `{"id":"2","function":{"index":1,"name":"g","arguments":{}}}`
)

// chatReply is a whole reply of /chat.
func chatReply(message, rest string) string {
	return `{"model":"m","created_at":"t","message":{"role":"assistant",` + message + `},"done":true,"done_reason":"stop"` + rest + `}`
}

func replyOf(t *testing.T, c wire.ChatCodec, body string) wire.Reply {
	t.Helper()
	r, err := c.Reply([]byte(body))
	if err != nil {
		t.Fatalf("Reply(%s): %v", body, err)
	}
	return r
}

func TestReply(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		codec      wire.ChatCodec
		texts      []string
		response   string
	}{
		{
			"a chat", chatReply(`"content":"hi","thinking":"so","more":["x"],"tool_calls":[`+callF+`]`, `,"prompt_eval_count":3,"eval_count":4,"logprobs":[{"token":"hi"}],"remote_host":"h"`),
			Chat{},
			[]string{"choices[0].text: hi", "choices[0].thinking: so", "choices[0].more: x", "remote_host: h"},
			`{"choices":[{"finish_reason":"stop","index":0,"reasoning":"so","text":"hi","tool_calls":[{"args":{"a":"x"},"id":"","name":"f"}]}],"text":"hi","usage":{"input_tokens":3,"output_tokens":4}}`,
		},
		{
			"a generated text", `{"model":"m","response":"hi","text":"t","thinking":"so","done":true,"done_reason":"length","context":[1,2]}`,
			Generate{},
			[]string{"choices[0].text: hi", "choices[0].text: t", "choices[0].thinking: so"},
			`{"choices":[{"finish_reason":"length","index":0,"reasoning":"so","text":"hi","tool_calls":[]}],"text":"hi"}`,
		},
		{"an error", `{"error":"bad"}`, Chat{}, []string{"error: bad"}, `{"choices":[],"text":""}`},
		{"embeddings", `{"model":"m","embeddings":[[0.1]],"prompt_eval_count":2,"note":"n"}`, Embed{}, []string{"note: n"}, `{"choices":[],"text":"","usage":{"input_tokens":2,"output_tokens":0}}`},
		{"the older embeddings", `{"embedding":[0.1]}`, Embeddings{}, nil, `{"choices":[],"text":""}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := replyOf(t, tt.codec, tt.body)
			var texts []string
			for _, x := range r.Texts() {
				texts = append(texts, x.Place.String()+": "+string(strictjson.Unescape(nil, []byte(tt.body)[x.Start:x.End])))
			}
			if diff := cmp.Diff(tt.texts, texts); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if got := string(r.Response().JSON()); got != tt.response {
				t.Errorf("response %s", got)
			}
			out, err := r.Rewrite(nil, make([]wire.Verdict, len(r.Calls())))
			if err != nil || string(out) != tt.body {
				t.Errorf("rewriting nothing: %s, %v", out, err)
			}
		})
	}
}

func TestRepliesThatAreNotUnderstood(t *testing.T) {
	for _, tt := range []struct {
		codec      wire.ChatCodec
		body, want string
	}{
		{Chat{}, `[]`, "not a JSON object"},
		{Chat{}, `{"done":true}`, "message: must be an object"},
		{Chat{}, `{"message":{"content":["a"]}}`, "message.content: must be a string"},
		{Chat{}, `{"message":{"content":"a"},"done":"yes"}`, "done: must be true or false"},
		{Chat{}, `{"message":{"content":"a"},"tool_calls":[` + callF + `]}`, "one place"},
		{Chat{}, `{"message":{"content":"a"},"response":"b"}`, "one place"},
		{Chat{}, `{"message":{"Content":"a"}}`, "differs from a known field"},
		{Chat{}, `{"message":{"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}}`, "must be an object"},
		{Generate{}, `{"response":1}`, "response: must be a string"},
		{Generate{}, `{"response":"a","message":{"content":"b"}}`, "one place"},
		{Embed{}, `{"embedding":[]}`, "embeddings: must be an array"},
		{Embeddings{}, `{"embeddings":[]}`, "embedding: must be an array"},
	} {
		_, err := tt.codec.Reply([]byte(tt.body))
		var we *wire.Error
		if !errors.As(err, &we) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.body, err, tt.want)
		}
	}
}

func TestReplyRewrite(t *testing.T) {
	denied := func(text string) wire.Verdict { return wire.Verdict{Denied: true, Text: text} }
	args := `{"a":"[EMAIL]"}`
	for _, tt := range []struct {
		name, body string
		verdicts   []wire.Verdict
		replace    string // the text that becomes "X"
		want       string
	}{
		{"the first of two", chatReply(`"content":"hi","tool_calls":[`+callF+`, `+callG+`]`, ""), []wire.Verdict{denied("no"), {}}, "", chatReply(`"content":"hi\nno","tool_calls":[{"id":"2","function":{"index":0,"name":"g","arguments":{}}}]`, "")},
		{"the second of two", chatReply(`"content":"","tool_calls":[`+callF+`, `+callG+`]`, ""), []wire.Verdict{{}, denied("no")}, "", chatReply(`"content":"no","tool_calls":[`+callF+`]`, "")},
		{"both", chatReply(`"content":"","tool_calls":[`+callF+`,`+callG+`]`, `,"logprobs":[]`), []wire.Verdict{denied("no"), denied("nor")}, "", chatReply(`"content":"no\nnor"`, "")},
		{"the last two of three", chatReply(`"content":"","tool_calls":[`+callF+`,`+callG+` , `+callG+`]`, ""), []wire.Verdict{{}, denied("no"), denied("nor")}, "", chatReply(`"content":"no\nnor","tool_calls":[`+callF+`]`, "")},
		{"arguments", chatReply(`"content":"","tool_calls":[`+callF+`]`, ""), []wire.Verdict{{Args: &args}}, "", chatReply(`"content":"","tool_calls":[{"function":{"index":0,"name":"f","arguments":{"a":"[EMAIL]"}}}]`, "")},
		{"a reply that has no content", chatReply(`"tool_calls":[`+callF+`]`, ""), []wire.Verdict{denied("no")}, "", chatReply(`"content":"no"`, "")},
		{"a text, and its copies go", `{"model":"m","response":"hi bob","done":true,"context":[1,2],"logprobs":[{"token":"bob"}]}`, nil, "bob", `{"model":"m","response":"hi X","done":true}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var c wire.ChatCodec = Chat{}
			if strings.Contains(tt.body, `"response"`) {
				c = Generate{}
			}
			var texts []strictjson.Replacement
			if tt.replace != "" {
				at := strings.Index(tt.body, tt.replace)
				texts = append(texts, strictjson.Replacement{Start: at, End: at + len(tt.replace), Text: []byte("X")})
			}
			out, err := replyOf(t, c, tt.body).Rewrite(texts, tt.verdicts)
			if err != nil || string(out) != tt.want {
				t.Errorf("got  %s, %v\nwant %s", out, err, tt.want)
			}
		})
	}
}

func TestArgumentsStayAnObject(t *testing.T) {
	list := `[]`
	r := replyOf(t, Chat{}, chatReply(`"tool_calls":[`+callF+`]`, ""))
	if out, err := r.Rewrite(nil, []wire.Verdict{{Args: &list}}); !errors.Is(err, errArgs) {
		t.Errorf("%s, %v", out, err)
	}
}

// TestRealTraffic: what the server really sends is understood, and rewriting
// nothing changes nothing.
func TestRealTraffic(t *testing.T) {
	all, err := recordings.Load()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range all {
		if r.Protocol != "ollama-chat" || r.Request == nil || r.Response == nil {
			continue
		}
		n++
		req := requestOf(t, Chat{}, r.Request.Body)
		req.Messages()
		req.Results()
		reply := replyOf(t, Chat{}, r.Response.Body)
		out, err := reply.Rewrite(nil, make([]wire.Verdict, len(reply.Calls())))
		if err != nil || string(out) != r.Response.Body {
			t.Errorf("%s: rewriting nothing changed the reply: %v", r.ID, err)
		}
	}
	t.Logf("%d exchanges", n)
}
