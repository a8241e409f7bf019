package audit

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEventLines(t *testing.T) {
	const head = `{"ts":"2026-04-29T17:32:04.123Z","principal":{"tenant_id":"","user_id":"","roles":[],"auth":"hmac"},"kind":"event"`
	tail := `,"seq":1,"prev":"` + zeros + `"}` + "\n"
	tests := []struct {
		name  string
		event []Attribute
		hash  string
		want  string
	}{
		{
			"attributes keep their order",
			[]Attribute{{"specversion", "1.0"}, {"id", "1"}, {"zone", ""}, {"comexample", "x"}},
			shaABC,
			`,"event":{"specversion":"1.0","id":"1","zone":"","comexample":"x"},"data_hash":"` + shaABC + `"`,
		},
		{"an event without data", []Attribute{{"id", "1"}}, "", `,"event":{"id":"1"}`},
		{"values are escaped", []Attribute{{`a"`, "b\n\u2028"}}, "", `,"event":{"a\"":"b\n\u2028"}`},
		{"of equal names the first", []Attribute{{"id", "1"}, {"id", "2"}}, "", `,"event":{"id":"1"},"event_omitted":1`},
		{
			"values and names are cut",
			[]Attribute{{strings.Repeat("n", 65), strings.Repeat("v", 1025)}, {strings.Repeat("n", 66), ""}},
			"",
			`,"event":{"` + strings.Repeat("n", 64) + `":"` + strings.Repeat("v", 1024) + `"},"event_omitted":1`,
		},
		{"nothing", nil, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &Record{Kind: KindEvent, Time: seedTS, Principal: Principal{Auth: "hmac"}, Event: tt.event, DataHash: tt.hash}
			if diff := cmp.Diff(head+tt.want+tail, string(r.AppendJSON(nil, 1, noHash))); diff != "" {
				t.Errorf("line differs (-want +got):\n%s", diff)
			}
		})
	}
}

// What stands on other lines stays byte for byte what it was: the new keys come
// after all the old ones.
func TestEventKeysComeLast(t *testing.T) {
	r := full()
	r.Kind, r.Status, r.Ended = KindOutcome, 200, EndedComplete
	plain := string(r.AppendJSON(nil, 1, noHash))
	r.Event, r.DataHash = []Attribute{{"id", "1"}}, shaABC
	got := string(r.AppendJSON(nil, 1, noHash))
	want := strings.Replace(plain, `,"seq":1`, `,"event":{"id":"1"},"data_hash":"`+shaABC+`","seq":1`, 1)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("line differs (-want +got):\n%s", diff)
	}
}

// Many long attributes that all have to be escaped make one line that the log
// takes.
func TestLongestEventFitsALine(t *testing.T) {
	event := make([]Attribute, 100)
	for i := range event {
		event[i] = Attribute{fmt.Sprintf("%02d%s", i, strings.Repeat("\x01", 100)), strings.Repeat("\x01", 5000)}
	}
	r := &Record{Kind: KindEvent, Time: seedTS, Event: event}
	line := r.AppendJSON(nil, 1, noHash)
	if len(line) > maxLine/2 {
		t.Errorf("line has %d bytes", len(line))
	}
	var got struct {
		Event   map[string]string `json:"event"`
		Omitted int               `json:"event_omitted"`
	}
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Event) != 64 || got.Omitted != 36 {
		t.Errorf("%d attributes, %d omitted", len(got.Event), got.Omitted)
	}
}
