package openai

import (
	"fmt"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// Completions is the codec of POST /completions, the older way to ask for
// text.
type Completions struct{}

// Protocol is "openai.completions".
func (Completions) Protocol() string { return "openai.completions" }

// Request reads a request whose `prompt` is a string or an array of strings,
// with a `suffix` that the text is to be followed by. Token ids are refused.
func (Completions) Request(in wire.Incoming) (wire.Request, error) {
	return readPlain(in, plainKind{prompt: "prompt", suffix: true, streams: true})
}

// Reply reads
//
//	{"id", "object": "text_completion", "model", "choices": [{"index", "text", "logprobs", "finish_reason"}], "usage"}
//
// With `echo`, the text begins with the prompt, which is then a part of the
// reply. `logprobs` repeats the text token by token.
func (Completions) Reply(body []byte) (wire.Reply, error) {
	doc, err := strictjson.Parse(body, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	r := &textReply{chatReply{body: body, root: doc.Root()}}
	if err := r.read(r.choice); err != nil {
		return nil, err
	}
	return r, nil
}

// textReply is a reply whose choices hold a text and no message: without
// calls, all else is as in a chat's.
type textReply struct{ chatReply }

func (r *textReply) choice(pos int, c strictjson.Value) error {
	path := fmt.Sprintf("choices[%d]", pos)
	if c.Kind() != strictjson.Object {
		return read.Wrong(path, "must be an object")
	}
	if err := checkTextChoice(c); err != nil {
		return &wire.Error{Path: path, Err: err}
	}
	if t := c.Get("text"); t.Kind() != strictjson.String && !t.IsNull() {
		return read.Wrong(path+".text", "must be a string")
	}
	index, err := r.begin(pos, c)
	if err != nil {
		return err
	}
	for k, v := range c.Members() {
		switch key := k.Str(); key {
		case "index", "finish_reason", "logprobs":
		default:
			leaves(v, "", func(_ string, leaf strictjson.Value) {
				r.text(leaf, index, wire.Place{List: "choices", Index: index, Field: key})
			})
		}
	}
	return nil
}

// checkTextChoice refuses what makes a choice that of a chat.
func checkTextChoice(c strictjson.Value) error {
	if err := c.CheckKeys(textChoiceFields); err != nil {
		return err
	}
	for _, name := range [...]string{"message", "delta", "tool_calls", "function_call"} {
		if v := c.Get(name); v.Exists() && !v.IsNull() {
			return read.Wrong("", "a chat's message where a text belongs")
		}
	}
	for _, v := range c.Members() {
		if hasCalls(v) {
			return read.Wrong("", "tool calls where none belong")
		}
	}
	return nil
}

// Response is the reply with the texts as contents.
func (r *textReply) Response() *wire.Response {
	resp := &wire.Response{Usage: readUsage(r.root.Get("usage"))}
	for _, c := range r.choices {
		choice := wire.Choice{
			Index: c.index, Content: c.v.Get("text").Str(),
			Reasoning: c.v.Get("reasoning_content").Str(), FinishReason: c.v.Get("finish_reason").Str(),
		}
		if choice.Reasoning == "" {
			choice.Reasoning = c.v.Get("reasoning").Str()
		}
		resp.Choices = append(resp.Choices, choice)
	}
	return resp
}

// Interface guards
var (
	_ wire.ChatCodec = Completions{}
	_ wire.Reply     = (*textReply)(nil)
)
