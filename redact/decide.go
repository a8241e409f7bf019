package redact

// decide makes the edits of all matches that begin before limit; the text is
// known up to end, which is its end if eof. It goes from left to right: at
// each position the longest match that no rule rejects is taken, the rank
// deciding between equals, and the search goes on behind it. A placeholder
// that came in stays, unless a match encloses it.
func (st *Stream) decide(limit, end int64, eof bool) {
	if len(st.flagged) == 0 {
		st.from = max(st.from, limit)
		return
	}
	off := max(st.from-leftKept, 0)
	v := view{
		Stream: st,
		text:   st.text(off, end),
		off:    off,
		eof:    eof,
		places: st.isFlag[len(st.set.rules)-1],
	}
	i, stop := int(st.from-off), int(limit-off)
	for i < stop {
		place, user := v.placeholder(i)
		r, e := v.best(i)
		switch {
		case e > i+place:
			v.emit(r, i, e)
			i = e
		case place > 0:
			i += place
			st.place, st.userMade = off+int64(i), user
		default:
			i++
		}
	}
	st.from = off + int64(i)
}

// A view is the text around what is being decided. Indices are in text.
type view struct {
	*Stream
	text   []byte
	off    int64 // of text in the stream
	eof    bool  // the stream ends with text
	places bool  // there may be placeholders in it
}

func (v *view) placeholder(i int) (n int, user bool) {
	if !v.places || i >= len(v.text) {
		return 0, false
	}
	return placeholderAt(v.text[i:])
}

// best returns the rule whose match at i is taken, and the match's end; no
// match ends at 0.
func (v *view) best(i int) (r *rule, end int) {
	word := v.wordBefore(i)
	for _, f := range v.flagged {
		c := &v.set.rules[f]
		if c.label == "" || !c.first.has(v.text[i]) || c.words && word {
			continue
		}
		e := v.longest(c, i)
		if e > end || e == end && e > 0 && c.rank < r.rank {
			r, end = c, e
		}
	}
	return r, end
}

// longest returns the end of r's longest match at i that is not rejected.
func (v *view) longest(r *rule, i int) int {
	var n int
	v.ends, n = r.detector.ends(v.ends[:0], v.text, i, v.kindBefore(i), v.eof)
	v.work += n
	for k := len(v.ends) - 1; k >= 0; k-- {
		e := v.ends[k]
		if v.places && splitsPlaceholder(v.text, i, e) {
			continue
		}
		if !r.words || v.accepts(r, i, e) {
			return e
		}
	}
	return 0
}

// accepts applies the rules for built-in entities to text[i:e].
func (v *view) accepts(r *rule, i, e int) bool {
	if startsWord(v.text[e:]) {
		return false
	}
	next, user := v.placeholder(e)
	if user {
		return false // a user's value stood there; take it for a word
	}
	c := &v.judged
	*c = candidate{
		value:      v.text[i:e],
		left:       v.leftOf(i),
		right:      rightContext(v.text[e:]),
		placeLeft:  v.place == v.off+int64(i),
		placeRight: next > 0,
	}
	if len(c.right) > 0 && isConnector(c.right[0]) {
		n, _ := v.placeholder(e + 1)
		c.placeBeyond = n > 0
	}
	return r.valid == nil || r.valid(c)
}

// wordBefore reports whether a letter, a digit, "_" or a user's placeholder
// ends at i.
func (v *view) wordBefore(i int) bool {
	return touchesWord(v.text[:i]) || v.userMade && v.place == v.off+int64(i)
}

func (v *view) kindBefore(i int) uint8 {
	switch {
	case i == 0: // elsewhere text begins leftKept bytes before
		return afterNothing
	case v.text[i-1] == '\n':
		return afterNewline
	case wordBytes.has(v.text[i-1]):
		return afterWord
	}
	return afterOther
}

// leftOf returns the end of the redacted text before i. It is valid until the
// next call.
func (v *view) leftOf(i int) []byte {
	since := int(v.off + int64(i) - v.last)
	if since >= leftKept {
		return v.text[max(i-leftKept, 0):i]
	}
	v.left = append(append(v.left[:0], v.after...), v.text[i-since:i]...)
	return v.left[max(len(v.left)-leftKept, 0):]
}

func (v *view) emit(r *rule, i, e int) {
	edit := Edit{Start: v.off + int64(i), End: v.off + int64(e), Entity: r.entity}
	if !v.probe {
		edit.Text = r.op.replace(v.set, r.label, v.text[i:e])
	}
	v.edits = append(v.edits, edit)
	after := append(append(v.spare[:0], v.leftOf(i)...), edit.Text...)
	v.after, v.spare = after[max(len(after)-leftKept, 0):], v.after[:0]
	v.last = edit.End
}
