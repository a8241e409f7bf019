package openai

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/tidwall/sjson"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// Rewrite carries out, on one chunk, what was decided of its texts and calls.
// A denied call leaves one chunk, which says in content what was denied; the
// calls after it move up, so that the indices stay contiguous.
func (s *chatStream) Rewrite(ev *wire.Event, data []byte, texts []wire.PieceText, verdict func(wire.CallKey) wire.Verdict) ([]wire.Written, error) {
	if edits := s.muted(ev, texts); len(edits)+len(texts) > 0 {
		for _, t := range texts {
			p := &ev.Pieces[t.Piece]
			edits = append(edits, strictjson.Replacement{Start: p.Start, End: p.End, Text: strictjson.AppendQuoted(nil, string(t.Text))})
		}
		read.Sort(edits)
		data = strictjson.Splice(nil, data, edits)
	}
	if bytes.Equal(data, []byte("[DONE]")) {
		return wire.Kept(data), nil
	}
	doc, err := strictjson.Parse(bytes.Clone(data), strictjson.Limits{})
	if err != nil {
		return nil, err
	}
	defer doc.Release()
	keep := len(ev.Calls) == 0
	parts := ev.Calls
	for pos, c := range doc.Root().Get("choices").Elems() {
		ch := s.choices[choiceIndex(pos, c)]
		if ch == nil {
			continue
		}
		e := chunkEdit{stream: s, choice: ch, at: "choices." + strconv.Itoa(pos), verdict: verdict}
		for n := c.Get("delta").Get("tool_calls").Len(); len(e.parts) < n && len(parts) > 0; parts = parts[1:] {
			if parts[0].Index != functionCall {
				e.parts = append(e.parts, parts[0])
			}
		}
		if data, err = e.apply(data, c, editedChoices(ev, texts)); err != nil {
			return nil, err
		}
		keep = keep || e.left
	}
	if !keep && len(ev.Ended) == 0 {
		return nil, nil
	}
	return wire.Kept(data), nil
}

func choiceIndex(pos int, c strictjson.Value) int {
	index, _ := readIndex(c.Get("index"), pos) // it was read before
	return index
}

func editedChoices(ev *wire.Event, texts []wire.PieceText) []int {
	var list []int
	for _, t := range texts {
		list = append(list, ev.Pieces[t.Piece].Channel.Choice)
	}
	return list
}

// chunkEdit edits one choice of one chunk.
type chunkEdit struct {
	stream  *chatStream
	choice  *streamChoice
	at      string         // the choice's path
	parts   []wire.CallKey // the call of each element of tool_calls
	verdict func(wire.CallKey) wire.Verdict
	left    bool // the chunk still says something
}

func (e *chunkEdit) apply(data []byte, c strictjson.Value, edited []int) ([]byte, error) {
	var err error
	if (slices.Contains(edited, e.choice.index) || e.changed()) && c.Get("logprobs").Kind() == strictjson.Object {
		if data, err = sjson.SetRawBytes(data, e.at+".logprobs", []byte("null")); err != nil {
			return nil, err
		}
	}
	delta := c.Get("delta")
	var said string
	calls := delta.Get("tool_calls")
	removed := 0
	for i := calls.Len() - 1; i >= 0; i-- {
		path := e.at + ".delta.tool_calls." + strconv.Itoa(i)
		text, gone, err := e.call(&data, read.Elem(calls, i), i, path)
		if err != nil {
			return nil, err
		}
		if gone {
			removed++
			said = text + said
		}
	}
	if removed > 0 && removed == calls.Len() {
		if data, err = sjson.DeleteBytes(data, e.at+".delta.tool_calls"); err != nil {
			return nil, err
		}
	}
	e.left = removed < calls.Len() || said != ""
	if f := delta.Get("function_call"); f.Kind() == strictjson.Object && e.choice.has(functionCall) {
		if data, said, err = e.function(data, f, said); err != nil {
			return nil, err
		}
	}
	if said != "" {
		if data, err = sjson.SetBytes(data, e.at+".delta.content", delta.Get("content").Str()+said); err != nil {
			return nil, err
		}
	}
	for k, v := range delta.Members() {
		switch k.Str() {
		case "tool_calls", "function_call":
		case "role":
			e.left = true
		default:
			e.left = e.left || v.Kind() != strictjson.String || v.Str() != ""
		}
	}
	if f := c.Get("finish_reason").Str(); endsWithCalls(f) && e.allDenied() {
		return sjson.SetBytes(data, e.at+".finish_reason", "stop")
	}
	return data, nil
}

