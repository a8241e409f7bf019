package anthropic

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

func str(s string) *string { return &s }

// message is a reply with some blocks.
func replyOf(blocks, stop string) string {
	return `{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[` + blocks + `],"stop_reason":"` + stop + `","usage":{"input_tokens":3,"output_tokens":4}}`
}

const (
	callA = `{"type":"tool_use","id":"1","name":"a","input":{"k": 1},"note":"n"}`
	callB = `{"type":"tool_use","id":"2","name":"b","input":{}}`
)

func TestReplyRewrite(t *testing.T) {
	said := `{"type":"text","text":"Let me see"}`
	for _, tt := range []struct {
		name, body string
		verdicts   []wire.Verdict
		redact     string // a text that becomes X
		want       string
	}{
		{"nothing", replyOf(said+`, `+callA, "tool_use"), []wire.Verdict{{}}, "", replyOf(said+`, `+callA, "tool_use")},
		{"one of two calls", replyOf(said+`,`+callA+`,`+callB, "tool_use"), []wire.Verdict{{Denied: true, Text: "no \"a\""}, {}}, "", replyOf(said+`,{"type":"text","text":"no \"a\""},`+callB, "tool_use")},
		{"all calls", replyOf(callA+`,`+callB, "tool_use"), []wire.Verdict{{Denied: true, Text: "x"}, {Denied: true, Text: "y"}}, "", replyOf(`{"type":"text","text":"x"},{"type":"text","text":"y"}`, "end_turn")},
		{"all calls of a reply that ended otherwise", replyOf(callB, "max_tokens"), []wire.Verdict{{Denied: true, Text: "x"}}, "", replyOf(`{"type":"text","text":"x"}`, "max_tokens")},
		{"arguments", replyOf(callA, "tool_use"), []wire.Verdict{{Args: str(`{"k":"[X]"}`)}}, "", replyOf(strings.Replace(callA, `{"k": 1}`, `{"k":"[X]"}`, 1), "tool_use")},
		{"a text", replyOf(said, "end_turn"), nil, "Let me see", replyOf(`{"type":"text","text":"X"}`, "end_turn")},
		{"a text beside a denied call goes with it", replyOf(callA, "tool_use"), []wire.Verdict{{Denied: true, Text: "x"}}, "n", replyOf(`{"type":"text","text":"x"}`, "end_turn")},
		{"thinking that is not signed", replyOf(`{"type":"thinking","thinking":"t"}`, "end_turn"), nil, "t", replyOf(`{"type":"thinking","thinking":"X"}`, "end_turn")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := rewrite(t, tt.body, tt.redact, tt.verdicts)
			if err != nil || string(out) != tt.want {
				t.Errorf("%v\n got %s\nwant %s", err, out, tt.want)
			}
		})
	}
}

