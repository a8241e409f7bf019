package anthropic

import (
	"slices"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

// References are the files that the blocks name, and the container.
func (r *request) References() []string {
	container := r.root.Get("container")
	ids := append(fileIDs(r.root.Get("messages"), nil), container.Str(), container.Get("id").Str())
	slices.Sort(ids)
	return slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == "" })
}

// fileIDs collects the ids of files below v. What a tool was asked is the
// agent's own, whatever its members are called.
func fileIDs(v strictjson.Value, ids []string) []string {
	for _, e := range v.Elems() {
		ids = fileIDs(e, ids)
	}
	for k, m := range v.Members() {
		switch key := k.Str(); key {
		case "input":
		case "file_id":
			ids = append(ids, m.Str())
		default:
			ids = fileIDs(m, ids)
		}
	}
	return ids
}

// Created are the container in which the provider's tools ran, and the files
// that they left.
func (r *reply) Created() []string { return created(nil, r.root) }

// Created are those that were named so far.
func (s *stream) Created() []string { return s.created }

// created adds the ids that a message, a part of one or a block tells, each
// once.
func created(ids []string, v strictjson.Value) []string {
	for _, id := range append(fileIDs(v, nil), v.Get("container").Get("id").Str()) {
		if id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// Interface guards
var (
	_ wire.Referrer = (*request)(nil)
	_ wire.Creator  = (*reply)(nil)
	_ wire.Creator  = (*stream)(nil)
)
