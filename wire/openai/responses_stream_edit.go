package openai

import (
	"errors"
	"strconv"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/sse"
	"github.com/headgate/headgate/wire/strictjson"
)

var errEscape = errors.New("an escape that two events share cannot be edited")

// Stale tells whether an event has to be rewritten though nothing of its own
// was changed: it has another number now, or it says something of a call that
// the call's item did not. An event that has not goes out as it came.
func (s *responseStream) Stale(ev *wire.Event) bool {
	if s.shift != 0 || ev.End && s.differs {
		return true
	}
	for _, k := range ev.Calls {
		if c := s.calls[k.Index]; c != nil && c.differs && (!ev.End || len(s.final) > 0) {
			return true
		}
	}
	s.goesOut(ev)
	return false
}

// goesOut notes the number of an event that goes out, as it is then, and gives
// it; ok is false where the event has none.
func (s *responseStream) goesOut(ev *wire.Event) (number int64, ok bool) {
	number, ok = s.numbers[ev]
	delete(s.numbers, ev)
	if !ok || number < 0 {
		return 0, false
	}
	s.last = number + s.shift
	return s.last, true
}

// Rewrite carries out, on one event, what was decided of its texts and calls.
//
// A denied call becomes a message that says what was denied, whose six events
// take the place of the call's first one; its other events go. Replaced
// arguments stand whole in the first delta, and in every event that holds the
// arguments whole. The events are numbered without a gap.
func (s *responseStream) Rewrite(ev *wire.Event, data []byte, texts []wire.PieceText, verdict func(wire.CallKey) wire.Verdict) ([]wire.Written, error) {
	if string(data) == "[DONE]" {
		return wire.Kept(data), nil
	}
	doc, err := strictjson.Parse(data, strictjson.Limits{})
	if err != nil {
		return nil, err
	}
	defer doc.Release()
	root := doc.Root()
	var edits []strictjson.Replacement
	for _, t := range texts {
		edit, err := fragmentEdit(data, &ev.Pieces[t.Piece], string(t.Text))
		if err != nil {
			return nil, err
		}
		edits = append(edits, edit)
	}
	changes := editedLogprobs(root, edits)
	switch {
	case ev.End:
		more, err := s.finalEdits(root.Get("response").Get("output"), verdict)
		if err != nil {
			return nil, err
		}
		changes = append(changes, more...)
	case len(ev.Calls) > 0:
		c, v := s.calls[ev.Calls[0].Index], verdict(ev.Calls[0])
		if v.Denied {
			return s.denied(ev, c, v.Text), nil
		}
		more, drop, err := c.edits(root, v)
		if err != nil {
			return nil, err
		}
		if drop {
			if s.numbers[ev] >= 0 {
				s.shift--
			}
			delete(s.numbers, ev)
			return nil, nil
		}
		changes = append(changes, more...)
	}
	edits = beyond(edits, changes)
	if number, ok := s.goesOut(ev); ok {
		if at := root.Get("sequence_number"); string(at.Raw()) != strconv.FormatInt(number, 10) {
			edits = append(edits, read.Replace(at, strconv.AppendInt(nil, number, 10)))
		}
	}
	read.Sort(edits)
	return wire.Kept(strictjson.Splice(nil, data, edits)), nil
}

// fragmentEdit is a new text in the place of a piece's.
func fragmentEdit(data []byte, p *wire.Piece, text string) (strictjson.Replacement, error) {
	edit := strictjson.Replacement{Start: p.Start, End: p.End}
	switch {
	case p.End == 0:
		return edit, errEscape
	case data[p.Start] == '"':
		edit.Text = strictjson.AppendQuoted(nil, text)
	default: // JSON in a JSON string
		edit.Text = strictjson.AppendEscaped(nil, string(strictjson.AppendEscaped(nil, text)))
	}
	return edit, nil
}

// editedLogprobs takes away the log probabilities beside what was edited.
func editedLogprobs(root strictjson.Value, edits []strictjson.Replacement) []strictjson.Replacement {
	if len(edits) == 0 {
		return nil
	}
	output := root.Get("response").Get("output")
	if output.Len() == 0 {
		return dropLogprobs(nil, root)
	}
	var changes []strictjson.Replacement
	for _, it := range output.Elems() {
		if within(edits, it) {
			changes = dropLogprobs(changes, it)
		}
	}
	return changes
}

