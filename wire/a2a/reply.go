package a2a

import (
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// reply is a message, a task, or a list of tasks, as one choice.
type reply struct {
	body    []byte
	root    strictjson.Value
	said    strictjson.Value
	texts   []wire.Text
	content []string
}

func readReply(body []byte, rpc bool) (wire.Reply, error) {
	doc, err := strictjson.Parse(body, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	r := &reply{body: body, root: doc.Root()}
	if r.said, err = payload(r.root, rpc); err != nil {
		return nil, err
	}
	group := 0
	place := func(key string) wire.Place { return wire.Place{List: "choices", Field: key} }
	w := visitor{
		parts: func(list []strictjson.Value) {
			group++
			for _, v := range list {
				r.texts = append(r.texts, span(v, wire.Text{Place: place("text"), Group: group}))
			}
			r.content = append(r.content, textsOf(list))
		},
		word: func(key string, leaf strictjson.Value) {
			if key == "data" {
				key = "text"
				r.content = append(r.content, leaf.Str())
			}
			r.texts = append(r.texts, span(leaf, wire.Text{Place: place(key)}))
		},
	}
	for k, v := range r.root.Members() {
		if rpc && (k.EqualStr("id") || k.EqualStr("jsonrpc")) {
			continue
		}
		w.walk(k.Str(), v)
	}
	return r, nil
}

// Model is empty: agents do not say which model has answered.
func (r *reply) Model() string      { return "" }
func (r *reply) Texts() []wire.Text { return r.texts }
func (r *reply) Calls() []wire.Call { return nil }

// Created are the ids of the tasks and contexts that the reply tells.
func (r *reply) Created() []string {
	var k kept
	k.collect(r.said)
	return k.list
}

// Response is the reply as one choice: the texts and the strings of the data
// of all parts, in messages, artifacts and history, joined by newlines; the
// task's state is why it ended. An error has no choice.
func (r *reply) Response() *wire.Response {
	if failed(r.root) {
		return &wire.Response{}
	}
	return &wire.Response{Choices: []wire.Choice{{Content: strings.Join(r.content, "\n"), FinishReason: stateOf(r.said)}}}
}

// Rewrite puts the replaced texts into the reply.
func (r *reply) Rewrite(texts []strictjson.Replacement, _ []wire.Verdict) ([]byte, error) {
	edits := append([]strictjson.Replacement(nil), texts...)
	read.Sort(edits)
	return strictjson.Splice(nil, r.body, edits), nil
}

// Interface guards
var (
	_ wire.Reply   = (*reply)(nil)
	_ wire.Creator = (*reply)(nil)
)
