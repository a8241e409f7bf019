package mcp

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// codec is what the codecs of all endpoints share: how a server's messages are
// read.
type codec struct{}

// Protocol is "mcp".
func (codec) Protocol() string { return "mcp" }

// Messages is the codec of an endpoint that takes messages.
type Messages struct{ codec }

// Listen is the codec of an endpoint that gives a stream of messages nobody
// asked for, or what a client has missed.
type Listen struct{ codec }

// Close is the codec of the end of a session.
type Close struct{ codec }

// Client reads a request for a stream.
func (Listen) Client(in wire.Incoming) (*wire.RPC, error) {
	return bodyless(wire.RPCListen, in.Header)
}

// Client reads a request to end a session.
func (Close) Client(in wire.Incoming) (*wire.RPC, error) {
	return bodyless(wire.RPCClose, in.Header)
}

func bodyless(kind wire.RPCKind, h http.Header) (*wire.RPC, error) {
	m := &wire.RPC{Kind: kind, Refuser: refuser{}}
	for name := range h {
		if isMirror(name) {
			m.Refuser = refuser{code: codeHeader, status: http.StatusBadRequest}
			return m, read.Wrong("", "the header repeats what is not in the body")
		}
	}
	return m, nil
}

// Client reads a message of the client.
func (Messages) Client(in wire.Incoming) (*wire.RPC, error) {
	doc, err := strictjson.Parse(in.Body, strictjson.Limits{})
	if err != nil {
		return &wire.RPC{Refuser: refuser{code: codeParse, status: http.StatusBadRequest}}, &wire.Error{Err: err}
	}
	defer doc.Release()
	m, f, err := envelope(doc, clientMethods, clientNotifications)
	f.code, f.status = codeInvalid, http.StatusBadRequest
	switch {
	case err != nil:
	case m.Unknown && m.Kind == wire.RPCRequest:
		f.code, f.status = codeUnknownMethod, http.StatusOK
		err = read.Wrong("method", "is not known to the gate")
	default:
		f.tool = m.Kind == wire.RPCRequest && m.Method == "tools/call"
		f.modern = m.params.Get("_meta").Get(metaVersion).Str() >= modern
		if bad, e := checkHeaders(in.Header, m); e != nil {
			f.code, f.data, err = bad.code, bad.data, e
			break
		}
		f.code = codeParams
		err = m.client()
	}
	m.Refuser = f
	return m.RPC, err
}

// client reads what a client's message holds.
func (m *message) client() error {
	m.rest()
	if m.Kind == wire.RPCAnswer {
		return m.answered()
	}
	if id := m.params.Get("taskId").Str(); id != "" && strings.HasPrefix(m.Method, "tasks/") {
		m.Refers = []string{id}
	}
	known := []string{}
	if m.Kind == wire.RPCRequest && reaches(m.Method) {
		if err := m.call(); err != nil {
			return err
		}
		known = []string{"name", "uri", "taskId", "arguments"}
		if responses := m.params.Get("inputResponses"); responses.Exists() {
			if responses.Kind() != strictjson.Object {
				return read.Wrong("params.inputResponses", "must be an object")
			}
			for _, r := range responses.Members() {
				if err := m.response("params.inputResponses[]", r); err != nil {
					return err
				}
			}
			known = append(known, "inputResponses")
		}
	}
	besides(m.params, texts(&m.Texts, place("args")), facts(&m.Unscanned), known...)
	return nil
}

