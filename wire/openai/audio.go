package openai

import (
	"bytes"
	"slices"
	"strings"
	"unicode"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// Speech is the codec of POST /audio/speech. Its reply is sound, whole or in
// events.
type Speech struct{}

// Protocol is "openai.audio".
func (Speech) Protocol() string { return "openai.audio" }

// Request reads a request for `input` to be spoken, by `instructions`.
func (Speech) Request(in wire.Incoming) (wire.Request, error) {
	return readMediaJSON(in, mediaSpec{system: "instructions", prompt: "input", must: true, model: true})
}

// Reply knows no reply in JSON.
func (Speech) Reply([]byte) (wire.Reply, error) {
	return nil, read.Wrong("", "speech is never JSON")
}

// Stream reads speech in events.
func (Speech) Stream(o wire.StreamOptions) wire.Stream { return newMediaStream(o) }

// Text knows no text.
func (Speech) Text(string, []byte) (wire.Reply, bool, error) { return nil, false, nil }

// Medium is "audio" for sound and for its events.
func (Speech) Medium(media string) string {
	if strings.HasPrefix(media, "audio/") || media == "application/octet-stream" || media == eventStream {
		return "audio"
	}
	return ""
}

// Coverage of speech.
func (Speech) Coverage() wire.Coverage {
	return wire.Coverage{Request: "pre_chat", Reply: "post_chat, without the sound", Stream: "post_chat, without the sound"}
}

// Transcriptions is the codec of POST /audio/transcriptions and
// /audio/translations: forms of `file`, `model` and `prompt`.
type Transcriptions struct{}

// Protocol is "openai.audio".
func (Transcriptions) Protocol() string { return "openai.audio" }

// Request reads a request.
func (Transcriptions) Request(in wire.Incoming) (wire.Request, error) {
	return readMediaForm(in, mediaSpec{prompt: "prompt", model: true, files: map[string]string{"file": "audio"}})
}

var (
	transcriptFields = strictjson.Keys("text", "segments", "words", "logprobs", "usage", "language", "task", "duration", "error")
	segmentFields    = strictjson.Keys("text", "tokens", "id", "type", "speaker", "start", "end")
	wordFields       = strictjson.Keys("word", "start", "end", "speaker")
)

// Reply reads
//
//	{"text", "segments": [{"text", "tokens", "speaker", …}], "words": [{"word", …}], "logprobs": [{"token", …}]}
//
// `segments` repeats the text and is redacted with it, also where a value
// reaches over two of them. Words, tokens and probabilities repeat it in pieces
// that no redaction fits; they are emptied where the text is edited.
func (Transcriptions) Reply(body []byte) (wire.Reply, error) {
	doc, err := strictjson.Parse(body, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	root := doc.Root()
	if err := root.CheckKeys(transcriptFields); err != nil {
		return nil, &wire.Error{Err: err}
	}
	text := root.Get("text")
	if text.Kind() != strictjson.String && root.Get("error").Kind() != strictjson.Object {
		return nil, read.Wrong("text", "must be a string")
	}
	r := &mediaReply{body: body, resp: wire.Response{Usage: mediaUsage(root.Get("usage"))}}
	if text.Kind() == strictjson.String {
		r.said(text, 0, false)
		r.resp.Choices = []wire.Choice{{Content: text.Str()}}
	}
	for i, list := range []struct {
		name, field string
		known       *strictjson.KeySet
	}{{"segments", "text", segmentFields}, {"words", "word", wordFields}} {
		if err := r.pieces(root.Get(list.name), list.name, list.field, list.known, i+1); err != nil {
			return nil, err
		}
	}
	if text.Kind() == strictjson.String {
		for _, list := range [][2]string{{"segments", "text"}, {"words", "word"}} {
			r.resp.Choices[0].Content = withPieces(r.resp.Choices[0].Content, joinedPieces(root.Get(list[0]), list[1]))
		}
	}
	r.empty(root.Get("words"))
	r.empty(root.Get("logprobs"))
	for k, v := range root.Members() {
		switch key := k.Str(); key {
		case "text", "segments", "words", "logprobs", "usage":
		default:
			r.words(v, key)
		}
	}
	return r, nil
}

// joinedPieces is what the pieces of a list say.
func joinedPieces(v strictjson.Value, field string) string {
	var b strings.Builder
	for _, e := range v.Elems() {
		b.WriteString(e.Get(field).Str())
		b.WriteByte(' ')
	}
	return b.String()
}

// withPieces is a transcript with the pieces that should repeat it, where they
// say something else.
func withPieces(said, pieces string) string {
	if spoken := letters(pieces); spoken == "" || spoken == letters(said) {
		return said
	}
	return said + "\n" + strings.TrimSpace(pieces)
}

// letters are a text's letters and digits.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) {
			return r
		}
		return -1
	}, s)
}

