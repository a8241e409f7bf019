package ollama

import (
	"errors"
	"slices"
	"strings"

	"github.com/tidwall/sjson"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

var errArgs = errors.New("a call's arguments must stay an object")

// edit carries out, on a reply or on a line of one, what was decided.
type edit struct {
	shape     shape
	root      strictjson.Value
	texts     []strictjson.Replacement // none of them takes a quote away
	verdicts  []wire.Verdict           // on the calls of this body, in order
	before    int                      // denied calls of earlier lines
	spoke     bool                     // something was said in the content, here included
	changed   bool                     // something was edited, here or in an earlier line
	allDenied bool                     // no call of the whole reply is left
}

func (e *edit) denied() int {
	n := 0
	for _, v := range e.verdicts {
		if v.Denied {
			n++
		}
	}
	return n
}

func (e *edit) apply(body []byte) ([]byte, error) {
	said := e.shape.said(e.root)
	calls, err := e.calls(said.Get("tool_calls"))
	if err != nil {
		return nil, err
	}
	edits := calls
	for _, t := range e.texts {
		if !slices.ContainsFunc(calls, func(c strictjson.Replacement) bool { return t.Start >= c.Start && t.End <= c.End }) {
			edits = append(edits, t)
		}
	}
	words := e.instead()
	content := said.Get(e.shape.content)
	if words != "" && content.Kind() == strictjson.String {
		_, end := content.Span()
		edits = append(edits, strictjson.Replacement{Start: end - 1, End: end - 1, Text: strictjson.AppendEscaped(nil, words)})
		words = ""
	}
	if reason := e.root.Get("done_reason"); e.allDenied && reason.EqualStr("tool_calls") {
		edits = append(edits, read.Replace(reason, []byte(`"stop"`)))
	}
	read.Sort(edits)
	body = strictjson.Splice(nil, body, edits)
	if words != "" {
		if body, err = sjson.SetBytes(body, e.shape.path(e.shape.content), words); err != nil {
			return nil, err
		}
	}
	if n := e.denied(); n > 0 && n == len(e.verdicts) {
		if body, err = sjson.DeleteBytes(body, e.shape.path("tool_calls")); err != nil {
			return nil, err
		}
	}
	return e.dropCopies(body)
}

// dropCopies takes away what says in numbers, or word by word, what was
// edited: the log probabilities, and the token ids of the conversation.
func (e *edit) dropCopies(body []byte) (_ []byte, err error) {
	if !e.changed {
		return body, nil
	}
	for _, name := range []string{"logprobs", "context"} {
		if given(e.root.Get(name)) {
			if body, err = sjson.DeleteBytes(body, name); err != nil {
				return nil, err
			}
		}
	}
	return body, nil
}

// calls takes denied calls out of the list, where others stay in it, and edits
// those that stay.
func (e *edit) calls(list strictjson.Value) ([]strictjson.Replacement, error) {
	if e.denied() == len(e.verdicts) && len(e.verdicts) > 0 {
		return []strictjson.Replacement{read.Replace(list, []byte("[]"))}, nil
	}
	var edits []strictjson.Replacement
	gone := e.before
	keptEnd := -1 // of the last call that stays
	starts := make([]int, 0, len(e.verdicts))
	for _, c := range list.Elems() {
		start, _ := c.Span()
		starts = append(starts, start)
	}
	for i, c := range list.Elems() {
		v := e.verdicts[i]
		_, end := c.Span()
		if v.Denied {
			gone++
			switch {
			case !slices.ContainsFunc(e.verdicts[i:], func(v wire.Verdict) bool { return !v.Denied }): // none stays behind it
				edits = append(edits, strictjson.Replacement{Start: keptEnd, End: end})
				keptEnd = end
			default:
				edits = append(edits, strictjson.Replacement{Start: starts[i], End: starts[i+1]})
			}
			continue
		}
		keptEnd = end
		f := c.Get("function")
		if n, ok := f.Get("index").Int(); ok && gone > 0 {
			edits = append(edits, read.Replace(f.Get("index"), []byte(itoa(max(n-int64(gone), 0)))))
		}
		if v.Args != nil {
			if !isObject(*v.Args) || f.Get("arguments").Kind() != strictjson.Object {
				return nil, errArgs
			}
			edits = append(edits, read.Replace(f.Get("arguments"), []byte(*v.Args)))
		}
	}
	return edits, nil
}

// instead is what is said of the denied calls.
func (e *edit) instead() string {
	var words strings.Builder
	for _, v := range e.verdicts {
		if !v.Denied {
			continue
		}
		if e.spoke || words.Len() > 0 {
			words.WriteByte('\n')
		}
		words.WriteString(v.Text)
	}
	return words.String()
}

func isObject(text string) bool {
	doc, err := strictjson.Parse([]byte(text), strictjson.Limits{})
	if err != nil {
		return false
	}
	defer doc.Release()
	return doc.Root().Kind() == strictjson.Object
}
