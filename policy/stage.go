package policy

import "slices"

// Stage is a point in an exchange at which a policy decides.
type Stage string

// The stages, spelled as in the input document and the audit line.
const (
	// PreChat: a request that carries a prompt is about to leave for a model.
	PreChat Stage = "pre_chat"
	// PreTool: a tool is about to be called.
	PreTool Stage = "pre_tool"
	// PostChat: a model's reply is about to reach the agent.
	PostChat Stage = "post_chat"
	// PostTool: a tool's result is about to reach the agent or the model.
	PostTool Stage = "post_tool"
	// Session: another system asks whether two agents may open a session.
	Session Stage = "session"
)

// Stages lists all stages in the order of an exchange.
func Stages() []Stage {
	return []Stage{PreChat, PreTool, PostChat, PostTool, Session}
}

// actions lists for each stage the decisions it may have. A rule set is
// evaluated only at the stages that list it.
var actions = map[Stage][]Action{
	PreChat:  {Allow, Deny, RequireApproval, ForceModel, RedactMessages, HideTools},
	PreTool:  {Allow, Deny, RequireApproval, RedactArgs},
	PostChat: {Allow, Deny, RedactResponse},
	PostTool: {Allow, Deny, RedactResult},
	Session:  {Allow, Deny},
}

// Actions lists the decisions that the stage may have, [Allow] and [Deny]
// first. It is empty for an unknown stage.
func (s Stage) Actions() []Action { return slices.Clone(actions[s]) }

// Can reports whether a is a decision that the stage may have.
func (s Stage) Can(a Action) bool { return slices.Contains(actions[s], a) }

// Redaction is the stage's redaction, or "" where a stage has none.
func (s Stage) Redaction() Action {
	for _, a := range actions[s] {
		if a.redacts() {
			return a
		}
	}
	return ""
}

// Post reports whether the stage comes after the work was done: an uncovered
// post stage passes, the others follow the default decision.
func (s Stage) Post() bool { return s == PostChat || s == PostTool }
