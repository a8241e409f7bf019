package pdp

import (
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/wire/strictjson"
)

// appendVerdict appends {"decision": "allow" | "deny", "reason"?}. With the
// longest reason, all of it escaped, it stays below 4,096 bytes, which is as
// much as the broker reads.
func appendVerdict(b []byte, d *policy.Decision) []byte {
	b = append(b, `{"decision":"`+string(d.Action)+`"`...)
	if d.Reason != "" {
		b = strictjson.AppendQuoted(append(b, `,"reason":`...), d.Reason)
	}
	return append(b, '}')
}

// appendDecision appends the whole decision:
//
//	{"decision", "reason"?, "model"?, "mask"?: [selector], "tools"?: [name or glob]}
//
// All that is there applies, whatever the word: it is the highest by
// precedence.
func appendDecision(b []byte, d *policy.Decision) []byte {
	b = appendVerdict(b, d)
	b = b[:len(b)-1]
	if d.Action != policy.Deny {
		if d.ForceModel != "" {
			b = strictjson.AppendQuoted(append(b, `,"model":`...), d.ForceModel)
		}
		for i, sel := range d.Redact {
			b = append(b, pick(i == 0, `,"mask":[`, ",")...)
			text, err := sel.MarshalJSON()
			if err != nil {
				panic("pdp: a selector is no JSON") // it is made of strings and a number
			}
			b = append(b, text...)
		}
		if len(d.Redact) > 0 {
			b = append(b, ']')
		}
		for i, tool := range d.HideTools {
			b = strictjson.AppendQuoted(append(b, pick(i == 0, `,"tools":[`, ",")...), tool)
		}
		if len(d.HideTools) > 0 {
			b = append(b, ']')
		}
	}
	return append(b, '}')
}

func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// result wraps an answer for the Data API.
func result(answer []byte) []byte {
	return append(append([]byte(`{"result":`), answer...), '}')
}
