package ollama

import (
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

// Messages brings the conversation into the shape that all dialects share.
// Images are parts with their kind and the SHA-256 of the JSON string. An
// empty content beside tool calls, which Ollama writes where others leave the
// content out, is no part.
func (r *request) Messages() []byte {
	list := make([]wire.Message, len(r.messages))
	for i := range r.messages {
		list[i] = r.messages[i].normal()
	}
	return wire.Conversation(list)
}

func (m *message) normal() wire.Message {
	n := wire.Message{Role: m.role, Calls: m.list()}
	if m.content.Kind() == strictjson.String && (len(n.Calls) == 0 || !m.content.EqualStr("")) {
		n.Parts = append(n.Parts, wire.Part{Text: m.content.Str()})
	}
	for _, image := range m.images.Elems() {
		n.Parts = append(n.Parts, wire.Part{Kind: "image", Raw: image.Raw()})
	}
	if m.role == "tool" {
		id := m.id
		if id == "" {
			id = m.tool
		}
		n.Results = []wire.MessageResult{{ID: id}}
	}
	return n
}

func (m *message) list() []wire.Call {
	var calls []wire.Call
	for i, c := range m.calls.Elems() {
		calls = append(calls, callOf(c, i))
	}
	return calls
}

// Results lists the tool results, each with the call that it answers: the one
// with its id, or with its tool's name. A result that says neither answers the
// call at its own place after the assistant's message.
func (r *request) Results() []wire.Result {
	known := map[string]wire.Call{} // by id and by name; of two the latest counts
	var last []wire.Call
	var results []wire.Result
	latest, place := 0, 0
	for i := range r.messages {
		m := &r.messages[i]
		switch m.role {
		case "assistant":
			last, place, latest = m.list(), 0, len(results)
			for _, c := range last {
				known["name "+c.Name] = c
				if c.ID != "" {
					known["id "+c.ID] = c
				}
			}
		case "tool":
			c, ok := known["id "+m.id]
			switch {
			case m.id != "":
			case m.tool != "":
				c, ok = known["name "+m.tool]
			case place < len(last):
				c, ok = last[place], true
			}
			place++
			results = append(results, m.result(c, ok))
		}
	}
	for i := latest; i < len(results); i++ {
		results[i].Latest = true
	}
	return results
}

// result is the message as the result of a call, which is known or not.
func (m *message) result(c wire.Call, known bool) wire.Result {
	n := m.normal()
	res := wire.Result{CallID: m.id, Text: n.Text()}
	if known {
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
