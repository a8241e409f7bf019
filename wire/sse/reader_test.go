package sse

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// read feeds the pieces one by one, takes what Next yields after each, and
// returns that and what Close yields.
func read(r *Reader, pieces ...string) (events, rest []Event, err error) {
	for _, p := range pieces {
		r.Feed([]byte(p))
		for {
			ev, ok, err := r.Next()
			if err != nil {
				return events, rest, err
			}
			if !ok {
				break
			}
			events = append(events, ev)
		}
	}
	for {
		ev, ok := r.Close()
		if !ok {
			return events, rest, nil
		}
		rest = append(rest, ev)
	}
}

func event(raw, name, data string) Event {
	return Event{Raw: []byte(raw), Name: name, Data: []byte(data), HasData: true}
}

func noData(raw string) Event { return Event{Raw: []byte(raw)} }

func lead(n int, ev Event) Event {
	ev.Lead = n
	return ev
}

func withID(id string, ev Event) Event {
	ev.ID = id
	return ev
}

func TestReader(t *testing.T) {
	tests := []struct {
		name, in string
		events   []Event
		rest     []Event
	}{
		{name: "empty"},
		{"LF", "data: a\n\ndata: b\n\n", []Event{event("data: a\n\n", "", "a"), event("data: b\n\n", "", "b")}, nil},
		{"CR", "data: a\r\rdata: b\r\r", []Event{event("data: a\r\r", "", "a"), event("data: b\r\r", "", "b")}, nil},
		{
			"CRLF", "data: a\r\n\r\ndata: b\r\n\r\n",
			[]Event{event("data: a\r\n\r", "", "a"), lead(1, event("\ndata: b\r\n\r", "", "b"))},
			[]Event{lead(1, noData("\n"))},
		},
		{
			"mixed", "event: x\rdata: a\n\r\ndata: b\r\n\ndata: c\r\r\n",
			[]Event{event("event: x\rdata: a\n\r", "x", "a"), lead(1, event("\ndata: b\r\n\n", "", "b")), event("data: c\r\r", "", "c")},
			[]Event{lead(1, noData("\n"))},
		},
		{"LF CR is two line ends", "data: a\n\rdata: b\n\r", []Event{event("data: a\n\r", "", "a"), event("data: b\n\r", "", "b")}, nil},
		{"CR LF LF is two line ends", "data: a\r\n\n", []Event{event("data: a\r\n\n", "", "a")}, nil},
		{
			"stray blank lines", "\n\ndata: a\n\n\n",
			[]Event{noData("\n"), noData("\n"), event("data: a\n\n", "", "a"), noData("\n")},
			nil,
		},
		{
			"byte order mark", "\uFEFFdata: a\n\ndata: b\n\n",
			[]Event{lead(3, event("\uFEFFdata: a\n\n", "", "a")), event("data: b\n\n", "", "b")},
			nil,
		},
		{"byte order mark, blank line", "\uFEFF\ndata: a\n\n", []Event{lead(3, noData("\uFEFF\n")), event("data: a\n\n", "", "a")}, nil},
		{"byte order mark alone", "\uFEFF", nil, []Event{lead(3, noData("\uFEFF"))}},
		{"second byte order mark", "\uFEFF\uFEFFdata: a\n\n", []Event{lead(3, noData("\uFEFF\uFEFFdata: a\n\n"))}, nil},
		{"late byte order mark", "data: a\n\n\uFEFFdata: b\n\n", []Event{event("data: a\n\n", "", "a"), noData("\uFEFFdata: b\n\n")}, nil},
		{"comments only", ": ping\n\n:\n:x\n\n", []Event{noData(": ping\n\n"), noData(":\n:x\n\n")}, nil},
		{"comment before an event", ": OPENROUTER PROCESSING\n\ndata: a\n\n", []Event{noData(": OPENROUTER PROCESSING\n\n"), event("data: a\n\n", "", "a")}, nil},
		{"comment in an event", "event: e\n:data: x\ndata: a\n\n", []Event{event("event: e\n:data: x\ndata: a\n\n", "e", "a")}, nil},
		{"several data lines", "data: a\ndata:\ndata: c\n\n", []Event{event("data: a\ndata:\ndata: c\n\n", "", "a\n\nc")}, nil},
		{"several data lines apart", "data: a\nevent: e\rdata: b\r\nid: 7\ndata: c\n\n", []Event{withID("7", event("data: a\nevent: e\rdata: b\r\nid: 7\ndata: c\n\n", "e", "a\nb\nc"))}, nil},
		{"one space is stripped", "data:a\ndata:  b\ndata:\tc\n\n", []Event{event("data:a\ndata:  b\ndata:\tc\n\n", "", "a\n b\n\tc")}, nil},
		{"empty data", "data\n\n", []Event{event("data\n\n", "", "")}, nil},
		{"empty data with a colon", "data:\n\n", []Event{event("data:\n\n", "", "")}, nil},
		{"two empty data lines", "data\ndata\n\n", []Event{event("data\ndata\n\n", "", "\n")}, nil},
		{"event without data", "event: ping\n\n", []Event{{Raw: []byte("event: ping\n\n"), Name: "ping"}}, nil},
		{"names do not outlast the event", "event: x\ndata: a\n\ndata: b\n\n", []Event{event("event: x\ndata: a\n\n", "x", "a"), event("data: b\n\n", "", "b")}, nil},
		{"the last name counts", "event: x\nevent: y\ndata: a\n\n", []Event{event("event: x\nevent: y\ndata: a\n\n", "y", "a")}, nil},
		{"an empty name counts", "event: x\nevent\ndata: a\n\n", []Event{event("event: x\nevent\ndata: a\n\n", "", "a")}, nil},
		{"field names are exact", "Data: x\n data: y\ndata : z\ndatax: w\n\n", []Event{noData("Data: x\n data: y\ndata : z\ndatax: w\n\n")}, nil},
		{"colons in the value", "data: {\"a\":\"b: c\"}\n\n", []Event{event("data: {\"a\":\"b: c\"}\n\n", "", `{"a":"b: c"}`)}, nil},
		{"id", "id: 1\ndata: a\n\ndata: b\n\n", []Event{withID("1", event("id: 1\ndata: a\n\n", "", "a")), event("data: b\n\n", "", "b")}, nil},
		{"id with NUL", "id: 1\nid: 2\x00\ndata: a\n\n", []Event{withID("1", event("id: 1\nid: 2\x00\ndata: a\n\n", "", "a"))}, nil},
		{"retry", "retry: 3000\ndata: a\n\n", []Event{event("retry: 3000\ndata: a\n\n", "", "a")}, nil},
		{"no last blank line", "data: a\n\ndata: b\n", []Event{event("data: a\n\n", "", "a")}, []Event{event("data: b\n", "", "b")}},
		{"no last line end", "event: x\ndata: b", nil, []Event{event("event: x\ndata: b", "x", "b")}},
		{"partial field", "data: a\n\ndat", []Event{event("data: a\n\n", "", "a")}, []Event{noData("dat")}},
		{"comment at the end", ": bye", nil, []Event{noData(": bye")}},
		{"CR at the end", "data: a\r", nil, []Event{event("data: a\r", "", "a")}},
		{"CRLF at the end", "data: a\r\n", nil, []Event{event("data: a\r\n", "", "a")}},
		{"no SSE at all", `{"error":"x"}`, nil, []Event{noData(`{"error":"x"}`)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for how, pieces := range map[string][]string{"whole": {tt.in}, "bytes": cut(tt.in, 1), "three": cut(tt.in, 3)} {
				events, rest, err := read(new(Reader), pieces...)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.events, events); diff != "" {
					t.Errorf("%s: events (-want +got):\n%s", how, diff)
				}
				if diff := cmp.Diff(tt.rest, rest); diff != "" {
					t.Errorf("%s: rest (-want +got):\n%s", how, diff)
				}
			}
		})
	}
}

