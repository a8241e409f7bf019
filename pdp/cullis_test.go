package pdp_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/audit"
	"github.com/headgate/headgate/pdp"
	"github.com/headgate/headgate/policy"
)

func TestSession(t *testing.T) {
	const long = `{"initiator_agent_id":"orga::a","target_agent_id":"orgb::b","initiator_org_id":"orga","target_org_id":"orgb","capabilities":["kyc.read"],"session_context":"target",` +
		`"model":{"id":"m","provider":"p"},"invocation":{"kind":"tool","tool_name":"refund"},"context":{"trace_id":"1"}}`
	question := policy.SessionRequest{
		InitiatorAgentID: "orga::a", TargetAgentID: "orgb::b", InitiatorOrgID: "orga", TargetOrgID: "orgb",
		Context: "initiator", Capabilities: []string{"kyc.read"},
	}
	asTarget := question
	asTarget.Context = "target"
	few := policy.SessionRequest{InitiatorAgentID: "a", TargetAgentID: "b", Context: "initiator"}
	deny := policy.Decision{Action: policy.Deny, Reason: `no "partner"`}
	tests := []struct {
		name, path, body string
		decision         policy.Decision
		session          policy.SessionRequest
		tenant, answer   string
	}{
		{"the broker asks for the initiator", "/pdp/policy", sessionBody, policy.Decision{Action: policy.Allow}, question, "orga", `{"decision":"allow"}`},
		{"and for the target, with all that it sends", "/pdp/policy", long, deny, asTarget, "orga", `{"decision":"deny","reason":"no \"partner\""}`},
		{"the data API", "/v1/data/cullis/policy/session", `{"input":` + sessionBody + `}`, policy.Decision{Action: policy.Allow}, question, "orga", `{"result":{"decision":"allow"}}`},
		{"a deny of the data API", "/v1/data/cullis/policy/session", `{"input":` + long + `,"unknowns":[]}`, deny, asTarget, "orga", `{"result":{"decision":"deny","reason":"no \"partner\""}}`},
		{"no more than needed", "/pdp/policy", `{"initiator_agent_id":"a","target_agent_id":"b","session_context":"initiator"}`, policy.Decision{Action: policy.Allow}, few, "", `{"decision":"allow"}`},
		{"the tool stage as a session", "/pdp/policy", sessionBody, policy.Decision{Action: policy.RequireApproval, Reason: "x"}, question, "orga", `{"decision":"deny","reason":"policy_shape"}`},
		{"no word at all", "/pdp/policy", sessionBody, policy.Decision{}, question, "orga", `{"decision":"deny","reason":"policy_shape"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, log := deciding(tt.decision), &book{}
			w := ask(handler(t, p, log, nil), tt.path, tt.body)
			says(t, w, http.StatusOK, tt.answer)
			if diff := cmp.Diff(tt.session, p.last.Session); diff != "" {
				t.Errorf("question differs (-want +got):\n%s", diff)
			}
			rec := log.one(t)
			if rec.Stage != "session" || !strings.Contains(tt.answer, `"decision":"`+rec.Decision+`"`) || rec.PolicySHA256 != sha ||
				rec.RuleLayer != "rego" || rec.EvalMicros != 85 || rec.Mode != audit.ModeEnforce || rec.Scanned != "" {
				t.Errorf("line %+v", rec)
			}
			if want := (audit.Principal{TenantID: tt.tenant, Roles: []string{}, AgentID: tt.session.InitiatorAgentID, Auth: "anonymous"}); !cmp.Equal(want, rec.Principal) {
				t.Errorf("principal %+v", rec.Principal)
			}
		})
	}
}

func TestRequestOfTheInput(t *testing.T) {
	p := &rules{}
	w := ask(handler(t, p, &book{}, nil), "/pdp/policy", sessionBody)
	want := policy.Request{
		ID: w.Header().Get(pdp.RequestIDHeader), Protocol: "pdp", Endpoint: "/pdp/policy",
		Host: "example.com", RemoteIP: "192.0.2.1", Time: now,
	}
	if diff := cmp.Diff(want, p.last.Request); diff != "" {
		t.Errorf("request differs (-want +got):\n%s", diff)
	}
}

func TestToolCall(t *testing.T) {
	const path = "/v1/data/cullis/policy/tool_call"
	approval := policy.Decision{Action: policy.RequireApproval, Reason: "over 100", Approvals: []string{"over 100"}}
	tests := []struct {
		name, input string
		decision    policy.Decision
		tenant      string
		args        string
		answer      string
	}{
		{"allow", `{"agent_id":"orga::kyc","tool_name":"lookup","arguments":{"b":1,"a":"x"}}`, policy.Decision{Action: policy.Allow}, "orga", `{"a":"x","b":1}`, `{"decision":"allow"}`},
		{"deny", `{"agent_id":"orga::user::anna","tool_name":"lookup","extra":{}}`, policy.Decision{Action: policy.Deny, Reason: "no"}, "orga", `{}`, `{"decision":"deny","reason":"no"}`},
		{"arguments of any kind", `{"agent_id":"kyc","tool_name":"lookup","arguments":null}`, policy.Decision{Action: policy.Allow}, "", `null`, `{"decision":"allow"}`},
		{"approval", `{"agent_id":"orga::kyc","tool_name":"lookup","arguments":[1]}`, approval, "orga", `[1]`, "{\"decision\":\"deny\",\"reason\":\"tool `lookup` requires approval: over 100\"}"},
		{
			"redaction", `{"agent_id":"orga::kyc","tool_name":"lookup","arguments":"text"}`,
			policy.Decision{Action: policy.RedactArgs, Redact: []policy.Selector{{Spec: "EMAIL"}}},
			"orga", `"text"`,
			`{"decision":"deny","reason":"the policy decided redact_args, which this endpoint cannot answer; ask /v1/data/tako/policy"}`,
		},
		{
			"what an allow would lose", `{"agent_id":"orga::kyc","tool_name":"lookup"}`,
			policy.Decision{Action: policy.Allow, ForceModel: "m"},
			"orga", `{}`,
			`{"decision":"deny","reason":"the policy decided more than allow, which this endpoint cannot answer; ask /v1/data/tako/policy"}`,
		},
		{
			"selectors beside an allow", `{"agent_id":"orga::kyc","tool_name":"lookup"}`,
			policy.Decision{Action: policy.Allow, Redact: []policy.Selector{{Spec: "EMAIL"}}},
			"orga", `{}`,
			`{"decision":"deny","reason":"the policy decided more than allow, which this endpoint cannot answer; ask /v1/data/tako/policy"}`,
		},
		{
			"a redaction without selectors", `{"agent_id":"orga::kyc","tool_name":"lookup"}`,
			policy.Decision{Action: policy.RedactArgs},
			"orga", `{}`,
			`{"decision":"deny","reason":"the policy decided redact_args, which this endpoint cannot answer; ask /v1/data/tako/policy"}`,
		},
		{
			"approval and redaction", `{"agent_id":"orga::kyc","tool_name":"mail@example.com"}`,
			policy.Decision{Action: policy.RequireApproval, Reason: "r", Approvals: []string{"r"}, Redact: []policy.Selector{{Spec: "EMAIL"}}},
			"orga", `{}`,
			"{\"decision\":\"deny\",\"reason\":\"tool `[EMAIL]` requires approval: r\"}",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, log := deciding(tt.decision), &book{}
			p.needs = policy.FieldsAll
			says(t, ask(handler(t, p, log, nil), path, `{"input":`+tt.input+`}`), http.StatusOK, `{"result":`+tt.answer+`}`)
			in, rec := &p.last, log.one(t)
			if string(in.Args) != tt.args || in.ArgsHash == "" || in.ArgsHash != rec.ArgsHash || in.Stage != policy.PreTool {
				t.Errorf("input %s %q, line %+v", in.Args, in.ArgsHash, rec)
			}
			if in.Principal.TenantID != tt.tenant || in.Principal.TenantID != rec.Principal.TenantID || in.Principal.AgentID != rec.Principal.AgentID {
				t.Errorf("principal %+v", in.Principal)
			}
			if !strings.Contains(tt.answer, `"decision":"`+rec.Decision+`"`) || rec.Stage != "pre_tool" || rec.Scanned != "full" || strings.Contains(rec.Tool, "@") {
				t.Errorf("line %+v", rec)
			}
		})
	}
	for name, tt := range map[string][2]string{
		"no input":          {`{}`, "input, an object"},
		"input is a list":   {`{"input":[]}`, "input, an object"},
		"Input":             {`{"Input":{},"input":{}}`, "case"},
		"no agent":          {`{"input":{"tool_name":"t"}}`, "input.agent_id is missing"},
		"an empty agent":    {`{"input":{"tool_name":"t","agent_id":""}}`, "input.agent_id is missing"},
		"no tool":           {`{"input":{"agent_id":"a"}}`, "input.tool_name is missing"},
		"a tool is a list":  {`{"input":{"agent_id":"a","tool_name":["t"]}}`, "input.tool_name must be a string"},
		"a case variant":    {`{"input":{"agent_id":"a","tool_name":"t","Arguments":{}}}`, "case"},
		"a Kelvin sign too": {`{"input":{"agent_id":"a","tool_name":"t","argument\u017f":{}}}`, "case"},
	} {
		log := &book{}
		w := ask(handler(t, &rules{}, log, nil), path, tt[0])
		t.Run(name, func(t *testing.T) { refused(t, w, http.StatusBadRequest, tt[1]) })
		log.one(t)
	}
}

func TestOnlyWhatIsReadIsComputed(t *testing.T) {
	p, log := &rules{}, &book{}
	ask(handler(t, p, log, nil), "/v1/data/cullis/policy/tool_call", toolBody)
	if in := p.last; in.Args != nil || in.ArgsHash != "" || in.Findings != nil {
		t.Errorf("input %+v", in)
	}
	log = &book{}
	ask(handler(t, p, log, func(c *pdp.Config) { c.Hashes = true }), "/v1/data/cullis/policy/tool_call", toolBody)
	// SHA-256 of {"a":"x","b":1}
	if got := log.one(t).ArgsHash; got != "cdab067e9f3beb32d1252cfd63e492592fecbf591b0d08cadb24bb17f3864246" {
		t.Errorf("args_hash %q", got)
	}
}

func TestReasonsAreCleanAndBounded(t *testing.T) {
	var out strings.Builder
	log := &book{}
	p := deciding(policy.Decision{Action: policy.Deny, Reason: "alice@example.com: " + strings.Repeat("\x01", 600)})
	h := handler(t, p, log, func(c *pdp.Config) { c.Logger = slog.New(slog.NewTextHandler(&out, nil)) })
	w := ask(h, "/pdp/policy", sessionBody)
	var answer struct{ Reason string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	rec := log.one(t)
	if answer.Reason != rec.Reason || len(rec.Reason) != 512 || !strings.HasPrefix(rec.Reason, "[EMAIL]: ") {
		t.Errorf("answer %q, line %q", answer.Reason, rec.Reason)
	}
	if w.Body.Len() > 4096 {
		t.Errorf("the answer has %d bytes, more than the broker reads", w.Body.Len())
	}
	if got := out.String(); !strings.Contains(got, "policy[rego] DENY: [EMAIL]: ") || !strings.Contains(got, "sha256=abababababab") || strings.Contains(got, "example.com") {
		t.Errorf("log: %s", got)
	}
}

// What failed in a policy is for the operator's log alone.
func TestPolicyFailure(t *testing.T) {
	var out strings.Builder
	p := deciding(policy.Decision{Action: policy.Deny, Reason: policy.ReasonError, Detail: "session.rego:7:2"})
	h := handler(t, p, &book{}, func(c *pdp.Config) { c.Logger = slog.New(slog.NewTextHandler(&out, nil)) })
	says(t, ask(h, "/pdp/policy", sessionBody), http.StatusOK, `{"decision":"deny","reason":"policy_error"}`)
	if !strings.Contains(out.String(), "session.rego:7:2") {
		t.Errorf("log: %s", out.String())
	}
}

func TestMetrics(t *testing.T) {
	m := &meter{}
	h := handler(t, deciding(policy.Decision{Action: policy.Deny, Reason: "no"}), &book{}, func(c *pdp.Config) { c.Observer = m })
	ask(h, "/pdp/policy", sessionBody)
	ask(h, "/pdp/policy", "{}")
	want := []string{"session deny rego", "request deny none", "refusal invalid_request"}
	if diff := cmp.Diff(want, m.told); diff != "" {
		t.Errorf("told differs (-want +got):\n%s", diff)
	}
}
