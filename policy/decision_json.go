package policy

import (
	"bytes"
	"encoding/json"
	"strings"
)

// MarshalJSON is a decision as programs read it, in the words of the contract:
//
//	{"decision", "reason"?, "require_approval"?: [reason], "model"?,
//	 "mask"?: [selector], "tools"?: [name or glob], "rule_layer",
//	 "policy_sha256", "no_answer"?, "detail"?, "eval_us"}
//
// All that is there applies, whatever the word: it is the highest by precedence.
func (d Decision) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		Decision  Action     `json:"decision"`
		Reason    string     `json:"reason,omitempty"`
		Approvals []string   `json:"require_approval,omitempty"`
		Model     string     `json:"model,omitempty"`
		Mask      []Selector `json:"mask,omitempty"`
		Tools     []string   `json:"tools,omitempty"`
		Layer     string     `json:"rule_layer"`
		SHA256    string     `json:"policy_sha256"`
		NoAnswer  bool       `json:"no_answer,omitempty"`
		Detail    string     `json:"detail,omitempty"`
		EvalUS    int64      `json:"eval_us"`
	}{
		d.Action, d.Reason, d.Approvals, d.ForceModel, d.Redact, d.HideTools,
		d.Layer, d.SHA256, d.NoAnswer, d.Detail, d.Eval.Microseconds(),
	})
}

// MarshalJSON is the form that [ParseSelector] reads: a string where that says
// all, else an object.
func (s Selector) MarshalJSON() ([]byte, error) {
	if s.As == "" && s.KeepLast == 0 && s.In == "" {
		return marshal(s.Spec)
	}
	var form struct {
		Entity   string `json:"entity,omitempty"`
		Regex    string `json:"regex,omitempty"`
		Literal  string `json:"literal,omitempty"`
		As       string `json:"as,omitempty"`
		KeepLast int    `json:"keep_last,omitempty"`
		In       string `json:"in,omitempty"`
	}
	form.As, form.KeepLast, form.In = s.As, s.KeepLast, s.In
	if regex, ok := strings.CutPrefix(s.Spec, "re:"); ok {
		form.Regex = regex
	} else if literal, ok := strings.CutPrefix(s.Spec, "lit:"); ok {
		form.Literal = literal
	} else {
		form.Entity = s.Spec
	}
	return marshal(form)
}

// marshal writes JSON without the escapes that only HTML needs.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// Interface guards
var (
	_ json.Marshaler = Decision{}
	_ json.Marshaler = Selector{}
)