// edits are those of one event of a call that is not denied; drop tells that
// the event goes.
func (c *heldCall) edits(root strictjson.Value, v wire.Verdict) (edits []strictjson.Replacement, drop bool, err error) {
	if v.Args == nil && !c.differs {
		return nil, false, nil
	}
	args := c.args
	if v.Args != nil {
		args = *v.Args
	}
	kind := root.Get("type").Str()
	if it := root.Get("item"); it.Exists() {
		asked, err := readCall(it, c.kind, "item")
		if err != nil {
			return nil, false, err
		}
		if asked.Args == "" {
			return nil, false, nil
		}
		if !c.object && kind == "response.output_item.added" && c.deltas > 0 {
			args = "" // the first delta has them
		}
		edit, _ := asked.newArgs(args)
		return []strictjson.Replacement{edit}, false, nil
	}
	ofCall := callDeltas[strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(kind, eventsPrefix), deltaSuffix), doneSuffix)] == c.kind
	switch {
	case !ofCall: // parts of an action, which the item's end has whole
		return nil, strings.HasSuffix(kind, deltaSuffix) || strings.HasSuffix(kind, doneSuffix), nil
	case strings.HasSuffix(kind, deltaSuffix):
		if c.written {
			return nil, true, nil
		}
		c.written = true
		return []strictjson.Replacement{read.Replace(root.Get("delta"), strictjson.AppendQuoted(nil, args))}, false, nil
	case strings.HasSuffix(kind, doneSuffix):
		field := "arguments"
		if c.free {
			field = "input"
		}
		return []strictjson.Replacement{read.Replace(root.Get(field), strictjson.AppendQuoted(nil, args))}, false, nil
	}
	return nil, false, nil
}

// finalEdits bring the calls of the response's last copy in line with what was
// decided, and with what their items said.
func (s *responseStream) finalEdits(output strictjson.Value, verdict func(wire.CallKey) wire.Verdict) ([]strictjson.Replacement, error) {
	var edits []strictjson.Replacement
	for i, it := range output.Elems() {
		if i >= len(s.final) || s.final[i] == nil {
			continue
		}
		c := s.final[i]
		v := verdict(c.key())
		asked, err := readCall(it, c.kind, "")
		switch {
		case err != nil:
			return nil, err
		case v.Denied:
			edits = append(edits, read.Replace(it, deniedItem(c.itemID, v.Text, "completed")))
		case v.Args != nil || !c.same(asked.Args):
			args := c.args
			if v.Args != nil {
				args = *v.Args
			}
			edit, ok := asked.newArgs(args)
			if !ok {
				return nil, errNoVerdict
			}
			edits = append(edits, edit)
		}
	}
	return edits, nil
}

// denied writes the message that takes the place of a call.
func (s *responseStream) denied(ev *wire.Event, c *heldCall, text string) []wire.Written {
	number, numbered := s.numbers[ev]
	numbered = numbered && number >= 0
	delete(s.numbers, ev)
	if c.written {
		if numbered {
			s.shift--
		}
		return nil
	}
	c.written = true
	number += s.shift
	item := `"output_index":` + strconv.Itoa(c.index)
	part := `"item_id":` + string(strictjson.AppendQuoted(nil, deniedID(c.itemID))) + `,` + item + `,"content_index":0`
	quoted := string(strictjson.AppendQuoted(nil, text))
	var list []wire.Written
	for _, e := range []struct{ kind, fields string }{
		{"response.output_item.added", item + `,"item":` + string(deniedItem(c.itemID, "", "in_progress"))},
		{"response.content_part.added", part + `,"part":` + string(textPart(""))},
		{"response.output_text.delta", part + `,"delta":` + quoted + `,"logprobs":[]`},
		{"response.output_text.done", part + `,"text":` + quoted + `,"logprobs":[]`},
		{"response.content_part.done", part + `,"part":` + string(textPart(text))},
		{"response.output_item.done", item + `,"item":` + string(deniedItem(c.itemID, text, "completed"))},
	} {
		at := ""
		if numbered {
			at = `"sequence_number":` + strconv.FormatInt(number+int64(len(list)), 10) + `,`
		}
		list = append(list, wire.Written{Name: e.kind, Data: []byte(`{"type":"` + e.kind + `",` + at + e.fields + `}`)})
	}
	if numbered {
		s.shift += int64(len(list) - 1)
		s.last = number + int64(len(list)-1)
	}
	return list
}

// Refuse ends a stream that has begun: an error, and a response that has
// failed. Of all the ways to end, every client tried takes this one for an
// error, and none repeats the request.
func (s *responseStream) Refuse(r wire.Refusal) []byte {
	code, object := "server_error", errorObject(r)
	if isPolicy(r.Code) {
		code, object = invalidPrompt, errorObjectCode(r, invalidPrompt)
	}
	next := func() string {
		s.last++
		return `"sequence_number":` + strconv.FormatInt(s.last, 10)
	}
	nested := strings.TrimSuffix(strings.TrimPrefix(string(object), "{"), "}")
	b := sse.AppendEvent(nil, "error", []byte(`{"type":"error",`+next()+`,`+nested+`}`))
	data := []byte(`{"type":"response.failed",` + next() + `,"response":{"id":`)
	data = strictjson.AppendQuoted(data, s.id)
	data = append(data, `,"object":"response","created_at":0,"status":"failed","error":{"code":"`+code+`","message":`...)
	data = strictjson.AppendQuoted(data, r.Reason)
	data = append(data, `},"incomplete_details":null,"instructions":null,"metadata":{},"model":`...)
	data = strictjson.AppendQuoted(data, s.model)
	data = append(data, `,"output":[],"parallel_tool_calls":true,"temperature":null,"tool_choice":"auto","tools":[],"top_p":null,"usage":null}}`...)
	return sse.AppendEvent(b, "response.failed", data)
}
