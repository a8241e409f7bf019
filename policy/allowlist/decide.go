package allowlist

import "github.com/headgate/headgate/policy"

// Reasons of the list. They hold nothing of the input.
const (
	ReasonAgent      = "Agent blocked by policy"
	ReasonOrg        = "Organization not allowed by policy"
	ReasonCapability = "Capability not allowed by policy"
	ReasonBlocked    = "Tool blocked by policy"
	ReasonTool       = "Tool not allowed by policy"
	ReasonPrincipal  = "Principal not allowed for tool by policy"
	ReasonModel      = "Model not allowed for tool by policy"
	ReasonServer     = "MCP server not allowed for tool by policy"
	ReasonStage      = "Stage not known to policy"
)

// Decide answers for one stage. The reason is one of the constants, "" where
// the answer is yes. A stage that is not known is denied.
func (l *List) Decide(in *policy.Input) (allow bool, reason string) {
	switch in.Stage {
	case policy.PreChat:
		reason = l.caller(&in.Principal)
	case policy.PreTool:
		if reason = l.caller(&in.Principal); reason == "" {
			reason = l.tools.decide(in)
		}
	case policy.PostChat, policy.PostTool:
	case policy.Session:
		reason = l.session(&in.Session)
	default:
		reason = ReasonStage
	}
	return reason == "", reason
}

// caller gives the reason why a caller is denied whatever it asks, or "".
func (l *List) caller(p *policy.Principal) string {
	if l.blockedAgents.denies(p) {
		return ReasonAgent
	}
	return ""
}

func (l *List) session(s *policy.SessionRequest) string {
	if l.blockedAgents.hasID(s.InitiatorOrgID, s.InitiatorAgentID) || l.blockedAgents.hasID(s.TargetOrgID, s.TargetAgentID) {
		return ReasonAgent
	}
	if len(l.allowedOrgs) > 0 && !l.allowedOrgs.has(peer(s)) {
		return ReasonOrg
	}
	if len(l.capabilities) > 0 {
		for _, c := range s.Capabilities {
			if !l.capabilities.has(c) {
				return ReasonCapability
			}
		}
	}
	return ""
}

// peer is the other side's organisation, "" where the side is not known.
func peer(s *policy.SessionRequest) string {
	switch s.Context {
	case "target":
		return s.InitiatorOrgID
	case "initiator", "":
		return s.TargetOrgID
	}
	return ""
}

func (t *toolRules) decide(in *policy.Input) string {
	if t.empty() {
		return ""
	}
	if in.Tool == "" {
		return ReasonTool
	}
	if t.blocked.has(in.Tool) {
		return ReasonBlocked
	}
	if t.allowed != nil && !t.allowed.has(in.Tool) {
		return ReasonTool
	}
	if len(t.named) == 0 {
		return ""
	}
	rule, ok := t.named[in.Tool]
	if !ok {
		return ReasonTool
	}
	return rule.decide(in)
}

func (r *toolRule) decide(in *policy.Input) string {
	p := &in.Principal
	switch {
	case r.deniedPrincipals.denies(p):
		return ReasonPrincipal
	case r.allowedPrincipals != nil && !r.allowedPrincipals.allows(p):
		return ReasonPrincipal
	case r.allowedModels != nil && !r.allowedModels.has(in.Model):
		return ReasonModel
	case r.allowedServers != nil && !r.allowedServers.has(in.Server):
		return ReasonServer
	}
	return ""
}
