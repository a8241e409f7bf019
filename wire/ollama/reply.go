package ollama

import (
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// maxCalls bounds the tool calls of a reply.
const maxCalls = 1024

// shape says where a reply, or a line of one, has what the model says. Both
// have the same shape, a line what is new.
type shape struct {
	holder  string // the member with the content and the calls; "" for the reply itself
	content string
}

var (
	chatShape     = shape{"message", "content"}
	generateShape = shape{"", "response"}
)

// said is the object that has the content and the calls.
func (s shape) said(root strictjson.Value) strictjson.Value {
	if s.holder == "" {
		return root
	}
	return root.Get(s.holder)
}

// path is that of a member of the object that has the content.
func (s shape) path(member string) string {
	if s.holder == "" {
		return member
	}
	return s.holder + "." + member
}

// check refuses what is no reply.
func (s shape) check(root strictjson.Value) error {
	if root.Kind() != strictjson.Object {
		return read.Wrong("", "the reply is not a JSON object")
	}
	if err := root.CheckKeys(replyFields); err != nil {
		return &wire.Error{Err: err}
	}
	said := s.said(root)
	if given(root.Get("error")) && !said.Exists() {
		return nil
	}
	if said.Kind() != strictjson.Object {
		return read.Wrong(s.holder, "must be an object")
	}
	if s.holder != "" {
		if err := said.CheckKeys(messageFields); err != nil {
			return &wire.Error{Path: s.holder, Err: err}
		}
		for _, other := range []string{"tool_calls", "response"} {
			if given(root.Get(other)) {
				return read.Wrong(other, "what the model says has one place, \"message\"")
			}
		}
	} else if given(root.Get("message")) {
		return read.Wrong("message", "what the model says has one place, \"response\"")
	}
	for _, member := range []string{s.content, "thinking"} {
		if _, err := isText(said.Get(member), s.path(member)); err != nil {
			return err
		}
	}
	switch done := root.Get("done"); done.Kind() {
	case strictjson.Invalid, strictjson.Null, strictjson.True, strictjson.False:
	default:
		return read.Wrong("done", "must be true or false")
	}
	return checkCalls(said.Get("tool_calls"), s.path("tool_calls"))
}

// words calls f for every text with the name of its member: the content, the
// thinking, what stands in calls beside the arguments, and all else. beside
// tells that it is not in what the model says.
func (s shape) words(root strictjson.Value, f func(name string, beside bool, leaf strictjson.Value)) {
	for k, v := range s.said(root).Members() {
		switch key := k.Str(); key {
		case "role":
		case "tool_calls":
			add := func(leaf strictjson.Value) { f(key, false, leaf) }
			for _, c := range v.Elems() {
				besides(c.Get("function"), add, "index", "name", "arguments")
				besides(c, add, "id", "function")
			}
		default:
			if s.holder == "" && isHead(key) {
				continue
			}
			read.EveryString(v, func(leaf strictjson.Value) { f(key, false, leaf) })
		}
	}
	if s.holder == "" {
		return
	}
	for k, v := range root.Members() {
		if key := k.Str(); key != s.holder && !isHead(key) {
			read.EveryString(v, func(leaf strictjson.Value) { f(key, true, leaf) })
		}
	}
}

// isHead tells whether a member of a reply holds no words; the log
// probabilities repeat them, and go where one is edited.
func isHead(key string) bool {
	switch key {
	case "model", "created_at", "done", "done_reason", "logprobs":
		return true
	}
	return false
}

type reply struct {
	shape shape
	body  []byte
	root  strictjson.Value
	texts []wire.Text
	calls []wire.Call
}

func (r *reply) Model() string      { return r.root.Get("model").Str() }
func (r *reply) Texts() []wire.Text { return r.texts }
func (r *reply) Calls() []wire.Call { return r.calls }

func readReply(body []byte, s shape) (wire.Reply, error) {
	doc, err := strictjson.Parse(body, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	r := &reply{shape: s, body: body, root: doc.Root()}
	if err := s.check(r.root); err != nil {
		return nil, err
	}
	s.words(r.root, func(name string, beside bool, leaf strictjson.Value) {
		if beside {
			r.text(leaf, -1, wire.Place{List: name, Index: -1})
			return
		}
		if name == s.content {
			name = "text"
		}
		r.text(leaf, 0, wire.Place{List: "choices", Field: name})
	})
	for i, c := range s.said(r.root).Get("tool_calls").Elems() {
		r.calls = append(r.calls, callOf(c, i))
	}
	return r, nil
}

func (r *reply) text(v strictjson.Value, choice int, p wire.Place) {
	start, end := v.Span()
	r.texts = append(r.texts, wire.Text{Start: start, End: end, Place: p, Choice: choice})
}

// Response is the reply as one choice; an error has none.
func (r *reply) Response() *wire.Response {
	said := r.shape.said(r.root)
	if said.Kind() != strictjson.Object || given(r.root.Get("error")) {
		return &wire.Response{Usage: readUsage(r.root)}
	}
	return &wire.Response{Usage: readUsage(r.root), Choices: []wire.Choice{{
		Content: said.Get(r.shape.content).Str(), Reasoning: said.Get("thinking").Str(),
		FinishReason: r.root.Get("done_reason").Str(), Calls: r.calls,
	}}}
}

func readUsage(root strictjson.Value) *wire.Usage {
	in, hasIn := root.Get("prompt_eval_count").Int()
	out, hasOut := root.Get("eval_count").Int()
	if !hasIn && !hasOut {
		return nil
	}
	return &wire.Usage{Input: in, Output: out}
}

// Rewrite carries out what was decided of the texts and the calls. What is
// said of a denied call comes after the content.
func (r *reply) Rewrite(texts []strictjson.Replacement, verdicts []wire.Verdict) ([]byte, error) {
	e := edit{shape: r.shape, root: r.root, texts: texts, verdicts: verdicts, spoke: r.shape.said(r.root).Get(r.shape.content).Str() != ""}
	e.allDenied = e.denied() > 0 && e.denied() == len(verdicts)
	e.changed = len(texts) > 0 || !untouched(verdicts)
	return e.apply(r.body)
}

func untouched(verdicts []wire.Verdict) bool {
	for _, v := range verdicts {
		if !v.Untouched() {
			return false
		}
	}
	return true
}

// Interface guard
var _ wire.Reply = (*reply)(nil)
