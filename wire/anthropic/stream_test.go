package anthropic

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/sse"
)

// name is the type that an event's data says.
func name(data string) string {
	var e struct{ Type string }
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		return ""
	}
	return e.Type
}

// run feeds events to a stream and describes each in a line.
func run(s wire.Stream, events ...string) []string {
	var lines []string
	for _, data := range events {
		ev, err := s.Event(name(data), []byte(data))
		if err != nil {
			return append(lines, "error: "+err.Error())
		}
		var b strings.Builder
		for _, p := range ev.Pieces {
			if p.Whole {
				fmt.Fprintf(&b, "whole=%q ", p.Text)
				continue
			}
			fmt.Fprintf(&b, "%s=%q ", p.Channel.Name, p.Text)
		}
		for _, k := range ev.Calls {
			fmt.Fprintf(&b, "call %d.%d ", k.Choice, k.Index)
		}
		for _, c := range ev.Closed {
			fmt.Fprintf(&b, "closes %s ", c.Name)
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

const (
	start = `{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":3,"output_tokens":1}}}`
	stop  = `{"type":"message_stop"}`
)

func begin(i int, block string) string {
	return fmt.Sprintf(`{"type":"content_block_start","index":%d,"content_block":%s}`, i, block)
}

func delta(i int, kind, field, text string) string {
	b, _ := json.Marshal(text)
	return fmt.Sprintf(`{"type":"content_block_delta","index":%d,"delta":{"type":"%s","%s":%s}}`, i, kind, field, b)
}

func textDelta(i int, text string) string  { return delta(i, "text_delta", "text", text) }
func inputDelta(i int, part string) string { return delta(i, "input_json_delta", "partial_json", part) }

func end(i int) string { return fmt.Sprintf(`{"type":"content_block_stop","index":%d}`, i) }

func last(reason string) string {
	return `{"type":"message_delta","delta":{"stop_reason":"` + reason + `","stop_sequence":null},"usage":{"output_tokens":4}}`
}

const (
	textStart = `{"type":"text","text":""}`
	callStart = `{"type":"tool_use","id":"1","name":"a","input":{}}`
)

func TestStreamEvents(t *testing.T) {
	for _, tt := range []struct {
		name   string
		events []string
		want   []string
	}{
		{
			"words, then the end",
			[]string{start, `{"type":"ping"}`, begin(0, textStart), textDelta(0, "a\u00e9"), end(0), last("end_turn"), stop},
			[]string{"", "", `text:0=""`, `text:0="aé"`, "", "ends 0", "end"},
		},
		{
			"text blocks that follow each other are one text",
			[]string{start, begin(0, textStart), end(0), begin(1, textStart), textDelta(1, "a"), end(1), begin(2, callStart), end(2), begin(3, `{"type":"text","text":"b"}`), end(3), last("tool_use")},
			[]string{"", `text:0=""`, "", `text:0=""`, `text:0="a"`, "", "call 0.2 closes text:0", "call 0.2 whole a()", `text:3="b"`, "", "ends 0"},
		},
		{
			"text blocks side by side are two",
			[]string{start, begin(0, textStart), begin(1, textStart), textDelta(1, "a"), textDelta(0, "b"), end(1), end(0), begin(2, `{"type":"text","text":"c"}`), end(2), last("end_turn")},
			[]string{"", `text:0=""`, `text:1=""`, `text:1="a"`, `text:0="b"`, "", "closes text:1", `text:0="c"`, "", "ends 0"},
		},
		{
			"thinking and its signature",
			[]string{start, begin(0, `{"type":"thinking","thinking":"","signature":""}`), delta(0, "thinking_delta", "thinking", "hm"), delta(0, "signature_delta", "signature", "c2ln"), end(0), begin(1, `{"type":"redacted_thinking","data":"zz"}`), end(1)},
			[]string{"", `thinking:0=""`, `thinking:0="hm"`, "", "closes thinking:0", "", ""},
		},
		{
			"a call in parts beside words",
			[]string{start, begin(0, textStart), begin(1, callStart), inputDelta(1, ""), textDelta(0, "b"), inputDelta(1, `{"k"`), inputDelta(1, `:1}`), end(1), end(0), last("tool_use")},
			[]string{"", `text:0=""`, "call 0.1", "call 0.1", `text:0="b"`, "call 0.1", "call 0.1", `call 0.1 whole a({"k":1})`, "", "ends 0"},
		},
		{
			"a call whose input comes with its start",
			[]string{start, begin(0, `{"type":"tool_use","id":"1","name":"a","input":{"k": 1},"note":"n"}`), inputDelta(0, ""), end(0)},
			[]string{"", `whole="n" call 0.0`, "call 0.0", `call 0.0 whole a({"k": 1})`},
		},
		{"a call without an input", []string{start, begin(0, callStart), end(0)}, []string{"", "call 0.0", "call 0.0 whole a()"}},
		{
			"what the provider's tools are asked and answer",
			[]string{
				start, begin(0, `{"type":"server_tool_use","id":"1","name":"s","input":{}}`), inputDelta(0, ""), inputDelta(0, `{"q": "a\`), inputDelta(0, `nb`), inputDelta(0, `c", "n": 1}`), end(0),
				begin(1, `{"type":"web_search_tool_result","tool_use_id":"1","content":[{"type":"web_search_result","title":"T","encrypted_content":"zz"}]}`), end(1),
			},
			[]string{
				"", `whole="s"`, "", `input:1:0="q" input:2:0="a" closes input:1:0`, `input:2:0="\n" input:2:0="b"`, `input:2:0="c" input:3:0="n" closes input:2:0 closes input:3:0`, "", `whole="T"`, "",
			},
		},
		{
			"citations, compaction and what is not known",
			[]string{
				start, begin(0, textStart), `{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{"type":"x","cited_text":"c"}}}`, textDelta(0, "a"),
				delta(0, "whispers_delta", "w", "d"), end(0), begin(1, `{"type":"compaction","content":null}`), delta(1, "compaction_delta", "content", "e"), `{"type":"content_block_delta","index":1,"delta":{"type":"compaction_delta","content":null}}`, end(1),
			},
			[]string{"", `text:0=""`, `whole="c"`, `text:0="a"`, `whole="d"`, "", "closes text:0", `compaction:1="e"`, "", "closes compaction:1"},
		},
		{
			"members beside those that are known",
			[]string{`{"type":"message_start","note":"a","message":{"id":"i","role":"assistant","model":"m","content":[],"note":"b"}}`, `{"type":"ping","note":"c"}`, `{"type":"message_delta","delta":{"stop_reason":"refusal","stop_details":{"type":"refusal","explanation":"d"}},"note":"e"}`, `{"type":"message_stop","note":"f"}`},
			[]string{`whole="b" whole="a"`, `whole="c"`, `whole="d" whole="e" ends 0`, `whole="f" end`},
		},
		{"an error ends the reply", []string{start, `{"type":"error","error":{"type":"overloaded_error","message":"busy"}}`, stop}, []string{"", `whole="busy" end`, "error: an event after the end of the stream"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, run(Messages{}.Stream(wire.StreamOptions{}), tt.events...)); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStreamRefuses(t *testing.T) {
	for what, events := range map[string][]string{
		"no JSON":                         {`{"type":`},
		"an array":                        {`[]`},
		"an unknown event":                {`{"type":"message_pause"}`},
		"a Type beside the type":          {`{"type":"ping","Type":"error"}`},
		"two starts":                      {start, start},
		"a start that says something":     {`{"type":"message_start","message":{"content":[{"type":"text","text":"a"}]}}`},
		"a start without a message":       {`{"type":"message_start"}`},
		"a block before the start":        {begin(0, textStart)},
		"a block after the end":           {start, last("end_turn"), begin(0, textStart)},
		"a block without an index":        {start, `{"type":"content_block_start","content_block":{"type":"text","text":""}}`},
		"a block far away":                {start, begin(maxBlocks, textStart)},
		"a block below zero":              {start, begin(-1, textStart)},
		"two blocks with one index":       {start, begin(0, textStart), end(0), begin(0, textStart)},
		"a block that is a string":        {start, begin(0, `"a"`)},
		"a text that is a number":         {start, begin(0, `{"type":"text","text":1}`)},
		"a call without a name":           {start, begin(0, `{"type":"tool_use","id":"1","input":{}}`)},
		"a call whose input is a string":  {start, begin(0, `{"type":"tool_use","id":"1","name":"a","input":"{}"}`)},
		"a call with two inputs":          {start, begin(0, `{"type":"tool_use","id":"1","name":"a","input":{"k":1}}`), inputDelta(0, "{}")},
		"words in a call":                 {start, begin(0, callStart), textDelta(0, "a")},
		"something unknown in a call":     {start, begin(0, callStart), delta(0, "whispers_delta", "w", "d")},
		"an input in words":               {start, begin(0, textStart), inputDelta(0, "{}")},
		"a delta without its block":       {start, textDelta(0, "a")},
		"a delta after its block":         {start, begin(0, textStart), end(0), textDelta(0, "a")},
		"a delta that is a string":        {start, begin(0, textStart), `{"type":"content_block_delta","index":0,"delta":"a"}`},
		"a delta without a type":          {start, begin(0, textStart), `{"type":"content_block_delta","index":0,"delta":{"text":"a"}}`},
		"a delta whose Text is another":   {start, begin(0, textStart), `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a","Text":"b"}}`},
		"words that are an object":        {start, begin(0, textStart), `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":{}}}`},
		"a stop without its block":        {start, end(0)},
		"an end before its blocks":        {start, begin(0, textStart), last("end_turn")},
		"an end without a delta":          {start, `{"type":"message_delta"}`},
		"a stop before the start":         {stop},
		"a stop before its blocks":        {start, begin(0, textStart), stop},
		"an event after the stop":         {start, last("end_turn"), stop, `{"type":"ping"}`},
		"an input of very many strings":   {start, begin(0, `{"type":"server_tool_use","id":"1","name":"s","input":{}}`), inputDelta(0, `{"a":["`+strings.Repeat(`","`, maxStrings)+`"]}`)},
		"a block's key that is not a key": {start, begin(0, `{"type":"text","text":"a","Text":"b"}`)},
	} {
		lines := run(Messages{}.Stream(wire.StreamOptions{}), events...)
		if got := lines[len(lines)-1]; len(lines) != len(events) || !strings.HasPrefix(got, "error: ") {
			t.Errorf("%s: %q", what, lines)
		}
	}
	for _, other := range []string{"", "message_stop"} {
		if _, err := (Messages{}).Stream(wire.StreamOptions{}).Event(other, []byte(`{"type":"ping"}`)); err == nil {
			t.Errorf("an event named %q that says it is a ping is accepted", other)
		}
	}
}

func TestStreamDone(t *testing.T) {
	s := Messages{}.Stream(wire.StreamOptions{})
	run(s, start, last("end_turn"))
	if s.Done() || s.Failed() {
		t.Error("done before it stopped")
	}
	run(s, stop)
	if !s.Done() || s.Failed() || s.Response() != nil || s.Model() != "m" || *s.Usage() != (wire.Usage{Input: 3, Output: 4}) {
		t.Errorf("done %v, failed %v, usage %v", s.Done(), s.Failed(), s.Usage())
	}
	s = Messages{}.Stream(wire.StreamOptions{})
	run(s, `{"type":"error","error":{}}`)
	if !s.Done() || !s.Failed() {
		t.Error("an error does not end the stream")
	}
}

func TestStreamResponseEqualsReply(t *testing.T) {
	s := Messages{}.Stream(wire.StreamOptions{Assemble: true})
	if got := string(s.Response().JSON()); got != `{"choices":[],"text":""}` {
		t.Errorf("before the start: %s", got)
	}
	run(s, start, begin(0, `{"type":"thinking","thinking":"h","signature":""}`), delta(0, "thinking_delta", "thinking", "m"), end(0),
		begin(1, textStart), textDelta(1, "Hel"), begin(2, callStart), inputDelta(2, `{"k"`), textDelta(1, "lo"), inputDelta(2, `:1}`), end(1), end(2),
		begin(3, textStart), end(3), begin(4, `{"type":"text","text":"Yo"}`), end(4), last("tool_use"), stop)
	r, err := Messages{}.Reply([]byte(replyOf(`{"type":"thinking","thinking":"hm"},{"type":"text","text":"Hello"},{"type":"tool_use","id":"1","name":"a","input":{"k":1}},{"type":"text","text":""},{"type":"text","text":"Yo"}`, "tool_use")))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(r.Response().JSON()), string(s.Response().JSON())); diff != "" {
		t.Errorf("one reply, told in two ways (-JSON +stream):\n%s", diff)
	}
}

// rewritten feeds events, and then rewrites each.
func rewritten(t *testing.T, events []string, verdicts map[int]wire.Verdict, edit func(p wire.Piece) (string, bool)) ([]string, error) {
	t.Helper()
	s := Messages{}.Stream(wire.StreamOptions{})
	var list []*wire.Event
	for _, data := range events {
		ev, err := s.Event(name(data), []byte(data))
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		list = append(list, ev)
	}
	var out []string
	for i, ev := range list {
		var texts []wire.PieceText
		for j, p := range ev.Pieces {
			if text, ok := edit(p); ok {
				texts = append(texts, wire.PieceText{Piece: j, Text: []byte(text)})
			}
		}
		data, drop, err := rewriteOne(s, ev, []byte(events[i]), texts, func(k wire.CallKey) wire.Verdict { return verdicts[k.Index] })
		if err != nil {
			return out, err
		}
		if !drop {
			out = append(out, string(data))
		}
	}
	return out, nil
}

func noEdit(wire.Piece) (string, bool) { return "", false }

func TestStreamRewriteCalls(t *testing.T) {
	full := `{"type":"tool_use","id":"1","name":"a","input":{"k":1}}`
	for _, tt := range []struct {
		name     string
		verdicts map[int]wire.Verdict
		events   []string
		want     []string
	}{
		{"nothing", nil, []string{start, begin(0, callStart), inputDelta(0, "{}"), end(0), last("tool_use")}, []string{start, begin(0, callStart), inputDelta(0, "{}"), end(0), last("tool_use")}},
		{
			"denied",
			map[int]wire.Verdict{0: {Denied: true, Text: "no \"a\""}},
			[]string{start, begin(0, callStart), inputDelta(0, ""), inputDelta(0, "{}"), end(0), last("tool_use"), stop},
			[]string{start, begin(0, textStart), textDelta(0, "no \"a\""), end(0), last("end_turn"), stop},
		},
		{
			"denied, without a delta",
			map[int]wire.Verdict{0: {Denied: true, Text: "no"}},
			[]string{start, begin(0, full), end(0), last("max_tokens")},
			[]string{start, begin(0, `{"type":"text","text":"no"}`), end(0), last("max_tokens")},
		},
		{
			"one of two denied",
			map[int]wire.Verdict{1: {Denied: true, Text: "no"}},
			[]string{start, begin(0, callStart), begin(1, callStart), inputDelta(1, "{}"), inputDelta(0, "{}"), end(1), end(0), last("tool_use")},
			[]string{start, begin(0, callStart), begin(1, textStart), textDelta(1, "no"), inputDelta(0, "{}"), end(1), end(0), last("tool_use")},
		},
		{
			"other arguments",
			map[int]wire.Verdict{0: {Args: str(`{"k":"\n"}`)}},
			[]string{start, begin(0, callStart), inputDelta(0, ""), inputDelta(0, `{"k":`), inputDelta(0, `1}`), end(0), last("tool_use")},
			[]string{start, begin(0, callStart), inputDelta(0, `{"k":"\n"}`), end(0), last("tool_use")},
		},
		{
			"other arguments, without a delta",
			map[int]wire.Verdict{0: {Args: str(`{"k":2}`)}},
			[]string{start, begin(0, full), end(0)},
			[]string{start, begin(0, strings.Replace(full, "1}", "2}", 1)), end(0)},
		},
		{
			"other arguments, of which the start holds the old ones",
			map[int]wire.Verdict{0: {Args: str(`{"k":2}`)}},
			[]string{start, begin(0, full), inputDelta(0, ""), end(0)},
			[]string{start, begin(0, callStart), inputDelta(0, `{"k":2}`), end(0)},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := rewritten(t, tt.events, tt.verdicts, noEdit)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
	for _, args := range []string{"[]", "{", `"x"`} {
		if _, err := rewritten(t, []string{start, begin(0, callStart), inputDelta(0, "{}"), end(0)}, map[int]wire.Verdict{0: {Args: &args}}, noEdit); err == nil {
			t.Errorf("an input becomes %s", args)
		}
	}
}

func TestStreamRewriteTexts(t *testing.T) {
	server := begin(0, `{"type":"server_tool_use","id":"1","name":"s","input":{}}`)
	x := func(old string) func(p wire.Piece) (string, bool) {
		return func(p wire.Piece) (string, bool) { return "X\"\n", string(p.Text) == old }
	}
	for _, tt := range []struct {
		name, old string
		events    []string
		want      []string // nil where it must be refused
	}{
		{"words", "a", []string{start, begin(0, textStart), textDelta(0, "a")}, []string{start, begin(0, textStart), textDelta(0, "X\"\n")}},
		{"words beside a call that is denied go with it", "n", []string{start, begin(0, strings.Replace(callStart, `"input"`, `"note":"n","input"`, 1)), end(0)}, []string{start, begin(0, `{"type":"text","text":"no"}`), end(0)}},
		{"thinking", "a", []string{start, begin(0, `{"type":"thinking","thinking":""}`), delta(0, "thinking_delta", "thinking", "a")}, nil},
		{
			"an input of the provider's tool", "a\né",
			[]string{start, server, inputDelta(0, `{"q": "a\n\u00e9`), inputDelta(0, `b"}`)},
			[]string{start, server, inputDelta(0, `{"q": "X\"\n`), inputDelta(0, `b"}`)},
		},
		{"an escape that two events share", "\n", []string{start, server, inputDelta(0, `{"q": "a\`), inputDelta(0, `n"}`)}, nil},
		{"an escape that is none", `a\x`, []string{start, server, inputDelta(0, `{"q": "a\x"}`)}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := rewritten(t, tt.events, map[int]wire.Verdict{0: {Denied: true, Text: "no"}}, x(tt.old))
			if (err == nil) != (tt.want != nil) {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(tt.want, got); err == nil && diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStreamRefuse(t *testing.T) {
	out := Messages{}.Stream(wire.StreamOptions{}).Refuse(wire.Refusal{Code: wire.CodePolicyDenied, Reason: "no"})
	var rd sse.Reader
	rd.Feed(out)
	ev, ok, err := rd.Next()
	if err != nil || !ok || ev.Name != "error" || string(ev.Data) != `{"type":"error","error":{"type":"permission_error","message":"no"},"request_id":null}` {
		t.Errorf("%q", out)
	}
	if _, more, _ := rd.Next(); more {
		t.Errorf("something follows the error: %q", out)
	}
}
