package openai

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/sjson"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// Reply reads a chat completion.
func (Chat) Reply(body []byte) (wire.Reply, error) {
	doc, err := strictjson.Parse(body, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	r := &chatReply{body: body, root: doc.Root()}
	if err := r.read(r.choice); err != nil {
		return nil, err
	}
	return r, nil
}

type chatReply struct {
	body    []byte
	root    strictjson.Value
	texts   []wire.Text
	calls   []wire.Call
	callAt  []callAt
	choices []choiceAt
}

// callAt is where a call stands: the position of its choice in the array, and
// its own in the choice's tool_calls, or -1 for a function_call.
type callAt struct {
	choice, call int
	args         strictjson.Value
}

type choiceAt struct {
	v          strictjson.Value
	index      int
	start, end int
}

func (r *chatReply) Model() string      { return r.root.Get("model").Str() }
func (r *chatReply) Texts() []wire.Text { return r.texts }
func (r *chatReply) Calls() []wire.Call { return r.calls }

// read reads all that replies with choices have in common; choice reads one
// of the choices.
func (r *chatReply) read(choice func(pos int, c strictjson.Value) error) error {
	if r.root.Kind() != strictjson.Object {
		return read.Wrong("", "the reply is not a JSON object")
	}
	if err := r.root.CheckKeys(replyFields); err != nil {
		return &wire.Error{Err: err}
	}
	choices := r.root.Get("choices")
	if choices.Kind() != strictjson.Array && r.root.Get("error").Kind() != strictjson.Object {
		return read.Wrong("choices", "must be an array")
	}
	for k, v := range r.root.Members() {
		switch key := k.Str(); key {
		case "id", "object", "model", "created", "system_fingerprint", "service_tier", "usage", "choices":
		default:
			leaves(v, "", func(_ string, leaf strictjson.Value) {
				r.text(leaf, -1, wire.Place{List: key, Index: -1})
			})
		}
	}
	if choices.Len() > maxChoices {
		return read.Wrong("choices", "too many choices")
	}
	for i, c := range choices.Elems() {
		if err := choice(i, c); err != nil {
			return err
		}
	}
	return nil
}

func (r *chatReply) text(v strictjson.Value, choice int, p wire.Place) {
	start, end := v.Span()
	r.texts = append(r.texts, wire.Text{Start: start, End: end, Place: p, Choice: choice})
}

func (r *chatReply) choice(pos int, c strictjson.Value) error {
	path := fmt.Sprintf("choices[%d]", pos)
	if err := c.CheckKeys(choiceFields); err != nil {
		return &wire.Error{Path: path, Err: err}
	}
	message := c.Get("message")
	if message.Kind() != strictjson.Object {
		return read.Wrong(path+".message", "must be an object")
	}
	if err := message.CheckKeys(messageFields); err != nil {
		return &wire.Error{Path: path, Err: err}
	}
	index, err := r.begin(pos, c)
	if err != nil {
		return err
	}
	for k, v := range c.Members() {
		switch key := k.Str(); key {
		case "index", "finish_reason", "message", "logprobs":
		default:
			if hasCalls(v) {
				return read.Wrong(path, "tool calls where none belong")
			}
			leaves(v, "", func(_ string, leaf strictjson.Value) {
				r.text(leaf, index, wire.Place{List: "choices", Index: index, Field: key})
			})
		}
	}
	for k, v := range message.Members() {
		switch key := k.Str(); key {
		case "role":
		case "tool_calls":
			if err := r.readCalls(pos, index, v); err != nil {
				return err
			}
		case "function_call":
			if noCall(v) {
				continue
			}
			if err := r.call(pos, index, -1, v, "arguments", ""); err != nil {
				return err
			}
		default:
			field := key
			if key == "content" || key == "refusal" {
				field = "text"
			}
			leaves(v, "", func(_ string, leaf strictjson.Value) {
				r.text(leaf, index, wire.Place{List: "choices", Index: index, Field: field})
			})
		}
	}
	return nil
}

// begin notes a choice, and gives its index.
func (r *chatReply) begin(pos int, c strictjson.Value) (index int, err error) {
	if index, err = readIndex(c.Get("index"), pos); err != nil {
		return 0, err
	}
	if lp := c.Get("logprobs"); lp.Exists() && !lp.IsNull() && lp.Kind() != strictjson.Object {
		return 0, read.Wrong(fmt.Sprintf("choices[%d].logprobs", pos), "must be an object")
	}
	start, end := c.Span()
	r.choices = append(r.choices, choiceAt{v: c, index: index, start: start, end: end})
	return index, nil
}

func (r *chatReply) readCalls(pos, index int, v strictjson.Value) error {
	if v.IsNull() {
		return nil
	}
	path := fmt.Sprintf("choices[%d].message.tool_calls", pos)
	if v.Kind() != strictjson.Array {
		return read.Wrong(path, "must be an array")
	}
	if v.Len() > maxCalls {
		return read.Wrong(path, "too many tool calls")
	}
	for j, c := range v.Elems() {
		if err := c.CheckKeys(callFields); err != nil {
			return &wire.Error{Path: path, Err: err}
		}
		f, field := callBody(c)
		if err := r.call(pos, index, j, f, field, c.Get("id").Str()); err != nil {
			return err
		}
		besides(c, func(leaf strictjson.Value) { r.text(leaf, index, callPlace(index)) }, "id", "index", "type", "function", "custom")
	}
	return nil
}

func (r *chatReply) call(pos, index, j int, f strictjson.Value, field, id string) error {
	path := fmt.Sprintf("choices[%d].message.tool_calls", pos)
	if f.Kind() != strictjson.Object {
		return read.Wrong(path, "must hold a function or a custom tool's call")
	}
	if err := f.CheckKeys(functionFields); err != nil {
		return &wire.Error{Path: path, Err: err}
	}
	name, args := f.Get("name").Str(), f.Get(field)
	if name == "" {
		return read.Wrong(path, "a call must name its tool")
	}
	if args.Exists() && args.Kind() != strictjson.String {
		return read.Wrong(path, "a call's arguments must be a string")
	}
	besides(f, func(leaf strictjson.Value) { r.text(leaf, index, callPlace(index)) }, "name", field)
	r.calls = append(r.calls, wire.Call{Choice: index, Index: max(j, 0), ID: id, Name: name, Args: args.Str(), Free: field == "input"})
	r.callAt = append(r.callAt, callAt{choice: pos, call: j, args: args})
	return nil
}

func callPlace(index int) wire.Place {
	return wire.Place{List: "choices", Index: index, Field: "tool_calls"}
}

// hasCalls tells whether a message asks for tools.
func hasCalls(m strictjson.Value) bool {
	f := m.Get("function_call")
	return m.Get("tool_calls").Len() > 0 || f.Exists() && !noCall(f)
}

func (r *chatReply) Response() *wire.Response {
	resp := &wire.Response{Usage: readUsage(r.root.Get("usage"))}
	for pos, c := range r.choices {
		m := c.v.Get("message")
		choice := wire.Choice{
			Index: c.index, FinishReason: c.v.Get("finish_reason").Str(),
			Content: contentText(m.Get("content")), Refusal: m.Get("refusal").Str(),
			Reasoning: m.Get("reasoning_content").Str(),
		}
		if choice.Reasoning == "" {
			choice.Reasoning = m.Get("reasoning").Str()
		}
		if t := m.Get("audio").Get("transcript").Str(); t != "" {
			choice.Content = strings.TrimPrefix(choice.Content+"\n"+t, "\n")
		}
		for i := range r.calls {
			if r.callAt[i].choice == pos {
				choice.Calls = append(choice.Calls, r.calls[i])
			}
		}
		resp.Choices = append(resp.Choices, choice)
	}
	return resp
}

// contentText joins the texts of a reply's content by newlines.
func contentText(v strictjson.Value) string {
	if v.Kind() == strictjson.String {
		return v.Str()
	}
	var texts []string
	for _, p := range v.Elems() {
		if t := p.Get("text").Str(); t != "" {
			texts = append(texts, t)
		}
	}
	return strings.Join(texts, "\n")
}

func readUsage(v strictjson.Value) *wire.Usage {
	if v.Kind() != strictjson.Object {
		return nil
	}
	in, _ := v.Get("prompt_tokens").Int()
	out, _ := v.Get("completion_tokens").Int()
	return &wire.Usage{Input: in, Output: out}
}

// Rewrite carries out what was decided of the texts and the calls.
func (r *chatReply) Rewrite(texts []strictjson.Replacement, verdicts []wire.Verdict) ([]byte, error) {
	edits := append([]strictjson.Replacement(nil), texts...)
	for i, v := range verdicts {
		if v.Args != nil && !v.Denied {
			start, end := r.callAt[i].args.Span()
			edits = append(edits, strictjson.Replacement{Start: start, End: end, Text: strictjson.AppendQuoted(nil, *v.Args)})
		}
	}
	for i := range r.choices {
		edits = dropSound(edits, texts, &r.choices[i])
		edits = r.dropLogprobs(edits, texts, &r.choices[i], r.callsChanged(i, verdicts))
	}
	read.Sort(edits)
	body := strictjson.Splice(nil, r.body, edits)
	for pos := range r.choices {
		var err error
		if body, err = r.denyCalls(body, pos, verdicts); err != nil {
			return nil, err
		}
	}
	return body, nil
}

func (r *chatReply) callsChanged(pos int, verdicts []wire.Verdict) bool {
	for i, v := range verdicts {
		if r.callAt[i].choice == pos && !v.Untouched() {
			return true
		}
	}
	return false
}

// dropLogprobs takes away a choice's second copy of what was edited.
func (r *chatReply) dropLogprobs(edits, texts []strictjson.Replacement, c *choiceAt, changed bool) []strictjson.Replacement {
	lp := c.v.Get("logprobs")
	if lp.Kind() != strictjson.Object {
		return edits
	}
	changed = changed || slices.ContainsFunc(texts, func(t strictjson.Replacement) bool {
		return t.Start >= c.start && t.End <= c.end
	})
	if !changed {
		return edits
	}
	start, end := lp.Span()
	return append(edits, strictjson.Replacement{Start: start, End: end, Text: []byte("null")})
}

// denyCalls replaces the denied calls of one choice by what is said of them.
func (r *chatReply) denyCalls(body []byte, pos int, verdicts []wire.Verdict) ([]byte, error) {
	var said []string
	var err error
	message := "choices." + strconv.Itoa(pos) + ".message"
	left := 0
	for i := len(verdicts) - 1; i >= 0 && err == nil; i-- {
		at := r.callAt[i]
		switch {
		case at.choice != pos:
		case !verdicts[i].Denied:
			left++
		case at.call < 0:
			said = append(said, verdicts[i].Text)
			body, err = sjson.DeleteBytes(body, message+".function_call")
		default:
			said = append(said, verdicts[i].Text)
			body, err = sjson.DeleteBytes(body, message+".tool_calls."+strconv.Itoa(at.call))
		}
	}
	if len(said) == 0 || err != nil {
		return body, err
	}
	if left == 0 {
		if r.choices[pos].v.Get("message").Get("tool_calls").Exists() {
			if body, err = sjson.DeleteBytes(body, message+".tool_calls"); err != nil {
				return nil, err
			}
		}
		if endsWithCalls(r.choices[pos].v.Get("finish_reason").Str()) {
			if body, err = sjson.SetBytes(body, "choices."+strconv.Itoa(pos)+".finish_reason", "stop"); err != nil {
				return nil, err
			}
		}
	}
	return sayInstead(body, pos, said)
}

// sayInstead adds the texts, which come last first, to a message's content.
func sayInstead(body []byte, pos int, said []string) ([]byte, error) {
	doc, err := strictjson.Parse(body, strictjson.Limits{})
	if err != nil {
		return nil, err
	}
	defer doc.Release()
	content := read.Elem(doc.Root().Get("choices"), pos).Get("message").Get("content")
	path := "choices." + strconv.Itoa(pos) + ".message.content"
	var words strings.Builder
	for i := len(said) - 1; i >= 0; i-- {
		if words.Len() > 0 {
			words.WriteByte('\n')
		}
		words.WriteString(said[i])
	}
	if content.Kind() == strictjson.Array {
		return sjson.SetBytes(body, path+".-1", map[string]string{"type": "text", "text": words.String()})
	}
	text := words.String()
	if had := content.Str(); had != "" {
		text = had + "\n" + text
	}
	return sjson.SetBytes(body, path, text)
}

// endsWithCalls tells whether a choice stopped because it asks for tools.
func endsWithCalls(finish string) bool { return finish == "tool_calls" || finish == "function_call" }

// Interface guard
var _ wire.Reply = (*chatReply)(nil)
