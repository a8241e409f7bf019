package frame

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shown is a frame as tests compare it: its raw bytes, and its name and data
// where it has any.
type shown struct {
	Raw, Name, Data string
	HasData         bool
}

// cut reads a stream in pieces of n bytes.
func cut(t *testing.T, f Format, stream string, n int) []shown {
	t.Helper()
	rd := f.NewReader()
	var list []shown
	drain := func(next func() (Frame, bool, error)) {
		for {
			fr, ok, err := next()
			if err != nil {
				t.Fatalf("pieces of %d bytes: %v", n, err)
			}
			if !ok {
				return
			}
			list = append(list, shown{string(fr.Raw), fr.Name, string(fr.Data), fr.HasData})
		}
	}
	for at := 0; at < len(stream); at += n {
		rd.Feed([]byte(stream[at:min(at+n, len(stream))]))
		drain(rd.Next)
	}
	drain(rd.Close)
	return list
}

func TestLines(t *testing.T) {
	for _, tt := range []struct {
		name, stream string
		want         []shown
	}{
		{"nothing", "", nil},
		{"two lines", "{\"a\":1}\n{}\n", []shown{{Raw: "{\"a\":1}\n", Data: `{"a":1}`, HasData: true}, {Raw: "{}\n", Data: "{}", HasData: true}}},
		{"CRLF", "{}\r\n[]\r\n", []shown{{Raw: "{}\r\n", Data: "{}", HasData: true}, {Raw: "[]\r\n", Data: "[]", HasData: true}}},
		{"blank lines", "\n{}\n \t\r\n\r\n", []shown{{Raw: "\n"}, {Raw: "{}\n", Data: "{}", HasData: true}, {Raw: " \t\r\n"}, {Raw: "\r\n"}}},
		{"a last line without its end", "{}\n[]", []shown{{Raw: "{}\n", Data: "{}", HasData: true}, {Raw: "[]", Data: "[]", HasData: true}}},
		{"a last line that is blank", "{}\n  ", []shown{{Raw: "{}\n", Data: "{}", HasData: true}, {Raw: "  "}}},
		{"blanks around a document stay its data", " {} \n", []shown{{Raw: " {} \n", Data: " {} ", HasData: true}}},
		{"a lone CR ends nothing", "{\r}\n", []shown{{Raw: "{\r}\n", Data: "{\r}", HasData: true}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for n := 1; n <= len(tt.stream)+1; n++ {
				if diff := cmp.Diff(tt.want, cut(t, Lines, tt.stream, n)); diff != "" {
					t.Fatalf("pieces of %d bytes (-want +got)\n%s", n, diff)
				}
			}
		})
	}
}

// TestLinesAreNotOverwritten: frames that were given stay as they are.
func TestLinesAreNotOverwritten(t *testing.T) {
	rd := Lines.NewReader()
	rd.Feed([]byte("{\"a\":1}\n{\"b\""))
	first, ok, err := rd.Next()
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	rd.Feed([]byte(":2}\n{\"c\":3}\n"))
	for {
		if _, ok, err := rd.Next(); !ok || err != nil {
			break
		}
	}
	if string(first.Raw) != "{\"a\":1}\n" {
		t.Errorf("the first frame became %q", first.Raw)
	}
}

func TestLinesTooLarge(t *testing.T) {
	half := bytes.Repeat([]byte("a"), MaxFrame/2)
	for _, tt := range []struct {
		name string
		feed [][]byte
		err  error
	}{
		{"as long as it may be", [][]byte{half, half[1:], []byte("\n")}, nil},
		{"a byte more", [][]byte{half, half, []byte("\n")}, ErrTooLarge},
		{"without an end", [][]byte{half, half, []byte("a")}, ErrTooLarge},
	} {
		rd := Lines.NewReader()
		var err error
		for _, b := range tt.feed {
			rd.Feed(b)
			if _, _, err = rd.Next(); err != nil {
				break
			}
		}
		if !errors.Is(err, tt.err) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.err)
		}
	}
}

func TestLinesAppend(t *testing.T) {
	for _, tt := range []struct{ in, data, want string }{
		{"{}\n", `{"a":1}`, "{\"a\":1}\n"},
		{"{}\r\n", `[]`, "[]\r\n"},
		{"{}", `[]`, "[]"},
	} {
		rd := Lines.NewReader()
		rd.Feed([]byte(tt.in))
		f, ok, err := rd.Next()
		if !ok {
			f, ok, err = rd.Close()
		}
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
		if got := string(Lines.Append([]byte("x"), f, []byte(tt.data))); got != "x"+tt.want {
			t.Errorf("%q with %q: %q", tt.in, tt.data, got)
		}
		if Lines.Stray(f) || Lines.Asides(f) != nil || string(Lines.Without(f).Raw) != tt.in {
			t.Errorf("%q has something beside its data", tt.in)
		}
	}
	if got := string(Lines.AppendNew([]byte("x"), "name", []byte("{}"))); got != "x{}\n" {
		t.Errorf("a new frame: %q", got)
	}
}

// FuzzLines: the frames' bytes are the stream, however it is cut, and each has
// one line.
func FuzzLines(f *testing.F) {
	f.Add("{}\n\r\n[1]\r\n ", 3)
	f.Add("a\rb\n\n", 1)
	f.Fuzz(func(t *testing.T, stream string, n int) {
		if n < 1 || len(stream) > 1<<12 {
			return
		}
		want := cut(t, Lines, stream, len(stream)+1)
		got := cut(t, Lines, stream, n)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q in pieces of %d bytes (-want +got)\n%s", stream, n, diff)
		}
		var all strings.Builder
		for _, fr := range got {
			all.WriteString(fr.Raw)
			if strings.Contains(fr.Data, "\n") || !strings.HasPrefix(fr.Raw, fr.Data) || fr.HasData != (strings.TrimSpace(fr.Data) != "") {
				t.Fatalf("%q gave %+v", stream, fr)
			}
		}
		if all.String() != stream {
			t.Fatalf("%q became %q", stream, all.String())
		}
	})
}
