package gemini

import (
	"fmt"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

const (
	maxCandidates = 256
	maxCalls      = 1024
)

// visitor takes what a GenerateContentResponse holds, be it a whole reply or
// one event of a stream. Of each candidate its texts come first, then what it
// thought, then all else.
type visitor interface {
	// candidate begins a candidate.
	candidate(index int, v strictjson.Value) error
	// text takes the text of a part.
	text(index int, thought bool, leaf strictjson.Value)
	// call takes a function call; after tells that a text stands before it.
	call(index int, part callPart, after bool) error
	// word takes any other text, with its place; copy marks one that repeats a
	// part's. The index is -1 outside of candidates.
	word(index int, p wire.Place, leaf strictjson.Value, copied bool)
}

// callPart is a part that holds a function call: the member's name and value.
type callPart struct{ key, call strictjson.Value }

// visit reads a response.
func visit(root strictjson.Value, v visitor) error {
	if err := replyFields.check(root, ""); err != nil {
		return err
	}
	candidates := get(root, "candidates")
	if candidates.Exists() && candidates.Kind() != strictjson.Array {
		return read.Wrong("candidates", "must be an array")
	}
	if candidates.Len() > maxCandidates {
		return read.Wrong("candidates", "too many candidates")
	}
	indices, err := indicesOf(candidates)
	if err != nil {
		return err
	}
	for i, c := range candidates.Elems() {
		if err := visitCandidate(indices[i], c, v); err != nil {
			return err
		}
	}
	for k, m := range root.Members() {
		switch key := camel(k.Str()); key {
		case "candidates", "usageMetadata", "modelVersion", "responseId", "createTime":
		case "promptFeedback":
			if m.Kind() == strictjson.Object {
				if err := feedbackFields.check(m, key); err != nil {
					return err
				}
			}
			fallthrough
		default:
			s := sink{text: func(leaf strictjson.Value) { v.word(-1, wire.Place{List: key, Index: -1}, leaf, false) }}
			s.member(root, key, m)
		}
	}
	return nil
}

// indicesOf gives each candidate its index. One that has none has the lowest
// that is free, since 0 is left out on the wire.
func indicesOf(candidates strictjson.Value) ([]int, error) {
	taken := map[int]bool{}
	list := make([]int, candidates.Len())
	for i, c := range candidates.Elems() {
		if err := candidateFields.check(c, fmt.Sprintf("candidates[%d]", i)); err != nil {
			return nil, err
		}
		list[i] = -1
		v := get(c, "index")
		if !v.Exists() {
			continue
		}
		n, ok := v.Int()
		if !ok || n < 0 || n > 1<<20 {
			return nil, read.Wrong("candidates", "an index must be a small whole number")
		}
		if taken[int(n)] {
			return nil, read.Wrong("candidates", "two candidates with one index")
		}
		list[i], taken[int(n)] = int(n), true
	}
	next := 0
	for i := range list {
		if list[i] >= 0 {
			continue
		}
		for taken[next] {
			next++
		}
		list[i], taken[next] = next, true
	}
	return list, nil
}

func visitCandidate(index int, c strictjson.Value, v visitor) error {
	path := fmt.Sprintf("candidates[%d]", index)
	if err := v.candidate(index, c); err != nil {
		return err
	}
	word := func(field string, copied bool) sink {
		p := wire.Place{List: "choices", Index: index, Field: field}
		return sink{text: func(leaf strictjson.Value) { v.word(index, p, leaf, copied) }}
	}
	if content := get(c, "content"); content.Exists() {
		if err := contentFields.check(content, path+".content"); err != nil {
			return err
		}
		if err := visitParts(index, path, get(content, "parts"), v, word); err != nil {
			return err
		}
		word("content", false).besides(content, "role", "parts")
	}
	for k, m := range c.Members() {
		switch key := camel(k.Str()); key {
		case "content", "index", "logprobsResult":
		case "groundingMetadata":
			if m.Kind() != strictjson.Object {
				word(key, false).walk(m)
				continue
			}
			if err := groundingFields.check(m, path+"."+key); err != nil {
				return err
			}
			word(key, true).walk(get(m, "groundingSupports"))
			word(key, false).besides(m, "groundingSupports")
		default:
			word(key, false).member(c, key, m)
		}
	}
	return nil
}

func visitParts(index int, path string, parts strictjson.Value, v visitor, word func(field string, copied bool) sink) error {
	path += ".content.parts"
	if err := checkList(parts, path); err != nil {
		return err
	}
	all := list(parts)
	if len(all) > maxParts {
		return read.Wrong(path, "too many parts")
	}
	for _, p := range all {
		if _, _, err := partOf(p, path); err != nil {
			return err
		}
	}
	for _, thought := range []bool{false, true} {
		for _, p := range all {
			if t := get(p, "text"); t.Exists() && isThought(p) == thought {
				v.text(index, thought, t)
			}
		}
	}
	after := false
	for _, p := range all {
		t := get(p, "text")
		after = after || t.Exists() && !isThought(p) && !t.EqualStr("")
		s := word("content", false)
		if call := get(p, "functionCall"); call.Exists() {
			s = word("tool_calls", false)
			s.besides(call, "id", "name", "args")
			if err := v.call(index, callPart{memberName(p, call), call}, after); err != nil {
				return err
			}
		}
		s.besides(p, "text", "functionCall")
	}
	return nil
}

// memberName is the name of an object's member.
func memberName(object, member strictjson.Value) strictjson.Value {
	start, _ := member.Span()
	for k, m := range object.Members() {
		if at, _ := m.Span(); at == start {
			return k
		}
	}
	return strictjson.Value{}
}

// finishOf is why a candidate ended, "" where it has not: a name, or its
// number, of which the API and Vertex AI agree on the first ones.
func finishOf(c strictjson.Value) string {
	v := get(c, "finishReason")
	if n, ok := v.Int(); ok {
		names := []string{"", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER"}
		if 0 <= n && n < int64(len(names)) {
			return names[n]
		}
		return string(v.Raw())
	}
	if v.EqualStr("FINISH_REASON_UNSPECIFIED") {
		return ""
	}
	return v.Str()
}

// usageOf counts thoughts as output, and what tools put into the prompt as
// input.
func usageOf(root strictjson.Value) (*wire.Usage, error) {
	v := get(root, "usageMetadata")
	if v.Kind() != strictjson.Object {
		return nil, nil
	}
	if err := usageFields.check(v, "usageMetadata"); err != nil {
		return nil, err
	}
	sum := func(names ...string) int64 {
		var n int64
		for _, name := range names {
			m, _ := get(v, name).Int()
			n += m
		}
		return n
	}
	return &wire.Usage{
		Input:  sum("promptTokenCount", "toolUsePromptTokenCount"),
		Output: sum("candidatesTokenCount", "thoughtsTokenCount"),
	}, nil
}
