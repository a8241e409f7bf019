package openai

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

// Messages brings the conversation into the shape that all dialects share.
// The roles are system (also for developer), user, assistant and tool (also
// for function). Media are parts with their kind and the SHA-256 of the part,
// so that the conversation's hash binds them.
func (r *chatRequest) Messages() []byte {
	b := []byte{'['}
	for i, m := range r.root.Get("messages").Elems() {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendMessage(b, m)
	}
	b, err := strictjson.Canonical(append(b, ']'))
	if err != nil {
		panic("openai: own JSON does not pass the gate: " + err.Error())
	}
	return b
}

func appendMessage(b []byte, m strictjson.Value) []byte {
	role, text := m.Get("role").Str(), messageText(m)
	switch role {
	case "developer":
		role = "system"
	case "function":
		role = "tool"
	}
	b = append(b, `{"role":`...)
	b = strictjson.AppendQuoted(b, role)
	b = append(b, `,"text":`...)
	b = strictjson.AppendQuoted(b, text)
	b = append(b, `,"parts":[`...)
	b = appendParts(b, m.Get("content"))
	b = append(b, `],"tool_calls":[`...)
	for i, c := range messageCalls(m) {
		if i > 0 {
			b = append(b, ',')
		}
		b = wire.AppendCall(b, &c, true)
	}
	b = append(b, `],"tool_results":[`...)
	if role == "tool" {
		id := m.Get("tool_call_id").Str()
		if id == "" {
			id = m.Get("name").Str()
		}
		b = append(b, `{"id":`...)
		b = strictjson.AppendQuoted(b, id)
		b = append(b, `,"text":`...)
		b = strictjson.AppendQuoted(b, text)
		b = append(b, '}')
	}
	return append(b, "]}"...)
}

func appendParts(b []byte, content strictjson.Value) []byte {
	if content.Kind() == strictjson.String {
		return appendTextPart(b, content.Str())
	}
	for i, p := range content.Elems() {
		if i > 0 {
			b = append(b, ',')
		}
		switch kind := p.Get("type").Str(); kind {
		case "text", "refusal":
			b = appendTextPart(b, p.Get(kind).Str())
		default:
			sum := sha256.Sum256(p.Raw())
			b = append(b, `{"type":`...)
			b = strictjson.AppendQuoted(b, partKind(kind))
			b = append(b, `,"sha256":"`...)
			b = hex.AppendEncode(b, sum[:])
			b = append(b, `"}`...)
		}
	}
	return b
}

func appendTextPart(b []byte, text string) []byte {
	b = append(b, `{"type":"text","text":`...)
	b = strictjson.AppendQuoted(b, text)
	return append(b, '}')
}

func partKind(wireKind string) string {
	switch wireKind {
	case "image_url":
		return "image"
	case "video_url":
		return "video"
	case "document_url":
		return "file"
	case "input_audio":
		return "audio"
	}
	return wireKind
}

// messageText joins the texts of a message by newlines.
func messageText(m strictjson.Value) string {
	texts := partTexts(m.Get("content"))
	if s := m.Get("refusal").Str(); s != "" {
		texts = append(texts, s)
	}
	return strings.Join(texts, "\n")
}

// partTexts lists the texts of a content: a string, or an array of parts.
func partTexts(content strictjson.Value) []string {
	if content.Kind() == strictjson.String {
		return []string{content.Str()}
	}
	var texts []string
	for _, p := range content.Elems() {
		switch kind := p.Get("type").Str(); kind {
		case "text", "refusal":
			texts = append(texts, p.Get(kind).Str())
		}
	}
	return texts
}

// messageCalls lists the tool calls of an assistant's message.
func messageCalls(m strictjson.Value) []wire.Call {
	var calls []wire.Call
	for i, c := range m.Get("tool_calls").Elems() {
		f, field := callBody(c)
		calls = append(calls, wire.Call{
			Index: i, ID: c.Get("id").Str(), Name: f.Get("name").Str(),
			Args: f.Get(field).Str(), Free: field == "input",
		})
	}
	if f := m.Get("function_call"); f.Kind() == strictjson.Object && !noCall(f) {
		calls = append(calls, wire.Call{Index: len(calls), Name: f.Get("name").Str(), Args: f.Get("arguments").Str()})
	}
	return calls
}

// Results lists the tool results, each with the call that it answers.
func (r *chatRequest) Results() []wire.Result {
	calls := map[string]wire.Call{} // by id, or by the function's name; of two the latest counts
	var results []wire.Result
	latest := 0
	for i, m := range r.root.Get("messages").Elems() {
		switch m.Get("role").Str() {
		case "assistant":
			for _, c := range messageCalls(m) {
				calls[callKey(c.ID, c.Name)] = c
			}
			latest = len(results)
		case "tool", "function":
			results = append(results, r.result(i, m, calls))
		}
	}
	for i := latest; i < len(results); i++ {
		results[i].Latest = true
	}
	return results
}

// callKey is what ties a result to its call.
func callKey(id, name string) string {
	if id != "" {
		return "id " + id
	}
	return "name " + name
}

func (r *chatRequest) result(i int, m strictjson.Value, calls map[string]wire.Call) wire.Result {
	res := wire.Result{CallID: m.Get("tool_call_id").Str(), Text: messageText(m)}
	if c, ok := calls[callKey(res.CallID, m.Get("name").Str())]; ok {
		res.Tool = c.Name
		if args, err := c.ArgsJSON(); err == nil {
			res.Args = args
		}
	}
	for k := r.textsOf[i][0]; k < r.textsOf[i][1]; k++ {
		if r.texts[k].Result {
			res.Texts = append(res.Texts, k)
		}
	}
	return res
}
