package openai

import (
	"slices"

	"github.com/headgate/headgate/wire"
)

// References are the files that the messages name, and the earlier sounds.
func (r *chatRequest) References() []string {
	var ids []string
	for _, m := range r.root.Get("messages").Elems() {
		ids = append(ids, m.Get("audio").Get("id").Str())
		for _, p := range m.Get("content").Elems() {
			ids = append(ids, p.Get(p.Get("type").Str()).Get("file_id").Str())
		}
	}
	slices.Sort(ids)
	return slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == "" })
}

// Created are the sounds that a later request can name.
func (r *chatReply) Created() []string {
	var ids []string
	for _, c := range r.root.Get("choices").Elems() {
		if id := c.Get("message").Get("audio").Get("id").Str(); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// Created are those that were named so far.
func (s *chatStream) Created() []string { return s.created }

// Interface guards
var (
	_ wire.Referrer = (*chatRequest)(nil)
	_ wire.Creator  = (*chatReply)(nil)
	_ wire.Creator  = (*chatStream)(nil)
)
