package openai

import (
	"slices"
	"strconv"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// Stream starts reading a streamed response.
func (Responses) Stream(o wire.StreamOptions) wire.Stream { return newResponseStream(o) }

func newResponseStream(o wire.StreamOptions) *responseStream {
	return &responseStream{
		assemble: o.Assemble, slots: map[slotKey]*slot{}, of: map[int][]slotKey{}, known: map[string]struct{}{}, kinds: map[int]string{},
		calls: map[int]*heldCall{}, kept: map[string]bool{}, numbers: map[*wire.Event]int64{}, last: -1,
	}
}

// responseStream reads a response that comes as events, all of which are
// numbered: its items, each of them begun, streamed part by part, ended, and
// then said once more in the events that end a text, a part, the item and the
// response. There is one choice, 0.
//
// A stream may begin anywhere: a response is read again from some event on.
type responseStream struct {
	none     bool // nothing is understood
	assemble bool
	done     bool // the last event of the response was read
	failed   bool
	unkept   bool // the upstream does not keep the response
	id       string
	model    string
	finish   string
	usage    *wire.Usage
	created  []string
	kept     map[string]bool // what is in created

	slots map[slotKey]*slot
	of    map[int][]slotKey   // the slots of each item
	known map[string]struct{} // whole texts that were said
	told  int                 // bytes of text that are kept
	kinds map[int]string      // of the items that were begun
	calls map[int]*heldCall   // by the item's index
	whole int                 // texts that no event continues, to name them apart

	final   []*heldCall // the calls of the response's last copy, nil for other items
	differs bool        // that copy says something else of a call than its item did

	numbers map[*wire.Event]int64 // of the events that are read and have not gone out
	shift   int64                 // how much later events are numbered higher
	last    int64                 // the number of the last event that went out
}

// slot is one text of the reply.
type slot struct {
	said     strings.Builder
	more     []string // what copies said otherwise
	closed   bool
	input    read.Fragments // of the arguments of a call that the provider makes
	channels []wire.Channel // that are open
}

func (s *responseStream) Model() string      { return s.model }
func (s *responseStream) Usage() *wire.Usage { return s.usage }

// Created are the ids of what the upstream keeps, as far as they came.
func (s *responseStream) Created() []string { return s.created }

// Failed tells whether the response has failed.
func (s *responseStream) Failed() bool { return s.failed }

// Done is true after the event that ends the response, and after an error.
func (s *responseStream) Done() bool { return s.done || s.failed }

// Ordered marks the stream: its events are numbered.
func (s *responseStream) Ordered() {}

// Event reads one event. Its name may be missing; its type may not.
func (s *responseStream) Event(name string, data []byte) (*wire.Event, error) {
	switch {
	case s.none:
		return nil, read.Wrong("", "an endpoint that does not stream has answered with a stream")
	case s.Done() && string(data) == "[DONE]": // as some compatible servers end it
		return &wire.Event{End: true}, nil
	case s.done:
		return nil, errAfterEnd
	}
	doc, err := strictjson.Parse(data, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	defer doc.Release()
	root := doc.Root()
	if root.Kind() != strictjson.Object {
		return nil, read.Wrong("", "the event is not a JSON object")
	}
	if err := root.CheckKeys(responseEventFields); err != nil {
		return nil, &wire.Error{Err: err}
	}
	kind := root.Get("type").Str()
	if kind == "" || name != "" && name != kind {
		return nil, read.Wrong("type", "the event is not of the type that its name says")
	}
	if s.failed && kind != "response.failed" { // which may follow an error
		return nil, errAfterEnd
	}
	e := &responseEvent{s: s, ev: &wire.Event{}, data: data, root: root, kind: kind}
	if err := e.read(); err != nil {
		return nil, err
	}
	for i := range e.ev.Pieces {
		s.told += len(e.ev.Pieces[i].Text)
	}
	if s.told > maxTold || len(s.slots) > maxSlots {
		return nil, read.Wrong("", "a response of too much text")
	}
	number, ok := root.Get("sequence_number").Int()
	if !ok {
		number = -1
	}
	s.numbers[e.ev] = number
	return e.ev, nil
}

var errAfterEnd = read.Wrong("", "an event after the end of the stream")

// responseEvent reads one event.
type responseEvent struct {
	s    *responseStream
	ev   *wire.Event
	data []byte
	root strictjson.Value
	kind string
	item int // the index of its item, -1 for none
	sub  int // the index of its part
}

func (e *responseEvent) read() error {
	var err error
	if e.item, err = e.index("output_index", -1); err != nil {
		return err
	}
	for _, key := range []string{"content_index", "summary_index", "command_index"} {
		if e.root.Get(key).Exists() {
			if e.sub, err = e.index(key, 0); err != nil {
				return err
			}
			break
		}
	}
	response, item := e.root.Get("response"), e.root.Get("item")
	switch {
	case e.kind == "error":
		e.s.failed, e.ev.End = true, true
		e.words()
		return nil
	case response.Kind() == strictjson.Object && item.Exists():
		return read.Wrong("", "an event that speaks of an item and of the response")
	case response.Kind() == strictjson.Object && !itemEvents[e.kind]:
		return e.snapshot(response)
	case item.Kind() == strictjson.Object && !ends[e.kind]:
		return e.itemEvent(item)
	case response.Exists() && !response.IsNull(), item.Exists() && !item.IsNull(), ends[e.kind], itemEvents[e.kind]:
		return read.Wrong("", "an event without what it speaks of")
	}
	c, err := e.call()
	if err != nil {
		return err
	}
	if c != nil {
		return e.callPart(c)
	}
	return e.part()
}

// ends are the events that end a response.
var ends = map[string]bool{
	"response.completed": true, "response.incomplete": true, "response.failed": true, "response.cancelled": true,
}

// itemEvents begin and end an item.
var itemEvents = map[string]bool{"response.output_item.added": true, "response.output_item.done": true}

func (e *responseEvent) index(key string, missing int) (int, error) {
	v := e.root.Get(key)
	if !v.Exists() || v.IsNull() {
		return missing, nil
	}
	n, ok := v.Int()
	if !ok || n < 0 || n >= maxItems {
		return 0, read.Wrong(key, "an index must be a small whole number")
	}
	return int(n), nil
}

// maxItems bounds the items of a response, and the parts of one.
const maxItems = 1 << 14

// maxTold bounds the text of a stream, each copy counted, since what was said
// is kept to be compared with.
const maxTold = 256 << 20

// maxSlots bounds the texts of a stream.
const maxSlots = 1 << 16

// base is the event's type without what all have in common: "output_text".
func (e *responseEvent) base() string {
	b := strings.TrimPrefix(e.kind, eventsPrefix)
	return strings.TrimSuffix(strings.TrimSuffix(b, deltaSuffix), doneSuffix)
}

// part reads an event that is about a part of an item, or about nothing that
// is known: every string in it is a text.
func (e *responseEvent) part() error {
	at := slotKey{e.base(), e.item, e.sub}
	var err error
	for k, m := range e.root.Members() {
		switch key := k.Str(); {
		case key == "part":
			slot := slotKey{partSlot("", m.Get("type").Str(), e.root.Get("summary_index").Exists()), e.item, e.sub}
			partWords(m, slot, e.copy)
			if strings.HasSuffix(e.kind, doneSuffix) {
				e.closeSlot(slot)
			}
		case m.Kind() != strictjson.String:
			e.walker().member(e.root, key, m)
		case key == "delta" && e.kind == "response.audio.delta": // sound
		case key == "delta" && strings.HasSuffix(e.kind, deltaSuffix):
			if err = e.delta(at, m); err != nil {
				return err
			}
		case strings.HasSuffix(e.kind, doneSuffix) && key != "name" && !structure[key]:
			e.copy(at, m)
		default:
			e.walker().member(e.root, key, m)
		}
	}
	if strings.HasSuffix(e.kind, doneSuffix) {
		e.closeSlot(at)
	}
	return nil
}

func (e *responseEvent) walker() *walker {
	return &walker{text: func(leaf strictjson.Value) { e.copy(slotKey{slotNowhere, e.item, e.sub}, leaf) }}
}

// words adds every text of the event.
func (e *responseEvent) words() { e.walker().besides(e.root) }

func (s *responseStream) slot(k slotKey) *slot {
	sl := s.slots[k]
	if sl == nil {
		sl = &slot{}
		s.slots[k], s.of[k.item] = sl, append(s.of[k.item], k)
	}
	return sl
}

// delta adds to a text.
func (e *responseEvent) delta(k slotKey, v strictjson.Value) error {
	sl := e.s.slot(k)
	if sl.closed {
		return read.Wrong("delta", "text after its end")
	}
	if k.base == slotRanArgs {
		return e.fragments(k, sl, v, false)
	}
	ch := k.channel()
	if len(sl.channels) == 0 {
		sl.channels = []wire.Channel{ch}
	}
	sl.said.Write(e.piece(ch, v, false, false))
	return nil
}

func (k slotKey) channel() wire.Channel {
	return wire.Channel{Name: k.base + ":" + strconv.Itoa(k.item) + ":" + strconv.Itoa(k.sub)}
}

func (e *responseEvent) piece(ch wire.Channel, v strictjson.Value, whole, again bool) []byte {
	start, end := v.Span()
	text := e.data[start+1 : end-1]
	if slices.Contains(text, '\\') {
		text = v.AppendStr(nil)
	}
	e.ev.Pieces = append(e.ev.Pieces, wire.Piece{Channel: ch, Start: start, End: end, Text: text, Whole: whole, Copy: again})
	return text
}

// copy adds a text that stands whole in the event. It repeats another one
// where those words were said before; where they were not, it counts as new,
// whatever place it has.
func (e *responseEvent) copy(k slotKey, v strictjson.Value) {
	e.wholeText(k, v, false)
}

func (e *responseEvent) wholeText(k slotKey, v strictjson.Value, echo bool) {
	text := v.Str()
	if text == "" {
		return
	}
	s := e.s
	sl := s.slots[k]
	_, known := s.known[text]
	again := echo || known || k.base != slotNowhere && sl != nil && sl.said.String() == text
	if !again && k.base != slotNowhere {
		sl = s.slot(k)
		sl.more = append(sl.more, text)
	}
	s.known[text] = struct{}{}
	if k.base == slotRanArgs && passesGate([]byte(text)) && e.fragments(k, &slot{}, v, again) == nil {
		return
	}
	e.piece(s.apart(), v, true, again)
}

// apart names the channel of a text that no other event continues.
func (s *responseStream) apart() wire.Channel {
	s.whole++
	return wire.Channel{Name: "whole:" + strconv.Itoa(s.whole)}
}

// closeSlot ends a text.
func (e *responseEvent) closeSlot(k slotKey) {
	sl := e.s.slots[k]
	if sl == nil || sl.closed {
		return
	}
	sl.closed = true
	e.s.known[sl.said.String()] = struct{}{}
	e.ev.Closed = append(e.ev.Closed, sl.channels...)
	sl.channels = nil
}

// closeItem ends all texts of an item.
func (e *responseEvent) closeItem() {
	for _, k := range e.s.of[e.item] {
		e.closeSlot(k)
	}
	delete(e.s.of, e.item)
}

// order gives the slots by their item and part.
func (s *responseStream) order() []slotKey {
	keys := make([]slotKey, 0, len(s.slots))
	for k := range s.slots {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b slotKey) int {
		if a.item != b.item {
			return a.item - b.item
		}
		if a.sub != b.sub {
			return a.sub - b.sub
		}
		return strings.Compare(a.base, b.base)
	})
	return keys
}

// text is what the messages say, joined.
func (s *responseStream) text() string {
	var text strings.Builder
	for _, k := range s.order() {
		if k.base == slotText {
			text.WriteString(s.slots[k].said.String())
		}
	}
	return text.String()
}

// Interface guards
var (
	_ wire.Ordered = (*responseStream)(nil)
	_ wire.Stale   = (*responseStream)(nil)
	_ wire.Creator = (*responseStream)(nil)
)
