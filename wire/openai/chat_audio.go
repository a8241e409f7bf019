package openai

import (
	"slices"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

// Spoken replies: a message's audio holds the sound and its transcript,
//
//	{"audio": {"id", "data", "transcript", "expires_at"}}
//
// The sound says what the transcript says, so it goes where the transcript is
// edited. In a stream, sound waits until all of the transcript before it is
// resolved, and is left out from the first edit on.

const transcript = "audio.transcript"

// audio reads the audio of a delta.
func (s *chatStream) audio(ev *wire.Event, ch *streamChoice, v strictjson.Value, data []byte) {
	leaves(v, "audio", func(path string, leaf strictjson.Value) {
		text := addPiece(ev, wire.Channel{Choice: ch.index, Name: path}, leaf, data, false)
		if path == transcript {
			s.say(ch, "audio", text)
		}
	})
	if sound := v.Get("data"); sound.Kind() == strictjson.String {
		start, end := sound.Span()
		ev.Pieces = append(ev.Pieces, wire.Piece{Channel: wire.Channel{Choice: ch.index, Name: transcript}, Start: start, End: end})
	}
}

// isSound tells whether a piece is sound, which has a place in the transcript
// but no text.
func isSound(p *wire.Piece) bool {
	return p.Channel.Name == transcript && len(p.Text) == 0 && p.End-p.Start > len(`""`)
}

// muted notes which choices had their transcript edited, and gives what
// silences the sound of an event.
func (s *chatStream) muted(ev *wire.Event, texts []wire.PieceText) []strictjson.Replacement {
	for _, t := range texts {
		if p := &ev.Pieces[t.Piece]; p.Channel.Name == transcript && !isSound(p) {
			s.choices[p.Channel.Choice].mute = true
		}
	}
	var edits []strictjson.Replacement
	for i := range ev.Pieces {
		p := &ev.Pieces[i]
		edited := slices.ContainsFunc(texts, func(t wire.PieceText) bool { return t.Piece == i })
		if isSound(p) && !edited && s.choices[p.Channel.Choice].mute {
			edits = append(edits, strictjson.Replacement{Start: p.Start, End: p.End, Text: []byte(`""`)})
		}
	}
	return edits
}

// Stale tells whether an event has sound that is left out.
func (s *chatStream) Stale(ev *wire.Event) bool {
	return slices.ContainsFunc(ev.Pieces, func(p wire.Piece) bool {
		return isSound(&p) && s.choices[p.Channel.Choice].mute
	})
}

// dropSound takes the sound from a choice whose transcript was edited.
func dropSound(edits, texts []strictjson.Replacement, c *choiceAt) []strictjson.Replacement {
	audio := c.v.Get("message").Get("audio")
	sound := audio.Get("data")
	start, end := audio.Get("transcript").Span()
	if sound.Kind() != strictjson.String || !slices.ContainsFunc(texts, func(t strictjson.Replacement) bool { return t.Start >= start && t.End <= end }) {
		return edits
	}
	from, to := sound.Span()
	return append(edits, strictjson.Replacement{Start: from, End: to, Text: []byte(`""`)})
}

// Interface guard
var _ wire.Stale = (*chatStream)(nil)
