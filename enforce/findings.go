package enforce

import (
	"maps"
	"slices"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/redact"
	"github.com/headgate/headgate/wire"
)

// finder collects what the built-in and the configured detectors see, by
// place: "messages[3]", "tools[0]", "choices[0]", "args".
type finder struct {
	set    *redact.Set
	places []string
	counts map[string]redact.Counts
}

func (x *Exchange) finder() *finder {
	return &finder{set: x.g.reasons, counts: map[string]redact.Counts{}}
}

// add notes counts at a place.
func (f *finder) add(at string, counts redact.Counts) {
	if len(counts) == 0 {
		return
	}
	if f.counts[at] == nil {
		f.places = append(f.places, at)
	}
	f.counts[at] = addCounts(f.counts[at], counts)
}

// text looks into one decoded text.
func (f *finder) text(at string, text []byte, isJSON bool) {
	r := redaction{set: f.set}
	r.find(text, isJSON)
	f.add(at, r.counts)
}

// texts looks into texts of a body. What a copy says is not counted again; what
// it alone says is.
func (f *finder) texts(body []byte, texts []wire.Text) {
	for _, copies := range []bool{false, true} {
		for i := range texts {
			t := &texts[i]
			if t.Copy != copies {
				continue
			}
			at := wire.Place{List: t.Place.List, Index: t.Place.Index}.String()
			r := redaction{set: f.set}
			r.find(textOf(body, t), t.JSON)
			if copies {
				for entity := range r.counts {
					r.counts[entity] -= f.counts[at][entity]
				}
				maps.DeleteFunc(r.counts, func(_ string, n int) bool { return n <= 0 })
			}
			f.add(at, r.counts)
		}
	}
}

// findings lists what was seen, in the order of the places.
func (f *finder) findings() []policy.Finding {
	var list []policy.Finding
	for _, at := range f.places {
		for _, entity := range slices.Sorted(maps.Keys(f.counts[at])) {
			list = append(list, policy.Finding{Type: entity, Count: f.counts[at][entity], At: at})
		}
	}
	return list
}

// findings is what is seen in texts of a body.
func (x *Exchange) findings(body []byte, texts []wire.Text) []policy.Finding {
	f := x.finder()
	f.texts(body, texts)
	return f.findings()
}
