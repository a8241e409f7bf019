package anthropic

import (
	"slices"
	"strconv"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// maxStrings bounds the strings in one input.
const maxStrings = 1 << 14

// providerInput adds the strings in a part of an input, each with a channel of
// its own. The span of such a piece is that of the characters alone; it is
// empty where the piece cannot be edited.
func (e *eventReader) providerInput(b *block, v strictjson.Value) error {
	start, _ := v.Span()
	parts := b.input.Read(v.AppendStr(nil))
	var offsets []int
	for _, s := range parts {
		offsets = append(offsets, s.From, s.To)
	}
	offsets = strictjson.RawOffsets(v.Raw(), offsets)
	for i, s := range parts {
		if s.Of > maxStrings {
			return read.Wrong("delta", "an input of too many strings")
		}
		name := b.channel("input:" + strconv.Itoa(s.Of))
		p := wire.Piece{Channel: wire.Channel{Name: name}, Text: s.Text}
		if !s.Fixed {
			p.Start, p.End = start+offsets[2*i], start+offsets[2*i+1]
		}
		e.ev.Pieces = append(e.ev.Pieces, p)
		if s.Last {
			e.ev.Closed = append(e.ev.Closed, p.Channel)
			b.channels = slices.DeleteFunc(b.channels, func(n string) bool { return n == name })
		}
	}
	return nil
}