// call reads what pre_tool decides.
func (m *message) call() error {
	c := &wire.ToolCall{Name: m.Method}
	arguments := m.params.Get("arguments")
	if k := arguments.Kind(); k != strictjson.Invalid && k != strictjson.Object {
		return read.Wrong("params.arguments", "must be an object")
	}
	text := texts(&c.Texts, place("args"))
	read.EveryString(arguments, text)
	name := m.params.Get("name")
	switch m.Method {
	case "tools/call":
		if name.Str() == "" {
			return read.Wrong("params.name", "must be a string")
		}
		c.Name, c.Args = name.Str(), []byte("{}")
		if arguments.Exists() {
			c.Args = canonical(arguments)
		}
		for _, stray := range []string{"uri", "taskId"} {
			read.EveryString(m.params.Get(stray), text)
		}
		m.Call = c
		return nil
	case "prompts/get":
		if name.Str() == "" {
			return read.Wrong("params.name", "must be a string")
		}
	case "resources/read":
		if m.params.Get("uri").Str() == "" {
			return read.Wrong("params.uri", "must be a string")
		}
	case "tasks/result":
		if m.params.Get("taskId").Str() == "" {
			return read.Wrong("params.taskId", "must be a string")
		}
	}
	if m.Method != "prompts/get" {
		read.EveryString(name, text)
	}
	for _, key := range []string{"uri", "taskId"} {
		read.EveryString(m.params.Get(key), text)
	}
	var err error
	c.Args, err = parameters(m.params)
	m.Call = c
	return err
}

// parameters are the parameters of a method as arguments: without what belongs
// to the protocol.
func parameters(params strictjson.Value) ([]byte, error) {
	b := []byte{'{'}
	for k, v := range params.Members() {
		switch k.Str() {
		case "_meta", "inputResponses", "requestState":
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(append(b, k.Raw()...), ':'), v.Raw()...)
	}
	out, err := strictjson.Canonical(append(b, '}'))
	if err != nil {
		return nil, &wire.Error{Path: "params", Err: err}
	}
	return out, nil
}

// answered reads a client's answer.
func (m *message) answered() error {
	if !m.result.Exists() {
		walk("", m.root.Get("error"), texts(&m.Texts, place("args")), noFact)
		return nil
	}
	return m.response("result", m.result)
}

// response reads an answer to what the server has asked: that of a model by
// its shape, all else as texts.
func (m *message) response(path string, v strictjson.Value) error {
	if err := check(path, v, resultFields); err != nil {
		return err
	}
	said := v.Get("role").Exists() || v.Get("model").Exists()
	form := v.Get("action").Exists() && !said
	if form || !v.Get("content").Exists() {
		if form {
			besides(v, texts(&m.Texts, place("args")), noFact, "content")
			read.EveryString(v.Get("content"), texts(&m.Texts, place("args")))
			return nil
		}
		walk("", v, texts(&m.Texts, place("args")), facts(&m.Unscanned))
		return nil
	}
	r := wire.RPCReply{Model: v.Get("model").Str()}
	at := wire.Place{List: "choices"}
	choice := wire.Choice{FinishReason: v.Get("stopReason").Str()}
	besides(v, texts(&r.Texts, at), facts(&m.Unscanned), "content")
	var words []strictjson.Value
	var spoken []string
	for i, b := range blocks(v.Get("content")) {
		where := fmt.Sprintf("%s.content[%d]", path, i)
		if err := checkBlock(b, where); err != nil {
			return err
		}
		if !b.Get("type").EqualStr("tool_use") {
			words, spoken = append(words, b), append(spoken, saidBy(b))
			continue
		}
		if b.Get("name").Str() == "" || b.Get("input").Kind() != strictjson.Object {
			return read.Wrong(where, "a call must have a name and an object as its input")
		}
		besides(b, texts(&r.Texts, at), facts(&m.Unscanned), "type", "id", "name", "input")
		c := wire.ToolCall{Name: b.Get("name").Str(), Args: canonical(b.Get("input"))}
		read.EveryString(b.Get("input"), texts(&c.Texts, place("args")))
		r.Calls = append(r.Calls, c)
		choice.Calls = append(choice.Calls, wire.Call{
			Index: len(choice.Calls), ID: b.Get("id").Str(), Name: c.Name, Args: string(b.Get("input").Raw()),
		})
	}
	collector{list: &r.Texts, at: at, fact: facts(&m.Unscanned)}.blocks(words)
	choice.Content = joined(spoken)
	r.Response = &wire.Response{Choices: []wire.Choice{choice}}
	m.Replies = append(m.Replies, r)
	return nil
}

// Interface guards
var (
	_ wire.SessionCodec = Messages{}
	_ wire.SessionCodec = Listen{}
	_ wire.SessionCodec = Close{}
)
