package strictjson

// Replacement puts Text in the place of the bytes [Start, End) of a body. With
// Start equal to End it inserts.
type Replacement struct {
	Start, End int
	Text       []byte
}

// Splice appends body to dst with the replacements made, many at once. They must
// be sorted, must not overlap and must lie within body; Splice panics otherwise,
// since whatever it could return would be another edit than the one decided.
// dst must not overlap body.
func Splice(dst, body []byte, r []Replacement) []byte {
	done := 0
	for i := range r {
		if r[i].Start < done || r[i].End < r[i].Start || r[i].End > len(body) {
			panic("strictjson: replacements out of order or out of range")
		}
		dst = append(dst, body[done:r[i].Start]...)
		dst = append(dst, r[i].Text...)
		done = r[i].End
	}
	return append(dst, body[done:]...)
}
