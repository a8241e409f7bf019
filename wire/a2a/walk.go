package a2a

import (
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// visitor is told what stands in a message, a task, an event, or a list of
// them: every string that holds words is one or the other.
type visitor struct {
	parts func(list []strictjson.Value) // the texts of one list of parts, which stand beside each other
	word  func(key string, leaf strictjson.Value)
}

// structure are the names under which a string is no words, but for metadata
// and data.
var structure = map[string]bool{
	"id": true, "contextId": true, "taskId": true, "messageId": true, "artifactId": true, "referenceTaskIds": true, "kind": true,
	"role": true, "state": true, "timestamp": true, "mediaType": true, "mimeType": true, "nextPageToken": true, "jsonrpc": true,
}

func (w *visitor) walk(key string, v strictjson.Value) {
	switch {
	case key == "metadata":
		read.EveryString(v, func(leaf strictjson.Value) { w.word(key, leaf) })
	case key == "parts" && v.Kind() == strictjson.Array:
		w.list(v)
	case v.Kind() == strictjson.String:
		if !structure[key] {
			w.word(key, v)
		}
	case v.Kind() == strictjson.Array:
		for _, e := range v.Elems() {
			w.walk(key, e)
		}
	default:
		for k, m := range v.Members() {
			w.walk(k.Str(), m)
		}
	}
}

// list visits a list of parts: first the texts, then all else.
func (w *visitor) list(v strictjson.Value) {
	var texts []strictjson.Value
	for _, p := range v.Elems() {
		if text := p.Get("text"); text.Kind() == strictjson.String {
			texts = append(texts, text)
		}
	}
	if len(texts) > 0 {
		w.parts(texts)
	}
	for _, p := range v.Elems() {
		if p.Kind() != strictjson.Object {
			read.EveryString(p, func(leaf strictjson.Value) { w.word("parts", leaf) })
			continue
		}
		for k, m := range p.Members() {
			w.beside(k.Str(), m)
		}
	}
}

// beside visits a member of a part that is not its text; bytes are no words.
func (w *visitor) beside(key string, v strictjson.Value) {
	isString := v.Kind() == strictjson.String
	switch {
	case key == "text" && isString, key == "kind" && isString, key == "mediaType" && isString:
	case key == "raw" && isBase64(v):
	case key == "file":
		for k, m := range v.Members() {
			if !(k.EqualStr("bytes") && isBase64(m)) && !k.EqualStr("mimeType") {
				read.EveryString(m, func(leaf strictjson.Value) { w.word(key, leaf) })
			}
		}
		if isString {
			w.word(key, v)
		}
	default:
		read.EveryString(v, func(leaf strictjson.Value) { w.word(key, leaf) })
	}
}

// kept are the ids of what the agent keeps, tasks and contexts, each once.
type kept struct {
	list []string
	has  map[string]bool
}

func (k *kept) add(id string) {
	if id == "" || k.has[id] {
		return
	}
	if k.has == nil {
		k.has = map[string]bool{}
	}
	k.has[id] = true
	k.list = append(k.list, id)
}

// collect adds the ids that a message, a task, an event or a list tells.
func (k *kept) collect(v strictjson.Value) {
	k.add(v.Get("contextId").Str())
	k.add(v.Get("taskId").Str())
	if v.Get("status").Kind() == strictjson.Object {
		k.add(v.Get("id").Str())
	}
	for _, name := range holders {
		if m := v.Get(name); m.Kind() == strictjson.Object {
			k.collect(m)
		}
	}
	for _, e := range v.Get("tasks").Elems() {
		k.collect(e)
	}
}

// holders are the names below which a reply or an event has what it is about.
var holders = []string{"task", "message", "statusUpdate", "artifactUpdate"}

// saidFields are the names by which what an agent says is found, joined and
// bound.
var saidFields = namesOf("task", "message", "statusUpdate", "artifactUpdate", "tasks", "contextId", "taskId", "status",
	"artifact", "artifacts", "artifactId", "append", "lastChunk", "final", "history", "parts", "text")

// checkSaid refuses other spellings of these names, wherever they stand but in
// what has any form.
func checkSaid(v strictjson.Value) error {
	if err := checkNames(v, "", saidFields); err != nil {
		return err
	}
	for k, m := range v.Members() {
		if k.EqualStr("metadata") || k.EqualStr("data") {
			continue
		}
		if err := checkSaid(m); err != nil {
			return err
		}
	}
	for _, e := range v.Elems() {
		if err := checkSaid(e); err != nil {
			return err
		}
	}
	return nil
}

// payload is what a reply or an event is about: a JSON-RPC response's result,
// or the whole; null where the response is an error.
func payload(root strictjson.Value, rpc bool) (strictjson.Value, error) {
	if root.Kind() != strictjson.Object {
		return strictjson.Value{}, read.Wrong("", "the reply is not a JSON object")
	}
	if !rpc {
		return root, checkSaid(root)
	}
	if err := checkNames(root, "", replyFields); err != nil {
		return strictjson.Value{}, err
	}
	result := root.Get("result")
	if given(result) == given(root.Get("error")) {
		return strictjson.Value{}, read.Wrong("", "a response has one of result and error")
	}
	if given(result) && result.Kind() != strictjson.Object {
		return strictjson.Value{}, read.Wrong("result", "must be an object")
	}
	return result, checkSaid(result)
}

// failed tells whether a reply or an event is an error.
func failed(root strictjson.Value) bool { return given(root.Get("error")) }

// stateOf is the state that a task, or an update of one, says it is in, by its
// name of 0.3 or of 1.0.
func stateOf(v strictjson.Value) string {
	for _, m := range []strictjson.Value{v, v.Get("task"), v.Get("statusUpdate")} {
		if s := m.Get("status").Get("state").Str(); s != "" {
			return s
		}
	}
	return ""
}

// textsOf is what parts that stand beside each other say.
func textsOf(list []strictjson.Value) string {
	var b []byte
	for _, v := range list {
		b = v.AppendStr(b)
	}
	return string(b)
}

func span(v strictjson.Value, t wire.Text) wire.Text {
	t.Start, t.End = v.Span()
	return t
}
