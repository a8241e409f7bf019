package pdp

import (
	"maps"
	"slices"
	"strconv"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/redact"
	"github.com/headgate/headgate/wire/strictjson"
)

// place is content, and where in the input it stands.
type place struct {
	at   string
	what values
}

type values []strictjson.Value

// find lists what the detectors see in all strings of the content, as the
// gate's findings do.
func (h *Handler) find(places []place) []policy.Finding {
	var list []policy.Finding
	for _, p := range places {
		counts := redact.Counts{}
		for _, v := range p.what {
			h.count(v, counts)
		}
		for _, entity := range slices.Sorted(maps.Keys(counts)) {
			list = append(list, policy.Finding{Type: entity, Count: counts[entity], At: p.at})
		}
	}
	return list
}

func (h *Handler) count(v strictjson.Value, counts redact.Counts) {
	switch v.Kind() {
	case strictjson.String:
		counts.Add(h.scanner.Scan(v.AppendStr(nil)))
	case strictjson.Array:
		for _, e := range v.Elems() {
			h.count(e, counts)
		}
	case strictjson.Object:
		for _, m := range v.Members() {
			h.count(m, counts)
		}
	}
}

var (
	findingNames  = []string{"type", "count", "at"}
	findingFields = strictjson.Keys(findingNames...)
)

// readFindings reads what the caller's own detectors saw:
// [{"type": "EMAIL", "count": 2, "at": "messages[3]"}].
func readFindings(rd *reader) []policy.Finding {
	v := rd.may("findings", strictjson.Array)
	list := make([]policy.Finding, 0, v.Len())
	for i, e := range v.Elems() {
		f := rd.within("findings["+strconv.Itoa(i)+"]", e, findingFields)
		f.only(findingNames)
		n, ok := f.must("count", strictjson.Number).Int()
		if !ok || n < 0 || n > 1<<31 {
			f.wrong("count", "must be a number of matches")
		}
		list = append(list, policy.Finding{Type: f.name("type"), Count: int(n), At: f.text("at")})
	}
	return list
}
