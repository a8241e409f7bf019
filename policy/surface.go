package policy

// Style is how a surface answers.
type Style uint8

// The styles.
const (
	// RuleSet: one rule of a package, named as the action it decides (allow, a
	// boolean; deny, force_model and the others, sets).
	RuleSet Style = iota
	// StageDecision: <package>.<stage>.decision, a word or an object.
	StageDecision
	// Verdict: a boolean or {"decision": "allow"|"deny", "reason"?} and
	// nothing else (data.cullis.policy.tool_call and session).
	Verdict
)

// Surface is a rule that a stage asks.
type Surface struct {
	// Path is the document's path, "data.tako.policy.deny".
	Path string
	// Style is the shape its answer must have.
	Style Style
	// Set is the action of a RuleSet, "" for the other styles.
	Set Action
}

// Covers reports whether the surface covers the stages it is asked at: a
// covering surface must allow, the others only restrict.
func (s Surface) Covers() bool { return s.Style != RuleSet || s.Set == Allow }

// Answer is what a surface said. Value is a plain value: nil (null, or a value
// that has no JSON form), bool, string, json.Number, []any, map[string]any or
// [Set].
type Answer struct {
	Surface Surface
	Defined bool
	Value   any
}

// Set is a set of plain values, in any order.
type Set []any
