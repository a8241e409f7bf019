package sse

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestAppendData(t *testing.T) {
	tests := []struct{ name, in, data, want string }{
		{"LF", "data: a\n\n", "b", "data: b\n\n"},
		{"CR", "data: a\r\r", "b", "data: b\r\r"},
		{"CRLF", "data: a\r\n\r", "b", "data: b\r\n\r"},
		{"other lines stay", "event:x\n: c\ndata:a\nid : 1\nretry: 5\n\n", "b", "event:x\n: c\ndata: b\nid : 1\nretry: 5\n\n"},
		{"one line becomes two", "event: x\r\ndata: a\r\n\r", "b\nc", "event: x\r\ndata: b\r\ndata: c\r\n\r"},
		{"two lines become one", "data: a\nevent: x\ndata: b\n\n", "c", "data: c\nevent: x\n\n"},
		{"empty data", "data: a\n\n", "", "data: \n\n"},
		{"line end at the end", "data: a\n\n", "b\n", "data: b\ndata: \n\n"},
		{"CR in the data", "data: a\n\n", "b\rdata: c\r\nevent: d\n\ne", "data: b\ndata: data: c\ndata: event: d\ndata: \ndata: e\n\n"},
		{"no data field", "event: ping\n\n", "b", "event: ping\ndata: b\n\n"},
		{"comment only", ": c\r\n\r", "b", ": c\r\ndata: b\r\n\r"},
		{"blank line only", "\n", "b", "data: b\n\n"},
		{"leading space is kept", "data: a\n\n", " b", "data:  b\n\n"},
		{"field without a colon", "data\n\n", "b", "data: b\n\n"},
		{"byte order mark", "\uFEFFdata: a\n\n", "b", "\uFEFFdata: b\n\n"},
		{"no last blank line", "event: x\ndata: a\n", "b", "event: x\ndata: b\n\n"},
		{"no last line end", "event: x\r\ndata: a", "b", "event: x\r\ndata: b\r\n\r\n"},
		{"CRLF, no last blank line", "x\r\n", "b", "x\r\ndata: b\r\n\r\n"},
		{"no line end at all", "data: a", "b\nc", "data: b\ndata: c\n\n"},
		{"open line that is no data", "data: a\nid: 1", "b", "data: b\nid: 1\n\n"},
		{"open second data line", "data: a\ndata: b", "c", "data: c\n\n"},
		{"partial field", "dat", "b", "dat\ndata: b\n\n"},
		// A CR line end must not merge with the LF of the blank line.
		{"CR data line before an LF blank line", "data: a\rdata: b\n\n", "c", "data: c\r\n\n"},
		{"CR line before a data line that goes", "data: a\nid: 1\rdata: b\n\n", "c", "data: c\nid: 1\r\n\n"},
		{"CR lines, data is added, LF blank line", ": x\r:y\n\n", "c", ": x\r:y\ndata: c\r\n\n"},
		{"CR at the end of the stream", "id: 1\ndata: a\r", "b", "id: 1\ndata: b\r\n\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			events, rest, err := read(new(Reader), tt.in)
			all := slices.Concat(events, rest)
			if err != nil || len(all) != 1 {
				t.Fatalf("%d events, %v", len(all), err)
			}
			if got := string(AppendData([]byte("x"), all[0], []byte(tt.data))); got != "x"+tt.want {
				t.Errorf("%q, want %q", got, "x"+tt.want)
			}
		})
	}
}

// TestAppendDataKeepsTheStream rewrites the events of a CRLF stream: the LF that
// each Raw begins with stays where it is.
func TestAppendDataKeepsTheStream(t *testing.T) {
	const in = "\uFEFFdata: 1\r\n\r\nevent: x\r\ndata: 2\r\n\r\ndata: 3\r\n\r\n"
	events, rest, err := read(new(Reader), in)
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	for _, ev := range events {
		out = AppendData(out, ev, append([]byte("n"), ev.Data...))
	}
	for _, ev := range rest {
		out = append(out, ev.Raw...)
	}
	if want := strings.ReplaceAll(in, "data: ", "data: n"); string(out) != want {
		t.Errorf("%q, want %q", out, want)
	}
}

