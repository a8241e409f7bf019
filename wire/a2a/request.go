package a2a

import (
	"fmt"
	"slices"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// request is one operation: a message to an agent, or a question about tasks,
// which has no message.
type request struct {
	doc        *strictjson.Doc
	rpc        bool
	id         []byte // of JSON-RPC, its own copy
	stream     bool
	sends      bool // a message
	unscanned  []string
	texts      []wire.Text
	role       string
	parts      []part
	references []string
}

// Model is empty: agents are not named by models.
func (r *request) Model() string          { return "" }
func (r *request) Stream() bool           { return r.stream }
func (r *request) Tools() []string        { return nil }
func (r *request) Unscanned() []string    { return r.unscanned }
func (r *request) Texts() []wire.Text     { return r.texts }
func (r *request) Results() []wire.Result { return nil }
func (r *request) Release()               { r.doc.Release() }

// References are the tasks and the context that the request speaks of.
func (r *request) References() []string { return r.references }

// asked is the request as the gate sees it: one that says nothing carries no
// prompt.
func (r *request) asked() wire.Request {
	switch silent := !r.sends && len(r.texts) == 0; {
	case silent && r.rpc:
		return rpcQuestion{rpcRequest{r}}
	case silent:
		return question{r}
	case r.rpc:
		return rpcRequest{r}
	}
	return r
}

// question is a request about tasks.
type question struct{ *request }

// Promptless marks the request; it is never called.
func (question) Promptless() {}

// rpcQuestion is a question that knows its id.
type rpcQuestion struct{ rpcRequest }

// Promptless marks the request; it is never called.
func (rpcQuestion) Promptless() {}

func (r *request) refer(id string) {
	if id != "" {
		r.references = append(r.references, id)
	}
}

func (r *request) text(v strictjson.Value, p wire.Place) *wire.Text {
	start, end := v.Span()
	r.texts = append(r.texts, wire.Text{Start: start, End: end, Place: p})
	return &r.texts[len(r.texts)-1]
}

// params reads the parameters of an operation.
func (r *request) params(op operation, v strictjson.Value, path string) error {
	r.stream, r.sends = op.streams, op.sends
	if v.Kind() != strictjson.Object && (op.sends || given(v)) {
		return read.Wrong(path, "must be an object")
	}
	if err := checkNames(v, path, paramFields); err != nil {
		return err
	}
	if err := noPush(v, path); err != nil {
		return err
	}
	if !op.sends && given(v.Get("message")) {
		return read.Wrong(at(path, "message"), "this method carries no message")
	}
	for _, name := range []string{"id", "taskId", "contextId"} {
		r.refer(v.Get(name).Str())
	}
	for k, m := range v.Members() {
		switch key := k.Str(); key {
		case "id", "taskId", "contextId", "pageToken":
			if given(m) && m.Kind() != strictjson.String {
				return read.Wrong(at(path, key), "must be a string")
			}
		case "message":
			if err := r.message(m, at(path, key)); err != nil {
				return err
			}
		default:
			if key == "configuration" {
				if err := configuration(m, at(path, key)); err != nil {
					return err
				}
			}
			read.EveryString(m, func(leaf strictjson.Value) { r.text(leaf, wire.Place{List: key, Index: -1}) })
		}
	}
	if op.sends && r.role == "" {
		return read.Wrong(at(path, "message"), "must be an object")
	}
	slices.Sort(r.unscanned)
	r.unscanned = slices.Compact(r.unscanned)
	slices.Sort(r.references)
	r.references = slices.Compact(r.references)
	return nil
}

func at(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }

func configuration(v strictjson.Value, path string) error {
	if given(v) && v.Kind() != strictjson.Object {
		return read.Wrong(path, "must be an object")
	}
	if err := checkNames(v, path, configFields); err != nil {
		return err
	}
	return noPush(v, path)
}

func noPush(v strictjson.Value, path string) error {
	for _, name := range []string{"pushNotificationConfig", "taskPushNotificationConfig", "pushNotification"} {
		if given(v.Get(name)) {
			return read.Wrong(at(path, name), refusedPush)
		}
	}
	return nil
}

// message reads the message. The parts' texts come first, since they stand
// beside each other.
func (r *request) message(m strictjson.Value, path string) error {
	if m.Kind() != strictjson.Object {
		return read.Wrong(path, "must be an object")
	}
	if err := checkNames(m, path, messageFields); err != nil {
		return err
	}
	switch role := m.Get("role").Str(); role {
	case "user", "ROLE_USER":
		r.role = "user"
	case "agent", "ROLE_AGENT":
		r.role = "assistant"
	default:
		return read.Wrong(path+".role", "must be user or agent")
	}
	for _, name := range []string{"messageId", "contextId", "taskId"} {
		if v := m.Get(name); given(v) && v.Kind() != strictjson.String {
			return read.Wrong(at(path, name), "must be a string")
		}
	}
	r.refer(m.Get("contextId").Str())
	r.refer(m.Get("taskId").Str())
	tasks := m.Get("referenceTaskIds")
	if given(tasks) && tasks.Kind() != strictjson.Array {
		return read.Wrong(path+".referenceTaskIds", "must be an array")
	}
	for _, e := range tasks.Elems() {
		if e.Kind() != strictjson.String {
			return read.Wrong(path+".referenceTaskIds", "must hold strings")
		}
		r.refer(e.Str())
	}
	if given(m.Get("content")) {
		return read.Wrong(path+".content", `the parts of a message have one place, "parts"`)
	}
	list := m.Get("parts")
	if list.Kind() != strictjson.Array {
		return read.Wrong(path+".parts", "must be an array")
	}
	place := wire.Place{List: "messages", Field: "text"}
	for i, e := range list.Elems() {
		p, err := readPart(e, fmt.Sprintf("%s.parts[%d]", path, i))
		if err != nil {
			return err
		}
		r.parts = append(r.parts, p)
		r.unscanned = append(r.unscanned, p.facts...)
		if p.kind == "" {
			r.text(p.v.Get("text"), place).Group = 1
		}
	}
	for _, p := range r.parts {
		p.beside(func(leaf strictjson.Value) { r.text(leaf, place) })
	}
	for k, v := range m.Members() {
		switch key := k.Str(); key {
		case "kind", "messageId", "contextId", "taskId", "referenceTaskIds", "role", "parts":
		default:
			read.EveryString(v, func(leaf strictjson.Value) {
				r.text(leaf, wire.Place{List: "messages", Field: key})
			})
		}
	}
	return nil
}

// Messages gives the message as a conversation of one; none where the method
// carries none. Files are parts with their kind and the SHA-256 of the part; a
// data part's strings are its text.
func (r *request) Messages() []byte {
	if r.role == "" {
		return wire.Conversation(nil)
	}
	m := wire.Message{Role: r.role}
	for _, p := range r.parts {
		m.Parts = append(m.Parts, p.normal())
	}
	return wire.Conversation([]wire.Message{m})
}

// ForceModel fails: there is no model to be named.
func (r *request) ForceModel([]byte, string) ([]byte, error) {
	return nil, read.Wrong("", "this protocol names no model")
}

// HideTools has nothing to hide.
func (r *request) HideTools(body []byte, _ func(name string) bool) ([]byte, error) { return body, nil }

// Interface guard
var _ wire.Referrer = (*request)(nil)
