package openai

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/form"
	"github.com/headgate/headgate/wire/internal/read"
)

// readForm reads a form. files are the fields that hold files, by name; a field
// in another spelling or with brackets where none belong is refused, and so is
// one that comes twice, unless its name says that it is a list ("image[]").
func readForm(in wire.Incoming, known []string, files map[string]string) (*form.Form, error) {
	values := in.Header.Values("Content-Type")
	if len(values) != 1 {
		return nil, read.Wrong("", "the form has no boundary that everybody reads alike")
	}
	f, err := form.Read(values[0], in.Body)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i := range f.Parts {
		p := &f.Parts[i]
		base, _, _ := strings.Cut(p.Name, "[")
		_, isFile := files[p.Name]
		switch {
		case p.File && !isFile:
			return nil, read.Wrong("", "a file in a field that is not known")
		case !p.File && isFile:
			return nil, read.Wrong(p.Name, "must be a file")
		case seen[p.Name] && !strings.HasSuffix(p.Name, "[]"):
			return nil, read.Wrong("", "a field that comes twice")
		case !isFile && p.Name != base && slices.Contains(known, base):
			return nil, read.Wrong(base, "must be one field")
		case !isFile && !slices.Contains(known, p.Name) && slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, base) }):
			return nil, read.Wrong("", "a field that equals a known one but for its case")
		}
		seen[p.Name] = true
		if !p.File && !isText(in.Body[p.Start:p.End]) {
			return nil, read.Wrong("", "a field that is no text")
		}
	}
	return f, nil
}

// isText tells whether bytes are a text in UTF-8, without control characters
// but those that shape lines.
func isText(b []byte) bool {
	return utf8.Valid(b) && !bytes.ContainsFunc(b, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' && r != '\f' || r == 0x7f || r == '\ufeff'
	})
}

// fieldText is the content of a text part.
func fieldText(p *form.Part) wire.Text {
	return wire.Text{Start: p.Start, End: p.End, Raw: true, Place: wire.Place{List: p.Name, Index: -1}}
}

// fileName is the name of a file.
func fileName(p *form.Part) wire.Text {
	return wire.Text{Start: p.NameStart, End: p.NameEnd, Raw: true, Place: wire.Place{List: "filename", Index: -1}}
}
