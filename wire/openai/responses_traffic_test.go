package openai_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/recordings"
	"github.com/headgate/headgate/wire/openai"
	"github.com/headgate/headgate/wire/sse"
	"github.com/headgate/headgate/wire/strictjson"
)

const planted = "alice.smith@example.com "

// plant puts a value before every text of a reply.
func plant(t *testing.T, body, value string) string {
	t.Helper()
	reply, err := openai.Responses{}.Reply([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	var edits []strictjson.Replacement
	for _, x := range reply.Texts() {
		if !x.JSON {
			edits = append(edits, strictjson.Replacement{Start: x.Start + 1, End: x.Start + 1, Text: []byte(value)})
		}
	}
	sortEdits(edits)
	return string(strictjson.Splice(nil, []byte(body), edits))
}

func sortEdits(edits []strictjson.Replacement) {
	for i := range edits {
		for j := i; j > 0 && edits[j].Start < edits[j-1].Start; j-- {
			edits[j], edits[j-1] = edits[j-1], edits[j]
		}
	}
}

// plantStream puts a value before every text of a stream: before the first
// part of one that is streamed, and before each that stands whole.
func plantStream(t *testing.T, stream, value string) string {
	t.Helper()
	s := openai.Responses{}.Stream(wire.StreamOptions{})
	begun := map[wire.Channel]bool{}
	var out []byte
	var rd sse.Reader
	rd.Feed([]byte(stream))
	for {
		ev, ok, err := rd.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return string(out)
		}
		if !ev.HasData {
			continue
		}
		we, err := s.Event(ev.Name, ev.Data)
		if err != nil {
			t.Fatal(err)
		}
		var edits []strictjson.Replacement
		for _, p := range we.Pieces {
			if p.Whole && len(p.Text) > 0 || !p.Whole && !begun[p.Channel] {
				edits = append(edits, strictjson.Replacement{Start: p.Start + 1, End: p.Start + 1, Text: []byte(value)})
			}
			begun[p.Channel] = begun[p.Channel] || !p.Whole
		}
		sortEdits(edits)
		out = sse.AppendEvent(out, ev.Name, strictjson.Splice(nil, ev.Data, edits))
	}
}

// TestASecretInEveryCopy: what was recorded, with an address before each of
// its texts, comes out with a placeholder before each of them.
func TestASecretInEveryCopy(t *testing.T) {
	all, err := recordings.Load()
	if err != nil {
		t.Fatal(err)
	}
	g := gate(t, denies{}, &lines{}, "lit:"+strings.TrimSpace(planted))
	for _, r := range all {
		if r.Protocol != "openai-responses" || r.Response == nil || r.Response.Status != http.StatusOK {
			continue
		}
		body := r.Response.Body
		if strings.HasPrefix(body, "{") {
			got := jsonThrough(g, plant(t, body, planted))
			if diff := cmp.Diff(plain(t, plant(t, body, "[REDACTED] ")), plain(t, got)); diff != "" {
				t.Fatalf("%s: -want +got:\n%s", r.ID, diff)
			}
			continue
		}
		want := streamOf(t, plantStream(t, body, "[REDACTED] "))
		got := streamOf(t, streamThrough(g, plantStream(t, body, planted), 100, nil).Body.String())
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s: -want +got:\n%.4000s", r.ID, diff)
		}
	}
}

func plain(t *testing.T, body string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v in %.300s", err, body)
	}
	dropLogprobs(v)
	return v
}

func streamOf(t *testing.T, body string) []any {
	t.Helper()
	var list []any
	var rd sse.Reader
	rd.Feed([]byte(body))
	for {
		ev, ok, err := rd.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return list
		}
		if ev.HasData {
			list = append(list, plain(t, string(ev.Data)))
		}
	}
}

// TestAStreamSaysWhatAReplySays: one response has one normal form, streamed or
// not.
func TestAStreamSaysWhatAReplySays(t *testing.T) {
	items := []item{says("msg_0", "some ", "words"), calls("fc_1", "f", `{"a":`, `1}`), says("msg_2", "more")}
	s := openai.Responses{}.Stream(wire.StreamOptions{Assemble: true})
	var last string
	for _, e := range respond(t, items...) {
		last = strings.TrimSuffix(e[strings.Index(e, "data: ")+6:], "\n\n")
		if _, err := s.Event("", []byte(last)); err != nil {
			t.Fatal(err)
		}
	}
	var end struct{ Response json.RawMessage }
	if err := json.Unmarshal([]byte(last), &end); err != nil {
		t.Fatal(err)
	}
	reply, err := openai.Responses{}.Reply(end.Response)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(reply.Response().JSON()), string(s.Response().JSON())); diff != "" {
		t.Error(diff)
	}
	const want = `{"choices":[{"finish_reason":"completed","index":0,"reasoning":"","text":"some words\nmore","tool_calls":[{"args":{"a":1},"id":"call_fc_1","name":"f"}]}],"text":"some words\nmore","usage":{"input_tokens":1,"output_tokens":2}}`
	if diff := cmp.Diff(want, string(s.Response().JSON())); diff != "" {
		t.Error(diff)
	}
	ids := []string{"resp_1", "msg_0", "fc_1", "msg_2"}
	if diff := cmp.Diff(ids, s.(wire.Creator).Created()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(ids, reply.(wire.Creator).Created()); diff != "" {
		t.Error(diff)
	}
}

// TestPostChatSeesWhatTheClientSees: an agent that goes by the item's end reads
// other words than one that goes by the deltas; both are there.
func TestPostChatSeesWhatTheClientSees(t *testing.T) {
	text := says("msg_0", "fine")
	text.ends = says("msg_0", "the secret").ends
	s := openai.Responses{}.Stream(wire.StreamOptions{Assemble: true})
	for _, e := range respond(t, text) {
		e = strings.ReplaceAll(e, `"store":true`, `"store":false`)
		ev, err := s.Event("", []byte(strings.TrimSpace(e[strings.Index(e, "data: ")+6:])))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range ev.Pieces {
			if string(p.Text) == "the secret" && p.Copy != ev.End {
				t.Errorf("%q is a copy: %v", e, p.Copy)
			}
		}
	}
	if got := s.Response().Choices[0].Text(); got != "fine\nthe secret" {
		t.Errorf("post_chat sees %q", got)
	}
	if ids := s.(wire.Creator).Created(); len(ids) > 0 {
		t.Errorf("ids of what is not kept: %q", ids)
	}
}
