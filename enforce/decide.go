package enforce

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/headgate/headgate/audit"
	"github.com/headgate/headgate/policy"
)

// input begins what a stage's policy sees.
func (x *Exchange) input(stage policy.Stage) *policy.Input {
	in := &policy.Input{
		Stage: stage,
		Principal: policy.Principal{
			TenantID: x.who.TenantID, UserID: x.who.UserID, Roles: x.who.Roles,
			AgentID: x.who.AgentID, Auth: x.who.Auth, Claims: x.who.Claims,
		},
		Request: policy.Request{
			ID: x.id, Protocol: x.protocol(), Endpoint: x.endpoint, Host: x.r.Host,
			RemoteIP: x.remoteIP, Stream: x.stream, Time: x.g.cfg.Now(),
		},
		Unscanned: x.unscanned,
	}
	if x.route.Served != nil {
		in.Server = x.route.Served.Name
	}
	return in
}

func hash(canonical []byte) string {
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}

// decide asks the policy. What is decided but cannot be carried out here is a
// deny, and says so.
func (x *Exchange) decide(in *policy.Input) policy.Decision {
	d := policy.Ask(x.ctx, x.pol, in, func(d *policy.Decision) {
		if d.Action != policy.Deny && len(d.Approvals) > 0 {
			d.Refuse("approvals are not supported in this version")
		}
	})
	if d.Detail != "" {
		x.g.cfg.Logger.Warn("policy failed, denying", "stage", string(in.Stage), "reason", d.Reason,
			"detail", d.Detail, "request_id", x.id, "policy_sha256", policy.Short(d.SHA256))
	}
	d.Reason = x.clean(d.Reason)
	return d
}

// decided fills a line with a decision, and tells log and metrics.
func (x *Exchange) decided(in *policy.Input, d *policy.Decision) *audit.Record {
	rec := x.record(string(in.Stage))
	rec.Decision, rec.Reason = string(d.Action), d.Reason
	rec.PolicySHA256, rec.RuleLayer, rec.EvalMicros = d.SHA256, d.Layer, d.Eval.Microseconds()
	rec.ForcedModel = d.ForceModel
	rec.MessagesHash, rec.ArgsHash, rec.ResponseHash, rec.ResultHash = in.MessagesHash, in.ArgsHash, in.ResponseHash, in.ResultHash
	if in.Stage == policy.PreTool || in.Stage == policy.PostTool {
		rec.Tool = x.cleanTool(in.Tool)
	}
	setScanned(rec, in.Unscanned)
	x.g.cfg.Observer.Decision(rec.Stage, rec.Decision, rec.RuleLayer, d.Eval)
	if d.Remembered {
		x.g.cfg.Observer.Remembered(rec.Stage)
	}
	if d.Action == policy.Deny {
		x.g.cfg.Logger.Info(d.Denial(),
			"stage", rec.Stage, "request_id", x.id, "tenant_id", x.who.TenantID, "user_id", x.who.UserID)
	}
	return rec
}

// raise names the redaction as the line's decision where the configuration
// replaced something and the policy did nothing higher.
func raise(rec *audit.Record, to policy.Action) {
	if len(rec.Redactions) > 0 && rec.Decision == string(policy.Allow) {
		rec.Decision = string(to)
	}
}
