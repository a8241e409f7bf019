package frame

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// piece is a frame as these tests compare it.
type piece struct{ Raw, Data string }

// readArray reads a stream that comes in parts: its frames, and the error that
// ends them.
func readArray(t *testing.T, parts ...[]byte) ([]piece, error) {
	t.Helper()
	rd := Array.NewReader()
	var list []piece
	take := func(next func() (Frame, bool, error)) error {
		for {
			f, ok, err := next()
			if err != nil || !ok {
				return err
			}
			if f.HasData != (f.Data != nil) || f.HasData && !bytes.Equal(f.Raw[f.Lead:], f.Data) || f.Name != "" {
				t.Fatalf("frame %q with data %q after %d bytes", f.Raw, f.Data, f.Lead)
			}
			list = append(list, piece{string(f.Raw), string(f.Data)})
		}
	}
	for _, p := range parts {
		rd.Feed(p)
		if err := take(rd.Next); err != nil {
			return list, err
		}
	}
	return list, take(rd.Close)
}

// arrays are streams and their frames.
var arrays = []struct {
	stream string
	frames []piece
}{
	{`[]`, []piece{{`[]`, `]`}}},
	{" [ \r\n] \n", []piece{{" [ \r\n]", `]`}, {" \n", ""}}},
	{`[{}]`, []piece{{`[{}`, `{}`}, {`]`, `]`}}},
	{`[{"a":1},{}]`, []piece{{`[{"a":1}`, `{"a":1}`}, {`,{}`, `{}`}, {`]`, `]`}}},
	{"[{}\n,\r\n{}\n]\n", []piece{{`[{}`, `{}`}, {"\n,\r\n{}", `{}`}, {"\n]", `]`}, {"\n", ""}}},
	{`[{"a":[{"b":[]},[{}]],"c":{"d":{}}}]`, []piece{{`[{"a":[{"b":[]},[{}]],"c":{"d":{}}}`, `{"a":[{"b":[]},[{}]],"c":{"d":{}}}`}, {`]`, `]`}}},
	{`[{"a":"]}{[,"},{"b":"\"]}\\"},{"\"}":"\\\""}]`, []piece{
		{`[{"a":"]}{[,"}`, `{"a":"]}{[,"}`}, {`,{"b":"\"]}\\"}`, `{"b":"\"]}\\"}`}, {`,{"\"}":"\\\""}`, `{"\"}":"\\\""}`}, {`]`, `]`},
	}},
	{`[{"a":"\u005d\u007d\ud83d\ude00é"}]`, []piece{{`[{"a":"\u005d\u007d\ud83d\ude00é"}`, `{"a":"\u005d\u007d\ud83d\ude00é"}`}, {`]`, `]`}}},
}

