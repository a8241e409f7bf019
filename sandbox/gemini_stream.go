package sandbox

// geminiStream writes one reply as the elements of a stream: server-sent events
// whose lines end with CRLF, or a JSON array that grows.
type geminiStream struct {
	*stream
	array bool
	begun bool
}

// element sends one element.
func (s *geminiStream) element(r *geminiReply) {
	b := encode(r)
	switch {
	case !s.array:
		b = append(append([]byte("data: "), b...), "\r\n\r\n"...)
	case !s.begun:
		b = append([]byte("["), b...)
	default:
		b = append([]byte(",\r\n"), b...)
	}
	s.begun = true
	s.write(b)
}

// run sends the texts in pieces, each call whole, and at last how it ended.
func (s *geminiStream) run(r *geminiReply) {
	e := *r
	e.Usage = nil
	whole := r.Candidates[0]
	send := func(reason string, parts ...geminiPart) {
		c := whole
		c.Content.Parts, c.FinishReason = parts, reason
		e.Candidates = []geminiCandidate{c}
		s.element(&e)
	}
	for _, part := range whole.Content.Parts {
		if part.Call != nil {
			send("", part)
			continue
		}
		for p := range s.pieces(*part.Text) {
			send("", geminiPart{Text: &p, Thought: part.Thought})
		}
	}
	e.Usage = r.Usage
	send(whole.FinishReason)
	if s.array && s.alive() {
		_, _ = s.w.Write([]byte("]")) // the client is gone: nobody is left to tell
	}
}
