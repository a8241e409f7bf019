package mcp

import (
	"bytes"
	"slices"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// Server reads a message of the server.
func (codec) Server(body []byte, asked *wire.RPC) (*wire.RPC, error) {
	doc, err := strictjson.Parse(body, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	defer doc.Release()
	m, f, err := envelope(doc, serverMethods, serverNotifications)
	if err != nil {
		return nil, err
	}
	m.FromServer, m.Refuser = true, f
	m.rest()
	switch {
	case m.Kind == wire.RPCAnswer:
		if err := m.answer(f, asked); err != nil {
			return nil, err
		}
		if id := m.result.Get("task").Get("taskId").Str(); id != "" {
			m.Makes = []string{id}
		}
	case m.Kind == wire.RPCRequest && (m.Method == "sampling/createMessage" || m.Method == "elicitation/create"):
		p, err := m.prompt("params", m.Method, m.params)
		if err != nil {
			return nil, err
		}
		m.Prompts = append(m.Prompts, p)
	default:
		walk("", m.params, texts(&m.Texts, place("result")), noFact)
	}
	return m.RPC, nil
}

// answer reads an answer, by what it answers or else by its shape.
func (m *message) answer(f refuser, asked *wire.RPC) error {
	name := ""
	request := asked != nil && asked.Kind == wire.RPCRequest
	if request && (m.ID == nil || sameID(m.ID, asked.ID)) { // an error may have no id
		m.Answers, m.Method, m.Refuser = true, asked.Method, asked.Refuser
		if asked.Call != nil {
			name = asked.Call.Name
		}
	} else {
		if asked != nil && asked.Kind != wire.RPCListen && m.ID != nil {
			return read.Wrong("id", "is not that of the request")
		}
		if m.Method = shape(m.result); m.Method != "tools/call" {
			name = m.Method
		}
		f.tool = m.Method == "tools/call"
		f.modern = m.result.Get("resultType").Exists()
		m.Refuser = f
	}
	if err := m.inputRequests(); err != nil {
		return err
	}
	if !m.result.Exists() {
		return m.failure(name)
	}
	switch {
	case m.Method == "tools/list", !m.Answers && m.result.Get("tools").Kind() == strictjson.Array:
		if err := m.offers(); err != nil {
			return err
		}
	}
	switch {
	case m.Method == "tools/list":
	case reaches(m.Method) && !m.asksOnly(), brings(m.result):
		if name == "" && m.Method != "tools/call" {
			name = m.Method
		}
		return m.content(name)
	}
	besides(m.result, texts(&m.Texts, place("result")), noFact, "inputRequests")
	return nil
}

// sameID compares ids as values. A number equals the string that spells it:
// there are clients to which it does.
func sameID(a, b []byte) bool {
	if a == nil || b == nil || bytes.Equal(a, b) {
		return a != nil && b != nil
	}
	if bytes.Equal(bytes.Trim(a, `"`), bytes.Trim(b, `"`)) {
		return true
	}
	ca, err1 := strictjson.Canonical(a)
	cb, err2 := strictjson.Canonical(b)
	return err1 == nil && err2 == nil && bytes.Equal(ca, cb)
}

// shape guesses the method that a result answers; what it is not sure of is a
// tool's.
func shape(result strictjson.Value) string {
	switch {
	case !result.Exists():
		return ""
	case result.Get("content").Exists(), result.Get("structuredContent").Exists():
		return "tools/call"
	case result.Get("contents").Exists():
		return "resources/read"
	case result.Get("messages").Exists():
		return "prompts/get"
	case result.Get("tools").Exists():
		return "tools/list"
	}
	for k := range result.Members() {
		switch k.Str() {
		case "resources", "resourceTemplates", "prompts", "completion", "serverInfo", "supportedVersions", "capabilities", "protocolVersion",
			"instructions", "nextCursor", "ttlMs", "cacheScope", "resultType", "inputRequests", "requestState", "_meta", "task", "tasks":
		default:
			return "tools/call"
		}
	}
	return ""
}

// brings tells whether a result has content, whatever it answers; a task's may
// hold its own result.
func brings(result strictjson.Value) bool {
	return result.Get("result").Kind() == strictjson.Object || slices.ContainsFunc([]string{"content", "structuredContent", "contents"}, func(key string) bool {
		v := result.Get(key)
		return v.Exists() && !v.IsNull() && (v.Kind() != strictjson.Array || v.Len() > 0)
	})
}

// asksOnly tells whether a result asks for input and brings nothing.
func (m *message) asksOnly() bool {
	return (len(m.Prompts) > 0 || m.result.Get("resultType").EqualStr("input_required")) &&
		!brings(m.result) && !m.result.Get("messages").Exists()
}

// inputRequests reads what a result asks the client.
func (m *message) inputRequests() error {
	list := m.result.Get("inputRequests")
	if list.Exists() && !list.IsNull() && list.Kind() != strictjson.Object {
		return read.Wrong("result.inputRequests", "must be an object")
	}
	for _, r := range list.Members() {
		path := "result.inputRequests[]"
		if err := check(path, r, envelopeFields); err != nil {
			return err
		}
		method, params := r.Get("method"), r.Get("params")
		switch method.Str() {
		case "sampling/createMessage", "elicitation/create":
			p, err := m.prompt(path+".params", method.Str(), params)
			if err != nil {
				return err
			}
			m.Prompts = append(m.Prompts, p)
			besides(r, texts(&m.Texts, place("result")), noFact, "method", "params")
		case "roots/list":
			walk("", r, texts(&m.Texts, place("result")), noFact)
		default:
			return read.Wrong(path+".method", "is not known to the gate")
		}
	}
	return nil
}

// maxOffers bounds the tools of one list; longer lists come in pages.
const maxOffers = 4096

// offers reads a list of tools.
func (m *message) offers() error {
	list, err := offers("result.tools", m.result.Get("tools"))
	m.Offers = list
	return err
}

func offers(path string, v strictjson.Value) ([]wire.RPCOffer, error) {
	if v.Kind() != strictjson.Array && v.Exists() && !v.IsNull() {
		return nil, read.Wrong(path, "must be an array")
	}
	if v.Len() > maxOffers {
		return nil, read.Wrong(path, "too many tools")
	}
	var list []wire.RPCOffer
	for _, t := range v.Elems() {
		if t.Kind() != strictjson.Object || t.Get("name").Kind() != strictjson.String {
			return nil, read.Wrong(path+"[]", "must be an object with a name")
		}
		if err := check(path+"[]", t, toolFields); err != nil {
			return nil, err
		}
		start, end := t.Span()
		list = append(list, wire.RPCOffer{Name: t.Get("name").Str(), Start: start, End: end})
	}
	return list, nil
}

// failure reads an error. Of a request that reaches for content it is a result
// like any other.
func (m *message) failure(name string) error {
	v := m.root.Get("error")
	if !reaches(m.Method) {
		walk("", v, texts(&m.Texts, place("result")), noFact)
		return nil
	}
	m.Result = &wire.ToolResult{Name: name, Value: canonical(v)}
	read.EveryString(v, texts(&m.Result.Texts, place("result")))
	return nil
}