// said adds a text of the transcript.
func (r *mediaReply) said(v strictjson.Value, group int, isCopy bool) {
	start, end := v.Span()
	r.texts = append(r.texts, wire.Text{Start: start, End: end, Group: group, Copy: isCopy, Place: wire.Place{List: "choices", Field: "text"}})
}

// pieces reads a list that repeats the transcript piece by piece.
func (r *mediaReply) pieces(v strictjson.Value, name, field string, known *strictjson.KeySet, group int) error {
	if v.Exists() && !v.IsNull() && v.Kind() != strictjson.Array {
		return read.Wrong(name, "must be an array")
	}
	for _, e := range v.Elems() {
		if e.Kind() != strictjson.Object {
			return read.Wrong(name, "must hold objects")
		}
		if err := e.CheckKeys(known); err != nil {
			return &wire.Error{Path: name, Err: err}
		}
		if t := e.Get(field); t.Kind() == strictjson.String {
			r.said(t, group, true)
		}
		if name != "words" { // which are emptied as a whole
			r.empty(e.Get("tokens"))
		}
	}
	for _, e := range v.Elems() { // after the texts, which stand beside each other
		besides(e, func(leaf strictjson.Value) { r.words(leaf, name) }, field, "tokens", "id", "type")
	}
	return nil
}

// empty notes a list of pieces that is emptied where a text is edited.
func (r *mediaReply) empty(v strictjson.Value) {
	if v.Kind() == strictjson.Array && v.Len() > 0 {
		r.copies = append(r.copies, read.Replace(v, []byte("[]")))
	}
}

// Stream reads a transcript in events.
func (Transcriptions) Stream(o wire.StreamOptions) wire.Stream { return newMediaStream(o) }

// textMedia are the media types of transcripts and subtitles.
var textMedia = []string{"text/plain", "text/vtt", "text/srt", "application/x-subrip"}

// Text reads a transcript that is a text alone, or subtitles.
func (Transcriptions) Text(media string, body []byte) (wire.Reply, bool, error) {
	if !slices.Contains(textMedia, media) {
		return nil, false, nil
	}
	if !isText(bytes.TrimPrefix(body, []byte("\ufeff"))) {
		return nil, true, read.Wrong("", "the transcript is no text")
	}
	r := &mediaReply{body: body}
	cues, rest := cueLines(body)
	var said []string
	for _, c := range cues {
		r.texts = append(r.texts, wire.Text{Start: c[0], End: c[1], Raw: true, Group: 1, Place: wire.Place{List: "choices", Field: "text"}})
		said = append(said, string(body[c[0]:c[1]]))
	}
	for _, c := range rest {
		r.texts = append(r.texts, wire.Text{Start: c[0], End: c[1], Raw: true, Place: wire.Place{List: "cues", Index: -1}, Choice: -1})
	}
	r.resp.Choices = []wire.Choice{{Content: strings.Join(said, "\n")}}
	return r, true, nil
}

// cueLines are the lines of subtitles that are spoken, and those that are
// numbers, times and remarks. A text without times is all spoken.
func cueLines(body []byte) (cues, rest [][2]int) {
	if !isCue(body) {
		if len(body) > 0 {
			cues = [][2]int{{0, len(body)}}
		}
		return cues, nil
	}
	spoken := false
	for at := 0; at < len(body); {
		stop, next := lineEnd(body, at)
		line := body[at:stop]
		span := [2]int{at, stop}
		switch {
		case len(bytes.TrimSpace(line)) == 0:
			spoken = false
		case bytes.Contains(line, []byte("-->")):
			spoken = true
			rest = append(rest, span)
		case spoken:
			cues = append(cues, span)
		default:
			rest = append(rest, span)
		}
		at = next
	}
	return cues, rest
}

// lineEnd is where the line that begins at an offset ends, by CR, LF or CRLF,
// and where the next one begins.
func lineEnd(body []byte, at int) (stop, next int) {
	i := bytes.IndexAny(body[at:], "\r\n")
	if i < 0 {
		return len(body), len(body)
	}
	stop, next = at+i, at+i+1
	if body[stop] == '\r' && next < len(body) && body[next] == '\n' {
		next++
	}
	return stop, next
}

// Medium is nothing: a transcript is no sound.
func (Transcriptions) Medium(string) string { return "" }

// Coverage of transcripts.
func (Transcriptions) Coverage() wire.Coverage {
	return wire.Coverage{Request: "pre_chat, without the sound", Reply: "post_chat", Stream: "post_chat", Facts: []string{"audio"}}
}

// Interface guards
var (
	_ wire.MediaCodec = Speech{}
	_ wire.MediaCodec = Transcriptions{}
)