// cut cuts a stream into pieces of n bytes.
func cut(s string, n int) []string {
	var pieces []string
	for p := range slices.Chunk([]byte(s), n) {
		pieces = append(pieces, string(p))
	}
	return pieces
}

// TestReaderYieldsAtOnce: an event must not wait for the byte after its blank line.
func TestReaderYieldsAtOnce(t *testing.T) {
	for _, in := range []string{"data: a\n\n", "data: a\r\r", "data: a\r\n\r", "data: a\n\r", "data: a\r\n\n"} {
		var r Reader
		for i := range len(in) {
			r.Feed([]byte(in[i : i+1]))
			ev, ok, err := r.Next()
			if err != nil || ok != (i == len(in)-1) {
				t.Errorf("%q: after byte %d: %v, %v", in, i, ok, err)
			}
			if ok && (string(ev.Raw) != in || string(ev.Data) != "a") {
				t.Errorf("%q: %q with %q", in, ev.Raw, ev.Data)
			}
		}
	}
}

// TestReaderEventsStay: events that are queued must survive what comes later,
// and a writer that appends to one must not reach the next.
func TestReaderEventsStay(t *testing.T) {
	var r Reader
	var got []Event
	p := make([]byte, 0, 64)
	const n = 5000
	for i := range n {
		p = fmt.Appendf(p[:0], "event: e\ndata: %d\ndata: x\n\ndata: %d\n\n", i, i)
		r.Feed(p[:7])
		r.Feed(p[7:])
		clear(p)
		for {
			ev, ok, _ := r.Next()
			if !ok {
				break
			}
			_ = append(ev.Raw, "overwritten"...)
			_ = append(ev.Data, "overwritten"...)
			got = append(got, ev)
		}
	}
	if len(got) != 2*n {
		t.Fatalf("%d events", len(got))
	}
	for i := range n {
		if want := fmt.Sprintf("event: e\ndata: %d\ndata: x\n\n", i); string(got[2*i].Raw) != want {
			t.Fatalf("event %d is %q", 2*i, got[2*i].Raw)
		}
		if a, b := fmt.Sprintf("%d\nx", i), fmt.Sprint(i); string(got[2*i].Data) != a || string(got[2*i+1].Data) != b {
			t.Fatalf("events %d have %q, %q", 2*i, got[2*i].Data, got[2*i+1].Data)
		}
	}
}

