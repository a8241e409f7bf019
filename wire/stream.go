package wire

import "github.com/headgate/headgate/wire/frame"

// StreamOptions says what a stream's reader has to collect.
type StreamOptions struct {
	// Format is how the stream is framed; [frame.SSE] where it is nil.
	Format frame.Format
	// Assemble collects the whole reply, for [Stream.Response].
	Assemble bool
}

// Stream reads a streamed reply, event by event.
//
// The texts of a stream belong to channels (a choice's content, its reasoning,
// …); a piece is what one event adds to one channel. Tool calls are collected
// until they are whole.
type Stream interface {
	// Event reads the data of one event. data must not change while the Event
	// is in use; the Event itself may be used until it was rewritten or
	// dropped. Errors are *[Error].
	Event(name string, data []byte) (*Event, error)
	// Rewrite returns what takes the event's place once its pieces are
	// replaced and the verdicts on calls carried out: nothing, one event or
	// several. data is the same bytes as were given to Event. Events are
	// rewritten in the order in which they go out.
	Rewrite(ev *Event, data []byte, texts []PieceText, verdict func(CallKey) Verdict) ([]Written, error)
	// Done tells whether the reply has come to its proper end, which an error
	// of the upstream is as well.
	Done() bool
	// Failed tells whether the upstream has ended the reply with an error.
	Failed() bool
	// Response is the normalised reply so far; nil without Assemble.
	Response() *Response
	// Model and Usage are what the upstream has said so far.
	Model() string
	Usage() *Usage
	// Refuse returns the bytes that end a stream which has begun with the
	// protocol's error and its proper end.
	Refuse(r Refusal) []byte
}

// Ordered is a [Stream] whose events keep their order whatever channel they
// belong to. In others it is free between channels.
type Ordered interface {
	Stream
	// Ordered marks the stream; it is never called.
	Ordered()
}

// Stale is a [Stream] whose later events have to be rewritten after an earlier
// one was, because they are numbered or repeat what was changed.
type Stale interface {
	Stream
	// Stale tells whether ev, of which nothing was changed, has to be.
	Stale(ev *Event) bool
}

// Written is an event that [Stream.Rewrite] wrote.
type Written struct {
	// Name is the event's name; the first event keeps the one that it had
	// where Name is empty.
	Name string
	Data []byte
}

// Kept is the one event of which only the data changed.
func Kept(data []byte) []Written { return []Written{{Data: data}} }

// Channel names one text of a reply within its stream.
type Channel struct {
	Choice int
	Name   string // "content", "refusal", "reasoning_content", …
}

// CallKey names one tool call within its stream.
type CallKey struct{ Choice, Index int }

// Event is what one event of a stream adds to the reply.
type Event struct {
	Pieces []Piece
	// Calls are the calls of which this event holds a part. The event waits
	// until all of them are decided.
	Calls []CallKey
	// Ended are the choices that this event ends. Nothing more may come for
	// them, their calls are whole, and the event waits for all that came
	// before it in these choices.
	Ended []int
	// Closed are the channels that this event ends: nothing more may come for
	// them, and the event waits for their text.
	Closed []Channel
	// End marks the event that ends the reply; it waits for everything.
	End bool
	// Whole are the calls that have become whole with this event.
	Whole []Call
}

// Piece is what an event adds to a channel.
type Piece struct {
	Channel Channel
	// Start and End bound the JSON string in the event's data.
	Start, End int
	// Text is the decoded string. It may share memory with data.
	Text []byte
	// Whole marks a text that no other event continues.
	Whole bool
	// Copy marks one that repeats what other events say. It is redacted, but
	// what was found in it was counted where it was said first.
	Copy bool
}

// PieceText replaces the text of Pieces[Piece].
type PieceText struct {
	Piece int
	Text  []byte
}
