package mcp

import (
	"fmt"
	"slices"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// asking is a prompt that is being read.
type asking struct {
	wire.RPCPrompt
	calls map[string]*wire.Call
}

// prompt reads what the server asks a client's model or its user.
func (m *message) prompt(path, method string, params strictjson.Value) (wire.RPCPrompt, error) {
	a := asking{calls: map[string]*wire.Call{}}
	if params.Kind() != strictjson.Object {
		return a.RPCPrompt, read.Wrong(path, "must be an object")
	}
	if err := check(path, params, paramsFields); err != nil {
		return a.RPCPrompt, err
	}
	if method == "elicitation/create" {
		a.elicitation(params)
		return a.RPCPrompt, nil
	}
	err := a.sampling(path, params)
	return a.RPCPrompt, err
}

// elicitation is one message to the user: what is asked, where it leads, and
// the words of the form.
func (a *asking) elicitation(params strictjson.Value) {
	msg := wire.Message{Role: "user"}
	for _, key := range []string{"message", "url"} {
		if v := params.Get(key); v.Kind() == strictjson.String {
			msg.Parts = append(msg.Parts, wire.Part{Text: v.Str()})
		}
	}
	form := func(leaf strictjson.Value) { msg.More = append(msg.More, leaf.Str()) }
	besides(params, form, noFact, "message", "url", "mode", "elicitationId", "_meta", "task")
	besides(params, texts(&a.Texts, wire.Place{List: "messages"}), facts(&a.Unscanned))
	a.Messages = []wire.Message{msg}
}

// sampling is a prompt for a model.
func (a *asking) sampling(path string, params strictjson.Value) error {
	if v := params.Get("systemPrompt"); v.Exists() {
		if v.Kind() != strictjson.String {
			return read.Wrong(path+".systemPrompt", "must be a string")
		}
		a.Messages = append(a.Messages, wire.Message{Role: "system", Parts: []wire.Part{{Text: v.Str()}}})
		texts(&a.Texts, wire.Place{List: "messages"})(v)
	}
	a.Model = read.Elem(params.Get("modelPreferences").Get("hints"), 0).Get("name").Str()
	var err error
	if a.Tools, err = offers(path+".tools", params.Get("tools")); err != nil {
		return err
	}
	list := params.Get("messages")
	if list.Kind() != strictjson.Array {
		return read.Wrong(path+".messages", "must be an array")
	}
	for i, v := range list.Elems() {
		if err := a.message(fmt.Sprintf("%s.messages[%d]", path, i), v); err != nil {
			return err
		}
	}
	for i, v := range params.Get("tools").Elems() {
		walk("", v, texts(&a.Texts, wire.Place{List: "tools", Index: i}), noFact)
	}
	besides(params, texts(&a.Texts, place("messages")), facts(&a.Unscanned), "systemPrompt", "messages", "tools")
	return nil
}

// message reads one message. The results of tools in it become messages of
// their own, before it.
func (a *asking) message(path string, v strictjson.Value) error {
	if v.Kind() != strictjson.Object {
		return read.Wrong(path, "must be an object")
	}
	if err := check(path, v, promptFields); err != nil {
		return err
	}
	role := v.Get("role").Str()
	if role != "user" && role != "assistant" {
		return read.Wrong(path+".role", "must be user or assistant")
	}
	msg := wire.Message{Role: role}
	for _, b := range blocks(v.Get("content")) {
		if err := checkBlock(b, path+".content"); err != nil {
			return err
		}
		if b.Get("type").EqualStr("tool_result") {
			if err := a.result(path, b); err != nil {
				return err
			}
			continue
		}
		if err := a.block(path, b, &msg); err != nil {
			return err
		}
	}
	at := wire.Place{List: "messages", Index: len(a.Messages)}
	list := slices.DeleteFunc(blocks(v.Get("content")), func(b strictjson.Value) bool { return b.Get("type").EqualStr("tool_result") })
	collector{list: &a.Texts, at: at, fact: facts(&a.Unscanned)}.blocks(list)
	besides(v, texts(&a.Texts, at), noFact, "content")
	if len(msg.Parts) > 0 || len(msg.Calls) > 0 || v.Get("content").Len() == 0 {
		a.Messages = append(a.Messages, msg)
	}
	return nil
}

// block adds a block to a message.
func (a *asking) block(path string, b strictjson.Value, msg *wire.Message) error {
	switch kind := b.Get("type").Str(); kind {
	case "text":
		msg.Parts = append(msg.Parts, wire.Part{Text: b.Get("text").Str()})
	case "image", "audio":
		msg.Parts = append(msg.Parts, wire.Part{Kind: kind, Raw: b.Get("data").Raw()})
	case "tool_use":
		if b.Get("name").Str() == "" || b.Get("input").Kind() != strictjson.Object {
			return read.Wrong(path, "a call must have a name and an object as its input")
		}
		msg.Calls = append(msg.Calls, wire.Call{
			Index: len(msg.Calls), ID: b.Get("id").Str(), Name: b.Get("name").Str(), Args: string(b.Get("input").Raw()),
		})
		a.calls[b.Get("id").Str()] = &msg.Calls[len(msg.Calls)-1]
	default:
		msg.Parts = append(msg.Parts, wire.Part{Kind: "other", Raw: b.Raw(), Text: saidBy(b), Says: true})
	}
	return nil
}

// result reads the result of a tool.
func (a *asking) result(path string, b strictjson.Value) error {
	id := b.Get("toolUseId").Str()
	r := wire.Result{CallID: id, Latest: true}
	if c := a.calls[id]; c != nil {
		r.Tool, r.Args = c.Name, []byte(c.Args)
		if args, err := strictjson.Canonical(r.Args); err == nil {
			r.Args = args
		}
	}
	msg := wire.Message{Role: "tool", Results: []wire.MessageResult{{ID: id}}}
	var said []string
	seen := map[string]bool{}
	if b.Get("content").Exists() {
		for _, c := range blocks(b.Get("content")) {
			if err := checkBlock(c, path+".content"); err != nil {
				return err
			}
			said = append(said, saidBy(c))
			seen[saidBy(c)] = true
			msg.Parts = append(msg.Parts, wire.Part{Text: saidBy(c)})
		}
	}
	read.EveryString(b.Get("structuredContent"), func(leaf strictjson.Value) {
		if s := leaf.Str(); !seen[s] {
			seen[s] = true
			said = append(said, s)
			msg.More = append(msg.More, s)
		}
	})
	r.Text = joined(said)
	from := len(a.Texts)
	at := wire.Place{List: "messages", Index: len(a.Messages)}
	c := collector{list: &a.Texts, at: at, fact: facts(&a.Unscanned), mark: func(t *wire.Text) { t.Result = true }}
	if b.Get("content").Exists() {
		c.blocks(blocks(b.Get("content")))
	}
	read.EveryString(b.Get("structuredContent"), c.text)
	besides(b, c.text, c.fact, "content", "structuredContent", "toolUseId")
	for i := from; i < len(a.Texts); i++ {
		r.Texts = append(r.Texts, i)
	}
	a.Messages, a.Results = append(a.Messages, msg), append(a.Results, r)
	return nil
}