func TestArrayAtEveryCut(t *testing.T) {
	for _, tt := range arrays {
		stream, want := tt.stream, tt.frames
		b := []byte(stream)
		for i := range len(b) + 1 {
			for j := i; j <= len(b); j++ {
				got, err := readArray(t, b[:i], b[i:j], b[j:])
				if err != nil {
					t.Fatalf("%q cut at %d and %d: %v", stream, i, j, err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("%q cut at %d and %d (-want +got):\n%s", stream, i, j, diff)
				}
			}
		}
	}
}

// TestArrayThatBreaksOff: whatever is missing, the end is an error, and the
// frames before it are those of the whole stream.
func TestArrayThatBreaksOff(t *testing.T) {
	for _, tt := range arrays {
		stream, want := tt.stream, tt.frames
		closing := strings.LastIndex(stream, "]")
		for cut := range closing + 1 {
			got, err := readArray(t, []byte(stream[:cut]))
			if !errors.Is(err, errArray) {
				t.Errorf("%q cut at %d: %v", stream, cut, err)
			}
			if len(got) >= len(want) || !slices.Equal(want[:len(got)], got) {
				t.Errorf("%q cut at %d: %q", stream, cut, got)
			}
		}
	}
}

func TestArrayThatIsNone(t *testing.T) {
	for stream, frames := range map[string]int{ // that come before the error
		"":             0,
		" ":            0,
		`{}`:           0,
		`]`:            0,
		`[,{}]`:        0,
		`[{},]`:        1,
		`[{}{}]`:       1,
		`[{},,{}]`:     1,
		`["a"]`:        0,
		`[1]`:          0,
		`[[{}]]`:       0,
		`[null]`:       0,
		`[}`:           0,
		`[{}]]`:        2,
		`[{}],`:        2,
		`[{}][`:        2,
		`[{}]{}`:       2,
		`[]x`:          1,
		"\ufeff[]":     0,
		`data: {}`:     0,
		"[{}]\n[{}]\n": 2,
		"[{}\x00]":     1,
		`[{"a":"]}`:    0,
		`[{"a":"\"}]`:  0,
		`[{"a":{}]`:    1, // what is in it is for its reader to find out
	} {
		got, err := readArray(t, []byte(stream))
		if !errors.Is(err, errArray) || len(got) != frames {
			t.Errorf("%q: %q, %v", stream, got, err)
		}
	}
}

// TestArrayErrorsAreForGood: nothing is read after an error.
func TestArrayErrorsAreForGood(t *testing.T) {
	rd := Array.NewReader()
	rd.Feed([]byte(`[1`))
	for range 2 {
		if _, ok, err := rd.Next(); ok || !errors.Is(err, errArray) {
			t.Fatalf("%v, %v", ok, err)
		}
		rd.Feed([]byte(`,{}]`))
	}
	if _, ok, err := rd.Close(); ok || !errors.Is(err, errArray) {
		t.Errorf("%v, %v", ok, err)
	}
}

func TestArrayTooLarge(t *testing.T) {
	rd := Array.NewReader()
	rd.Feed([]byte(`[{"a":"`))
	part := bytes.Repeat([]byte("x"), 1<<20)
	for range MaxFrame >> 20 {
		if _, ok, err := rd.Next(); ok || err != nil {
			t.Fatalf("%v, %v", ok, err)
		}
		rd.Feed(part)
	}
	if _, ok, err := rd.Next(); ok || !errors.Is(err, ErrTooLarge) {
		t.Errorf("%v, %v", ok, err)
	}
}

// TestArrayFramesLast: a frame stays as it was when more is read.
func TestArrayFramesLast(t *testing.T) {
	rd := Array.NewReader()
	rd.Feed([]byte(`[{"a":1}`))
	f, ok, err := rd.Next()
	if err != nil || !ok {
		t.Fatalf("%v, %v", ok, err)
	}
	rd.Feed([]byte(`,{"b":2},{"c":3}]`))
	for ok {
		_, ok, _ = rd.Next()
	}
	if string(f.Raw) != `[{"a":1}` || string(f.Data) != `{"a":1}` {
		t.Errorf("%q, %q", f.Raw, f.Data)
	}
}

// TestArrayEdited: frames with other data, and new ones, are an array still.
func TestArrayEdited(t *testing.T) {
	const stream = "[ {\"a\":1}\n, {\"b\":2}\n]\n"
	rd := Array.NewReader()
	rd.Feed([]byte(stream))
	var out []byte
	for _, next := range []func() (Frame, bool, error){rd.Next, rd.Close} {
		for {
			f, ok, err := next()
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			if Array.Stray(f) || Array.Asides(f) != nil || !bytes.Equal(Array.Without(f).Raw, f.Raw) {
				t.Errorf("%q has something beside its data", f.Raw)
			}
			switch string(f.Data) {
			case `{"b":2}`:
				out = Array.Append(out, f, []byte(`{"x":0}`))
				out = Array.AppendNew(out, "name", []byte(`{"y":0}`))
			default:
				out = append(out, f.Raw...)
			}
		}
	}
	const want = "[ {\"a\":1}\n, {\"x\":0},{\"y\":0}\n]\n"
	if string(out) != want || !json.Valid(out) {
		t.Errorf("%q", out)
	}
}

// FuzzArray: the frames are the stream, and cuts do not matter.
func FuzzArray(f *testing.F) {
	for _, tt := range arrays {
		f.Add([]byte(tt.stream), 3, 7)
	}
	f.Add([]byte(`[{"a":"\"}]`), 5, 8)
	f.Fuzz(func(t *testing.T, stream []byte, i, j int) {
		want, wantErr := readArray(t, stream)
		if i < 0 || j < i || j > len(stream) {
			return
		}
		got, err := readArray(t, stream[:i], stream[i:j], stream[j:])
		if !errors.Is(err, wantErr) {
			t.Fatalf("%q cut at %d and %d: %v, not %v", stream, i, j, err, wantErr)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q cut at %d and %d (-want +got):\n%s", stream, i, j, diff)
		}
		var joined string
		for _, p := range got {
			joined += p.Raw
		}
		if !strings.HasPrefix(string(stream), joined) || err == nil && joined != string(stream) {
			t.Fatalf("%q: the frames are %q", stream, joined)
		}
		if json.Valid(stream) && len(stream) > 0 && err != nil {
			var objects []map[string]any
			if json.Unmarshal(stream, &objects) == nil && objects != nil && !slices.ContainsFunc(objects, func(o map[string]any) bool { return o == nil }) {
				t.Fatalf("%q is an array of objects and refused: %v", stream, err)
			}
		}
	})
}