func TestAppendEvent(t *testing.T) {
	for _, tt := range []struct{ name, data, want string }{
		{"", "[DONE]", "data: [DONE]\n\n"},
		{"error", `{"a":1}`, "event: error\ndata: {\"a\":1}\n\n"},
		{"", "", "data: \n\n"},
		{"", "a\nb\r\nc\rd", "data: a\ndata: b\ndata: c\ndata: d\n\n"},
		{"x\ndata: y", "z", "event: x\ndata: z\n\n"},
		{"\r", "z", "data: z\n\n"},
	} {
		if got := string(AppendEvent([]byte("pre"), tt.name, []byte(tt.data))); got != "pre"+tt.want {
			t.Errorf("%q %q: %q, want %q", tt.name, tt.data, got, "pre"+tt.want)
		}
	}
}

// checkAppendData rewrites every event of a stream and reads the result again.
func checkAppendData(t *testing.T, stream, data string) {
	t.Helper()
	events, rest, err := read(new(Reader), stream)
	if err != nil {
		t.Fatal(err)
	}
	want := lineEnd.ReplaceAllString(data, "\n")
	for _, ev := range slices.Concat(events, rest) {
		out := AppendData(nil, ev, []byte(data))
		// In its place: at the start of the stream, or after an event that ended with CR.
		before := ""
		if ev.Lead != len(byteOrderMark) {
			before = "data: before\r\r"
		}
		again, left, err := read(new(Reader), before+string(out))
		if err != nil {
			t.Fatal(err)
		}
		if before != "" {
			again = again[1:]
		}
		// Where the stream ended without a blank line and the lines end with CRLF,
		// the event is complete at the new CR, and its LF is left.
		if len(left) == 1 && len(rest) == 1 && left[0].Lead == 1 && string(left[0].Raw) == "\n" {
			left, out = nil, out[:len(out)-1]
		}
		if len(again) != 1 || len(left) != 0 {
			t.Fatalf("%q becomes %q: %d events, %d left", ev.Raw, out, len(again), len(left))
		}
		got := again[0]
		if !got.HasData || string(got.Data) != want || got.Name != ev.Name || got.ID != ev.ID || got.Lead != ev.Lead {
			t.Fatalf("%q with data %q becomes %q, which reads %+v", ev.Raw, data, out, got)
		}
		if a, b := otherLines(ev), otherLines(got); !slices.Equal(a, b) {
			t.Fatalf("%q with data %q becomes %q: other lines are %q", ev.Raw, data, out, b)
		}
		if twice := AppendData(nil, got, []byte(data)); !bytes.Equal(twice, out) {
			t.Fatalf("%q becomes %q, and then %q", ev.Raw, out, twice)
		}
	}
}

// otherLines returns the lines of an event that are not data, without their ends.
func otherLines(ev Event) (lines []string) {
	for _, line := range lineEnd.Split(string(ev.Raw[ev.Lead:]), -1) {
		if line != "" && line != "data" && !strings.HasPrefix(line, "data:") {
			lines = append(lines, line)
		}
	}
	return lines
}

func FuzzAppendData(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s, "a\nb")
		f.Add(s, "\r")
	}
	f.Fuzz(checkAppendData)
}

// FuzzAppendEvent reads back a new event.
func FuzzAppendEvent(f *testing.F) {
	f.Add("error", "{}")
	f.Add("x\r\ny", "a\r\n\r\nb")
	f.Fuzz(func(t *testing.T, name, data string) {
		events, rest, err := read(new(Reader), string(AppendEvent(nil, name, []byte(data))))
		if err != nil || len(events) != 1 || len(rest) != 0 {
			t.Fatalf("%d events, %d left, %v", len(events), len(rest), err)
		}
		want := lineEnd.Split(name, 2)[0]
		if events[0].Name != want || string(events[0].Data) != lineEnd.ReplaceAllString(data, "\n") {
			t.Fatalf("reads %+v", events[0])
		}
	})
}
