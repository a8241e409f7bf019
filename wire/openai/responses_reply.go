package openai

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// Reply reads a response.
func (Responses) Reply(body []byte) (wire.Reply, error) { return readResponse(body) }

// responseReply is a response, a list of items, a single item, or another
// object that holds none. Its one choice is 0.
type responseReply struct {
	body   []byte
	root   strictjson.Value
	texts  []wire.Text
	calls  []wire.Call
	callAt []callItem
	items  []strictjson.Value
	said   said
}

// callItem is an item that asks the agent to act.
type callItem struct {
	item strictjson.Value
	call itemCall
}

func (r *responseReply) Model() string      { return r.root.Get("model").Str() }
func (r *responseReply) Texts() []wire.Text { return r.texts }
func (r *responseReply) Calls() []wire.Call { return r.calls }

// Created are the ids of what the upstream keeps.
func (r *responseReply) Created() []string { return keptIDs(r.root) }

func readResponse(body []byte) (wire.Reply, error) {
	doc, err := strictjson.Parse(body, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	r := &responseReply{body: body, root: doc.Root()}
	if err := r.read(); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *responseReply) read() error {
	if r.root.Kind() != strictjson.Object {
		return read.Wrong("", "the reply is not a JSON object")
	}
	if err := r.root.CheckKeys(responseFields); err != nil {
		return &wire.Error{Err: err}
	}
	if r.root.Get("type").Str() != "" { // an item that was asked for by its id
		if err := holdsNoCalls(r.root); err != nil {
			return err
		}
		return r.item(0, r.root, "")
	}
	n := 0
	for _, list := range []string{"output", "data"} {
		items := r.root.Get(list)
		if items.Exists() && !items.IsNull() && items.Kind() != strictjson.Array {
			return read.Wrong(list, "must be an array")
		}
		for i, it := range items.Elems() {
			if n >= maxCalls {
				return read.Wrong(list, "too many items")
			}
			if err := r.item(n, it, fmt.Sprintf("%s[%d]", list, i)); err != nil {
				return err
			}
			n++
		}
	}
	whole, response := strings.Join(r.said.content, ""), r.root.Get("object").EqualStr("response")
	responseWords(r.root, func(key string, echo bool, leaf strictjson.Value) {
		t := r.text(leaf, key)
		t.Copy = response && echo || key == "output_text" && leaf.EqualStr(whole)
	})
	return nil
}

// holdsNoCalls refuses an item that a client could take for a response, or a
// list, with calls in it.
func holdsNoCalls(it strictjson.Value) error {
	for _, list := range []string{"output", "data"} {
		for _, e := range it.Get(list).Elems() {
			if asksAgent(e, itemKind(e)) {
				return read.Wrong(list, "a tool call where none belongs")
			}
		}
	}
	return nil
}

func (r *responseReply) text(v strictjson.Value, field string) *wire.Text {
	start, end := v.Span()
	r.texts = append(r.texts, wire.Text{Start: start, End: end, Place: wire.Place{List: "choices", Field: field}})
	return &r.texts[len(r.texts)-1]
}

func (r *responseReply) item(n int, it strictjson.Value, path string) error {
	kind, err := checkItem(it, path)
	if err != nil {
		return err
	}
	r.items = append(r.items, it)
	if asksAgent(it, kind) {
		c, err := readCall(it, kind, path)
		if err != nil {
			return err
		}
		c.Index = n
		r.calls = append(r.calls, c.Call)
		r.callAt = append(r.callAt, callItem{it, c})
		besidesArgs(&walker{text: func(leaf strictjson.Value) { r.text(leaf, "tool_calls") }}, it, &c)
		return nil
	}
	itemWords(it, kind, n, func(slot slotKey, leaf strictjson.Value) {
		field := kind
		switch slot.base {
		case slotText, slotRefusal:
			field = "text"
		case slotSummary, slotThought:
			field = "reasoning"
		}
		r.text(leaf, field).JSON = slot.base == slotRanArgs
		r.said.add(slot.base, leaf.Str())
	})
	return nil
}

func (r *responseReply) Response() *wire.Response {
	return r.said.response(r.calls, finishOf(r.root), responseUsage(nil, r.root.Get("usage")))
}

// Rewrite carries out what was decided of the texts and the calls. A message
// that says what was denied takes the place of a denied call's item, so that
// the others keep theirs. An item of which a text is replaced loses its log
// probabilities.
func (r *responseReply) Rewrite(texts []strictjson.Replacement, verdicts []wire.Verdict) ([]byte, error) {
	texts = slices.Clone(texts)
	read.Sort(texts)
	var changed []strictjson.Replacement
	for i, v := range verdicts {
		at := &r.callAt[i]
		switch {
		case v.Denied:
			changed = append(changed, read.Replace(at.item, deniedItem(at.item.Get("id").Str(), v.Text, "completed")))
		case v.Args != nil:
			if e, ok := at.call.newArgs(*v.Args); ok {
				changed = append(changed, e)
			}
		}
	}
	for _, it := range r.items {
		if within(texts, it) {
			changed = dropLogprobs(changed, it)
		}
	}
	return strictjson.Splice(nil, r.body, outermost(changed, texts)), nil
}

// within tells whether one of the edits, which are sorted, lies inside a value.
func within(edits []strictjson.Replacement, v strictjson.Value) bool {
	start, end := v.Span()
	i, _ := slices.BinarySearchFunc(edits, start, func(e strictjson.Replacement, at int) int { return cmp.Compare(e.Start, at) })
	return i < len(edits) && edits[i].End <= end
}

// outermost joins edits to changes, which take the place of more: of those that
// lie inside another one, the outer one stays, and a change before an edit. They
// come out sorted.
func outermost(changes, edits []strictjson.Replacement) []strictjson.Replacement {
	all := slices.Concat(changes, edits)
	slices.SortStableFunc(all, func(a, b strictjson.Replacement) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.End, a.End))
	})
	out := all[:0]
	for _, e := range all {
		if n := len(out); n == 0 || e.Start >= out[n-1].End {
			out = append(out, e)
		}
	}
	return out
}

// dropLogprobs empties the log probabilities of a part, an event or the parts
// of an item, which repeat their texts.
func dropLogprobs(edits []strictjson.Replacement, v strictjson.Value) []strictjson.Replacement {
	if lp := v.Get("logprobs"); lp.Exists() && !lp.IsNull() && hasLogprobs(v.Get("type").Str()) {
		edits = append(edits, read.Replace(lp, []byte("[]")))
	}
	for _, p := range v.Get("content").Elems() {
		edits = dropLogprobs(edits, p)
	}
	return edits
}

// Interface guards
var (
	_ wire.Reply   = (*responseReply)(nil)
	_ wire.Creator = (*responseReply)(nil)
)
