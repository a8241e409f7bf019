// Package form reads multipart/form-data (RFC 7578) strictly, and says where in
// the body each part stands.
//
// Package mime/multipart reads the same bytes beside it: where the two differ,
// the body is refused.
package form

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/headgate/headgate/wire"
)

// MaxParts bounds the parts of a form.
const MaxParts = 1024

// maxHeader bounds the header of one part, in bytes.
const maxHeader = 4096

// Part is one part of a form.
type Part struct {
	// Name is the field's name.
	Name string
	// File tells whether the part has a file's name.
	File bool
	// Media is the part's media type, "" where it names none.
	Media string
	// Start and End bound the content in the body.
	Start, End int
	// NameStart and NameEnd bound the file's name.
	NameStart, NameEnd int
}

// Form is a form as it stands in a body.
type Form struct {
	Parts []Part
	// Last is where the delimiter that closes the form begins.
	Last int
	// Boundary is what stands between parts, without its hyphens.
	Boundary string
}

func wrong(reason string) error { return &wire.Error{Reason: reason} }

// Read reads a body by its Content-Type. Errors are *wire.Error.
func Read(contentType string, body []byte) (*Form, error) {
	media, params, err := mime.ParseMediaType(contentType)
	f := &Form{Boundary: params["boundary"]}
	if err != nil || media != "multipart/form-data" || !plainBoundary(f.Boundary) {
		return nil, wrong("the form has no boundary that everybody reads alike")
	}
	if err := f.split(body); err != nil {
		return nil, err
	}
	if err := f.compare(body); err != nil {
		return nil, err
	}
	return f, nil
}

// plainBoundary tells whether a boundary is made of characters that need no
// quotes and end in none that are trimmed.
func plainBoundary(s string) bool {
	if s == "" || len(s) > 70 {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("'()+_,-./:=?", c) >= 0:
		default:
			return false
		}
	}
	return true
}

// split finds the parts. The form begins with its first delimiter and ends with
// the closing one and at most one line break.
func (f *Form) split(body []byte) error {
	delimiter := []byte("\r\n--" + f.Boundary)
	at := len(delimiter) - 2
	if !bytes.HasPrefix(body, delimiter[2:]) {
		return wrong("the form does not begin with its boundary")
	}
	for {
		rest := body[at:]
		if bytes.HasPrefix(rest, []byte("--")) {
			if tail := string(rest[2:]); tail != "" && tail != "\r\n" {
				return wrong("something follows the form")
			}
			return nil
		}
		if !bytes.HasPrefix(rest, []byte("\r\n")) {
			return wrong("a line that begins like the form's boundary")
		}
		if len(f.Parts) == MaxParts {
			return wrong("too many parts")
		}
		part, err := readHeader(body, at+2)
		if err != nil {
			return err
		}
		// A part without content may end in the line break that ends its header.
		i := bytes.Index(body[part.Start:], delimiter)
		if i < 0 {
			return wrong("the form is not closed")
		}
		part.End = part.Start + i
		if content := body[part.Start:part.End]; bytes.Contains(content, []byte("\n"+string(delimiter[2:]))) ||
			bytes.Contains(content, []byte("\r"+string(delimiter[2:]))) {
			return wrong("a boundary behind a line break that only some know")
		}
		f.Last = part.End
		f.Parts = append(f.Parts, part)
		at = part.End + len(delimiter)
	}
}

// readHeader reads the header of the part that begins at an offset.
func readHeader(body []byte, from int) (Part, error) {
	var p Part
	end := bytes.Index(body[from:min(len(body), from+maxHeader)], []byte("\r\n\r\n"))
	if end < 0 {
		return p, wrong("a part without a header")
	}
	p.Start = from + end + 4
	seen := map[string]bool{}
	at := from
	for line := range strings.SplitSeq(string(body[from:from+end]), "\r\n") {
		name, value, ok := strings.Cut(line, ": ")
		lower := strings.ToLower(name)
		if !ok || seen[lower] || strings.ContainsAny(line, "\r\n\x00") {
			return p, wrong("a part's header cannot be read")
		}
		seen[lower] = true
		var err error
		switch lower {
		case "content-disposition":
			err = p.disposition(value, at+len(name)+2)
		case "content-type":
			err = p.mediaType(value)
		case "content-length":
			_, err = strconv.ParseUint(value, 10, 63)
		default:
			return p, wrong("a part has a header that is not known")
		}
		if err != nil {
			return p, wrong("a part's header cannot be read")
		}
		at += len(line) + 2
	}
	if p.Name == "" {
		return p, wrong("a part without a name")
	}
	return p, nil
}

func (p *Part) mediaType(value string) error {
	media, params, err := mime.ParseMediaType(value)
	p.Media = media
	if strings.HasPrefix(media, "multipart/") { // whose parts some take for the form's
		return errHeader
	}
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "us-ascii") {
		return errHeader
	}
	return err
}

// disposition reads the value of a Content-Disposition that stands at an
// offset: form-data; name="x"; filename="y", the two quoted, each once, without
// escapes.
func (p *Part) disposition(value string, at int) error {
	rest, ok := strings.CutPrefix(value, "form-data")
	if !ok {
		return errHeader
	}
	at += len("form-data")
	for rest != "" {
		key, after, ok := strings.Cut(rest, "=\"")
		text, after2, closed := strings.Cut(after, "\"")
		if !ok || !closed || strings.Contains(text, "\\") || !utf8.ValidString(text) {
			return errHeader
		}
		start := at + len(key) + 2
		switch key {
		case "; name", ";name":
			if p.Name != "" || !plainName(text) {
				return errHeader
			}
			p.Name = text
		case "; filename", ";filename":
			if p.File {
				return errHeader
			}
			p.File, p.NameStart, p.NameEnd = true, start, start+len(text)
		default:
			return errHeader
		}
		at += len(key) + len(text) + 3
		rest = after2
	}
	return nil
}

var errHeader = wrong("a part's header cannot be read")

// plainName tells whether a field's name is one that everybody reads alike.
func plainName(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-', c == '.', c == '[', c == ']':
		default:
			return false
		}
	}
	return s != ""
}

// compare reads the body with mime/multipart, and refuses what that reads
// otherwise.
func (f *Form) compare(body []byte) error {
	differs := wrong("the form can be read in two ways")
	rd := multipart.NewReader(bytes.NewReader(body), f.Boundary)
	for i := range f.Parts {
		p := &f.Parts[i]
		other, err := rd.NextRawPart()
		if err != nil {
			return differs
		}
		content, err := io.ReadAll(other)
		if err != nil || other.FormName() != p.Name || !bytes.Equal(content, body[p.Start:p.End]) {
			return differs
		}
		if length := other.Header.Get("Content-Length"); length != "" && length != strconv.Itoa(len(content)) {
			return wrong("a part's length is not the one that it names")
		}
	}
	if _, err := rd.NextRawPart(); !errors.Is(err, io.EOF) {
		return differs
	}
	return nil
}

// Insert gives what adds a text part to the form, to be put in at Last.
func (f *Form) Insert(name, text string) []byte {
	return []byte("\r\n--" + f.Boundary + "\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + text)
}
