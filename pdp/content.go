package pdp

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/wire/strictjson"
)

var (
	messageFields  = strictjson.Keys("role", "text", "parts", "tool_calls", "tool_results")
	responseFields = strictjson.Keys("choices", "text", "usage")
	choiceFields   = strictjson.Keys("index", "text", "reasoning", "tool_calls", "finish_reason")
	callFields     = strictjson.Keys("id", "name", "args")
)

// readMessages reads a conversation in the shape of the input document.
func (c *call) readMessages(rd *reader, in *policy.Input, needs policy.Fields) []place {
	if !rd.has("messages") {
		in.MessagesHash = rd.hash("messages_hash")
		return nil
	}
	list, seen := fillMessages(rd)
	if list == nil {
		return nil
	}
	in.MessagesHash = c.hashOf(rd, "messages_hash", list, needs.Has(policy.FieldMessagesHash))
	if needs.Has(policy.FieldMessages) {
		in.Messages = list
	}
	return seen
}

// fillMessages reads messages, each with role and text, and fills in what may
// be left out: parts is the text alone, tool_calls and tool_results are empty.
// So a question has the hash that the gate gives the same conversation: that of
//
//	[{"role":"user","text":"hi"}]
//
// is 1407317499301e010711f113b3deab38590ed367cf5ac50b9b464c5532b0bd2c. A message
// without text is refused: a policy that looks for something in it would find
// nothing. The result is in canonical form; it is nil where something is wrong.
func fillMessages(rd *reader) (list json.RawMessage, seen []place) {
	b, seen := []byte{'['}, []place{}
	for i, v := range rd.may("messages", strictjson.Array).Elems() {
		at := "messages[" + strconv.Itoa(i) + "]"
		m := rd.within(at, v, messageFields)
		m.name("role")
		text := m.must("text", strictjson.String)
		parts := m.may("parts", strictjson.Array)
		calls := m.may("tool_calls", strictjson.Array)
		results := m.may("tool_results", strictjson.Array)

		if i > 0 {
			b = append(b, ',')
		}
		b = m.fill(b, "parts", `[{"type":"text","text":`+string(text.Raw())+`}]`, "tool_calls", "[]", "tool_results", "[]")
		if text.EqualStr("") {
			text = parts
		}
		seen = append(seen, place{at, values{text, calls, results}})
	}
	if rd.ref != nil {
		return nil, nil
	}
	return canonical(rd, append(b, ']')), seen
}

// readResponse reads a reply in the shape of the input document.
func (c *call) readResponse(rd *reader, in *policy.Input, needs policy.Fields) []place {
	if !rd.has("response") {
		in.ResponseHash = rd.hash("response_hash")
		return nil
	}
	reply, form, seen := fillReply(rd)
	if reply == nil {
		return nil
	}
	in.ResponseHash = c.hashOf(rd, "response_hash", form, needs.Has(policy.FieldResponseHash))
	if needs.Has(policy.FieldResponse) {
		in.Response = reply
	}
	return seen
}

