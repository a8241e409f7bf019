package anthropic

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// maxBlocks bounds the content blocks of a reply.
const maxBlocks = 4096

// Why a decision cannot be carried out.
var (
	errSigned = errors.New("signed thinking cannot be edited")
	errArgs   = errors.New("a call's input must stay an object")
)

// Reply reads a message.
func (Messages) Reply(body []byte) (wire.Reply, error) {
	doc, err := strictjson.Parse(body, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	r := &reply{body: body, root: doc.Root()}
	if err := r.read(); err != nil {
		return nil, err
	}
	return r, nil
}

type reply struct {
	body   []byte
	root   strictjson.Value
	texts  []wire.Text
	calls  []wire.Call
	blocks []strictjson.Value // of each call
	frozen [][2]int           // spans that no edit may touch
}

func (r *reply) Model() string      { return r.root.Get("model").Str() }
func (r *reply) Texts() []wire.Text { return r.texts }
func (r *reply) Calls() []wire.Call { return r.calls }

func (r *reply) read() error {
	if r.root.Kind() != strictjson.Object {
		return read.Wrong("", "the reply is not a JSON object")
	}
	if err := r.root.CheckKeys(replyFields); err != nil {
		return &wire.Error{Err: err}
	}
	content := r.root.Get("content")
	if content.Kind() != strictjson.Array && r.root.Get("error").Kind() != strictjson.Object {
		return read.Wrong("content", "must be an array")
	}
	if content.Len() > maxBlocks {
		return read.Wrong("content", "too many blocks")
	}
	run := 1 // of text blocks that follow each other
	for i, b := range content.Elems() {
		path := fmt.Sprintf("content[%d]", i)
		if err := checkBlock(b, path); err != nil {
			return err
		}
		if b.Get("type").EqualStr("text") {
			if b.Get("text").Kind() != strictjson.String {
				return read.Wrong(path, "a text block must hold a string")
			}
			r.text(b.Get("text"), "text", run)
		} else {
			run++
		}
	}
	for i, b := range content.Elems() { // after the texts, which stand beside each other
		if err := r.block(i, b); err != nil {
			return err
		}
	}
	r.members()
	return nil
}

func (r *reply) text(v strictjson.Value, field string, group int) {
	start, end := v.Span()
	r.texts = append(r.texts, wire.Text{Start: start, End: end, Group: group, Place: wire.Place{List: "choices", Field: field}})
}

func (r *reply) block(i int, b strictjson.Value) error {
	field := "content"
	text := func(leaf strictjson.Value) { r.text(leaf, field, 0) }
	switch b.Get("type").Str() {
	case "text":
		besides(b, text, noFact, "type", "text")
	case "thinking", "redacted_thinking":
		field = "reasoning"
		besides(b, text, noFact, "type")
		if signed(b) {
			start, end := b.Span()
			r.frozen = append(r.frozen, [2]int{start, end})
		}
	case "tool_use":
		if err := checkCall(b, fmt.Sprintf("content[%d]", i)); err != nil {
			return err
		}
		field = "tool_calls"
		besides(b, text, noFact, "type", "id", "name", "input")
		r.calls = append(r.calls, wire.Call{Index: i, ID: b.Get("id").Str(), Name: b.Get("name").Str(), Args: string(b.Get("input").Raw())})
		r.blocks = append(r.blocks, b)
	default:
		walk(b, text, noFact)
	}
	return nil
}

// members lists the words beside the content.
func (r *reply) members() {
	for k, v := range r.root.Members() {
		switch key := k.Str(); key {
		case "id", "type", "role", "model", "content", "stop_reason", "usage", "input_tokens":
		default:
			walk(v, func(leaf strictjson.Value) {
				start, end := leaf.Span()
				r.texts = append(r.texts, wire.Text{Start: start, End: end, Place: wire.Place{List: key, Index: -1}})
			}, noFact)
		}
	}
}

// Response is the reply as one choice: its text blocks joined by newlines, its
// thinking as reasoning. A count of tokens has no choice.
func (r *reply) Response() *wire.Response {
	content := r.root.Get("content")
	if content.Kind() != strictjson.Array {
		return &wire.Response{}
	}
	c := wire.Choice{FinishReason: r.root.Get("stop_reason").Str(), Calls: r.calls}
	var said, thought []string
	for _, b := range content.Elems() {
		switch b.Get("type").Str() {
		case "text":
			said = append(said, b.Get("text").Str())
		case "thinking":
			thought = append(thought, b.Get("thinking").Str())
		}
	}
	c.Content, c.Reasoning = joined(said), joined(thought)
	return &wire.Response{Choices: []wire.Choice{c}, Usage: readUsage(nil, r.root.Get("usage"))}
}

// joined joins what is not empty by newlines.
func joined(texts []string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), "\n")
}

// readUsage takes what is said of the usage; a stream says it piece by piece.
func readUsage(u *wire.Usage, v strictjson.Value) *wire.Usage {
	if v.Kind() != strictjson.Object {
		return u
	}
	if u == nil {
		u = &wire.Usage{}
	}
	if n, ok := v.Get("input_tokens").Int(); ok {
		u.Input = n
	}
	if n, ok := v.Get("output_tokens").Int(); ok {
		u.Output = n
	}
	return u
}

// Rewrite carries out what was decided of the texts and the calls. A denied
// call becomes a text block. Edits of signed thinking are refused.
func (r *reply) Rewrite(texts []strictjson.Replacement, verdicts []wire.Verdict) ([]byte, error) {
	var edits []strictjson.Replacement
	var gone [][2]int // blocks of denied calls, with all that stands in them
	for i, v := range verdicts {
		start, end := r.blocks[i].Span()
		switch {
		case v.Denied:
			gone = append(gone, [2]int{start, end})
			edits = append(edits, strictjson.Replacement{Start: start, End: end, Text: textBlock(v.Text)})
		case v.Args != nil:
			if !isObject(*v.Args) {
				return nil, errArgs
			}
			start, end = r.blocks[i].Get("input").Span()
			edits = append(edits, strictjson.Replacement{Start: start, End: end, Text: []byte(*v.Args)})
		}
	}
	for _, t := range texts {
		if within(r.frozen, t) {
			return nil, errSigned
		}
		if !within(gone, t) {
			edits = append(edits, t)
		}
	}
	if stop := r.root.Get("stop_reason"); len(gone) > 0 && len(gone) == len(verdicts) && stop.EqualStr("tool_use") {
		start, end := stop.Span()
		edits = append(edits, strictjson.Replacement{Start: start, End: end, Text: []byte(`"end_turn"`)})
	}
	read.Sort(edits)
	return strictjson.Splice(nil, r.body, edits), nil
}

func within(spans [][2]int, t strictjson.Replacement) bool {
	return slices.ContainsFunc(spans, func(s [2]int) bool { return t.Start >= s[0] && t.End <= s[1] })
}

func textBlock(text string) []byte {
	b := strictjson.AppendQuoted([]byte(`{"type":"text","text":`), text)
	return append(b, '}')
}

func isObject(text string) bool {
	doc, err := strictjson.Parse([]byte(text), strictjson.Limits{})
	if err != nil {
		return false
	}
	defer doc.Release()
	return doc.Root().Kind() == strictjson.Object
}

// Interface guard
var _ wire.Reply = (*reply)(nil)
