package enforce

import (
	"bytes"
	"maps"
	"slices"

	"github.com/headgate/headgate/redact"
	"github.com/headgate/headgate/wire"
)

var bom = []byte("\ufeff")

// keep queues an event that cannot go out yet.
func (f *flow) keep(p pending) {
	// A copy, so that what is held does not keep the reader's buffers; a byte
	// order mark has no place but at the stream's very start.
	p.ev.Raw, p.ev.Data = bytes.Clone(bytes.TrimPrefix(p.ev.Raw, bom)), bytes.Clone(p.ev.Data)
	if p.ev.Lead == len(bom) {
		p.ev.Lead = 0
	}
	f.held += int64(len(p.ev.Raw))
	if f.held > f.p.x.g.cfg.MaxBody || len(f.queue) >= maxQueued {
		f.refusal = tooMuchHeld
		return
	}
	if choice, ok := f.aside(p.we); ok {
		f.calls[choice] = append(f.calls[choice], p)
		return
	}
	for _, k := range p.we.Calls { // the parts of a call keep their order
		f.queue = append(f.queue, f.calls[k.Choice]...)
		delete(f.calls, k.Choice)
	}
	f.queue = append(f.queue, p)
}

// aside gives the choice with whose calls an event waits, so that texts can
// pass them: one that holds nothing but parts of calls, and one that says
// nothing behind it, so that the order changes for texts alone.
func (f *flow) aside(we *wire.Event) (choice int, ok bool) {
	if f.ordered || says(we) || len(we.Ended) > 0 || we.End {
		return 0, false
	}
	var choices []int
	for _, k := range we.Calls {
		choices = append(choices, k.Choice)
	}
	for i := range we.Pieces {
		if c := we.Pieces[i].Channel.Choice; c >= 0 {
			choices = append(choices, c)
		}
	}
	if len(choices) == 0 {
		choices = slices.Collect(maps.Keys(f.calls))
	}
	slices.Sort(choices)
	if choices = slices.Compact(choices); len(choices) != 1 {
		return 0, false
	}
	return choices[0], len(we.Calls) > 0 || len(f.calls[choices[0]]) > 0
}

// says tells whether an event adds to a text; many a provider sends an empty
// content with each part of a call.
func says(we *wire.Event) bool {
	return slices.ContainsFunc(we.Pieces, func(p wire.Piece) bool { return len(p.Text) > 0 && !p.Whole })
}

// pump lets go, in order, whatever can go.
func (f *flow) pump() {
	kept := f.queue[:0]
	for i := range f.queue {
		p := f.queue[i]
		if f.refusal == nil && f.ready(&p) && !slices.ContainsFunc(kept, func(k pending) bool { return f.ordered || before(k.we, p.we) }) {
			f.held -= int64(len(p.ev.Raw))
			f.emit(&p)
			continue
		}
		kept = append(kept, p)
	}
	clear(f.queue[len(kept):])
	f.queue = kept
}

// ready tells whether all that an event holds is resolved and decided.
func (f *flow) ready(p *pending) bool {
	for _, piece := range p.pieces {
		if piece.ch.resolved < piece.end {
			return false
		}
	}
	for _, k := range p.we.Calls {
		if _, ok := f.verdicts[k]; !ok {
			return false
		}
	}
	return true
}

// before tells whether a, which came first and still waits, holds b back.
func before(a, b *wire.Event) bool {
	if a.End || b.End {
		return true
	}
	for _, choice := range b.Ended {
		if touches(a, choice) {
			return true
		}
	}
	for _, choice := range a.Ended {
		if touches(b, choice) {
			return true
		}
	}
	for i := range b.Pieces {
		if b.Pieces[i].Whole {
			continue
		}
		for j := range a.Pieces {
			if a.Pieces[j].Channel == b.Pieces[i].Channel {
				return true
			}
		}
	}
	return false
}

func touches(e *wire.Event, choice int) bool {
	return slices.Contains(e.Ended, choice) ||
		slices.ContainsFunc(e.Pieces, func(p wire.Piece) bool { return p.Channel.Choice == choice }) ||
		slices.ContainsFunc(e.Calls, func(k wire.CallKey) bool { return k.Choice == choice })
}

// emit sends an event, as it came where nothing of it was changed.
func (f *flow) emit(p *pending) {
	f.over = p.we.End
	texts := f.edited(p)
	if len(texts) == 0 && !f.changedCalls(p.we) && (f.stale == nil || !f.stale.Stale(p.we)) {
		f.out = append(f.out, p.ev.Raw...)
		return
	}
	written, err := f.ws.Rewrite(p.we, p.ev.Data, texts, func(k wire.CallKey) wire.Verdict { return f.verdicts[k] })
	if err != nil {
		f.refusal = notCarriedOut
		return
	}
	for i, w := range written {
		if i == 0 && (w.Name == "" || w.Name == p.ev.Name) {
			f.out = f.fmt.Append(f.out, p.ev, w.Data)
		} else {
			f.out = f.fmt.AppendNew(f.out, w.Name, w.Data)
		}
	}
}

func (f *flow) changedCalls(we *wire.Event) bool {
	if len(f.dirty) == 0 {
		return false
	}
	return slices.ContainsFunc(we.Calls, func(k wire.CallKey) bool { return f.dirty[k.Choice] }) ||
		slices.ContainsFunc(we.Ended, func(choice int) bool { return f.dirty[choice] })
}

// edited gives the texts of an event that are not as they came.
func (f *flow) edited(p *pending) []wire.PieceText {
	var texts []wire.PieceText
	for i, piece := range p.pieces {
		ch := piece.ch
		if len(ch.edits) == 0 {
			continue
		}
		hits := clip(ch.edits, piece.start, piece.end)
		for len(ch.edits) > 0 && ch.edits[0].End <= piece.end {
			ch.edits = ch.edits[1:]
		}
		if len(hits) > 0 {
			texts = append(texts, wire.PieceText{Piece: i, Text: replaced(p.we.Pieces[i].Text, hits)})
		}
	}
	return texts
}

func replaced(text []byte, edits []redact.Edit) []byte {
	return []byte(applyEdits(string(text), edits))
}
