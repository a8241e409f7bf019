package enforce

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/headgate/headgate/redact"
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

// redaction applies a set of detectors to the texts of a body.
type redaction struct {
	set    *redact.Set
	counts redact.Counts
	edits  []strictjson.Replacement
}

// texts scans every text of body and collects the replacements.
func (r *redaction) texts(body []byte, texts []wire.Text) {
	for i := 0; i < len(texts); {
		j := i + 1
		for j < len(texts) && texts[i].Group != 0 && texts[j].Group == texts[i].Group {
			j++
		}
		if j == i+1 {
			r.text(body, &texts[i])
		} else {
			r.group(body, texts[i:j])
		}
		i = j
	}
}

func (r *redaction) text(body []byte, t *wire.Text) {
	in := r
	if t.Copy { // it was counted where it was said first
		in = &redaction{set: r.set}
	}
	r.replace(body, t, in.find(textOf(body, t), t.JSON))
}

// textOf is a text as a model reads it.
func textOf(body []byte, t *wire.Text) []byte {
	if t.Raw {
		return body[t.Start:t.End]
	}
	return decode(body[t.Start:t.End])
}

// find scans a decoded text; JSON inside it keeps its structure.
func (r *redaction) find(text []byte, isJSON bool) []redact.Edit {
	if isJSON {
		if doc, err := strictjson.Parse(text, strictjson.Limits{}); err == nil {
			defer doc.Release()
			return r.nested(doc.Root(), nil)
		}
	}
	edits := r.set.Scan(text)
	r.count(edits)
	return edits
}

// nested scans the string values of a JSON document that is itself a text.
// The edits are in the document's bytes, and escaped for it.
func (r *redaction) nested(v strictjson.Value, edits []redact.Edit) []redact.Edit {
	switch v.Kind() {
	case strictjson.Array:
		for _, e := range v.Elems() {
			edits = r.nested(e, edits)
		}
	case strictjson.Object:
		for _, m := range v.Members() {
			edits = r.nested(m, edits)
		}
	case strictjson.String:
		start, _ := v.Span()
		found := r.set.Scan(v.AppendStr(nil))
		r.count(found)
		for _, e := range rawEdits(v.Raw(), found) {
			edits = append(edits, redact.Edit{
				Start: int64(start) + e.Start, End: int64(start) + e.End,
				Text: string(strictjson.AppendEscaped(nil, e.Text)), Entity: e.Entity,
			})
		}
	}
	return edits
}

func (r *redaction) count(edits []redact.Edit) {
	for i := range edits {
		if r.counts == nil {
			r.counts = redact.Counts{}
		}
		r.counts[edits[i].Entity]++
	}
}

// replace turns edits of a text, as a model reads it, into replacements in the
// body.
func (r *redaction) replace(body []byte, t *wire.Text, edits []redact.Edit) {
	if t.Raw {
		for _, e := range edits {
			r.edits = append(r.edits, strictjson.Replacement{Start: t.Start + int(e.Start), End: t.Start + int(e.End), Text: []byte(e.Text)})
		}
		return
	}
	for _, e := range rawEdits(body[t.Start:t.End], edits) {
		r.edits = append(r.edits, strictjson.Replacement{
			Start: t.Start + int(e.Start), End: t.Start + int(e.End),
			Text: strictjson.AppendEscaped(nil, e.Text),
		})
	}
}

// rawEdits maps edits of a decoded string onto the raw string, whose first
// byte is its quote.
func rawEdits(raw []byte, edits []redact.Edit) []redact.Edit {
	if len(edits) == 0 {
		return nil
	}
	offsets := make([]int, 0, 2*len(edits))
	for _, e := range edits {
		offsets = append(offsets, int(e.Start), int(e.End))
	}
	offsets = strictjson.RawOffsets(raw, offsets)
	out := make([]redact.Edit, len(edits))
	for i, e := range edits {
		out[i] = redact.Edit{Start: int64(offsets[2*i]), End: int64(offsets[2*i+1]), Text: e.Text, Entity: e.Entity}
	}
	return out
}

// decode gives the text of a raw JSON string; without escapes it is a part of
// raw itself.
func decode(raw []byte) []byte {
	inner := raw[1 : len(raw)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	return strictjson.Unescape(nil, raw)
}

// group scans the parts of one message, each alone and all as one, so that a
// value is found also where it is cut between two parts.
func (r *redaction) group(body []byte, parts []wire.Text) {
	var joined []byte
	starts := make([]int64, len(parts)+1)
	var edits []redact.Edit
	for i := range parts {
		text := textOf(body, &parts[i])
		for _, e := range r.set.Scan(text) {
			e.Start, e.End = e.Start+starts[i], e.End+starts[i]
			edits = append(edits, e)
		}
		joined = append(joined, text...)
		starts[i+1] = int64(len(joined))
	}
	for _, e := range r.set.Scan(joined) {
		if crosses(starts, e) {
			edits = append(edits, e)
		}
	}
	edits = union(edits)
	if !parts[0].Copy {
		r.count(edits)
	}
	for i := range parts {
		r.replace(body, &parts[i], clip(edits, starts[i], starts[i+1]))
	}
}

// crosses tells whether an edit reaches over the start of a part.
func crosses(starts []int64, e redact.Edit) bool {
	i, _ := slices.BinarySearch(starts, e.Start+1) // the first part that begins inside
	return i < len(starts)-1 && starts[i] < e.End
}

// union sorts edits and joins those that overlap.
func union(edits []redact.Edit) []redact.Edit {
	slices.SortStableFunc(edits, func(a, b redact.Edit) int {
		if a.Start != b.Start {
			return int(a.Start - b.Start)
		}
		return int(b.End - a.End)
	})
	out := edits[:0]
	for _, e := range edits {
		if n := len(out); n > 0 && e.Start < out[n-1].End {
			out[n-1].End = max(out[n-1].End, e.End)
			continue
		}
		out = append(out, e)
	}
	return out
}

// clip gives the edits between from and to, relative to from. What replaces
// an edit stands where the edit begins; the rest of it is swallowed.
func clip(edits []redact.Edit, from, to int64) []redact.Edit {
	var out []redact.Edit
	first, _ := slices.BinarySearchFunc(edits, from+1, func(e redact.Edit, at int64) int { return cmp.Compare(e.End, at) })
	for _, e := range edits[first:] {
		if e.Start >= to {
			break
		}
		if e.Start < from {
			e.Text = ""
		}
		e.Start, e.End = max(e.Start, from)-from, min(e.End, to)-from
		out = append(out, e)
	}
	return out
}
