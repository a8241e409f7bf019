package gemini

import (
	"errors"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// Reply reads a generated content.
func (GenerateContent) Reply(body []byte) (wire.Reply, error) {
	doc, err := strictjson.Parse(body, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	r := &reply{body: body, root: doc.Root()}
	if err := r.read(); err != nil {
		return nil, err
	}
	return r, nil
}

type reply struct {
	body       []byte
	root       strictjson.Value
	texts      []wire.Text
	calls      []wire.Call
	parts      []callPart // of each call
	candidates []*candidate
	usage      *wire.Usage
}

// candidate is one of the alternatives of a reply.
type candidate struct {
	v     strictjson.Value
	index int
	calls []int // in the reply's
	after []bool

	said, thought strings.Builder
}

func (r *reply) Model() string      { return get(r.root, "modelVersion").Str() }
func (r *reply) Texts() []wire.Text { return r.texts }
func (r *reply) Calls() []wire.Call { return r.calls }

func (r *reply) read() error {
	if r.root.Kind() != strictjson.Object {
		return read.Wrong("", "the reply is not a JSON object")
	}
	if err := visit(r.root, r); err != nil {
		return err
	}
	known := false
	for _, name := range []string{"candidates", "promptFeedback", "usageMetadata", "error"} {
		known = known || get(r.root, name).Exists()
	}
	if !known {
		return read.Wrong("candidates", "must be an array")
	}
	var err error
	r.usage, err = usageOf(r.root)
	return err
}

func (r *reply) candidate(index int, v strictjson.Value) error {
	r.candidates = append(r.candidates, &candidate{v: v, index: index})
	return nil
}

func (r *reply) last() *candidate { return r.candidates[len(r.candidates)-1] }

func (r *reply) text(index int, thought bool, leaf strictjson.Value) {
	c := r.last()
	field, group, said := "text", 2*len(r.candidates)-1, &c.said
	if thought {
		field, group, said = "reasoning", group+1, &c.thought
	}
	start, end := leaf.Span()
	r.texts = append(r.texts, wire.Text{
		Start: start, End: end, Group: group, Choice: index,
		Place: wire.Place{List: "choices", Index: index, Field: field},
	})
	said.WriteString(leaf.Str())
}

func (r *reply) word(index int, p wire.Place, leaf strictjson.Value, copied bool) {
	start, end := leaf.Span()
	r.texts = append(r.texts, wire.Text{Start: start, End: end, Place: p, Choice: index, Copy: copied})
}

func (r *reply) call(index int, part callPart, after bool) error {
	if len(r.calls) >= maxCalls {
		return read.Wrong("candidates", "too many tool calls")
	}
	c := r.last()
	call := callOf(part.call)
	call.Choice, call.Index = index, len(c.calls)
	c.calls = append(c.calls, len(r.calls))
	c.after = append(c.after, after)
	r.calls = append(r.calls, call)
	r.parts = append(r.parts, part)
	return nil
}

// Response has a choice for each candidate. Its text parts are one text, as
// the API's clients join them.
func (r *reply) Response() *wire.Response {
	resp := &wire.Response{Usage: r.usage}
	for _, c := range r.candidates {
		choice := wire.Choice{Index: c.index, FinishReason: finishOf(c.v), Content: c.said.String(), Reasoning: c.thought.String()}
		for _, i := range c.calls {
			choice.Calls = append(choice.Calls, r.calls[i])
		}
		resp.Choices = append(resp.Choices, choice)
	}
	return resp
}

// Rewrite carries out what was decided of the texts and the calls. A denied
// call becomes the text of its part; whatever else the part has stays. A
// candidate that says something else than before loses what repeats its text
// or counts in it: logprobsResult and groundingSupports.
func (r *reply) Rewrite(texts []strictjson.Replacement, verdicts []wire.Verdict) ([]byte, error) {
	e := editor{texts: texts}
	for _, c := range r.candidates {
		start, end := c.v.Span()
		changed, denied := e.touches(start, end), false
		for k, i := range c.calls {
			if verdicts[i].Untouched() {
				continue
			}
			changed = true
			if err := e.call(r.parts[i], verdicts[i], c.after[k] || denied); err != nil {
				return nil, err
			}
			denied = denied || verdicts[i].Denied
		}
		if changed {
			e.copies(c.v)
		}
	}
	return e.splice(r.body), nil
}

// errArgs is why a decision cannot be carried out.
var errArgs = errors.New("a call's arguments must stay an object")

// editor collects the edits of a response.
type editor struct {
	texts []strictjson.Replacement
	edits []strictjson.Replacement // in which no text is edited
}

// touches tells whether a text between two places is edited.
func (e *editor) touches(start, end int) bool {
	for _, t := range e.texts {
		if t.Start >= start && t.End <= end {
			return true
		}
	}
	return false
}

// call carries a verdict out; after tells that the call stands after a text,
// with which clients join what is said of it.
func (e *editor) call(p callPart, v wire.Verdict, after bool) error {
	switch {
	case v.Denied:
		text := v.Text
		if after {
			text = "\n" + text
		}
		start, _ := p.key.Span()
		_, end := p.call.Span()
		e.edits = append(e.edits, strictjson.Replacement{Start: start, End: end, Text: strictjson.AppendQuoted([]byte(`"text":`), text)})
	case v.Args != nil:
		if !isObject(*v.Args) {
			return errArgs
		}
		args := get(p.call, "args")
		if args.Exists() {
			e.edits = append(e.edits, read.Replace(args, []byte(*v.Args)))
			return nil
		}
		_, end := p.call.Span()
		e.edits = append(e.edits, strictjson.Replacement{Start: end - 1, End: end - 1, Text: []byte(`,"args":` + *v.Args)})
	}
	return nil
}

// copies takes away what repeats a candidate's text.
func (e *editor) copies(c strictjson.Value) {
	for _, v := range copiesOf(c) {
		e.edits = append(e.edits, read.Replace(v, []byte("null")))
	}
}

// copiesOf are the members of a candidate that repeat its text, or count in
// it.
func copiesOf(c strictjson.Value) []strictjson.Value {
	var list []strictjson.Value
	for _, v := range []strictjson.Value{get(c, "logprobsResult"), get(get(c, "groundingMetadata"), "groundingSupports")} {
		if v.Exists() {
			list = append(list, v)
		}
	}
	return list
}

func (e *editor) splice(body []byte) []byte {
	edits := e.edits
	for _, t := range e.texts {
		inside := false
		for _, o := range e.edits {
			inside = inside || t.Start >= o.Start && t.End <= o.End
		}
		if !inside {
			edits = append(edits, t)
		}
	}
	read.Sort(edits)
	return strictjson.Splice(nil, body, edits)
}

func isObject(text string) bool {
	doc, err := strictjson.Parse([]byte(text), strictjson.Limits{})
	if err != nil {
		return false
	}
	defer doc.Release()
	return doc.Root().Kind() == strictjson.Object
}

// Interface guards
var (
	_ wire.Reply = (*reply)(nil)
	_ visitor    = (*reply)(nil)
)
