package openai

import (
	"slices"
	"strconv"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// itemEvent begins or ends an item.
func (e *responseEvent) itemEvent(it strictjson.Value) error {
	s := e.s
	kind, err := checkItem(it, "item")
	if err != nil {
		return err
	}
	if e.item < 0 {
		return read.Wrong("output_index", "must be there")
	}
	if had := s.kinds[e.item]; had != "" && had != kind {
		return read.Wrong("item", "two items with one index")
	}
	s.kinds[e.item] = kind
	ended := e.kind == "response.output_item.done"
	if ended && !s.unkept {
		if err := s.keeps(it.Get("id").Str()); err != nil {
			return err
		}
	}
	if asksAgent(it, kind) {
		return e.callItem(it, kind, ended)
	}
	if s.calls[e.item] != nil {
		return read.Wrong("item", "two items with one index")
	}
	itemWords(it, kind, e.item, e.copy)
	e.walker().besides(e.root, "item")
	if ended {
		e.closeItem()
	}
	return nil
}

// keeps notes the id of something that the upstream keeps.
func (s *responseStream) keeps(id string) error {
	if id == "" || s.kept[id] {
		return nil
	}
	if len(s.created) >= maxKept {
		return read.Wrong("id", "too many ids")
	}
	s.kept[id] = true
	s.created = append(s.created, id)
	return nil
}

// maxKept bounds the ids that a stream tells.
const maxKept = 2 * maxItems

// snapshot reads an event that holds the response as it is by then. The one
// that ends the response says everything once more.
func (e *responseEvent) snapshot(r strictjson.Value) error {
	s := e.s
	if err := r.CheckKeys(responseFields); err != nil {
		return &wire.Error{Path: "response", Err: err}
	}
	if m := r.Get("model").Str(); m != "" {
		s.model = m
	}
	if id := r.Get("id").Str(); id != "" {
		s.id = id
	}
	s.usage, s.finish = responseUsage(s.usage, r.Get("usage")), finishOf(r)
	s.unkept = s.unkept || r.Get("store").Kind() == strictjson.False
	if !s.unkept {
		for _, id := range keptIDs(r) {
			if err := s.keeps(id); err != nil {
				return err
			}
		}
	}
	end := ends[e.kind]
	s.final = nil
	output := r.Get("output")
	if output.Exists() && !output.IsNull() && output.Kind() != strictjson.Array || output.Len() > maxItems {
		return read.Wrong("response.output", "must be an array")
	}
	for i, it := range output.Elems() {
		if err := e.snapshotItem(i, it, end); err != nil {
			return err
		}
	}
	responseWords(r, func(key string, echo bool, leaf strictjson.Value) {
		e.wholeText(slotKey{slotNowhere, -1, 0}, leaf, echo || end && key == "output_text" && leaf.EqualStr(s.text()))
	})
	e.walker().value(r.Get("data"))
	e.walker().besides(e.root, "response")
	if !end {
		return nil
	}
	s.done, e.ev.End, e.ev.Ended = true, true, []int{0}
	s.failed = e.kind == "response.failed"
	return e.endCalls()
}

func (e *responseEvent) snapshotItem(i int, it strictjson.Value, end bool) error {
	path := "response.output[" + strconv.Itoa(i) + "]"
	kind, err := checkItem(it, path)
	if err != nil {
		return err
	}
	if !asksAgent(it, kind) {
		e.s.final = append(e.s.final, nil)
		itemWords(it, kind, i, e.copy)
		return nil
	}
	if !end {
		return read.Wrong(path, "a tool call where none belongs")
	}
	return e.finalCall(i, it, kind, path)
}

// fragments adds the strings of arguments that are no agent's to carry out,
// each with a channel of its own. The span of such a piece is that of the
// characters alone; it is empty where the piece cannot be edited.
func (e *responseEvent) fragments(k slotKey, sl *slot, v strictjson.Value, again bool) error {
	start, _ := v.Span()
	text := v.AppendStr(nil)
	whole := sl != e.s.slots[k]
	if !whole {
		sl.said.Write(text)
	}
	parts := sl.input.Read(text)
	var offsets []int
	for _, p := range parts {
		offsets = append(offsets, p.From, p.To)
	}
	offsets = strictjson.RawOffsets(v.Raw(), offsets)
	var ch wire.Channel
	for i, part := range parts {
		if part.Of > maxStrings && !whole {
			return read.Wrong("delta", "arguments of too many strings")
		}
		if !whole {
			ch = wire.Channel{Name: k.channel().Name + ":" + strconv.Itoa(part.Of)}
		} else if i == 0 || part.Of != parts[i-1].Of {
			ch = e.s.apart()
		}
		p := wire.Piece{Channel: ch, Text: part.Text, Whole: whole, Copy: again}
		if !part.Fixed {
			p.Start, p.End = start+offsets[2*i], start+offsets[2*i+1]
		}
		e.ev.Pieces = append(e.ev.Pieces, p)
		switch {
		case whole:
		case part.Last:
			e.ev.Closed = append(e.ev.Closed, ch)
			sl.channels = slices.DeleteFunc(sl.channels, func(c wire.Channel) bool { return c == ch })
		case !slices.Contains(sl.channels, ch):
			sl.channels = append(sl.channels, ch)
		}
	}
	return nil
}

// maxStrings bounds the strings in one call's arguments.
const maxStrings = 1 << 14

// Response is the reply as far as it was read. Where copies of a text say
// something else than its parts did, both are there.
func (s *responseStream) Response() *wire.Response {
	if !s.assemble {
		return nil
	}
	var all said
	for _, k := range s.order() {
		sl := s.slots[k]
		all.add(k.base, sl.said.String())
		for _, other := range sl.more {
			all.add(k.base, other)
		}
	}
	var calls []wire.Call
	for _, c := range s.heldCalls() {
		calls = append(calls, c.asked())
	}
	return all.response(calls, s.finish, s.usage)
}
