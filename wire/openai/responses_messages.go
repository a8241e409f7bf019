package openai

import (
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

// turns counts the messages of the normalised conversation while items come:
// what the model said and did between two things that it was told is one
// message, as in the APIs where a message has its calls with it. A second text
// of the model's begins a new one.
type turns struct {
	n     int
	model bool // the last message is the model's
	spoke bool // and has a text
}

// next takes one item, and gives the index of its message.
func (t *turns) next(kind, role string) int {
	switch says := itemRole(kind, role); {
	case says != "assistant":
		*t = turns{n: t.n + 1}
	case t.model && (kind != "message" || !t.spoke):
		t.spoke = t.spoke || kind == "message"
	default:
		*t = turns{n: t.n + 1, model: true, spoke: kind == "message"}
	}
	return t.n - 1
}

// itemRole is the role of the message that an item belongs to.
func itemRole(kind, role string) string {
	switch {
	case kind == "instructions", role == "system", role == "developer":
		return "system"
	case kind == "message":
		return role
	case strings.HasSuffix(kind, "_output"):
		return "tool"
	case strings.HasSuffix(kind, "_call"), kind == "reasoning", kind == "mcp_list_tools", kind == "mcp_approval_request":
		return "assistant"
	}
	return "user"
}

// Messages brings the conversation into the shape that all dialects share: the
// instructions are the first message, the model's text and calls are one, each
// result is one of the role tool. Media, reasoning and what the provider's tools
// did are parts with their kind and the SHA-256 of the part or the item.
func (r *askRequest) Messages() []byte {
	var list []wire.Message
	if in := r.root.Get("instructions"); in.Kind() == strictjson.String {
		list = append(list, wire.Message{Role: "system", Parts: []wire.Part{{Text: in.Str()}}})
	}
	if in := r.root.Get(r.kind.input); in.Kind() == strictjson.String {
		list = append(list, wire.Message{Role: "user", Parts: []wire.Part{{Text: in.Str()}}})
	}
	for i := range r.items {
		it := &r.items[i]
		if it.message == len(list) {
			list = append(list, wire.Message{Role: itemRole(it.kind, it.v.Get("role").Str())})
		}
		it.normal(&list[it.message])
	}
	return wire.Conversation(list)
}

// normal adds an item to its message.
func (it *inputItem) normal(m *wire.Message) {
	switch {
	case it.kind == "message":
		m.Parts = append(m.Parts, itemParts(it.v.Get("content"))...)
	case m.Role == "tool":
		m.Parts = append(m.Parts, it.resultParts()...)
		m.Results = append(m.Results, wire.MessageResult{ID: it.callID()})
	case asksAgent(it.v, it.kind):
		if c, err := readCall(it.v, it.kind, ""); err == nil { // it was read before
			c.Index = len(m.Calls)
			m.Calls = append(m.Calls, c.Call)
		}
	default:
		p := wire.Part{Kind: it.kind, Raw: it.v.Raw()}
		if it.kind != "reasoning" {
			p.Text, p.Says = walked(it.v)
		}
		m.Parts = append(m.Parts, p)
	}
}

func walked(v strictjson.Value) (string, bool) {
	var words []string
	w := walker{text: func(leaf strictjson.Value) { words = append(words, leaf.Str()) }}
	w.value(v)
	return strings.Join(words, "\n"), len(words) > 0
}

// itemParts lists the parts of a content: a string, or an array of parts.
func itemParts(content strictjson.Value) []wire.Part {
	if content.Kind() == strictjson.String {
		return []wire.Part{{Text: content.Str()}}
	}
	var list []wire.Part
	for _, p := range content.Elems() {
		if field := partText(p); field != "" {
			list = append(list, wire.Part{Text: p.Get(field).Str()})
			continue
		}
		kind := strings.TrimPrefix(p.Get("type").Str(), "input_")
		if kind == "computer_screenshot" {
			kind = "image"
		}
		list = append(list, wire.Part{Kind: kind, Raw: p.Raw()})
	}
	return list
}

// resultParts lists what a result holds.
func (it *inputItem) resultParts() []wire.Part {
	out := it.v.Get("output")
	switch {
	case out.Kind() == strictjson.String:
		return itemParts(out)
	case out.Kind() == strictjson.Array && partKinds(out):
		return itemParts(out)
	case out.Get("type").EqualStr("computer_screenshot"):
		return []wire.Part{{Kind: "image", Raw: out.Raw()}}
	}
	text, _ := walked(it.v)
	return []wire.Part{{Text: text}}
}

// partKinds tells whether an array holds content parts.
func partKinds(v strictjson.Value) bool {
	for _, p := range v.Elems() {
		if p.Get("type").Str() == "" {
			return false
		}
	}
	return true
}

func (it *inputItem) callID() string {
	if id := it.v.Get("call_id").Str(); id != "" {
		return id
	}
	return it.v.Get("id").Str()
}

// Results lists the tool results, each with the call that it answers.
func (r *askRequest) Results() []wire.Result {
	calls := map[string]wire.Call{} // by id; of two the latest counts
	var results []wire.Result
	latest := 0
	for i := range r.items {
		it := &r.items[i]
		switch itemRole(it.kind, it.v.Get("role").Str()) {
		case "assistant":
			if asksAgent(it.v, it.kind) {
				if c, err := readCall(it.v, it.kind, ""); err == nil {
					calls[c.ID] = c.Call
				}
			}
			latest = len(results)
		case "tool":
			results = append(results, r.result(it, calls))
		}
	}
	for i := latest; i < len(results); i++ {
		results[i].Latest = true
	}
	return results
}

func (r *askRequest) result(it *inputItem, calls map[string]wire.Call) wire.Result {
	m := wire.Message{Parts: it.resultParts()}
	res := wire.Result{CallID: it.callID(), Text: m.Text()}
	if c, ok := calls[res.CallID]; ok && res.CallID != "" {
		res.Tool = c.Name
		if args, err := c.ArgsJSON(); err == nil {
			res.Args = args
		}
	}
	for k := it.from; k < it.to; k++ {
		if r.texts[k].Result {
			res.Texts = append(res.Texts, k)
		}
	}
	return res
}
