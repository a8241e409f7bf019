package mcp

import (
	"slices"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// message is a message that is being read.
type message struct {
	*wire.RPC
	root   strictjson.Value
	params strictjson.Value // of a request or a notification
	result strictjson.Value // of an answer
}

// envelope reads what all messages have in common. methods and notifications
// are those that the sender may use. The message is there with an error too.
func envelope(doc *strictjson.Doc, methods, notifications []string) (*message, refuser, error) {
	m := &message{RPC: &wire.RPC{Body: doc.Bytes()}, root: doc.Root()}
	f := refuser{}
	switch {
	case m.root.Kind() == strictjson.Array:
		return m, f, read.Wrong("", "batches of messages are not governed")
	case m.root.Kind() != strictjson.Object:
		return m, f, read.Wrong("", "must be an object")
	}
	if err := m.root.CheckKeys(envelopeFields); err != nil {
		return m, f, &wire.Error{Err: err}
	}
	id := m.root.Get("id")
	switch id.Kind() {
	case strictjson.String, strictjson.Number:
		f.id = slices.Clone(id.Raw())
		m.ID = f.id
	case strictjson.Invalid:
	default:
		if id.Kind() != strictjson.Null || !m.root.Get("error").Exists() {
			return m, f, read.Wrong("id", "must be a string or a number")
		}
	}
	if !m.root.Get("jsonrpc").EqualStr("2.0") {
		return m, f, read.Wrong("jsonrpc", `must be "2.0"`)
	}
	return m, f, m.kind(methods, notifications)
}

// kind finds out what the message is.
func (m *message) kind(methods, notifications []string) error {
	method := m.root.Get("method")
	m.result = m.root.Get("result")
	failure := m.root.Get("error")
	m.params = m.root.Get("params")
	switch {
	case method.Kind() == strictjson.String && !m.result.Exists() && !failure.Exists():
		m.Method = method.Str()
		if m.ID == nil {
			m.Kind = wire.RPCNotification
			methods = notifications
		}
		m.Unknown = !slices.Contains(methods, m.Method)
		if k := m.params.Kind(); k != strictjson.Invalid && k != strictjson.Object {
			return read.Wrong("params", "must be an object")
		}
		return check("params", m.params, paramsFields)
	case method.Exists(), m.params.Exists(), m.result.Exists() == failure.Exists():
		return read.Wrong("", "must be a request, a notification or an answer")
	}
	m.Kind = wire.RPCAnswer
	if m.result.Exists() {
		if m.ID == nil {
			return read.Wrong("id", "must be a string or a number")
		}
		if m.result.Kind() != strictjson.Object {
			return read.Wrong("result", "must be an object")
		}
		return check("result", m.result, resultFields)
	}
	if failure.Kind() != strictjson.Object {
		return read.Wrong("error", "must be an object")
	}
	return check("error", failure, errorFields)
}

func check(path string, v strictjson.Value, known *strictjson.KeySet) error {
	if err := v.CheckKeys(known); err != nil {
		return &wire.Error{Path: path, Err: err}
	}
	return nil
}

// place is where a text stands in a policy's input.
func place(list string) wire.Place { return wire.Place{List: list, Index: -1} }

func textOf(leaf strictjson.Value, at wire.Place) wire.Text {
	start, end := leaf.Span()
	return wire.Text{Start: start, End: end, Place: at}
}

// texts collects texts.
func texts(list *[]wire.Text, at wire.Place) func(strictjson.Value) {
	return func(leaf strictjson.Value) { *list = append(*list, textOf(leaf, at)) }
}

// facts collects facts, each once, sorted.
func facts(list *[]string) func(string) {
	return func(fact string) {
		if i, seen := slices.BinarySearch(*list, fact); !seen {
			*list = slices.Insert(*list, i, fact)
		}
	}
}

func noFact(string) {}

// besides walks the members of v that are not known.
func besides(v strictjson.Value, text func(strictjson.Value), fact func(string), known ...string) {
	for k, m := range v.Members() {
		if key := k.Str(); !slices.Contains(known, key) {
			walk(key, m, text, fact)
		}
	}
}

// rest adds the texts of the members of the message itself that no revision
// has.
func (m *message) rest() {
	besides(m.root, texts(&m.Texts, place(m.Method)), noFact, "jsonrpc", "id", "method", "params", "result", "error")
}

// canonical is a value in canonical form.
func canonical(v strictjson.Value) []byte {
	b, err := strictjson.AppendCanonical(nil, v)
	if err != nil { // of a missing value alone
		return []byte("null")
	}
	return b
}

// Instead is what takes the place of a message that must not go on.
func (codec) Instead(m *wire.RPC, r wire.Refusal) []byte {
	if m.Kind == wire.RPCRequest && m.FromServer {
		return refuser{id: m.ID}.asked(r.Reason)
	}
	_, body := m.Refuser.Refuse(r)
	return body
}