func TestReaderMaxEvent(t *testing.T) {
	const good = "data: 1234\n\n" // 12 bytes
	for name, tt := range map[string]struct {
		in     string
		events int
		fails  bool
	}{
		"at the limit":           {good + good, 2, false},
		"over it":                {good + "data: 12345\n\n" + good, 1, true},
		"over it, not ended":     {good + "data: 1234567", 1, true},
		"comment over it":        {": 12345678901234567890\n\n", 0, true},
		"lines over it":          {good + strings.Repeat(":\n", 7), 1, true},
		"LF of the event before": {"data: 123\r\n\rdata: 123\r\n\r\ndata: 1234\r\n\r", 2, true},
		"rest at the limit":      {good + "data: 123456", 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, n := range []int{1, 5, len(tt.in)} {
				r := &Reader{MaxEvent: 12}
				events, rest, err := read(r, cut(tt.in, n)...)
				if len(events)+len(rest) != tt.events || errors.Is(err, ErrEventTooLarge) != tt.fails {
					t.Errorf("by %d: %d events, %d at the end, %v", n, len(events), len(rest), err)
				}
				if !tt.fails {
					continue
				}
				r.Feed([]byte(good))
				if _, ok, err := r.Next(); ok || !errors.Is(err, ErrEventTooLarge) {
					t.Errorf("by %d: the error went away", n)
				}
				if ev, ok := r.Close(); ok {
					t.Errorf("by %d: Close yields %q", n, ev.Raw)
				}
			}
		})
	}
	r := new(Reader)
	if _, _, err := read(r, cut("data: "+strings.Repeat("x", DefaultMaxEvent), 1<<16)...); !errors.Is(err, ErrEventTooLarge) {
		t.Errorf("default limit: %v", err)
	}
}

// TestCloseYieldsWhatWasNotTaken: nothing is lost when Next was not called.
func TestCloseYieldsWhatWasNotTaken(t *testing.T) {
	var r Reader
	r.Feed([]byte("data: a\n\ndata: b\n\ndata: c"))
	var got []string
	for {
		ev, ok := r.Close()
		if !ok {
			break
		}
		got = append(got, string(ev.Raw))
	}
	if diff := cmp.Diff([]string{"data: a\n\n", "data: b\n\n", "data: c"}, got); diff != "" {
		t.Error(diff)
	}
}

