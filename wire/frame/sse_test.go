package frame

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSSE(t *testing.T) {
	for _, tt := range []struct {
		name, stream string
		want         []shown
	}{
		{"nothing", "", nil},
		{"an event", "event: a\ndata: {}\n\n", []shown{{Raw: "event: a\ndata: {}\n\n", Name: "a", Data: "{}", HasData: true}}},
		{"a comment alone", ": ping\n\ndata: 1\n\n", []shown{{Raw: ": ping\n\n"}, {Raw: "data: 1\n\n", Data: "1", HasData: true}}},
		{"two lines of data", "data: 1\ndata: 2\n\n", []shown{{Raw: "data: 1\ndata: 2\n\n", Data: "1\n2", HasData: true}}},
		{"empty data", "data:\n\n", []shown{{Raw: "data:\n\n", HasData: true}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for n := 1; n <= len(tt.stream)+1; n++ {
				if diff := cmp.Diff(tt.want, cut(t, SSE, tt.stream, n)); diff != "" {
					t.Fatalf("pieces of %d bytes (-want +got)\n%s", n, diff)
				}
			}
		})
	}
}

// TestSSECutAnywhere: whatever line ends a stream has, its frames say the same
// however it is cut, and their bytes are the stream.
func TestSSECutAnywhere(t *testing.T) {
	for _, end := range []string{"\n", "\r\n", "\r"} {
		stream := "\ufeffevent: a" + end + "data: {\"x\":" + end + "data: 1}" + end + end + ": ping" + end + end + "id: 7" + end + "data: 2" + end + end + "data: 3"
		want := [][2]string{{"a", "{\"x\":\n1}"}, {"", ""}, {"", "2"}, {"", "3"}}
		for n := 1; n <= len(stream); n++ {
			var got [][2]string
			var all string
			for _, fr := range cut(t, SSE, stream, n) {
				all += fr.Raw
				got = append(got, [2]string{fr.Name, fr.Data})
			}
			if diff := cmp.Diff(want, got); diff != "" || all != stream {
				t.Fatalf("%q in pieces of %d bytes: %q (-want +got)\n%s", end, n, all, diff)
			}
		}
	}
}

// one is the only frame of a stream.
func one(t *testing.T, f Format, stream string) Frame {
	t.Helper()
	rd := f.NewReader()
	rd.Feed([]byte(stream))
	fr, ok, err := rd.Next()
	if !ok {
		fr, ok, err = rd.Close()
	}
	if !ok || err != nil {
		t.Fatalf("%q: %t, %v", stream, ok, err)
	}
	return fr
}

func TestSSEAppend(t *testing.T) {
	for _, tt := range []struct{ in, data, want string }{
		{"event: a\ndata: 1\nid: 7\n\n", "2", "event: a\ndata: 2\nid: 7\n\n"},
		{"\ufeffdata: 1\r\n\r\n", "2", "\ufeffdata: 2\r\n\r"},
		{"data: 1\ndata: 2\n\n", "3\n4", "data: 3\ndata: 4\n\n"},
	} {
		if got := string(SSE.Append([]byte("x"), one(t, SSE, tt.in), []byte(tt.data))); got != "x"+tt.want {
			t.Errorf("%q with %q: %q", tt.in, tt.data, got)
		}
	}
	for _, tt := range []struct{ name, data, want string }{
		{"a", "1", "event: a\ndata: 1\n\n"},
		{"", "1\n2", "data: 1\ndata: 2\n\n"},
		{"a\ndata: x", "1", "event: a\ndata: 1\n\n"},
	} {
		if got := string(SSE.AppendNew([]byte("x"), tt.name, []byte(tt.data))); got != "x"+tt.want {
			t.Errorf("a new %q: %q", tt.name, got)
		}
	}
}

func TestSSEBesideTheData(t *testing.T) {
	for _, tt := range []struct {
		in, asides, without string
		stray               bool
	}{
		{"data: 1\n\n", "", "data: 1\n\n", false},
		{": c\nevent: a\ndata: 1\nid: 7\nretry: 5\n\n", ": c\nevent: a\nid: 7\nretry: 5\n", "data: 1\n\n", false},
		{"\ufeffevent: a\r\ndata: 1\r\n\r\n", "event: a\r\n", "\ufeffdata: 1\r\n\r", false},
		{": ping\n\n", ": ping\n\n", "\n", false},
		{"{\"a\":1}\ndata: 1\n\n", "{\"a\":1}\n", "data: 1\n\n", true},
		{" data: 2\ndata: 1\n\n", " data: 2\n", "data: 1\n\n", true},
		{"Data: 2\ndata: 1\n\n", "Data: 2\n", "data: 1\n\n", true},
		{"event: a\rdata: 1\r\r", "event: a\r", "data: 1\r\r", false},
	} {
		f := one(t, SSE, tt.in)
		if got := SSE.Stray(f); got != tt.stray {
			t.Errorf("%q stray: %t", tt.in, got)
		}
		if got := string(SSE.Asides(f)); got != tt.asides {
			t.Errorf("%q asides: %q", tt.in, got)
		}
		without := SSE.Without(f)
		if string(without.Raw) != tt.without || !bytes.Equal(without.Data, f.Data) || string(f.Raw) == tt.without && tt.asides != "" {
			t.Errorf("%q without them: %q", tt.in, without.Raw)
		}
	}
}
