// Package sse reads and rewrites the framing of server-sent events, the
// text/event-stream format (WHATWG HTML, section 9.2.6, "Interpreting an event
// stream").
//
// A [Reader] cuts a stream that arrives in pieces of any size into events and
// keeps each event's bytes as they were received: what is forwarded untouched is
// forwarded byte for byte. [AppendData] replaces the data of one event and leaves
// its other lines alone; [AppendEvent] writes a new event.
//
// Where the standard looks at a whole stream, this package differs from it in
// three ways, so that nothing passes unseen. Events that a browser would not
// dispatch (no data, comments only) are yielded too. What is left at the end
// without a blank line, which a browser drops, is yielded by [Reader.Close].
// And [Event].ID is the event's own id field, not the last one of the stream.
package sse
