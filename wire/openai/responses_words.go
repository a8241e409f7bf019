package openai

import (
	"slices"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// slotKey names one text of a reply: by the events that would stream it
// ("output_text", "refusal", "reasoning_summary_text", …), the item's index and
// the part's.
type slotKey struct {
	base      string
	item, sub int
}

// The texts that have a place in the normalised reply, and others that are
// streamed.
const (
	slotText     = "output_text"
	slotRefusal  = "refusal"
	slotSummary  = "reasoning_summary_text"
	slotThought  = "reasoning_text"
	slotCode     = "code_interpreter_call_code"
	slotRanArgs  = "mcp_call_arguments"
	slotNowhere  = ""
	deltaSuffix  = ".delta"
	doneSuffix   = ".done"
	eventsPrefix = "response."
)

// partSlot is the slot of a part of an item.
func partSlot(itemKind, partKind string, summary bool) string {
	switch {
	case partKind == "output_text", partKind == "text" && itemKind != "reasoning":
		return slotText
	case partKind == "refusal":
		return slotRefusal
	case partKind == "summary_text", summary:
		return slotSummary
	case partKind == "reasoning_text", partKind == "text":
		return slotThought
	}
	return slotNowhere
}

// itemWords gives every text of an item that asks for nothing, with the slot
// that it stands in.
func itemWords(it strictjson.Value, kind string, index int, say func(slot slotKey, leaf strictjson.Value)) {
	nowhere := walker{text: func(leaf strictjson.Value) { say(slotKey{slotNowhere, index, 0}, leaf) }}
	for k, m := range it.Members() {
		switch key := k.Str(); {
		case key == "content" && m.Kind() == strictjson.Array, key == "summary" && m.Kind() == strictjson.Array:
			for j, p := range m.Elems() {
				partWords(p, slotKey{partSlot(kind, p.Get("type").Str(), key == "summary"), index, j}, say)
			}
		case key == "content" && m.Kind() == strictjson.String && kind == "message":
			say(slotKey{slotText, index, 0}, m)
		case key == "code" && kind == "code_interpreter_call" && m.Kind() == strictjson.String:
			say(slotKey{slotCode, index, 0}, m)
		case key == "arguments" && kind == "mcp_call" && m.Kind() == strictjson.String:
			say(slotKey{slotRanArgs, index, 0}, m)
		case key == "name" && (kind == "mcp_call"), key == "server_label":
		default:
			nowhere.member(it, key, m)
		}
	}
}

// partWords gives the texts of one part.
func partWords(p strictjson.Value, slot slotKey, say func(slot slotKey, leaf strictjson.Value)) {
	nowhere := walker{text: func(leaf strictjson.Value) { say(slotKey{slotNowhere, slot.item, slot.sub}, leaf) }}
	if slot.base == slotNowhere || p.Kind() != strictjson.Object {
		nowhere.value(p)
		return
	}
	field := "text"
	if slot.base == slotRefusal {
		field = "refusal"
	}
	for k, m := range p.Members() {
		switch key := k.Str(); {
		case key == field && m.Kind() == strictjson.String:
			say(slot, m)
		default:
			nowhere.member(p, key, m)
		}
	}
}

// echoes are members of a response that repeat the request: what is found in
// them is replaced, and is no finding of the reply.
var echoes = map[string]bool{
	"instructions": true, "tools": true, "tool_choice": true, "metadata": true, "prompt": true, "text": true,
	"user": true, "safety_identifier": true, "prompt_cache_key": true, "reasoning": true,
}

// responseWords gives every text of a response object but those of its items:
// echo tells that it repeats the request.
func responseWords(root strictjson.Value, say func(key string, echo bool, leaf strictjson.Value), known ...string) {
	for k, m := range root.Members() {
		key := k.Str()
		w := walker{text: func(leaf strictjson.Value) { say(key, echoes[key], leaf) }}
		switch {
		case key == "output", key == "data", key == "usage", slices.Contains(known, key):
		case key == "metadata":
			read.EveryString(m, w.text)
		default:
			w.member(root, key, m)
		}
	}
}

// said collects what a reply says, for its normalised form.
type said struct{ content, refusal, reasoning []string }

func (s *said) add(base, text string) {
	if text == "" {
		return
	}
	switch base {
	case slotText:
		s.content = append(s.content, text)
	case slotRefusal:
		s.refusal = append(s.refusal, text)
	case slotSummary, slotThought:
		s.reasoning = append(s.reasoning, text)
	}
}

// response is the normalised reply, of one choice.
func (s *said) response(calls []wire.Call, finish string, usage *wire.Usage) *wire.Response {
	return &wire.Response{Usage: usage, Choices: []wire.Choice{{
		Content: strings.Join(s.content, "\n"), Refusal: strings.Join(s.refusal, "\n"),
		Reasoning: strings.Join(s.reasoning, "\n"), FinishReason: finish, Calls: calls,
	}}}
}

// finishOf says how a response ended: why it is incomplete, or its status.
func finishOf(root strictjson.Value) string {
	if why := root.Get("incomplete_details").Get("reason").Str(); why != "" {
		return why
	}
	return root.Get("status").Str()
}

func responseUsage(u *wire.Usage, v strictjson.Value) *wire.Usage {
	if v.Kind() != strictjson.Object {
		return u
	}
	in, _ := v.Get("input_tokens").Int()
	out, _ := v.Get("output_tokens").Int()
	return &wire.Usage{Input: in, Output: out}
}

// keptIDs are the ids under which the upstream keeps a response, unless it was
// asked not to: its own, its conversation's, those of its items.
func keptIDs(root strictjson.Value) []string {
	if root.Get("store").Kind() == strictjson.False || root.Get("deleted").Bool() {
		return nil
	}
	var ids []string
	seen := map[string]bool{}
	add := func(v strictjson.Value) {
		if s := v.Str(); s != "" && !seen[s] {
			seen[s] = true
			ids = append(ids, s)
		}
	}
	add(root.Get("id"))
	add(root.Get("conversation"))
	add(root.Get("conversation").Get("id"))
	for _, list := range []string{"output", "data"} {
		for _, it := range root.Get(list).Elems() {
			add(it.Get("id"))
		}
	}
	return ids
}
