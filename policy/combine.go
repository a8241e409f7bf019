package policy

import (
	"slices"
	"strings"
)

// Combine makes one decision of what all surfaces of a stage answered. It is
// pure.
//
//   - Every covering surface must allow; an undefined one denies.
//   - Restrictions of all surfaces add up.
//   - Precedence: deny, require_approval, then force_model, the redaction and
//     hide_tools together.
//   - Two different forced models deny with [ReasonConflict].
//   - An answer of a wrong type, an unknown word, or a word that the stage
//     cannot have denies with [ReasonShape].
//   - A refusal without a reason denies with [ReasonNotAllowed]; it and
//     [ReasonUndefined] stand only where no other reason tells more.
//   - Where nothing covers the stage: a post stage passes, another follows
//     defaultAllow.
func Combine(s Stage, answers []Answer, defaultAllow bool) Decision {
	t := tally{stage: s}
	for i := range answers {
		t.add(&answers[i])
	}
	return t.decide(defaultAllow)
}

// tally collects what the surfaces of one stage said.
type tally struct {
	stage Stage

	covered   bool
	undefined bool // a covering answer is missing
	refused   bool // a covering answer was no, without a reason
	shape     bool // an answer was not understood
	detail    string

	deny, approvals, models, hide []string
	notes                         []string // reasons of restrictions that are no deny
	redact                        []Selector
}

func (t *tally) add(a *Answer) {
	if a.Surface.Covers() {
		t.covered = true
		if !a.Defined {
			t.undefined = true
			t.note(a, "is undefined")
			return
		}
	}
	if !a.Defined {
		return
	}
	ok := false
	switch a.Surface.Style {
	case RuleSet:
		ok = t.ruleSet(a.Surface.Set, a.Value)
	case StageDecision:
		ok = t.word(a.Value)
	case Verdict:
		ok = t.verdict(a.Value)
	}
	if !ok {
		t.shape = true
		t.note(a, "has the wrong shape")
	}
}

// note keeps the first thing that went wrong.
func (t *tally) note(a *Answer, what string) {
	if t.detail == "" {
		t.detail = a.Surface.Path + " " + what
	}
}

// ruleSet takes the answer of one rule of style 1.
func (t *tally) ruleSet(set Action, v any) bool {
	if !t.stage.Can(set) {
		return false
	}
	if set == Allow {
		b, ok := v.(bool)
		t.refused = t.refused || ok && !b
		return ok
	}
	members, ok := v.(Set)
	if !ok {
		return false
	}
	for _, m := range members {
		ok = t.member(set, m) && ok
	}
	return ok
}

// member takes one element of a restricting set.
func (t *tally) member(set Action, v any) bool {
	if set.redacts() {
		sel, ok := ParseSelector(v)
		if ok {
			t.redact = append(t.redact, sel)
		}
		return ok
	}
	text, ok := v.(string)
	if !ok {
		return false
	}
	switch set {
	case Deny:
		t.refuse(text)
	case RequireApproval:
		t.approve(text)
	case ForceModel:
		t.models = append(t.models, text)
		return text != ""
	case HideTools:
		t.hide = append(t.hide, text)
		return text != ""
	default:
		return false
	}
	return true
}

func (t *tally) refuse(reason string) {
	if reason == "" {
		t.refused = true
		return
	}
	t.deny = append(t.deny, reason)
}

func (t *tally) approve(reason string) {
	if reason == "" {
		reason = ReasonApproval
	}
	t.approvals = append(t.approvals, reason)
}

// verdict takes an answer of style 3.
func (t *tally) verdict(v any) bool {
	if b, ok := v.(bool); ok {
		t.refused = t.refused || !b
		return true
	}
	obj, ok := v.(map[string]any)
	if !ok {
		return false
	}
	for k := range obj {
		if k != "decision" && k != "reason" {
			return false
		}
	}
	reason, ok := optionalString(obj, "reason")
	if !ok {
		return false
	}
	switch obj["decision"] {
	case string(Allow):
		return true
	case string(Deny):
		t.refuse(reason)
		return true
	}
	return false
}

// optionalString reads a string member; an absent one is "".
func optionalString(obj map[string]any, key string) (string, bool) {
	v, there := obj[key]
	if !there {
		return "", true
	}
	s, ok := v.(string)
	return s, ok
}

