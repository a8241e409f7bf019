package gemini

import (
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

// Messages brings the conversation into the shape that all dialects share:
// the system text is the first message, each functionResponse is a message of
// the role tool, whose id, where it has none, is the function's name. Parts
// that are neither text nor calls have their kind and the SHA-256 of the part,
// so that the conversation's hash binds them.
func (r *request) Messages() []byte {
	list := make([]wire.Message, len(r.messages))
	for i := range r.messages {
		list[i] = r.messages[i].normal()
	}
	return wire.Conversation(list)
}

func (m *message) normal() wire.Message {
	n := wire.Message{Role: m.role, Calls: m.calls()}
	for _, p := range m.parts {
		if !get(p, "functionCall").Exists() {
			n.Parts = append(n.Parts, normalPart(p))
		}
	}
	if m.result.Exists() {
		id := get(m.result, "id").Str()
		if id == "" {
			id = get(m.result, "name").Str()
		}
		n.Results = []wire.MessageResult{{ID: id}}
		n.Parts = append(n.Parts, wire.Part{Text: resultText(m.result)})
		for _, p := range list(get(m.result, "parts")) {
			n.Parts = append(n.Parts, normalPart(p))
		}
	}
	return n
}

func normalPart(p strictjson.Value) wire.Part {
	if t := get(p, "text"); t.Exists() {
		if isThought(p) {
			return wire.Part{Kind: "thinking", Raw: p.Raw()}
		}
		return wire.Part{Text: t.Str()}
	}
	kind, v, _ := partOf(p, "") // it was read before
	switch kind {
	case "inlineData", "fileData":
		kind = mediaKind(get(v, "mimeType").Str())
	case "":
		kind = "unknown"
	}
	var words []string
	s := sink{text: func(leaf strictjson.Value) { words = append(words, leaf.Str()) }}
	s.besides(p)
	return wire.Part{Kind: kind, Raw: p.Raw(), Text: strings.Join(words, "\n"), Says: len(words) > 0}
}

func mediaKind(mimeType string) string {
	switch kind, _, _ := strings.Cut(strings.ToLower(mimeType), "/"); kind {
	case "image", "audio", "video":
		return kind
	}
	return "file"
}

// resultText is what a tool has answered. `output` is the API's own name for
// that, and `result` the one that its SDKs write: where one of them stands
// alone its value is the answer, a string as it is. Any other response is the
// answer as a whole, in canonical JSON.
func resultText(result strictjson.Value) string {
	v := get(result, "response")
	if v.Len() == 1 {
		for _, name := range []string{"output", "result"} {
			if m := v.Get(name); m.Exists() {
				v = m
				break
			}
		}
	}
	if v.Kind() == strictjson.String {
		return v.Str()
	}
	text, err := strictjson.AppendCanonical(nil, v)
	if err != nil {
		return "" // there is none
	}
	return string(text)
}

// calls lists the function calls of a message.
func (m *message) calls() []wire.Call {
	var calls []wire.Call
	for _, p := range m.parts {
		if f := get(p, "functionCall"); f.Exists() {
			c := callOf(f)
			c.Index = len(calls)
			calls = append(calls, c)
		}
	}
	return calls
}

func callOf(f strictjson.Value) wire.Call {
	return wire.Call{ID: get(f, "id").Str(), Name: get(f, "name").Str(), Args: string(get(f, "args").Raw())}
}

// Results lists the tool results, each with the call that it answers: the one
// with its id, or, without ids, the calls of its function in their order.
func (r *request) Results() []wire.Result {
	calls := map[string][]wire.Call{} // those that wait, of a key; those of the latest message count
	var results []wire.Result
	latest := 0
	for i := range r.messages {
		m := &r.messages[i]
		switch {
		case m.result.Exists():
			results = append(results, r.result(m, calls))
		case m.role == "assistant":
			latest = len(results)
			list := m.calls()
			for _, c := range list {
				delete(calls, callKey(c.ID, c.Name))
			}
			for _, c := range list {
				key := callKey(c.ID, c.Name)
				calls[key] = append(calls[key], c)
			}
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

func (r *request) result(m *message, calls map[string][]wire.Call) wire.Result {
	n := m.normal()
	res := wire.Result{CallID: get(m.result, "id").Str(), Tool: get(m.result, "name").Str(), Text: n.Text()}
	key := callKey(res.CallID, res.Tool)
	if waiting := calls[key]; len(waiting) > 0 {
		if args, err := waiting[0].ArgsJSON(); err == nil {
			res.Args = args
		}
		if len(waiting) > 1 {
			calls[key] = waiting[1:]
		}
	}
	for k := m.texts[0]; k < m.texts[1]; k++ {
		res.Texts = append(res.Texts, k)
	}
	return res
}
