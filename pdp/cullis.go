package pdp

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/wire/strictjson"
)

// The two questions that know only allow and deny. Members of the input that
// are not named here are ignored, so that callers may grow; one that differs
// from a named one by case is refused.

var (
	sessionNames = []string{
		"initiator_agent_id", "target_agent_id", "initiator_org_id", "target_org_id", "session_context", "capabilities",
	}
	sessionFields  = strictjson.Keys(sessionNames...)
	toolCallFields = strictjson.Keys("agent_id", "tool_name", "arguments")
)

// brokerSession is the broker's webhook: the body is the question, the answer
// the decision. What the broker sends beside it (model, invocation, context) is
// ignored: it asks about the session.
func (c *call) brokerSession(body []byte) *refusal {
	doc, ref := c.question(body)
	if ref != nil {
		return ref
	}
	defer doc.Release()
	answer, ref := c.session(doc.Root(), "")
	if ref == nil {
		c.send(http.StatusOK, answer)
	}
	return ref
}

func (c *call) dataSession(body []byte) *refusal {
	doc, input, ref := c.dataInput(body)
	if ref != nil {
		return ref
	}
	defer doc.Release()
	answer, ref := c.session(input, "input.")
	if ref == nil {
		c.send(http.StatusOK, result(answer))
	}
	return ref
}

// session decides whether a session may be opened. Who asks for it is the
// initiator: it is the agent of the principal, and its organisation the tenant.
func (c *call) session(v strictjson.Value, at string) ([]byte, *refusal) {
	if err := v.CheckKeys(sessionFields); err != nil {
		return nil, invalid("the body is refused: " + err.Error())
	}
	rd := &reader{v: v, at: at}
	in := c.input(policy.Session)
	in.Session = readSession(rd)
	if rd.ref != nil {
		return nil, rd.ref
	}
	c.asAgent(in, in.Session.InitiatorAgentID)
	if in.Session.InitiatorOrgID != "" {
		in.Principal.TenantID = in.Session.InitiatorOrgID
	}
	return c.verdict(c.h.cfg.Policy.Current(), in, "")
}

// readSession reads the question of the session stage. The organisations and
// the capabilities may be left out.
func readSession(rd *reader) policy.SessionRequest {
	s := policy.SessionRequest{
		InitiatorAgentID: rd.name("initiator_agent_id"),
		TargetAgentID:    rd.name("target_agent_id"),
		InitiatorOrgID:   rd.text("initiator_org_id"),
		TargetOrgID:      rd.text("target_org_id"),
		Context:          rd.name("session_context"),
		Capabilities:     rd.texts("capabilities"),
	}
	if s.Context != "initiator" && s.Context != "target" {
		rd.wrong("session_context", "must be initiator or target")
	}
	return s
}

// asAgent makes an agent the principal. Its tenant is the organisation in an id
// like "org::name"; an id without one leaves the caller's.
func (c *call) asAgent(in *policy.Input, id string) {
	in.Principal.AgentID = id
	if org, _, ok := strings.Cut(id, "::"); ok && org != "" {
		in.Principal.TenantID = org
	}
}

// dataToolCall decides one tool call: agent_id, tool_name and arguments, which
// may be any value, and {} where they are left out.
func (c *call) dataToolCall(body []byte) *refusal {
	doc, input, ref := c.dataInput(body)
	if ref != nil {
		return ref
	}
	defer doc.Release()
	if err := input.CheckKeys(toolCallFields); err != nil {
		return invalid("the body is refused: " + err.Error())
	}
	rd := &reader{v: input, at: "input."}
	in := c.input(policy.PreTool)
	in.Tool = rd.name("tool_name")
	if rd.has("agent_id") || in.Principal.AgentID == "" {
		c.asAgent(in, rd.name("agent_id"))
	}
	args := rd.json("arguments")
	if rd.ref != nil {
		return rd.ref
	}
	if args == nil {
		args = json.RawMessage("{}")
	}
	pol := c.h.cfg.Policy.Current()
	needs := pol.Needs(policy.PreTool)
	if c.h.cfg.Hashes || needs.Has(policy.FieldArgsHash) {
		in.ArgsHash = hash(args)
	}
	if needs.Has(policy.FieldArgs) {
		in.Args = args
	}
	if needs.Has(policy.FieldFindings) {
		in.Findings = c.h.find([]place{{"args", values{input.Get("arguments")}}})
	}
	answer, ref := c.verdict(pol, in, "full")
	if ref == nil {
		c.send(http.StatusOK, result(answer))
	}
	return ref
}

// verdict decides for a caller who knows only allow and deny. Whatever else
// the policy wants would be lost on the way, so it is a deny that says so.
func (c *call) verdict(pol policy.Policy, in *policy.Input, scanned string) ([]byte, *refusal) {
	d := c.decide(pol, in)
	switch {
	case d.Action == policy.Deny:
	case d.Action == policy.RequireApproval || len(d.Approvals) > 0:
		d.Refuse("tool `" + c.cleanTool(in.Tool) + "` requires approval: " + d.Reason)
	case d.Action != policy.Allow:
		d.Refuse(cannotAnswer(string(d.Action)))
	case d.ForceModel != "" || len(d.Redact) > 0 || len(d.HideTools) > 0:
		d.Refuse(cannotAnswer("more than allow"))
	default:
		d.Reason = ""
	}
	if ref := c.settle(in, &d, scanned); ref != nil {
		return nil, ref
	}
	return appendVerdict(nil, &d), nil
}

func cannotAnswer(word string) string {
	return "the policy decided " + word + ", which this endpoint cannot answer; ask /v1/data/tako/policy"
}
