package gemini

import (
	"fmt"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// system makes the system text the first message, where there is one.
func (r *request) system(v strictjson.Value) error {
	if !v.Exists() {
		return nil
	}
	const path = "systemInstruction"
	if err := contentFields.check(v, path); err != nil {
		return err
	}
	if parts := get(v, "parts"); len(list(parts)) == 0 && checkList(parts, path) == nil {
		return r.beside(v, wire.Place{List: path, Index: -1})
	}
	return r.contentOf(path, "system", v)
}

// content reads one turn of the conversation.
func (r *request) content(i int, v strictjson.Value) error {
	path := fmt.Sprintf("contents[%d]", i)
	if err := contentFields.check(v, path); err != nil {
		return err
	}
	role := get(v, "role")
	if role.Exists() && role.Kind() != strictjson.String {
		return read.Wrong(path+".role", "must be a string")
	}
	return r.contentOf(path, normalRole(role.Str()), v)
}

// normalRole is a role in the words that all dialects share.
func normalRole(role string) string {
	switch role = strings.ToLower(role); role {
	case "":
		return "user"
	case "model":
		return "assistant"
	case "function":
		return "tool"
	}
	return role
}

// contentOf cuts a content's parts into messages: each functionResponse is
// one.
func (r *request) contentOf(path, role string, v strictjson.Value) error {
	parts := get(v, "parts")
	if err := checkList(parts, path+".parts"); err != nil {
		return err
	}
	var run []strictjson.Value
	before := len(r.messages)
	flush := func() error {
		if len(run) == 0 {
			return nil
		}
		err := r.add(path, role, run)
		run = nil
		return err
	}
	for i, p := range list(parts) {
		at := fmt.Sprintf("%s.parts[%d]", path, i)
		kind, thing, err := partOf(p, at)
		if err != nil {
			return err
		}
		if kind != "functionResponse" {
			run = append(run, p)
			continue
		}
		if err := flush(); err != nil {
			return err
		}
		if err := r.addResult(at, p, thing); err != nil {
			return err
		}
	}
	if err := flush(); err != nil {
		return err
	}
	if len(r.messages) == before {
		if err := r.add(path, role, nil); err != nil {
			return err
		}
	}
	return r.beside(v, wire.Place{List: "messages", Index: len(r.messages) - 1, Field: "text"})
}

// beside reads the members of a content that are not known.
func (r *request) beside(v strictjson.Value, p wire.Place) error {
	r.sink(p, false).besides(v, "role", "parts")
	return nil
}

// add adds a message of the normalised conversation, and its texts: those of
// the text parts first, since they stand beside each other.
func (r *request) add(path, role string, parts []strictjson.Value) error {
	n, from := len(r.messages), len(r.texts)
	place := wire.Place{List: "messages", Index: n, Field: "text"}
	for _, thought := range []bool{false, true} {
		for _, p := range parts {
			if t := get(p, "text"); t.Exists() && isThought(p) == thought {
				group := 2*n + 1
				if thought {
					group++
				}
				r.text(t, place).Group = group
			}
		}
	}
	for _, p := range parts {
		s := r.sink(place, false)
		if call := get(p, "functionCall"); call.Exists() {
			s = r.sink(wire.Place{List: "messages", Index: n, Field: "tool_calls"}, false)
			s.besides(call, "id", "name")
			r.called[get(call, "id").Str()] = get(call, "name").Str()
		}
		s.besides(p, "text", "functionCall")
	}
	if len(parts) > maxParts {
		return read.Wrong(path, "too many parts")
	}
	r.messages = append(r.messages, message{role: role, parts: parts, texts: [2]int{from, len(r.texts)}})
	return nil
}

// maxParts bounds the parts of a message or a reply.
const maxParts = 1 << 14

// addResult adds a tool's result as a message.
func (r *request) addResult(path string, part, result strictjson.Value) error {
	from := len(r.texts)
	media := get(result, "parts")
	if err := checkList(media, path+".functionResponse.parts"); err != nil {
		return err
	}
	for _, p := range list(media) {
		if _, _, err := partOf(p, path+".functionResponse.parts"); err != nil {
			return err
		}
	}
	s := r.sink(wire.Place{List: "messages", Index: len(r.messages), Field: "text"}, true)
	s.besides(result, "id", "name")
	s.besides(part, "functionResponse")
	r.messages = append(r.messages, message{role: "tool", result: result, texts: [2]int{from, len(r.texts)}})
	return r.checkName(path, result)
}

// checkName refuses a result that names another tool than the call which it
// answers.
func (r *request) checkName(path string, result strictjson.Value) error {
	id := get(result, "id").Str()
	if name, ok := r.called[id]; ok && id != "" && name != get(result, "name").Str() {
		return read.Wrong(path, "a result that names another tool than its call")
	}
	return nil
}
