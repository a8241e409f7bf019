package anthropic

import (
	"crypto/sha256"
	"encoding/hex"
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
	b := []byte{'['}
	for i := range r.messages {
		if i > 0 {
			b = append(b, ',')
		}
		b = r.messages[i].append(b)
	}
	b, err := strictjson.Canonical(append(b, ']'))
	if err != nil {
		panic("anthropic: own JSON does not pass the gate: " + err.Error())
	}
	return b
}

func (m *message) append(b []byte) []byte {
	text := m.text()
	b = append(b, `{"role":`...)
	b = strictjson.AppendQuoted(b, m.role)
	b = append(b, `,"text":`...)
	b = strictjson.AppendQuoted(b, text)
	b = append(b, `,"parts":[`...)
	first := true
	for _, block := range m.blocks {
		if block.Get("type").EqualStr("tool_use") {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = m.appendPart(b, block)
	}
	b = append(b, `],"tool_calls":[`...)
	for i, c := range m.calls() {
		if i > 0 {
			b = append(b, ',')
		}
		b = wire.AppendCall(b, &c, true)
	}
	b = append(b, `],"tool_results":[`...)
	if m.result.Exists() {
		b = append(b, `{"id":`...)
		b = strictjson.AppendQuoted(b, m.result.Get("tool_use_id").Str())
		b = append(b, `,"text":`...)
		b = strictjson.AppendQuoted(b, text)
		b = append(b, '}')
	}
	return append(b, "]}"...)
}

func (m *message) appendPart(b []byte, block strictjson.Value) []byte {
	text, has := m.blockText(block)
	kind := block.Get("type").Str()
	switch {
	case block.Kind() == strictjson.String || kind == "text":
		b = append(b, `{"type":"text","text":`...)
		b = strictjson.AppendQuoted(b, text)
		return append(b, '}')
	case kind == "document":
		kind = "file"
	}
	sum := sha256.Sum256(block.Raw())
	b = append(b, `{"type":`...)
	b = strictjson.AppendQuoted(b, kind)
	b = append(b, `,"sha256":"`...)
	b = hex.AppendEncode(b, sum[:])
	b = append(b, '"')
	if has {
		b = append(b, `,"text":`...)
		b = strictjson.AppendQuoted(b, text)
	}
	return append(b, '}')
}

// text joins the texts of a message by newlines.
func (m *message) text() string {
	var texts []string
	for _, b := range m.blocks {
		if t, ok := m.blockText(b); ok {
			texts = append(texts, t)
		}
	}
	return strings.Join(texts, "\n")
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