// word takes an answer of style 2: a decision word or
// {"decision", "reason"?, "model"?, "mask"?, "tools"?}. A model, mask or tools
// that would have no effect beside its word is refused rather than ignored;
// empty ones, and those beside a deny, are harmless.
func (t *tally) word(v any) bool {
	if w, ok := v.(string); ok {
		switch Action(w) {
		case Allow:
			return true
		case Deny:
			t.refuse("")
			return true
		case RequireApproval:
			t.approve("")
			return t.stage.Can(RequireApproval)
		}
		return false // the others need a model, selectors or tools
	}
	obj, ok := v.(map[string]any)
	if !ok {
		return false
	}
	for k := range obj {
		switch k {
		case "decision", "reason", "model", "mask", "tools":
		default:
			return false
		}
	}
	w, _ := obj["decision"].(string)
	if !t.stage.Can(Action(w)) {
		return false
	}
	reason, ok := optionalString(obj, "reason")
	if !ok {
		return false
	}
	model, okModel := optionalString(obj, "model")
	mask, okMask := optionalList(obj, "mask")
	tools, okTools := optionalList(obj, "tools")
	if !okModel || !okMask || !okTools {
		return false
	}
	return t.object(Action(w), reason, model, mask, tools)
}

// object takes the parts of a style 2 object whose types are right.
func (t *tally) object(a Action, reason, model string, mask, tools []any) bool {
	if a == Deny {
		t.refuse(reason)
		return true
	}
	if (model != "") != (a == ForceModel) || (len(mask) > 0) != a.redacts() || (len(tools) > 0) != (a == HideTools) {
		return false
	}
	switch a {
	case Allow:
		return true
	case RequireApproval:
		t.approve(reason)
		return true
	case ForceModel:
		t.models = append(t.models, model)
	}
	ok := true
	for _, m := range mask {
		ok = t.member(a, m) && ok
	}
	for _, m := range tools {
		ok = t.member(HideTools, m) && ok
	}
	if reason != "" {
		t.notes = append(t.notes, reason)
	}
	return ok
}

// optionalList reads an array or a set; an absent one is empty.
func optionalList(obj map[string]any, key string) ([]any, bool) {
	switch v := obj[key].(type) {
	case []any:
		return v, true
	case Set:
		return v, true
	case nil:
		_, there := obj[key]
		return nil, !there
	}
	return nil, false
}

func (t *tally) decide(defaultAllow bool) Decision {
	d := Decision{
		Action:    Allow,
		Layer:     LayerRego,
		Approvals: unique(t.approvals),
		Redact:    uniqueSelectors(t.redact),
		HideTools: unique(t.hide),
		Detail:    t.detail,
	}
	models := unique(t.models)
	if len(models) == 1 {
		d.ForceModel = models[0]
	}

	deny := t.deny
	if t.shape {
		deny = append(deny, ReasonShape)
	}
	if len(models) > 1 {
		deny = append(deny, ReasonConflict)
		if d.Detail == "" {
			d.Detail = "two different models are forced"
		}
	}
	if len(deny) == 0 && t.refused {
		deny = append(deny, ReasonNotAllowed)
	}
	if len(deny) > 0 {
		return denied(deny, d.Detail)
	}
	switch {
	case t.undefined:
		return d.noAnswer(ReasonUndefined)
	case !t.covered && !t.stage.Post() && !defaultAllow:
		d.Layer = LayerDefault
		d.Detail = "nothing covers " + string(t.stage) +
			": write `default allow := true` in the policy, or `default_decision allow " + string(t.stage) + "`"
		return d.noAnswer(ReasonUncovered)
	}
	return t.restrict(d)
}

func denied(reasons []string, detail string) Decision {
	return Decision{Action: Deny, Reason: join(reasons), Layer: LayerRego, Detail: detail}
}

// noAnswer makes a deny of d that keeps the restrictions found so far.
func (d Decision) noAnswer(reason string) Decision {
	d.Action, d.Reason, d.NoAnswer = Deny, reason, true
	return d
}

// restrict names the decision by the highest of the restrictions in d.
func (t *tally) restrict(d Decision) Decision {
	switch {
	case len(d.Approvals) > 0:
		d.Action, d.Reason = RequireApproval, join(d.Approvals)
		return d
	case d.ForceModel != "":
		d.Action = ForceModel
	case len(d.Redact) > 0:
		d.Action = t.stage.Redaction()
	case len(d.HideTools) > 0:
		d.Action = HideTools
	default:
		if !t.covered {
			d.Layer = LayerDefault
		}
		return d
	}
	d.Reason = join(t.notes)
	return d
}

// join sorts, deduplicates and joins reasons.
func join(reasons []string) string { return strings.Join(unique(reasons), "; ") }

// unique returns the sorted distinct strings; nil for none.
func unique(s []string) []string {
	if len(s) == 0 {
		return nil
	}
	s = slices.Clone(s)
	slices.Sort(s)
	return slices.Compact(s)
}

func uniqueSelectors(s []Selector) []Selector {
	if len(s) == 0 {
		return nil
	}
	slices.SortFunc(s, compareSelectors)
	return slices.Compact(s)
}
