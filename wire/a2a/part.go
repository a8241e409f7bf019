package a2a

import (
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// part is one part of a message: a text, or something of another kind.
type part struct {
	v     strictjson.Value
	kind  string // "" for a text, else "data", "image", "audio" or "file"
	facts []string
}

// readPart reads a part of 0.3, {"kind": "text" | "file" | "data", …}, or of
// 1.0, which has one of text, raw, url and data.
func readPart(v strictjson.Value, path string) (part, error) {
	p := part{v: v}
	if v.Kind() != strictjson.Object {
		return p, read.Wrong(path, "must be an object")
	}
	if err := checkNames(v, path, partFields); err != nil {
		return p, err
	}
	var has []string
	for _, name := range []string{"text", "file", "raw", "url", "data"} {
		if v.Get(name).Exists() {
			has = append(has, name)
		}
	}
	if len(has) != 1 {
		return p, read.Wrong(path, "must hold one of text, file, raw, url and data")
	}
	if kind := v.Get("kind"); given(kind) && (!kind.EqualStr(has[0]) || has[0] == "raw" || has[0] == "url") {
		return p, read.Wrong(path+".kind", "is not the kind of what the part holds")
	}
	content := v.Get(has[0])
	switch has[0] {
	case "text":
		if content.Kind() != strictjson.String {
			return p, read.Wrong(path+".text", "must be a string")
		}
		return p, nil
	case "data":
		p.kind = "data"
		return p, nil
	case "file":
		return p, p.file(content, path+".file")
	case "raw":
		return p, p.bytes(content, v.Get("mediaType"), path+".raw")
	}
	return p, p.url(content, v.Get("mediaType"), path+".url")
}

func (p *part) file(v strictjson.Value, path string) error {
	if v.Kind() != strictjson.Object {
		return read.Wrong(path, "must be an object")
	}
	if err := checkNames(v, path, fileFields); err != nil {
		return err
	}
	bytes, uri := v.Get("bytes"), v.Get("uri")
	switch {
	case bytes.Exists() == uri.Exists():
		return read.Wrong(path, "must hold one of bytes and uri")
	case bytes.Exists():
		return p.bytes(bytes, v.Get("mimeType"), path+".bytes")
	}
	return p.url(uri, v.Get("mimeType"), path+".uri")
}

func (p *part) bytes(v, mediaType strictjson.Value, path string) error {
	if !isBase64(v) {
		return read.Wrong(path, "must be base64")
	}
	p.media(mediaFact(mediaType.Str()))
	return nil
}

func (p *part) url(v, mediaType strictjson.Value, path string) error {
	if v.Kind() != strictjson.String {
		return read.Wrong(path, "must be a string")
	}
	p.media(mediaFact(mediaType.Str()))
	if !strings.HasPrefix(strings.ToLower(v.Str()), "data:") {
		p.facts = []string{"remote_url"}
	}
	return nil
}

func (p *part) media(fact string) {
	p.kind, p.facts = fact, []string{fact}
	if fact == "binary" {
		p.kind = "file"
	}
}

// beside calls f for every string of the part but its text and its bytes.
func (p *part) beside(f func(leaf strictjson.Value)) {
	for k, v := range p.v.Members() {
		switch key := k.Str(); key {
		case "kind", "text", "raw", "mediaType":
		case "file":
			for k, m := range v.Members() {
				if !k.EqualStr("bytes") && !k.EqualStr("mimeType") {
					read.EveryString(m, f)
				}
			}
		default:
			read.EveryString(v, f)
		}
	}
}

func (p *part) normal() wire.Part {
	if p.kind == "" {
		return wire.Part{Text: p.v.Get("text").Str()}
	}
	n := wire.Part{Kind: p.kind, Raw: p.v.Raw()}
	if p.kind == "data" {
		var words []string
		read.EveryString(p.v.Get("data"), func(leaf strictjson.Value) { words = append(words, leaf.Str()) })
		n.Text, n.Says = strings.Join(words, "\n"), len(words) > 0
	}
	return n
}
