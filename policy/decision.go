package policy

import "time"

// Action is what is to be done, spelled as in the audit line.
type Action string

// The actions, by falling precedence. ForceModel, the redactions and HideTools
// apply together; the first of them names the decision.
const (
	Deny            Action = "deny"
	RequireApproval Action = "require_approval"
	ForceModel      Action = "force_model"
	RedactMessages  Action = "redact_messages"
	RedactResponse  Action = "redact_response"
	RedactArgs      Action = "redact_args"
	RedactResult    Action = "redact_result"
	HideTools       Action = "hide_tools"
	Allow           Action = "allow"
)

func (a Action) redacts() bool {
	switch a {
	case RedactMessages, RedactResponse, RedactArgs, RedactResult:
		return true
	}
	return false
}

// Fixed reasons. A policy's failure is reported with one of these and with
// nothing else, so that no text of an error reaches a client.
const (
	// ReasonUndefined: a surface that covers the stage gave no answer.
	ReasonUndefined = "policy_undefined"
	// ReasonError: the evaluation failed, built-in errors included.
	ReasonError = "policy_error"
	// ReasonConflict: rules gave two values for one document, or two different
	// models were forced.
	ReasonConflict = "policy_conflict"
	// ReasonTimeout: the evaluation did not end in time, or its caller left.
	ReasonTimeout = "policy_timeout"
	// ReasonShape: an answer of a wrong type, an unknown decision word, a
	// decision that the stage cannot have.
	ReasonShape = "policy_shape"
	// ReasonUncovered: no surface covers the stage and the default is deny.
	ReasonUncovered = "policy_stage_uncovered"
	// ReasonNotAllowed: a surface answered false, or deny, without a reason.
	ReasonNotAllowed = "policy_not_allowed"
	// ReasonInput: the input is too large, or content that the policy reads is
	// not the JSON that it should be.
	ReasonInput = "policy_input"
	// ReasonApproval stands where an approval is required without a reason.
	ReasonApproval = "approval_required"
)

// Layers that a decision can come from (rule_layer in the audit line).
const (
	LayerRego      = "rego"
	LayerAllowlist = "allowlist"
	LayerDefault   = "default"
)

// Decision is the answer for one stage of one exchange.
type Decision struct {
	// Action is the highest by precedence of all that apply.
	Action Action
	// Reason is the sorted, deduplicated reasons of that decision joined with
	// "; ". It is empty for Allow. It is the policy's own text and may repeat
	// what the policy read: it has to pass the scanner before it is shown.
	Reason string
	// Approvals are the sorted reasons of the approvals that are required.
	Approvals []string
	// ForceModel is the one model to use, or "".
	ForceModel string
	// Redact are the sorted selectors of the stage's redaction.
	Redact []Selector
	// HideTools are the sorted names or globs of the tools to take away.
	HideTools []string

	// NoAnswer marks a deny that is no word of the policy: the layer is empty
	// at this stage, a covering answer is undefined, or the evaluation failed
	// (not: a wrong shape, a time-out, an input over its limits). It is what
	// "fallthrough on" may hand to the allowlist. Restrictions that were found
	// all the same stay in the fields above; an allow that replaces this deny
	// has to keep them.
	NoAnswer bool
	// Detail tells an operator, never a client, what failed and where: a
	// surface, a file:line:col, a code. It holds no text of the input.
	Detail string

	// Layer is LayerRego, LayerAllowlist or LayerDefault.
	Layer string
	// SHA256 is the lower-case hex hash of the policy that decided.
	SHA256 string
	// Eval is the time the decision took.
	Eval time.Duration
	// Remembered tells that nothing was evaluated: the same was asked before.
	// The slices above are then shared, and must not be changed.
	Remembered bool
}

// Failed is the deny for an evaluation that gave no answers at all. The reason
// is one of the fixed reasons, detail as in [Decision.Detail].
func Failed(reason, detail string) Decision {
	d := Decision{Action: Deny, Reason: reason, Detail: detail, Layer: LayerRego}
	switch reason {
	case ReasonUndefined, ReasonError, ReasonConflict:
		d.NoAnswer = true
	}
	return d
}
