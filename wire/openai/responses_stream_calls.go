package openai

import (
	"bytes"
	"slices"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// heldCall is an item that asks the agent to act. Its events wait until the
// item is whole, which is when it has ended, and goes by what the item says
// then: where parts or copies say otherwise, they are made to say the same.
type heldCall struct {
	index  int // the item's
	kind   string
	itemID string
	id     string
	name   string
	free   bool
	object bool // see itemCall

	midway  bool            // its beginning came in another stream
	start   string          // what the item said when it began
	parts   strings.Builder // what deltas said
	deltas  int
	again   *string // what the event after the deltas said
	args    string  // what counts
	whole   bool
	differs bool // parts or copies say something else
	final   bool // the response's last copy has it

	written bool // what replaces the call, or its arguments, has gone out
}

func (c *heldCall) key() wire.CallKey { return wire.CallKey{Index: c.index} }

// asked is the call as far as it is known.
func (c *heldCall) asked() wire.Call {
	args := c.args
	if !c.whole {
		args = c.parts.String()
	}
	return wire.Call{Index: c.index, ID: c.id, Name: c.name, Args: args, Free: c.free}
}

// callDeltas are the events that stream a call's arguments, with the type of
// the item.
var callDeltas = map[string]string{
	"function_call_arguments": "function_call", "custom_tool_call_input": "custom_tool_call",
}

// call is the call that an event adds to; nil where it adds to none. A stream
// that is read from some event on may begin inside of a call.
func (e *responseEvent) call() (*heldCall, error) {
	s := e.s
	if e.item < 0 {
		id := e.root.Get("item_id").Str()
		for _, c := range s.calls {
			if id != "" && c.itemID == id {
				return c, nil
			}
		}
	} else if c := s.calls[e.item]; c != nil {
		return c, nil
	}
	kind := callDeltas[e.base()]
	if kind == "" {
		return nil, nil
	}
	if had := s.kinds[max(e.item, 0)]; e.item < 0 || had != "" && had != kind {
		return nil, read.Wrong("output_index", "a part of a call that was not begun")
	}
	c, err := e.begin(kind)
	s.kinds[e.item] = kind
	return c, err
}

func (e *responseEvent) begin(kind string) (*heldCall, error) {
	if len(e.s.calls) >= maxCalls {
		return nil, read.Wrong("", "too many tool calls")
	}
	c := &heldCall{index: e.item, kind: kind, free: kind == "custom_tool_call", midway: e.s.kinds[e.item] == ""}
	e.s.calls[e.item] = c
	return c, nil
}

// callPart reads an event that is a part of a call.
func (e *responseEvent) callPart(c *heldCall) error {
	if c.whole {
		return read.Wrong("", "a part of a call after its end")
	}
	e.ev.Calls = append(e.ev.Calls, c.key())
	if callDeltas[e.base()] != c.kind {
		return e.part()
	}
	field := "arguments"
	if c.free {
		field = "input"
	}
	if n := e.root.Get("name").Str(); n != "" {
		if c.name != "" && c.name != n {
			return read.Wrong("name", "a call with two names")
		}
		c.name = n
	}
	switch {
	case strings.HasSuffix(e.kind, deltaSuffix):
		field = "delta"
		v := e.root.Get(field)
		if v.Kind() != strictjson.String {
			return read.Wrong("delta", "a call's arguments must be a string")
		}
		c.parts.WriteString(v.Str())
		c.deltas++
	case strings.HasSuffix(e.kind, doneSuffix):
		v := e.root.Get(field)
		if v.Kind() != strictjson.String {
			return read.Wrong(field, "a call's arguments must be a string")
		}
		text := v.Str()
		c.again = &text
	}
	e.walker().besides(e.root, field, "name")
	return nil
}

// callItem reads the event that begins or ends an item with a call.
func (e *responseEvent) callItem(it strictjson.Value, kind string, ended bool) error {
	c := e.s.calls[e.item]
	var err error
	if c == nil {
		if c, err = e.begin(kind); err != nil {
			return err
		}
	}
	if c.whole || c.kind != kind {
		return read.Wrong("item", "two items with one index")
	}
	asked, err := readCall(it, kind, "item")
	if err != nil {
		return err
	}
	if err := c.is(it, &asked); err != nil {
		return err
	}
	e.ev.Calls = append(e.ev.Calls, c.key())
	w := e.walker()
	switch {
	case ended:
		besidesArgs(w, it, &asked)
	case c.object: // what it says so far is looked at, and is decided when it ends
		w.besides(it)
	default:
		besidesArgs(w, it, &asked)
		c.start = asked.Args
	}
	w.besides(e.root, "item")
	if ended {
		e.closeItem()
		e.wholeCall(c, asked.Args)
	}
	return nil
}

// is notes who the call is, and refuses another one in its place.
func (c *heldCall) is(it strictjson.Value, asked *itemCall) error {
	if c.name != "" && c.name != asked.Name || c.id != "" && c.id != asked.ID {
		return read.Wrong("item", "two calls with one index")
	}
	c.name, c.id, c.free, c.object = asked.Name, asked.ID, asked.Free, asked.object
	if id := it.Get("id").Str(); id != "" {
		c.itemID = id
	}
	return nil
}

// wholeCall notes what counts of a call.
func (e *responseEvent) wholeCall(c *heldCall, args string) {
	c.args, c.whole = args, true
	told := c.parts.String()
	c.differs = !c.object && (c.start != "" && c.start != args || c.again != nil && *c.again != args ||
		c.deltas > 0 && told != args && !(c.midway && strings.HasSuffix(args, told)))
	e.ev.Whole = append(e.ev.Whole, c.asked())
}

// finalCall reads a call in the response's last copy. One that its item has
// told before counts as it was told then; one that was not whole counts as it
// is here.
func (e *responseEvent) finalCall(i int, it strictjson.Value, kind, path string) error {
	s := e.s
	asked, err := readCall(it, kind, path)
	if err != nil {
		return err
	}
	c := s.find(i, kind, &asked)
	if c == nil {
		for e.item = i; s.calls[e.item] != nil; {
			e.item += maxItems
		}
		if c, err = e.begin(kind); err != nil {
			return err
		}
	}
	if err := c.is(it, &asked); err != nil {
		return err
	}
	if !c.whole {
		e.wholeCall(c, asked.Args)
	}
	c.final = true
	s.differs = s.differs || !c.same(asked.Args)
	s.final = append(s.final, c)
	besidesArgs(e.walker(), it, &asked)
	return nil
}

// same tells whether arguments are what counts.
func (c *heldCall) same(args string) bool {
	if args == c.args || !c.object {
		return args == c.args
	}
	a, b := c.asked(), wire.Call{Args: args}
	x, errX := a.ArgsJSON()
	y, errY := b.ArgsJSON()
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// find looks for a call of the last copy among those that were told.
func (s *responseStream) find(i int, kind string, asked *itemCall) *heldCall {
	is := func(c *heldCall) bool {
		return c != nil && !c.final && c.kind == kind && (c.name == "" || c.name == asked.Name) && (c.id == "" || c.id == asked.ID)
	}
	if c := s.calls[i]; is(c) {
		return c
	}
	for _, c := range s.heldCalls() {
		if is(c) && c.id != "" {
			return c
		}
	}
	return nil
}

// heldCalls gives the calls by their index.
func (s *responseStream) heldCalls() []*heldCall {
	list := make([]*heldCall, 0, len(s.calls))
	for _, c := range s.calls {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *heldCall) int { return a.index - b.index })
	return list
}

// endCalls makes whole what the response's end has left open.
func (e *responseEvent) endCalls() error {
	for _, c := range e.s.heldCalls() {
		if !c.whole {
			if c.name == "" {
				return read.Wrong("", "a call must name its tool")
			}
			args := c.parts.String()
			if c.again != nil {
				args = *c.again
			}
			e.wholeCall(c, args)
		}
		e.ev.Calls = append(e.ev.Calls, c.key())
	}
	return nil
}
