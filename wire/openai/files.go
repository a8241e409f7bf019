package openai

import (
	"bytes"
	"net/http"
	"slices"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/form"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// FileUpload is the codec of POST /files, a form of `purpose` and `file`.
//
// With the purpose "batch" each line of the file is a request and is decided
// as one. With another, a file that is a text is decided as a prompt of one
// user message; one that is not is a fact: image, audio or binary.
type FileUpload struct{}

// Protocol is "openai.files".
func (FileUpload) Protocol() string { return "openai.files" }

// purposes are those that a client may name. One that is not known could be a
// batch's to somebody.
var purposes = []string{"assistants", "user_data", "vision", "evals", "fine-tune"}

// Batch reads an upload.
func (FileUpload) Batch(in wire.Incoming) (*wire.Batch, error) {
	f, err := readForm(in, []string{"purpose", "file"}, map[string]string{"file": "binary"})
	if err != nil {
		return nil, err
	}
	var file *form.Part
	purpose := ""
	var words []wire.Text
	for i := range f.Parts {
		p := &f.Parts[i]
		switch p.Name {
		case "file":
			file = p
			words = append(words, fileName(p))
		case "purpose":
			purpose = string(in.Body[p.Start:p.End])
		default:
			words = append(words, fieldText(p))
		}
	}
	switch {
	case file == nil:
		return nil, read.Wrong("file", "must be a file")
	case purpose == "batch":
		items, more, err := batchLines(in.Body, file.Start, file.End)
		if err != nil {
			return nil, err
		}
		return &wire.Batch{Items: items, Rest: &wire.Nothing{Words: append(words, more...)}}, nil
	case !slices.Contains(purposes, purpose):
		return nil, read.Wrong("purpose", "is not known")
	case looksLikeRequests(in.Body[file.Start:file.End]):
		return nil, read.Wrong("purpose", "requests of a batch under another purpose")
	}
	r := &loosePrompt{texts: words}
	readFile(r, in.Body, file)
	return &wire.Batch{Rest: r, Prompt: true}, nil
}

// readFile makes a file's content a user's message.
func readFile(r *loosePrompt, body []byte, file *form.Part) {
	content := body[file.Start:file.End]
	if fact := mediumOf(content); fact != "" {
		r.fact(fact)
		r.messages = append(r.messages, wire.Message{Role: "user", Parts: []wire.Part{{Kind: "file", Raw: content}}})
		return
	}
	r.say("user", string(content), contentTexts(body, file.Start, file.End)...)
}

// mediumOf names what a content is that cannot be looked into; "" for a text.
func mediumOf(content []byte) string {
	kind := http.DetectContentType(content)
	switch {
	case strings.HasPrefix(kind, "image/"):
		return "image"
	case strings.HasPrefix(kind, "audio/"):
		return "audio"
	case strings.HasPrefix(kind, "text/") && isText(content):
		return ""
	}
	return "binary"
}

// contentTexts are the texts of a content. Where it has escapes and is JSON, or
// lines of JSON, its strings are looked into as what they stand for.
func contentTexts(body []byte, start, end int) []wire.Text {
	if start == end {
		return nil
	}
	whole := []wire.Text{{Start: start, End: end, Raw: true}}
	if bytes.IndexByte(body[start:end], '\\') < 0 {
		return whole
	}
	if passesGate(body[start:end]) {
		whole[0].JSON = true
		return whole
	}
	var lines []wire.Text
	for at := start; at < end; {
		stop, next := end, end
		if i := bytes.IndexByte(body[at:end], '\n'); i >= 0 {
			stop, next = at+i, at+i+1
		}
		if stop > at {
			lines = append(lines, wire.Text{Start: at, End: stop, Raw: true, JSON: true})
		}
		if stop > at && !passesGate(body[at:stop]) {
			return whole
		}
		at = next
	}
	return lines
}

func passesGate(b []byte) bool {
	doc, err := strictjson.Parse(b, strictjson.Limits{})
	if err != nil {
		return false
	}
	doc.Release()
	return true
}

// Record reads what the upstream keeps now.
func (FileUpload) Record(body []byte) (wire.Reply, error) { return files.Record(body) }

// files are the endpoints that tell of files.
var files = wire.Records{API: "openai.files", Keeps: []string{"id"}}

// FileContent is the codec of GET /files/{file}/content.
//
// Lines of replies to a batch are decided as replies; any other text is
// decided as one; what is no text is the fact image, audio or binary, and
// passes only where that is allowed.
type FileContent struct{}

// Protocol is "openai.files".
func (FileContent) Protocol() string { return "openai.files" }

// Ask reads a request.
func (FileContent) Ask(in wire.Incoming) (wire.Request, error) { return files.Ask(in) }

// Results reads a content.
func (FileContent) Results(body []byte) (*wire.Results, error) {
	if looksLikeReplies(body) {
		return resultLines(body)
	}
	reply := &content{body: body}
	if fact := mediumOf(body); fact != "" {
		return &wire.Results{Whole: reply, Unscanned: fact}, nil
	}
	reply.texts, reply.said = contentTexts(body, 0, len(body)), string(body)
	for i := range reply.texts {
		reply.texts[i].Place = wire.Place{List: "choices", Field: "text"}
	}
	return &wire.Results{Whole: reply}, nil
}

// content is a text that is decided as a reply.
type content struct {
	body  []byte
	texts []wire.Text
	said  string
}

func (c *content) Model() string      { return "" }
func (c *content) Texts() []wire.Text { return c.texts }
func (c *content) Calls() []wire.Call { return nil }

// Response is one choice that says the text; none where nothing is said.
func (c *content) Response() *wire.Response {
	if c.said == "" {
		return &wire.Response{}
	}
	return &wire.Response{Choices: []wire.Choice{{Content: c.said}}}
}

// Rewrite puts the replaced texts into the content.
func (c *content) Rewrite(texts []strictjson.Replacement, _ []wire.Verdict) ([]byte, error) {
	return strictjson.Splice(nil, c.body, texts), nil
}

// Interface guards
var (
	_ wire.BatchCodec   = FileUpload{}
	_ wire.ResultsCodec = FileContent{}
	_ wire.Reply        = (*content)(nil)
)
