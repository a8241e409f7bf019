package policy

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Selector says what to redact and how.
type Selector struct {
	// Spec is an entity or group ("EMAIL", "PII", "*"), "re:<RE2 expression>"
	// or "lit:<text>".
	Spec string
	// As is the operator: placeholder, mask, hash, remove or token; "" is the
	// default.
	As string
	// KeepLast is how many trailing characters stay.
	KeepLast int
	// In limits the redaction to a path, "messages[*].text"; "" is everywhere.
	In string
}

// MaxSelector bounds the length in bytes of a selector's Spec and In.
const MaxSelector = 4096

// operators are the words that a selector's "as" may have.
var operators = []string{"placeholder", "mask", "hash", "remove", "token"}

// specPrefix maps a key of a selector's object form to the prefix of its string form.
var specPrefix = map[string]string{"entity": "", "regex": "re:", "literal": "lit:"}

// ParseSelector reads a selector in its string or its object form,
// {"entity"|"regex"|"literal": …, "as", "keep_last", "in"}, and reports whether
// it has the right shape. Whether the entity exists and the expression
// compiles is for the redaction engine to say.
func ParseSelector(v any) (Selector, bool) {
	switch v := v.(type) {
	case string:
		return Selector{Spec: v}, validSpec(v)
	case map[string]any:
		return selectorObject(v)
	}
	return Selector{}, false
}

func selectorObject(obj map[string]any) (Selector, bool) {
	var s Selector
	var ok bool
	for k, v := range obj {
		switch k {
		case "entity", "regex", "literal":
			text, isString := v.(string)
			if !isString || text == "" || s.Spec != "" {
				return Selector{}, false
			}
			// An entity that looks like the string form's prefixes would
			// change its meaning on the way.
			if k == "entity" && (strings.HasPrefix(text, "re:") || strings.HasPrefix(text, "lit:")) {
				return Selector{}, false
			}
			s.Spec = specPrefix[k] + text
		case "as":
			if s.As, ok = v.(string); !ok || !slices.Contains(operators, s.As) {
				return Selector{}, false
			}
		case "keep_last":
			if s.KeepLast, ok = count(v); !ok {
				return Selector{}, false
			}
		case "in":
			if s.In, ok = v.(string); !ok || s.In == "" || len(s.In) > MaxSelector {
				return Selector{}, false
			}
		default:
			return Selector{}, false
		}
	}
	return s, validSpec(s.Spec)
}

// validSpec reports whether a spec names something within the length bound.
func validSpec(s string) bool {
	return s != "" && s != "re:" && s != "lit:" && len(s) <= MaxSelector
}

// count reads a small non-negative whole number.
func count(v any) (int, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := strconv.ParseUint(n.String(), 10, 16)
	return int(i), err == nil
}

func compareSelectors(a, b Selector) int {
	return cmp.Or(
		cmp.Compare(a.Spec, b.Spec),
		cmp.Compare(a.As, b.As),
		cmp.Compare(a.KeepLast, b.KeepLast),
		cmp.Compare(a.In, b.In),
	)
}