func (c *streamChoice) has(index int) bool {
	return slices.ContainsFunc(c.calls, func(call *streamCall) bool { return call.key.Index == index })
}

// changed tells whether a call of the choice goes on otherwise than it came.
func (e *chunkEdit) changed() bool {
	return slices.ContainsFunc(e.choice.calls, func(c *streamCall) bool { return !e.verdict(c.key).Untouched() })
}

func (e *chunkEdit) allDenied() bool {
	for _, c := range e.choice.calls {
		if !e.verdict(c.key).Denied {
			return false
		}
	}
	return len(e.choice.calls) > 0
}

// call edits one element of tool_calls; gone tells that it was taken out, and
// said is what stands in its place (once for each call).
func (e *chunkEdit) call(data *[]byte, v strictjson.Value, pos int, path string) (said string, gone bool, err error) {
	c := e.find(pos)
	if c == nil {
		return "", false, errNoVerdict
	}
	verdict := e.verdict(c.key)
	if verdict.Denied {
		*data, err = sjson.DeleteBytes(*data, path)
		return e.sayOnce(c, verdict), true, err
	}
	if index := e.newIndex(c); v.Get("index").Exists() && index != c.key.Index {
		if *data, err = sjson.SetBytes(*data, path+".index", index); err != nil {
			return "", false, err
		}
	}
	body, field := callBody(v)
	if verdict.Args != nil && body.Get(field).Kind() == strictjson.String {
		kind := "function"
		if field == "input" {
			kind = "custom"
		}
		*data, err = sjson.SetBytes(*data, path+"."+kind+"."+field, e.argsOnce(c, verdict))
	}
	return "", false, err
}

// function edits a legacy function_call.
func (e *chunkEdit) function(data []byte, f strictjson.Value, said string) ([]byte, string, error) {
	c, err := e.choice.call(functionCall)
	if err != nil {
		return nil, "", err
	}
	verdict := e.verdict(c.key)
	if verdict.Denied {
		said += e.sayOnce(c, verdict)
		e.left = e.left || said != ""
		data, err = sjson.DeleteBytes(data, e.at+".delta.function_call")
		return data, said, err
	}
	e.left = true
	if verdict.Args != nil && f.Get("arguments").Kind() == strictjson.String {
		data, err = sjson.SetBytes(data, e.at+".delta.function_call.arguments", e.argsOnce(c, verdict))
	}
	return data, said, err
}

func (e *chunkEdit) sayOnce(c *streamCall, v wire.Verdict) string {
	if c.written {
		return ""
	}
	c.written = true
	text := v.Text
	if e.choice.spoke {
		text = "\n" + text
	}
	e.choice.spoke = true
	return text
}

func (e *chunkEdit) argsOnce(c *streamCall, v wire.Verdict) string {
	if c.written {
		return ""
	}
	c.written = true
	return *v.Args
}

// newIndex counts the calls before c that are still there.
func (e *chunkEdit) newIndex(c *streamCall) int {
	index := c.key.Index
	for _, o := range e.choice.calls {
		if o.key.Index >= 0 && o.key.Index < c.key.Index && e.verdict(o.key).Denied {
			index--
		}
	}
	return index
}

// find is the call that the delta at pos belongs to, as chatStream.toolCall
// found it.
func (e *chunkEdit) find(pos int) *streamCall {
	if pos >= len(e.parts) {
		return nil
	}
	for _, c := range e.choice.calls {
		if c.key == e.parts[pos] {
			return c
		}
	}
	return nil
}
