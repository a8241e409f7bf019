package openai

import (
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

// Messages brings the conversation into the shape that all dialects share.
// The roles are system (also for developer), user, assistant and tool (also
// for function). Media are parts with their kind and the SHA-256 of the part,
// so that the conversation's hash binds them.
func (r *chatRequest) Messages() []byte {
	var list []wire.Message
	for _, m := range r.root.Get("messages").Elems() {
		list = append(list, normal(m))
	}
	return wire.Conversation(list)
}

func normal(m strictjson.Value) wire.Message {
	n := wire.Message{Role: m.Get("role").Str(), Parts: parts(m.Get("content")), Calls: messageCalls(m)}
	switch n.Role {
	case "developer":
		n.Role = "system"
	case "function":
		n.Role = "tool"
	}
	if s := m.Get("refusal").Str(); s != "" {
		n.More = []string{s}
	}
	if n.Role == "tool" {
		id := m.Get("tool_call_id").Str()
		if id == "" {
			id = m.Get("name").Str()
		}
		n.Results = []wire.MessageResult{{ID: id}}
	}
	return n
}

// parts lists the parts of a content: a string, or an array of parts.
func parts(content strictjson.Value) []wire.Part {
	if content.Kind() == strictjson.String {
		return []wire.Part{{Text: content.Str()}}
	}
	var list []wire.Part
	for _, p := range content.Elems() {
		switch kind := p.Get("type").Str(); kind {
		case "text", "refusal":
			list = append(list, wire.Part{Text: p.Get(kind).Str()})
		default:
			list = append(list, wire.Part{Kind: partKind(kind), Raw: p.Raw()})
		}
	}
	return list
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
	n := normal(m)
	return n.Text()
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
