package form_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"strings"
	"testing"

	"github.com/headgate/headgate/wire/internal/form"
)

const contentType = "multipart/form-data; boundary=b0"

func crlf(s string) []byte { return []byte(strings.ReplaceAll(s, "\n", "\r\n")) }

func TestReadsWhatGoWrites(t *testing.T) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	fields := [][2]string{{"prompt", "a \u00e9 text\r\nof lines"}, {"model", "m"}, {"empty", ""}, {"image[]", "--"}}
	for _, f := range fields {
		if err := w.WriteField(f[0], f[1]); err != nil {
			t.Fatal(err)
		}
	}
	part, err := w.CreateFormFile("file", "a b.wav")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(part, "RIFF\x00\r\n-- \r\n"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := form.Read(w.FormDataContentType(), b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Parts) != 5 {
		t.Fatalf("%d parts", len(f.Parts))
	}
	for i, want := range fields {
		p := f.Parts[i]
		if got := string(b.Bytes()[p.Start:p.End]); p.Name != want[0] || got != want[1] || p.File {
			t.Errorf("part %d: %+v %q", i, p, got)
		}
	}
	p := f.Parts[4]
	if got := string(b.Bytes()[p.Start:p.End]); !p.File || got != "RIFF\x00\r\n-- \r\n" || string(b.Bytes()[p.NameStart:p.NameEnd]) != "a b.wav" || p.Media != "application/octet-stream" {
		t.Errorf("%+v %q", p, got)
	}
	longer := append(append(append([]byte(nil), b.Bytes()[:f.Last]...), f.Insert("added", "x")...), b.Bytes()[f.Last:]...)
	again, err := form.Read(w.FormDataContentType(), longer)
	if err != nil || len(again.Parts) != 6 || again.Parts[5].Name != "added" {
		t.Errorf("%v", err)
	}
}

func TestRefuses(t *testing.T) {
	const head = "--b0\nContent-Disposition: form-data; name=\"a\"\n\n"
	for name, c := range map[string]struct{ contentType, body string }{
		"no boundary":            {"multipart/form-data", head + "x\n--b0--\n"},
		"another type":           {"multipart/mixed; boundary=b0", head + "x\n--b0--\n"},
		"a blank in it":          {"multipart/form-data; boundary=\"b0 \"", head + "x\n--b0 --\n"},
		"a preamble":             {contentType, "hello\n" + head + "x\n--b0--\n"},
		"an epilogue":            {contentType, head + "x\n--b0--\nmore"},
		"not closed":             {contentType, head + "x"},
		"a longer boundary":      {contentType, head + "x\n--b0y\n--b0--\n"},
		"blanks after it":        {contentType, head + "x\n--b0 \n" + head[5:] + "y\n--b0--\n"},
		"no name":                {contentType, "--b0\nContent-Disposition: form-data\n\nx\n--b0--\n"},
		"no header":              {contentType, "--b0\n\nx\n--b0--\n"},
		"two names":              {contentType, "--b0\nContent-Disposition: form-data; name=\"a\"; name=\"b\"\n\nx\n--b0--\n"},
		"a name without quotes":  {contentType, "--b0\nContent-Disposition: form-data; name=a\n\nx\n--b0--\n"},
		"an escaped name":        {contentType, "--b0\nContent-Disposition: form-data; name=\"a\\\"\"\n\nx\n--b0--\n"},
		"an extended file name":  {contentType, "--b0\nContent-Disposition: form-data; name=\"a\"; filename*=UTF-8''x\n\nx\n--b0--\n"},
		"two dispositions":       {contentType, "--b0\nContent-Disposition: form-data; name=\"a\"\nContent-Disposition: form-data; name=\"b\"\n\nx\n--b0--\n"},
		"a transfer encoding":    {contentType, "--b0\nContent-Disposition: form-data; name=\"a\"\nContent-Transfer-Encoding: base64\n\nx\n--b0--\n"},
		"a folded header":        {contentType, "--b0\nContent-Disposition: form-data;\n name=\"a\"\n\nx\n--b0--\n"},
		"a wrong length":         {contentType, "--b0\nContent-Disposition: form-data; name=\"a\"\nContent-Length: 3\n\nx\n--b0--\n"},
		"a form in a form":       {contentType, "--b0\nContent-Disposition: form-data; name=\"a\"; filename=\"f\"\nContent-Type: multipart/mixed; boundary=b1\n\nx\n--b0--\n"},
		"an attachment":          {contentType, "--b0\nContent-Disposition: attachment; name=\"a\"\n\nx\n--b0--\n"},
		"another charset's name": {contentType, "--b0\nContent-Disposition: form-data; name=\"a\"; filename=\"\xe9\"\n\nx\n--b0--\n"},
	} {
		if _, err := form.Read(c.contentType, crlf(c.body)); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	for _, end := range []string{"\n", "\r"} { // there are servers to which either ends a line
		second := "x" + end + "--b0" + end + strings.ReplaceAll(head[5:], "\n", end) + "y"
		if _, err := form.Read(contentType, append(crlf(head), second+"\r\n--b0--\r\n"...)); err == nil {
			t.Errorf("a boundary behind %q was accepted", end)
		}
	}
	if _, err := form.Read(contentType, []byte(head+"x\n--b0--\n")); err == nil {
		t.Error("line feeds alone were accepted")
	}
	if _, err := form.Read(contentType, crlf(head+"x\n--b0--\n")); err != nil {
		t.Errorf("a plain form: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(contentType, crlf("--b0\nContent-Disposition: form-data; name=\"a\"; filename=\"f\"\nContent-Type: text/plain\n\nx\n--b0--\n"))
	f.Add(contentType, crlf("--b0\nContent-Disposition: form-data; name=\"a\"\n\n\n--b0--"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		got, err := form.Read(contentType, body)
		if err != nil {
			return
		}
		rd := multipart.NewReader(bytes.NewReader(body), got.Boundary)
		for _, p := range got.Parts {
			other, err := rd.NextRawPart()
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(other)
			if err != nil || other.FormName() != p.Name || !bytes.Equal(content, body[p.Start:p.End]) || p.File != (other.FileName() != "" || p.NameStart == p.NameEnd && p.File) {
				t.Fatalf("%+v is %q", p, content)
			}
		}
	})
}
