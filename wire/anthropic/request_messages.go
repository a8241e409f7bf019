package anthropic

import (
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

// Messages brings the conversation into the shape that all dialects share:
// the system text is the first message, each tool_result is a message of the
// role tool. Blocks that are neither text nor calls are parts with their kind
// and the SHA-256 of the block, so that the conversation's hash binds them;
// the words of a document or of a server-side tool's block are its text.
func (r *request) Messages() []byte {
	list := make([]wire.Message, len(r.messages))
	for i := range r.messages {
		list[i] = r.messages[i].normal()
	}
	return wire.Conversation(list)
}

func (m *message) normal() wire.Message {
	n := wire.Message{Role: m.role, Calls: m.calls()}
	for _, block := range m.blocks {
		if !block.Get("type").EqualStr("tool_use") {
			n.Parts = append(n.Parts, m.part(block))
		}
	}
	if m.result.Exists() {
		n.Results = []wire.MessageResult{{ID: m.result.Get("tool_use_id").Str()}}
	}
	return n
}

func (m *message) part(block strictjson.Value) wire.Part {
	text, has := m.blockText(block)
	kind := block.Get("type").Str()
	switch {
	case block.Kind() == strictjson.String || kind == "text":
		return wire.Part{Text: text}
	case kind == "document":
		kind = "file"
	}
	return wire.Part{Kind: kind, Raw: block.Raw(), Text: text, Says: has}
}

// text joins the texts of a message by newlines.
func (m *message) text() string {
	n := m.normal()
	return n.Text()
}

// blockText is what a block says; the assistant's thinking and calls say
// nothing here.
func (m *message) blockText(b strictjson.Value) (string, bool) {
	if b.Kind() == strictjson.String {
		return b.Str(), true
	}
	switch kind := b.Get("type").Str(); {
	case kind == "text":
		return b.Get("text").Str(), true
	case kind == "tool_use", kind == "thinking" && m.role == "assistant":
		return "", false
	}
	var words []string
	besides(b, func(leaf strictjson.Value) { words = append(words, leaf.Str()) }, noFact, "type", "id", "tool_use_id")
	return strings.Join(words, "\n"), len(words) > 0
}

// calls lists the tool calls of a message.
func (m *message) calls() []wire.Call {
	var calls []wire.Call
	for _, b := range m.blocks {
		if b.Get("type").EqualStr("tool_use") {
			calls = append(calls, wire.Call{
				Index: len(calls), ID: b.Get("id").Str(), Name: b.Get("name").Str(), Args: string(b.Get("input").Raw()),
			})
		}
	}
	return calls
}

// Results lists the tool results, each with the call that it answers.
func (r *request) Results() []wire.Result {
	calls := map[string]wire.Call{} // of two with one id the latest counts
	var results []wire.Result
	latest := 0
	for i := range r.messages {
		m := &r.messages[i]
		switch {
		case m.result.Exists():
			results = append(results, r.result(m, calls))
		case m.role == "assistant":
			for _, c := range m.calls() {
				calls[c.ID] = c
			}
			latest = len(results)
		}
	}
	for i := latest; i < len(results); i++ {
		results[i].Latest = true
	}
	return results
}

func (r *request) result(m *message, calls map[string]wire.Call) wire.Result {
	res := wire.Result{CallID: m.result.Get("tool_use_id").Str(), Text: m.text()}
	if c, ok := calls[res.CallID]; ok {
		res.Tool = c.Name
		if args, err := c.ArgsJSON(); err == nil {
			res.Args = args
		}
	}
	for k := m.texts[0]; k < m.texts[1]; k++ {
		res.Texts = append(res.Texts, k)
	}
	return res
}