// fillReply reads a reply: its choices, each with text, or its text alone,
// which is one choice. What may be left out is filled in, so that a policy finds
// a text in both places.
//
// form is what response_hash is taken over, the texts and tool calls of the
// choices, as in the gate: the hash of
//
//	{"choices":[{"text":"Hello","tool_calls":[{"name":"f","args":{}}]}]}
//
// is 6b39f6a90e4d183f79e2de5a87a0b9528f583aa05855de9889299e8329fc1801. Both are
// in canonical form, and nil where something is wrong.
func fillReply(rd *reader) (reply, form json.RawMessage, seen []place) {
	r := rd.within("response", rd.v.Get("response"), responseFields)
	choices, text := r.may("choices", strictjson.Array), r.may("text", strictjson.String)
	if !choices.Exists() {
		r.must("text", strictjson.String)
	}
	if rd.ref != nil {
		return nil, nil, nil
	}
	list, joined, seen := fillChoices(r, choices)
	if !choices.Exists() {
		list = `{"index":0,"text":` + string(text.Raw()) + `,"reasoning":"","tool_calls":[],"finish_reason":""}`
		form = []byte(`{"text":` + string(text.Raw()) + `,"tool_calls":[]}`)
		seen = []place{{"choices[0]", values{text}}}
	} else if text.Exists() && !text.EqualStr(joined) {
		r.wrong("text", "is not the texts of the choices, joined by newlines")
	}
	for i, v := range choices.Elems() {
		form = appendHashForm(form, r.within("choices["+strconv.Itoa(i)+"]", v, choiceFields))
	}
	if rd.ref != nil {
		return nil, nil, nil
	}
	b := []byte{'{'}
	if usage := r.v.Get("usage"); usage.Exists() {
		b = append(append(append(b, `"usage":`...), usage.Raw()...), ',')
	}
	b = strictjson.AppendQuoted(append(b, `"choices":[`+list+`],"text":`...), pick(choices.Exists(), joined, text.Str()))
	return canonical(rd, append(b, '}')), canonical(rd, append(append([]byte{'['}, form...), ']')), seen
}

// fillChoices reads the choices of a reply, and joins their texts.
func fillChoices(r *reader, choices strictjson.Value) (list, joined string, seen []place) {
	var b []byte
	var texts []string
	seen = []place{}
	for i, v := range choices.Elems() {
		at := "choices[" + strconv.Itoa(i) + "]"
		c := r.within(at, v, choiceFields)
		text := c.must("text", strictjson.String)
		c.may("index", strictjson.Number)
		c.may("finish_reason", strictjson.String)
		reasoning, calls := c.may("reasoning", strictjson.String), c.may("tool_calls", strictjson.Array)
		if i > 0 {
			b = append(b, ',')
		}
		b = c.fill(b, "index", strconv.Itoa(i), "reasoning", `""`, "tool_calls", "[]", "finish_reason", `""`)
		if !text.EqualStr("") {
			texts = append(texts, text.Str())
		}
		seen = append(seen, place{at, values{text, reasoning, calls}})
	}
	return string(b), strings.Join(texts, "\n"), seen
}

// appendHashForm appends {"text", "tool_calls": [{"args", "name"}]} of a choice.
func appendHashForm(b []byte, c *reader) []byte {
	if len(b) > 0 {
		b = append(b, ',')
	}
	b = append(append(b, `{"text":`...), c.v.Get("text").Raw()...)
	b = append(b, `,"tool_calls":[`...)
	for i, v := range c.v.Get("tool_calls").Elems() {
		one := c.within("tool_calls["+strconv.Itoa(i)+"]", v, callFields)
		name := one.must("name", strictjson.String)
		args := one.v.Get("args").Raw()
		if args == nil {
			args = []byte("{}")
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, `{"args":`...), args...)
		b = append(append(append(b, `,"name":`...), name.Raw()...), '}')
	}
	return append(b, "]}"...)
}

// fill appends the object with members put in that it lacks: pairs of a name
// and a value.
func (r *reader) fill(b []byte, pairs ...string) []byte {
	b = append(b, '{')
	for key, v := range r.v.Members() {
		b = append(append(append(append(b, key.Raw()...), ':'), v.Raw()...), ',')
	}
	for i := 0; i < len(pairs); i += 2 {
		if !r.has(pairs[i]) {
			b = append(b, `"`+pairs[i]+`":`+pairs[i+1]+`,`...)
		}
	}
	return append(b[:len(b)-1], '}')
}

// canonical brings what was filled in into canonical form.
func canonical(rd *reader, b []byte) json.RawMessage {
	out, err := strictjson.Canonical(b)
	if err != nil { // it has grown over one of the gate's limits
		rd.fail(invalid("the body is refused: " + strings.SplitN(err.Error(), " at byte", 2)[0]))
		return nil
	}
	return out
}
