// Package frame cuts the bytes of a streamed reply into frames, each of which
// holds one document, and puts frames together again.
//
// There are three formats: server-sent events, lines of JSON, and one JSON
// array that grows. The Raw of all frames, in order, is the stream.
package frame

// Frame is one frame of a stream. Its slices are never overwritten by the
// Reader and must not be written to.
type Frame struct {
	// Raw is the frame as received, with whatever separates it from others.
	Raw []byte
	// Lead is the number of bytes of Raw before the frame proper.
	Lead int
	// Data is the document. It is nil where there is none.
	Data []byte
	// HasData tells whether there is a document, be it empty.
	HasData bool
	// Name is the event's name in server-sent events, else "".
	Name string
}

// Reader cuts a stream into frames: Feed what has arrived, then call Next
// until there is no further frame, and at the stream's end call Close until
// there is none.
type Reader interface {
	Feed(b []byte)
	// Next gives the next whole frame. Its errors are for good.
	Next() (f Frame, ok bool, err error)
	// Close gives what is left at the end of the stream, if it can stand as a
	// frame.
	Close() (f Frame, ok bool, err error)
}

// Format is a way to frame.
type Format interface {
	NewReader() Reader
	// Append appends the frame with other data.
	Append(dst []byte, f Frame, data []byte) []byte
	// AppendNew appends a new frame that follows others. Formats that know no
	// names leave name out.
	AppendNew(dst []byte, name string, data []byte) []byte
	// Stray tells whether a frame has something that the format does not know.
	Stray(f Frame) bool
	// Asides are the bytes of a frame beside its data that a client may show
	// or keep; Without is the frame without them.
	Asides(f Frame) []byte
	Without(f Frame) Frame
}

// MaxFrame is the greatest length of one frame's Raw, in bytes.
const MaxFrame = 8 << 20
