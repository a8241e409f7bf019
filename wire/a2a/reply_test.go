package a2a

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

// result is a JSON-RPC response.
func result(v string) string { return `{"jsonrpc":"2.0","id":"r1","result":` + v + `}` }

const task03 = `{"kind":"task","id":"k","contextId":"c","status":{"state":"completed","message":{"kind":"message","messageId":"m","role":"agent","parts":[{"kind":"text","text":"done"}]},"timestamp":"t"},` +
	`"artifacts":[{"artifactId":"a","name":"n","description":"d","parts":[{"kind":"text","text":"x"},{"kind":"data","data":{"id":"y"}},{"kind":"text","text":"z"},{"kind":"file","file":{"bytes":"aGk=","name":"f"}}]}],` +
	`"history":[{"role":"user","parts":[{"kind":"text","text":"hi"}]}],"metadata":{"id":"w"}}`

func TestReply(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		codec      wire.ChatCodec
		texts      []string
		response   string
		created    []string
	}{
		{
			"a task of 0.3", result(task03),
			RPC{},
			[]string{
				"choices[0].text: done", "choices[0].name: n", "choices[0].description: d", "choices[0].text: x", "choices[0].text: z",
				"choices[0].text: y", "choices[0].file: f", "choices[0].text: hi", "choices[0].metadata: w",
			},
			`{"choices":[{"finish_reason":"completed","index":0,"reasoning":"","text":"done\nxz\ny\nhi","tool_calls":[]}],"text":"done\nxz\ny\nhi"}`,
			[]string{"c", "k"},
		},
		{
			"a message of 1.0", result(`{"message":{"messageId":"m","contextId":"c","role":"ROLE_AGENT","parts":[{"text":"a"},{"raw":"aGk=","mediaType":"x/y"},{"url":"http://h"}]}}`),
			RPC{},
			[]string{"choices[0].text: a", "choices[0].url: http://h"},
			`{"choices":[{"finish_reason":"","index":0,"reasoning":"","text":"a","tool_calls":[]}],"text":"a"}`,
			[]string{"c"},
		},
		{
			"a list over HTTP+JSON", `{"tasks":[{"id":"k","status":{"state":"TASK_STATE_WORKING"}},{"id":"l","status":{"state":"x","more":"b"}}],"nextPageToken":"p"}`,
			REST{readTask},
			[]string{"choices[0].more: b"},
			`{"choices":[{"finish_reason":"","index":0,"reasoning":"","text":"","tool_calls":[]}],"text":""}`,
			[]string{"k", "l"},
		},
		{
			"an error", `{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"bad","data":[{"reason":"r"}]}}`,
			RPC{},
			[]string{"choices[0].message: bad", "choices[0].reason: r"},
			`{"choices":[],"text":""}`, nil,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := tt.codec.Reply([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
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
			if diff := cmp.Diff(tt.created, r.(wire.Creator).Created()); diff != "" {
				t.Errorf("created (-want +got)\n%s", diff)
			}
			if out, err := r.Rewrite(nil, nil); err != nil || string(out) != tt.body {
				t.Errorf("rewriting nothing: %s, %v", out, err)
			}
			var edits []strictjson.Replacement
			for _, x := range r.Texts() {
				edits = append(edits, strictjson.Replacement{Start: x.Start + 1, End: x.End - 1, Text: []byte("X")})
			}
			out, err := r.Rewrite(edits, nil)
			if err != nil || strings.Count(string(out), `"X"`) != len(tt.texts) {
				t.Errorf("rewriting all: %s, %v", out, err)
			}
		})
	}
	for _, bad := range []string{`[]`, `{"jsonrpc":"2.0","id":1}`, `{"result":{},"error":{}}`, `{"result":"a"}`, `{"Result":{}}`} {
		if _, err := (RPC{}).Reply([]byte(bad)); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

// artifact is an update of an artifact of 0.3.
func artifact(id, text, rest string) string {
	return result(`{"kind":"artifact-update","taskId":"k","contextId":"c","artifact":{"artifactId":"` + id + `","parts":[{"kind":"text","text":"` + text + `"}]}` + rest + `}`)
}

const (
	working  = `{"kind":"status-update","taskId":"k","contextId":"c","status":{"state":"working","message":{"role":"agent","parts":[{"kind":"text","text":"wait"}]}},"final":false}`
	finished = `{"kind":"status-update","taskId":"k","contextId":"c","status":{"state":"completed"},"final":true}`
)

func TestStream(t *testing.T) {
	s := RPC{}.Stream(wire.StreamOptions{Assemble: true})
	var got []string
	for _, data := range []string{
		result(working), artifact("a", "1", `,"append":false`), artifact("b", "x", ""), artifact("a", "2", `,"append":true,"lastChunk":true`),
		artifact("b", "y", ""), result(finished),
	} {
		if s.Done() {
			t.Error("done too early")
		}
		ev, err := s.Event("", []byte(data))
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		for _, p := range ev.Pieces {
			got = append(got, p.Channel.Name+"="+string(p.Text))
		}
		for _, ch := range ev.Closed {
			got = append(got, "close "+ch.Name)
		}
		if ev.End {
			got = append(got, "end")
		}
	}
	want := []string{"text:1=wait", "close text:1", "text:2=1", "text:3=x", "text:2=2", "close text:2", "text:4=y", "close text:3", "close text:4", "end"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := string(s.Response().JSON()); got != `{"choices":[{"finish_reason":"completed","index":0,"reasoning":"","text":"wait\n12\nx\ny","tool_calls":[]}],"text":"wait\n12\nx\ny"}` {
		t.Errorf("response %s", got)
	}
	if diff := cmp.Diff([]string{"c", "k"}, s.(wire.Creator).Created()); diff != "" || !s.Done() || s.Failed() {
		t.Errorf("created (-want +got)\n%s done %t failed %t", diff, s.Done(), s.Failed())
	}
	if got := string(s.Refuse(wire.Refusal{Code: wire.CodePolicyDenied, Reason: "no"})); got != "data: {\"jsonrpc\":\"2.0\",\"id\":\"r1\",\"error\":{\"code\":-32050,\"message\":\"no\",\"data\":{\"code\":\"policy_denied\"}}}\n\n" {
		t.Errorf("refusal %q", got)
	}
}

func TestStreamEnds(t *testing.T) {
	for _, tt := range []struct {
		codec wire.ChatCodec
		data  string
		done  bool
		fails bool
	}{
		{RPC{}, result(`{"kind":"message","role":"agent","parts":[]}`), true, false},
		{RPC{}, result(`{"message":{"role":"ROLE_AGENT","parts":[]}}`), true, false},
		{RPC{}, result(task03), true, false},
		{RPC{}, result(working), false, false},
		{RPC{}, `{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m"}}`, true, true},
		{REST{streamMessage}, `{"task":{"id":"k","status":{"state":"TASK_STATE_SUBMITTED"}}}`, false, false},
		{REST{streamMessage}, `{"statusUpdate":{"taskId":"k","status":{"state":"TASK_STATE_INPUT_REQUIRED"}}}`, true, false},
		{REST{streamMessage}, `{"artifactUpdate":{"taskId":"k","artifact":{"artifactId":"a","parts":[{"text":"a"}]},"lastChunk":true}}`, false, false},
		{REST{streamMessage}, `{"error":{"code":403,"message":"m"}}`, true, true},
	} {
		s := tt.codec.Stream(wire.StreamOptions{})
		ev, err := s.Event("", []byte(tt.data))
		if err != nil || s.Done() != tt.done || ev.End != tt.done || s.Failed() != tt.fails {
			t.Errorf("%s: done %t, failed %t, %v", tt.data, s.Done(), s.Failed(), err)
		}
	}
	for _, bad := range []string{`[]`, result(`1`), artifact("a", "t", `,"append":"yes"`), `{"jsonrpc":"2.0","id":[],"result":{}}`} {
		if _, err := (RPC{}).Stream(wire.StreamOptions{}).Event("", []byte(bad)); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

// TestOtherSpellings: readers of protocol buffers take the names in snake_case,
// and others in any case, so that a text could go on where none is seen.
func TestOtherSpellings(t *testing.T) {
	for _, tt := range []struct{ said, want string }{
		{`{"artifact_update":{"task_id":"k","append":true,"artifact":{"artifact_id":"a","parts":[{"text":"al"}]}}}`, "spelling alone"},
		{`{"artifactUpdate":{"taskId":"k","append":true,"artifact":{"artifact_id":"a","parts":[{"text":"al"}]}}}`, "spelling alone"},
		{`{"artifactUpdate":{"taskId":"k","append":true,"last_chunk":true,"artifact":{"artifactId":"a","parts":[{"text":"al"}]}}}`, "spelling alone"},
		{`{"kind":"message","context_id":"c","parts":[]}`, "spelling alone"},
		{`{"kind":"message","parts":[{"Text":"al"}]}`, "differs from a known field"},
	} {
		for _, c := range []wire.ChatCodec{RPC{}, REST{streamMessage}} {
			data := tt.said
			if (c == RPC{}) {
				data = result(data)
			}
			if _, err := c.Stream(wire.StreamOptions{}).Event("", []byte(data)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v", data, err)
			}
			if _, err := c.Reply([]byte(data)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v", data, err)
			}
		}
	}
	if _, err := (RPC{}).Reply([]byte(result(`{"kind":"message","parts":[{"data":{"task_id":"t"}}],"metadata":{"Text":"a"}}`))); err != nil {
		t.Error(err)
	}
}

// TestIDsWithoutBounds: what a stream tells is kept up to a bound.
func TestIDsWithoutBounds(t *testing.T) {
	s := RPC{}.Stream(wire.StreamOptions{})
	for i := range 1 << 17 {
		if _, err := s.Event("", fmt.Appendf(nil, `{"id":1,"result":{"taskId":"%d"}}`, i)); err != nil {
			return
		}
	}
	t.Error("no end of it")
}

func TestStreamRewrite(t *testing.T) {
	s := RPC{}.Stream(wire.StreamOptions{})
	data := []byte(artifact("a", `b\u0062`, ""))
	ev, err := s.Event("", data)
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Rewrite(ev, data, []wire.PieceText{{Piece: 0, Text: []byte(`"X"`)}}, nil)
	if err != nil || len(w) != 1 || string(w[0].Data) != artifact("a", `\"X\"`, "") {
		t.Errorf("%v, %v", w, err)
	}
}
