package openai

import (
	"errors"
	"fmt"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// content reads a message's content: a string, null, or an array of parts.
func (r *chatRequest) content(i int, v strictjson.Value, result bool) error {
	place := wire.Place{List: "messages", Index: i, Field: "text"}
	switch v.Kind() {
	case strictjson.Null:
		return nil
	case strictjson.String:
		r.text(v, place).Result = result
		return nil
	case strictjson.Array:
	default:
		return read.Wrong(fmt.Sprintf("messages[%d].content", i), "must be a string or an array")
	}
	for j, p := range v.Elems() {
		if err := r.part(i, j, p, result); err != nil {
			return err
		}
	}
	for _, p := range v.Elems() { // after the texts, which stand beside each other
		kind := p.Get("type").Str()
		add := func(leaf strictjson.Value) { r.text(leaf, place).Result = result }
		besides(p, add, "type", kind)
		if media := p.Get(kind); kind != "thinking" {
			besides(media, add, "url", "detail", "data", "format", "file_id", "file_data", "file_url", "filename")
		}
	}
	return nil
}

func (r *chatRequest) part(i, j int, p strictjson.Value, result bool) error {
	path := fmt.Sprintf("messages[%d].content[%d]", i, j)
	if err := p.CheckKeys(partFields); err != nil {
		return &wire.Error{Path: path, Err: err}
	}
	add := func(v strictjson.Value) {
		t := r.text(v, wire.Place{List: "messages", Index: i, Field: "text"})
		t.Result, t.Group = result, i+1
	}
	kind := p.Get("type").Str()
	switch kind {
	case "text", "refusal":
		if p.Get(kind).Kind() != strictjson.String {
			return read.Wrong(path, "must hold a string")
		}
		add(p.Get(kind))
		return nil
	case "thinking":
		leaves(p.Get(kind), "", func(_ string, leaf strictjson.Value) { add(leaf) })
		return nil
	case "image_url", "video_url", "document_url", "input_audio", "file":
		if err := p.Get(kind).CheckKeys(mediaFields); err != nil {
			return &wire.Error{Path: path, Err: err}
		}
		facts, err := mediaFacts(kind, p.Get(kind))
		if err != nil {
			return read.Wrong(path, err.Error())
		}
		r.unscanned = append(r.unscanned, facts...)
		if name := p.Get(kind).Get("filename"); name.Kind() == strictjson.String {
			add(name)
		}
		return nil
	}
	return read.Wrong(path, "unknown type of content part")
}

var errMedia = errors.New("media without a known source")

// mediaFacts names what a gate cannot look into in a part that is no text.
func mediaFacts(kind string, v strictjson.Value) ([]string, error) {
	inline := map[string]string{"image_url": "image", "input_audio": "audio"}[kind]
	if inline == "" {
		inline = "binary"
	}
	var facts []string
	url := v.Get("url")
	if v.Kind() == strictjson.String {
		url = v
	}
	for _, u := range []strictjson.Value{url, v.Get("file_url")} {
		switch s := u.Str(); {
		case s == "":
		case strings.HasPrefix(s, "data:"):
			facts = append(facts, inline)
		default:
			facts = append(facts, "remote_url")
		}
	}
	if v.Get("file_id").Exists() {
		facts = append(facts, "file_id")
	}
	if v.Get("data").Exists() || v.Get("file_data").Exists() {
		facts = append(facts, inline)
	}
	if len(facts) == 0 {
		return nil, errMedia
	}
	return facts, nil
}