// dispatched is an event as a browser sees it.
type dispatched struct{ Name, Data, ID string }

var lineEnd = regexp.MustCompile("\r\n|\r|\n")

// oracle interprets a whole stream as the standard words it, step by step.
// The id is each event's own, as in Event.
func oracle(stream string) (out []dispatched) {
	stream = strings.TrimPrefix(stream, "\uFEFF")
	lines := lineEnd.Split(stream, -1)
	lines = lines[:len(lines)-1] // after the last line end there is no line
	var data, eventType, id string
	for _, line := range lines {
		switch {
		case line == "":
			if data != "" {
				out = append(out, dispatched{eventType, strings.TrimSuffix(data, "\n"), id})
			}
			data, eventType, id = "", "", ""
			continue
		case line[0] == ':':
			continue
		}
		field, value, colon := strings.Cut(line, ":")
		if colon {
			value = strings.TrimPrefix(value, " ")
		}
		switch field {
		case "event":
			eventType = value
		case "data":
			data += value + "\n"
		case "id":
			if !strings.Contains(value, "\x00") {
				id = value
			}
		}
	}
	return out
}

func seen(events []Event) (out []dispatched) {
	for _, ev := range events {
		if ev.HasData {
			out = append(out, dispatched{ev.Name, string(ev.Data), ev.ID})
		}
	}
	return out
}

func seeds() []string {
	return []string{
		"data: a\n\ndata: b\r\n\r\ndata: c\r\r", "\uFEFFevent: x\rdata: 1\r\ndata\nid: 3\n\n: c\n\nretry: 1\n\n", "id: \x00\ndata:  x\n\n\n\n",
		"data: {\"a\":1}\r\n\r\ndata: [DONE]\r\n\r\n", "\xEF\xBB", "\r\n\r\n\n\r", "data: a\rdata: b\n\n", "event\ndata\nid\n\ndata: x",
	}
}

// checkReader checks the three properties of a Reader for a stream and one way
// to cut it.
func checkReader(t *testing.T, stream string, size int) {
	t.Helper()
	events, rest, err := read(new(Reader), cut(stream, max(size, 1))...)
	if err != nil {
		t.Fatal(err)
	}
	var joined []byte
	for _, ev := range slices.Concat(events, rest) {
		joined = append(joined, ev.Raw...)
		if ev.HasData != (ev.Data != nil) {
			t.Fatalf("%q: HasData is %v", ev.Raw, ev.HasData)
		}
	}
	if string(joined) != stream {
		t.Fatalf("events join to %q, not to %q", joined, stream)
	}
	wholeEvents, wholeRest, err := read(new(Reader), stream)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(wholeEvents, events) || !reflect.DeepEqual(wholeRest, rest) {
		t.Fatalf("cut by %d the events differ (-whole +cut):\n%s", size, cmp.Diff([][]Event{wholeEvents, wholeRest}, [][]Event{events, rest}))
	}
	if want, got := oracle(stream), seen(events); !slices.Equal(want, got) {
		t.Fatalf("%q: (-oracle +events)\n%s", stream, cmp.Diff(want, got))
	}
	if want, got := oracle(stream+"\n\n"), seen(slices.Concat(events, rest)); !slices.Equal(want, got) {
		t.Fatalf("%q, ended: (-oracle +events)\n%s", stream, cmp.Diff(want, got))
	}
}

// TestAllShortStreams reads, and rewrites the events of, every stream of up to
// five pieces from an alphabet that has all that matters to line ends and fields.
func TestAllShortStreams(t *testing.T) {
	alphabet := []string{"\n", "\r", ":", "data:x"}
	var stream func(prefix string, depth int)
	stream = func(prefix string, depth int) {
		checkReader(t, prefix, 1)
		checkAppendData(t, prefix, "n\nm")
		if depth == 0 {
			return
		}
		for _, s := range alphabet {
			stream(prefix+s, depth-1)
		}
	}
	stream("", 5)
	stream("\uFEFF", 4)
}

func FuzzReader(f *testing.F) {
	for i, s := range seeds() {
		f.Add(s, i)
	}
	f.Fuzz(func(t *testing.T, stream string, size int) {
		checkReader(t, stream, size)
		checkReader(t, stream, 1)
	})
}