// rewrite replaces a text by X and carries verdicts out.
func rewrite(t *testing.T, body, text string, verdicts []wire.Verdict) ([]byte, error) {
	t.Helper()
	r, err := Messages{}.Reply([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	var edits []strictjson.Replacement
	for _, x := range r.Texts() {
		if string(strictjson.Unescape(nil, []byte(body)[x.Start:x.End])) == text {
			edits = append(edits, strictjson.Replacement{Start: x.Start + 1, End: x.End - 1, Text: []byte("X")})
		}
	}
	if text != "" && len(edits) == 0 {
		t.Fatalf("%q is no text of %s", text, body)
	}
	return r.Rewrite(edits, verdicts)
}

func TestReplyRewriteRefuses(t *testing.T) {
	if _, err := rewrite(t, replyOf(`{"type":"thinking","thinking":"t","signature":"c2ln"}`, "end_turn"), "t", nil); !errors.Is(err, errSigned) {
		t.Errorf("signed thinking is edited: %v", err)
	}
	for _, args := range []string{`[]`, `"x"`, `{`, ``} {
		if _, err := rewrite(t, replyOf(callA, "tool_use"), "", []wire.Verdict{{Args: &args}}); !errors.Is(err, errArgs) {
			t.Errorf("an input becomes %q: %v", args, err)
		}
	}
}

func TestReplyTexts(t *testing.T) {
	body := replyOf(`{"type":"thinking","thinking":"th","signature":"c2ln"},{"type":"text","text":"a","citations":[{"type":"char_location","cited_text":"c"}]},{"type":"redacted_thinking","data":"zz"},`+
		`{"type":"server_tool_use","id":"1","name":"s","input":{"type":"q"}},{"type":"web_search_tool_result","tool_use_id":"1","content":[{"type":"web_search_result","title":"T","encrypted_content":"zz"}]},{"type":"text","text":"b"},`+callA, "tool_use")
	body = strings.TrimSuffix(body, "}") + `,"stop_details":{"type":"refusal","explanation":"why"},"container":{"id":"c","expires_at":"x"}}`
	r, err := Messages{}.Reply([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range r.Texts() {
		got = append(got, x.Place.String()+": "+string(strictjson.Unescape(nil, []byte(body)[x.Start:x.End])))
	}
	want := []string{
		"choices[0].text: a", "choices[0].text: b", "choices[0].reasoning: th", "choices[0].content: c",
		"choices[0].content: s", "choices[0].content: q", "choices[0].content: T", "choices[0].tool_calls: n", "stop_details: why",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("texts (-want +got):\n%s", diff)
	}
	if r.Texts()[0].Group == r.Texts()[1].Group {
		t.Error("text blocks with others between them are one group")
	}
	const form = `{"choices":[{"finish_reason":"tool_use","index":0,"reasoning":"th","text":"a\nb","tool_calls":[{"args":{"k":1},"id":"1","name":"a"}]}],"text":"a\nb","usage":{"input_tokens":3,"output_tokens":4}}`
	if got := string(r.Response().JSON()); got != form {
		t.Errorf("response %s", got)
	}
	if c := r.Calls(); len(c) != 1 || c[0].Index != 6 || r.Model() != "m" {
		t.Errorf("calls %v of %s", c, r.Model())
	}
}

// TestReplyGroups: text blocks that follow each other are read as one text.
func TestReplyGroups(t *testing.T) {
	r, err := Messages{}.Reply([]byte(replyOf(`{"type":"text","text":"a"},{"type":"text","text":"b"},`+callA+`,{"type":"text","text":"c"}`, "tool_use")))
	if err != nil {
		t.Fatal(err)
	}
	x := r.Texts()
	if x[0].Group == 0 || x[0].Group != x[1].Group || x[1].Group == x[2].Group {
		t.Errorf("groups %d %d %d", x[0].Group, x[1].Group, x[2].Group)
	}
}

func TestReplyRefuses(t *testing.T) {
	for name, body := range map[string]string{
		"an array":                        `[]`,
		"no content":                      `{"type":"message"}`,
		"content that is a string":        `{"content":"a"}`,
		"Content beside content":          `{"content":[],"Content":[]}`,
		"a block that is a string":        replyOf(`"a"`, "end_turn"),
		"a block without a type":          replyOf(`{"text":"a"}`, "end_turn"),
		"a block whose Text is another":   replyOf(`{"type":"text","text":"a","Text":"b"}`, "end_turn"),
		"a text that is an object":        replyOf(`{"type":"text","text":{}}`, "end_turn"),
		"a call without a name":           replyOf(`{"type":"tool_use","id":"1","input":{}}`, "tool_use"),
		"a call whose input is a string":  replyOf(`{"type":"tool_use","id":"1","name":"a","input":"{}"}`, "tool_use"),
		"a call without an input":         replyOf(`{"type":"tool_use","id":"1","name":"a"}`, "tool_use"),
		"more blocks than anybody writes": replyOf(strings.Repeat(callB+",", maxBlocks)+callB, "tool_use"),
		"two documents":                   `{"content":[]}{}`,
	} {
		if _, err := (Messages{}).Reply([]byte(body)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	r, err := Messages{}.Reply([]byte(`{"type":"error","error":{"type":"api_error","message":"words"}}`))
	if err != nil || len(r.Texts()) != 1 || len(r.Response().Choices) != 0 {
		t.Errorf("an error is not read as one: %v", err)
	}
}
