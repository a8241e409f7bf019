package pdp

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/headgate/headgate/audit"
	"github.com/headgate/headgate/policy"
)

// input begins what a stage's policy sees: the caller, and this request.
func (c *call) input(stage policy.Stage) *policy.Input {
	return &policy.Input{
		Stage: stage,
		Principal: policy.Principal{
			TenantID: c.who.TenantID, UserID: c.who.UserID, Roles: c.who.Roles,
			AgentID: c.who.AgentID, Auth: c.who.Auth, Claims: c.who.Claims,
		},
		Request: policy.Request{
			ID: c.id, Protocol: protocol, Endpoint: c.endpoint, Host: c.r.Host,
			RemoteIP: c.remoteIP, Time: c.h.cfg.Now(),
		},
	}
}

func hash(canonical []byte) string {
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}

// decide asks the policy. What no caller could carry out is a deny.
func (c *call) decide(pol policy.Policy, in *policy.Input) policy.Decision {
	return policy.Ask(c.r.Context(), pol, in, func(d *policy.Decision) {
		if d.Detail != "" {
			c.h.cfg.Logger.Warn("policy failed, denying", "stage", string(in.Stage), "reason", d.Reason,
				"detail", d.Detail, "request_id", c.id, "policy_sha256", policy.Short(d.SHA256))
		}
		switch {
		case !in.Stage.Can(d.Action):
			d.Refuse(policy.ReasonShape)
		case d.Action != policy.Deny && !c.h.selectors.usable(d.Redact):
			c.h.cfg.Logger.Warn("a selector of the policy cannot be used, denying", "request_id", c.id, "policy_sha256", policy.Short(d.SHA256))
			d.Refuse(policy.ReasonShape)
		}
	})
}

// settle writes the line of a decision as it is about to be answered, and
// tells log and metrics. The decision's reason is then what the caller gets.
func (c *call) settle(in *policy.Input, d *policy.Decision, scanned string) *refusal {
	d.Reason = c.clean(d.Reason)
	rec := c.record()
	rec.Principal.TenantID, rec.Principal.UserID = in.Principal.TenantID, in.Principal.UserID
	rec.Principal.Roles, rec.Principal.AgentID = in.Principal.Roles, in.Principal.AgentID
	rec.Stage, rec.Decision, rec.Reason, rec.Mode = string(in.Stage), string(d.Action), d.Reason, audit.ModeEnforce
	rec.PolicySHA256, rec.RuleLayer, rec.EvalMicros = d.SHA256, d.Layer, d.Eval.Microseconds()
	rec.Model, rec.ForcedModel = in.Model, d.ForceModel
	rec.MessagesHash, rec.ArgsHash, rec.ResponseHash, rec.ResultHash = in.MessagesHash, in.ArgsHash, in.ResponseHash, in.ResultHash
	rec.Scanned, rec.Unscanned = scanned, in.Unscanned
	if in.Stage == policy.PreTool || in.Stage == policy.PostTool {
		rec.Tool = c.cleanTool(in.Tool)
	}
	if in.Stage == policy.Session {
		rec.Target = c.h.scrub(in.Session.TargetAgentID)
	}
	c.h.cfg.Observer.Decision(rec.Stage, rec.Decision, rec.RuleLayer, d.Eval)
	if d.Remembered {
		c.h.cfg.Observer.Remembered(rec.Stage)
	}
	if d.Action == policy.Deny {
		c.h.cfg.Logger.Info(d.Denial(),
			"stage", rec.Stage, "request_id", c.id, "tenant_id", in.Principal.TenantID, "user_id", in.Principal.UserID)
	}
	return c.write(rec, c.h.cfg.Audit.Append)
}
