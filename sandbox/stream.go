package sandbox

import (
	"iter"
	"net/http"
	"strconv"
)

// stream writes one reply event by event, at the pace that a script asks for.
// When the client is gone it writes nothing more.
type stream struct {
	w     http.ResponseWriter
	wait  func() // between events
	alive func() bool
	left  int  // events until the cut; -1: no cut
	size  int  // runes of a piece
	sent  bool // an event has been written
}

// newStream begins a stream of server-sent events.
func (h *Handler) newStream(w http.ResponseWriter, r *http.Request, s *script) *stream {
	st := &stream{
		w: w, left: s.cut, size: s.chunk,
		wait:  func() { h.sleep(r.Context(), s.pause) },
		alive: func() bool { return r.Context().Err() == nil },
	}
	if st.left == 0 {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	return st
}

// event sends v as the data of a server-sent event; without a name it has no
// event line.
func (s *stream) event(name string, v any) {
	if s.alive() {
		s.write(sse(name, encode(v)))
	}
}

// sse returns the bytes of a server-sent event.
func sse(name string, data []byte) []byte {
	var b []byte
	if name != "" {
		b = append(b, "event: "+name+"\n"...)
	}
	return append(append(append(b, "data: "...), data...), "\n\n"...)
}

// write sends one event's bytes at once, and cuts the connection when it was the
// last that /cut lets through.
func (s *stream) write(b []byte) {
	if !s.alive() {
		return
	}
	if s.sent {
		s.wait()
	}
	s.sent = true
	// A write that fails shows in the request's context.
	_, _ = s.w.Write(b)
	if s.left--; s.left == 0 {
		abort(s.w)
	}
	_ = http.NewResponseController(s.w).Flush() // a writer that cannot flush sends all at the end
}

// pieces yields text in the script's pieces, as long as the client is there.
func (s *stream) pieces(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for p := range pieces(text, s.size) {
			if !s.alive() || !yield(p) {
				return
			}
		}
	}
}

// sendReply waits once and writes a JSON reply, or half of it when it is to be
// cut.
func (h *Handler) sendReply(w http.ResponseWriter, r *http.Request, s *script, v any) {
	h.sleep(r.Context(), s.pause)
	b := encode(v)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	switch {
	case s.cut == 0:
		panic(http.ErrAbortHandler)
	case s.cut > 0:
		_, _ = w.Write(b[:len(b)/2])
		abort(w)
	}
	_, _ = w.Write(b) // the client is gone: nobody is left to tell
}
