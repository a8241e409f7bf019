package coding_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"runtime"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/headgate/headgate/wire/coding"
)

// encode puts a coding on a body.
func encode(t testing.TB, name string, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch name {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "deflate":
		w = zlib.NewWriter(&b)
	case "br":
		w = brotli.NewWriter(&b)
	case "zstd":
		z, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		w = z
	}
	if _, err := w.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var names = []string{"gzip", "deflate", "br", "zstd"}

func TestOf(t *testing.T) {
	for _, c := range []struct {
		values []string
		want   string
		err    error
	}{
		{nil, "", nil},
		{[]string{""}, "", nil},
		{[]string{"identity"}, "", nil},
		{[]string{"gzip"}, "gzip", nil},
		{[]string{"X-GZIP"}, "gzip", nil},
		{[]string{" br "}, "br", nil},
		{[]string{"identity, zstd"}, "zstd", nil},
		{[]string{"deflate"}, "deflate", nil},
		{[]string{"gzip, gzip"}, "", coding.ErrUnknown},
		{[]string{"gzip", "br"}, "", coding.ErrUnknown},
		{[]string{"compress"}, "", coding.ErrUnknown},
		{[]string{"gzip;q=1"}, "", coding.ErrUnknown},
		{[]string{"chunked"}, "", coding.ErrUnknown},
	} {
		got, err := coding.Of(c.values)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%q: %q, %v", c.values, got, err)
		}
	}
}

func TestDecode(t *testing.T) {
	body := bytes.Repeat([]byte(`{"a": "some text"} `), 1000)
	size := int64(len(body))
	for _, name := range names {
		raw := encode(t, name, body)
		for what, c := range map[string]struct {
			raw   []byte
			limit int64
			err   error
		}{
			"whole":               {raw, size, nil},
			"one byte too long":   {raw, size - 1, coding.ErrTooLarge},
			"cut short":           {raw[:len(raw)-3], size, coding.ErrBroken},
			"nothing":             {nil, size, coding.ErrBroken},
			"as it is":            {body, size, coding.ErrBroken},
			"something behind it": {append(bytes.Clone(raw), "{}"...), size, coding.ErrBroken},
		} {
			got, err := coding.Decode(name, c.raw, c.limit)
			if !errors.Is(err, c.err) {
				t.Errorf("%s, %s: %v, want %v", name, what, err, c.err)
			}
			if c.err == nil && !bytes.Equal(got, body) {
				t.Errorf("%s, %s: another body", name, what)
			}
		}
	}
	two := append(encode(t, "gzip", []byte("{}")), encode(t, "gzip", []byte("{}"))...)
	if _, err := coding.Decode("gzip", two, 100); !errors.Is(err, coding.ErrBroken) {
		t.Errorf("two members: %v", err)
	}
}

// A small body that becomes a large one costs memory in proportion to the limit,
// whatever it would become.
func TestBombs(t *testing.T) {
	const limit = 4 << 20
	bomb := make([]byte, 48<<20)
	for _, name := range names {
		raw := encode(t, name, bomb)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := coding.Decode(name, raw, limit)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, coding.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
		// What io.ReadAll grows through adds up to a few times the limit.
		if used := after.TotalAlloc - before.TotalAlloc; used > 10*limit {
			t.Errorf("%s: %d MB of %d bytes", name, used>>20, len(raw))
		}
	}
}

// Whatever the bytes are, what is decoded is within the limit and is what was
// encoded.
func FuzzDecode(f *testing.F) {
	for _, name := range names {
		f.Add(name, encode(f, name, []byte("{}")), true)
		f.Add(name, []byte("some text"), false)
	}
	f.Fuzz(func(t *testing.T, name string, body []byte, encoded bool) {
		const limit = 1 << 16
		known := false
		for _, n := range names {
			known = known || n == name
		}
		if !known {
			if _, err := coding.Decode(name, body, limit); !errors.Is(err, coding.ErrUnknown) {
				t.Errorf("%q: %v", name, err)
			}
			return
		}
		if encoded {
			if out, err := coding.Decode(name, body, limit); err == nil && len(out) > limit {
				t.Errorf("%d bytes", len(out))
			}
			return
		}
		if len(body) > limit {
			return
		}
		out, err := coding.Decode(name, encode(t, name, body), limit)
		if err != nil || !bytes.Equal(out, body) {
			t.Errorf("%q: %v", name, err)
		}
	})
}
