package pdp_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/policy"
)

const takoPath = "/v1/data/tako/policy"

// The hashes of the gate's own test vectors.
const (
	hiHash    = "1407317499301e010711f113b3deab38590ed367cf5ac50b9b464c5532b0bd2c"
	helloHash = "6b39f6a90e4d183f79e2de5a87a0b9528f583aa05855de9889299e8329fc1801"
	// [{"text":"a","tool_calls":[]},{"text":"b@example.com","tool_calls":[{"args":{},"name":"f"},{"args":[1],"name":"g"}]}]
	twoHash   = "80cd946b65da05e04605c361aa6d6f906c8a266c7b7ff8c3ef34d0a301313057"
	emptyHash = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" // {}
)

func TestStages(t *testing.T) {
	tests := []struct {
		name, input string
		needs       policy.Fields
		want        policy.Input // without principal and request
		scanned     string
	}{
		{
			"pre_chat", `{"stage":"pre_chat","model":"gpt-5","tools":["a","b"],"messages":[{"role":"user","text":"hi"}]}`, policy.FieldsAll,
			policy.Input{
				Stage: policy.PreChat, Model: "gpt-5", Tools: []string{"a", "b"}, MessagesHash: hiHash,
				Messages: []byte(`[{"parts":[{"text":"hi","type":"text"}],"role":"user","text":"hi","tool_calls":[],"tool_results":[]}]`),
			},
			"full",
		},
		{
			"pre_chat with what the gate would add, and findings",
			`{"stage":"pre_chat","messages":[{"tool_results":[{"text":"x@example.com"}],"role":"tool","text":"a@example.com, b@example.com","parts":[],"tool_calls":[],"name":"n"},{"role":"user","text":"","parts":[{"type":"text","text":"c@example.com"}]}]}`,
			policy.FieldMessages | policy.FieldFindings,
			policy.Input{
				Stage: policy.PreChat, Findings: []policy.Finding{{Type: "EMAIL", Count: 3, At: "messages[0]"}, {Type: "EMAIL", Count: 1, At: "messages[1]"}},
				Messages: []byte(`[{"name":"n","parts":[],"role":"tool","text":"a@example.com, b@example.com","tool_calls":[],"tool_results":[{"text":"x@example.com"}]},` +
					`{"parts":[{"text":"c@example.com","type":"text"}],"role":"user","text":"","tool_calls":[],"tool_results":[]}]`),
			},
			"full",
		},
		{
			"only what is read", `{"stage":"pre_chat","messages":[{"role":"user","text":"a@example.com"}]}`, 0,
			policy.Input{Stage: policy.PreChat},
			"full",
		},
		{
			"nothing but a hash", `{"stage":"pre_chat","messages_hash":"` + hiHash + `","unscanned":["image"]}`, policy.FieldsAll,
			policy.Input{Stage: policy.PreChat, MessagesHash: hiHash, Unscanned: []string{"image"}},
			"partial",
		},
		{
			"a hash beside its content", `{"stage":"pre_chat","messages":[{"role":"user","text":"hi"}],"messages_hash":"` + hiHash + `"}`, 0,
			policy.Input{Stage: policy.PreChat, MessagesHash: hiHash},
			"full",
		},
		{
			"pre_tool", `{"stage":"pre_tool","tool":"t","args":{},"server":"files","model":"m"}`, policy.FieldsAll,
			policy.Input{Stage: policy.PreTool, Tool: "t", Args: []byte("{}"), ArgsHash: emptyHash, Server: "files", Model: "m"},
			"full",
		},
		{
			"pre_tool in the other spelling", `{"stage":"pre_tool","tool_name":"t","arguments":"to a@example.com"}`, policy.FieldArgs | policy.FieldFindings,
			policy.Input{Stage: policy.PreTool, Tool: "t", Args: []byte(`"to a@example.com"`), Findings: []policy.Finding{{Type: "EMAIL", Count: 1, At: "args"}}},
			"full",
		},
		{
			"pre_tool in both", `{"stage":"pre_tool","tool_name":"t","tool":"t","args":{"a":1.0},"arguments":{"a":1}}`, policy.FieldArgs,
			policy.Input{Stage: policy.PreTool, Tool: "t", Args: []byte(`{"a":1}`)},
			"full",
		},
		{
			"pre_tool without arguments", `{"stage":"pre_tool","tool":"t"}`, policy.FieldsAll,
			policy.Input{Stage: policy.PreTool, Tool: "t"},
			"none",
		},
		{
			"what the caller's detectors saw", `{"stage":"pre_tool","tool":"t","args":{},"findings":[{"type":"BADGE","count":2,"at":"args"}]}`, policy.FieldFindings,
			policy.Input{Stage: policy.PreTool, Tool: "t", Findings: []policy.Finding{{Type: "BADGE", Count: 2, At: "args"}}},
			"full",
		},
		{
			"post_chat", `{"stage":"post_chat","model":"m","response":{"choices":[{"text":"Hello","tool_calls":[{"name":"f","args":{}}]}]}}`, policy.FieldsAll,
			policy.Input{
				Stage: policy.PostChat, Model: "m", ResponseHash: helloHash,
				Response: []byte(`{"choices":[{"finish_reason":"","index":0,"reasoning":"","text":"Hello","tool_calls":[{"args":{},"name":"f"}]}],"text":"Hello"}`),
			},
			"full",
		},
		{
			"post_chat with two choices",
			`{"stage":"post_chat","response":{"usage":{"input_tokens":1},"text":"a\nb@example.com","choices":[{"index":0,"text":"a"},{"index":1,"text":"b@example.com","finish_reason":"stop","tool_calls":[{"name":"f"},{"name":"g","args":[1]}]}]}}`,
			policy.FieldsAll,
			policy.Input{
				Stage: policy.PostChat, Findings: []policy.Finding{{Type: "EMAIL", Count: 1, At: "choices[1]"}},
				ResponseHash: twoHash,
				Response: []byte(`{"choices":[{"finish_reason":"","index":0,"reasoning":"","text":"a","tool_calls":[]},` +
					`{"finish_reason":"stop","index":1,"reasoning":"","text":"b@example.com","tool_calls":[{"name":"f"},{"args":[1],"name":"g"}]}],"text":"a\nb@example.com","usage":{"input_tokens":1}}`),
			},
			"full",
		},
		{
			"post_chat with a text alone", `{"stage":"post_chat","response":{"text":"a@example.com"}}`, policy.FieldResponse | policy.FieldFindings,
			policy.Input{
				Stage: policy.PostChat, Findings: []policy.Finding{{Type: "EMAIL", Count: 1, At: "choices[0]"}},
				Response: []byte(`{"choices":[{"finish_reason":"","index":0,"reasoning":"","text":"a@example.com","tool_calls":[]}],"text":"a@example.com"}`),
			},
			"full",
		},
		{
			"post_chat, a hash", `{"stage":"post_chat","response_hash":"` + helloHash + `"}`, policy.FieldsAll,
			policy.Input{Stage: policy.PostChat, ResponseHash: helloHash},
			"none",
		},
		{
			"post_tool", `{"stage":"post_tool","args":{},"result":{"to":["a@example.com"]}}`, policy.FieldsAll,
			policy.Input{
				Stage: policy.PostTool, Args: []byte("{}"), ArgsHash: emptyHash,
				Result: []byte(`{"to":["a@example.com"]}`), ResultHash: "b4fe484969ea63563fe46434df41b61a6e001b4136d65eed44c69929039ab0c9",
				Findings: []policy.Finding{{Type: "EMAIL", Count: 1, At: "result"}},
			},
			"full",
		},
		{
			"post_tool, hashes", `{"stage":"post_tool","tool":"t","args_hash":"` + emptyHash + `","result_hash":"` + hiHash + `"}`, policy.FieldsAll,
			policy.Input{Stage: policy.PostTool, Tool: "t", ArgsHash: emptyHash, ResultHash: hiHash},
			"none",
		},
		{
			"session", `{"stage":"session",` + sessionBody[1:], policy.FieldsAll,
			policy.Input{Stage: policy.Session, Session: policy.SessionRequest{
				InitiatorAgentID: "orga::a", TargetAgentID: "orgb::b", InitiatorOrgID: "orga", TargetOrgID: "orgb",
				Context: "initiator", Capabilities: []string{"kyc.read"},
			}},
			"",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, log := &rules{needs: tt.needs}, &book{}
			says(t, ask(handler(t, p, log, nil), takoPath, `{"input":`+tt.input+`}`), http.StatusOK, `{"result":{"decision":"allow"}}`)
			got := p.last
			got.Principal, got.Request = policy.Principal{}, policy.Request{}
			if len(got.Findings) == 0 {
				got.Findings = nil
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("input differs (-want +got):\n%s", diff)
			}
			rec := log.one(t)
			if rec.Stage != string(tt.want.Stage) || rec.Scanned != tt.scanned || rec.Decision != "allow" || rec.Reason != "" ||
				rec.MessagesHash != tt.want.MessagesHash || rec.ArgsHash != tt.want.ArgsHash || rec.ResponseHash != tt.want.ResponseHash || rec.ResultHash != tt.want.ResultHash ||
				rec.Model != tt.want.Model || rec.Tool != tt.want.Tool || !cmp.Equal(rec.Unscanned, tt.want.Unscanned) {
				t.Errorf("line %+v", rec)
			}
		})
	}
}

func TestStageDecisions(t *testing.T) {
	email := policy.Selector{Spec: "EMAIL"}
	tests := []struct {
		name     string
		stage    policy.Stage
		decision policy.Decision
		answer   string
	}{
		{"deny", policy.PreChat, policy.Decision{Action: policy.Deny, Reason: "no", Redact: []policy.Selector{email}, ForceModel: "m", HideTools: []string{"t"}}, `{"decision":"deny","reason":"no"}`},
		{"approval", policy.PreTool, policy.Decision{Action: policy.RequireApproval, Reason: "r", Approvals: []string{"r"}, Redact: []policy.Selector{email}}, `{"decision":"require_approval","reason":"r","mask":["EMAIL"]}`},
		{"model", policy.PreChat, policy.Decision{Action: policy.ForceModel, ForceModel: "m", HideTools: []string{"a", "b*"}, Redact: []policy.Selector{email}}, `{"decision":"force_model","model":"m","mask":["EMAIL"],"tools":["a","b*"]}`},
		{"tools", policy.PreChat, policy.Decision{Action: policy.HideTools, HideTools: []string{`"`}, Reason: "why"}, `{"decision":"hide_tools","reason":"why","tools":["\""]}`},
		{"selectors as objects", policy.PostChat, policy.Decision{Action: policy.RedactResponse, Redact: []policy.Selector{
			{Spec: "EMAIL", As: "mask", KeepLast: 4},
			{Spec: "re:[a-f]{8}", As: "hash"},
			{Spec: "lit:x", As: "remove"},
			{Spec: "PII", As: "token", In: "messages[*].text"},
		}}, `{"decision":"redact_response","mask":[{"entity":"EMAIL","as":"mask","keep_last":4},{"regex":"[a-f]{8}","as":"hash"},{"literal":"x","as":"remove"},{"entity":"PII","as":"token","in":"messages[*].text"}]}`},
		{"a result", policy.PostTool, policy.Decision{Action: policy.RedactResult, Redact: []policy.Selector{email}}, `{"decision":"redact_result","mask":["EMAIL"]}`},
		{"a decision of another stage", policy.PostChat, policy.Decision{Action: policy.RedactArgs, Redact: []policy.Selector{email}}, `{"decision":"deny","reason":"policy_shape"}`},
		{"an unknown entity", policy.PostTool, policy.Decision{Action: policy.RedactResult, Redact: []policy.Selector{{Spec: "NOBODY"}}}, `{"decision":"deny","reason":"policy_shape"}`},
		{"an expression without a bound", policy.PostTool, policy.Decision{Action: policy.RedactResult, Redact: []policy.Selector{{Spec: "re:.*x"}}}, `{"decision":"deny","reason":"policy_shape"}`},
		{"too long a selector", policy.PostTool, policy.Decision{Action: policy.RedactResult, Redact: []policy.Selector{{Spec: "lit:" + strings.Repeat("x", 1024)}}}, `{"decision":"deny","reason":"policy_shape"}`},
		{"too many selectors", policy.PostTool, policy.Decision{Action: policy.RedactResult, Redact: make([]policy.Selector, 65)}, `{"decision":"deny","reason":"policy_shape"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			log := &book{}
			h := handler(t, deciding(tt.decision), log, nil)
			for range 2 { // the second answer is from memory
				log.lines = nil
				says(t, ask(h, takoPath, `{"input":{"stage":"`+string(tt.stage)+`"`+map[policy.Stage]string{policy.PreTool: `,"tool":"t"`}[tt.stage]+`}}`), http.StatusOK, `{"result":`+tt.answer+`}`)
				if rec := log.one(t); !strings.Contains(tt.answer, `"decision":"`+rec.Decision+`"`) || rec.Decision == "force_model" && rec.ForcedModel != "m" {
					t.Errorf("line %+v", rec)
				}
			}
		})
	}
}

func TestStageInputsThatAreRefused(t *testing.T) {
	other := strings.Repeat("0", 64)
	for input, message := range map[string]string{
		`{}`:             "input.stage is missing",
		`{"stage":1}`:    "input.stage must be a string",
		`{"stage":"x"}`:  "input.stage must be pre_chat",
		`{"Stage":"x"}`:  "input.stage is missing",
		`{"stage":null}`: "input.stage must be a string",

		`{"stage":"pre_chat","tool":"t"}`:                                "not known here at byte",
		`{"stage":"pre_chat","Model":"m"}`:                               "not known here at byte",
		`{"stage":"pre_chat","request":{}}`:                              "not known here at byte",
		`{"stage":"session","model":"m"}`:                                "not known here at byte",
		`{"stage":"pre_chat","principal":"alice"}`:                       "input.principal must be an object",
		`{"stage":"pre_chat","principal":{"auth":"mtls"}}`:               "not known here at byte",
		`{"stage":"pre_chat","principal":{"User_id":"a","user_id":"a"}}`: "differs from a known field by case",
		`{"stage":"pre_chat","principal":{"roles":"admin"}}`:             "input.principal.roles must be a list of strings",
		`{"stage":"pre_chat","principal":{"tenant_id":null}}`:            "input.principal.tenant_id must be a string",
		`{"stage":"pre_chat","model":["m"]}`:                             "input.model must be a string",
		`{"stage":"pre_chat","tools":"t"}`:                               "input.tools must be a list of strings",
		`{"stage":"pre_chat","unscanned":["alice"]}`:                     "input.unscanned names a fact that is not known",

		`{"stage":"pre_chat","messages":{}}`:                                          "input.messages must be an array",
		`{"stage":"pre_chat","messages":["hi"]}`:                                      "input.messages[0] must be an object",
		`{"stage":"pre_chat","messages":[{"role":"user","content":"hi"}]}`:            "input.messages[0].text is missing",
		`{"stage":"pre_chat","messages":[{"role":"user","text":["hi"]}]}`:             "input.messages[0].text must be a string",
		`{"stage":"pre_chat","messages":[{"text":"hi"}]}`:                             "input.messages[0].role is missing",
		`{"stage":"pre_chat","messages":[{"role":"user","text":"hi","Text":"hi"}]}`:   "differs from a known field by case",
		`{"stage":"pre_chat","messages":[{"role":"user","text":"hi","parts":"hi"}]}`:  "input.messages[0].parts must be an array",
		`{"stage":"pre_chat","messages":[{"role":"user","text":"","tool_calls":{}}]}`: "input.messages[0].tool_calls must be an array",
		`{"stage":"pre_chat","messages_hash":"` + strings.ToUpper(hiHash) + `"}`:      "input.messages_hash must be 64 lower-case hex digits",
		`{"stage":"pre_chat","messages_hash":""}`:                                     "input.messages_hash must be 64 lower-case hex digits",
		`{"stage":"pre_chat","messages_hash":7}`:                                      "input.messages_hash must be a string",
		`{"stage":"pre_chat","messages":[],"messages_hash":"` + other + `"}`:          "input.messages_hash is not the hash",

		`{"stage":"pre_tool"}`:                                                                       "input.tool is missing",
		`{"stage":"pre_tool","tool":""}`:                                                             "input.tool is missing",
		`{"stage":"pre_tool","tool":"a","tool_name":"b"}`:                                            "input.tool and input.tool_name differ",
		`{"stage":"pre_tool","tool":"a","args":{},"arguments":[]}`:                                   "input.args and input.arguments differ",
		`{"stage":"pre_tool","tool":"a","agent_id":"a","principal":{"agent_id":"b"}}`:                "input.agent_id and input.principal.agent_id differ",
		`{"stage":"pre_tool","tool":"a","args":{},"args_hash":"` + other + `"}`:                      "input.args_hash is not the hash",
		`{"stage":"pre_tool","tool":"a","findings":{}}`:                                              "input.findings must be an array",
		`{"stage":"pre_tool","tool":"a","findings":[{"type":"A","count":-1}]}`:                       "input.findings[0].count must be a number of matches",
		`{"stage":"pre_tool","tool":"a","findings":[{"type":"A","count":1.5}]}`:                      "input.findings[0].count must be a number of matches",
		`{"stage":"pre_tool","tool":"a","findings":[{"count":1}]}`:                                   "input.findings[0].type is missing",
		`{"stage":"pre_tool","tool":"a","findings":[{"type":"A"}]}`:                                  "input.findings[0].count is missing",
		`{"stage":"pre_tool","tool":"a","findings":[{"type":"A","count":1,"text":"a@example.com"}]}`: "not known here at byte",

		`{"stage":"post_chat","response":"hi"}`:                                                  "input.response must be an object",
		`{"stage":"post_chat","response":{}}`:                                                    "input.response.text is missing",
		`{"stage":"post_chat","response":{"Text":"hi"}}`:                                         "differs from a known field by case",
		`{"stage":"post_chat","response":{"text":7}}`:                                            "input.response.text must be a string",
		`{"stage":"post_chat","response":{"choices":[{"message":"hi"}]}}`:                        "input.response.choices[0].text is missing",
		`{"stage":"post_chat","response":{"choices":["hi"]}}`:                                    "input.response.choices[0] must be an object",
		`{"stage":"post_chat","response":{"text":"a","choices":[{"text":"b"}]}}`:                 "input.response.text is not the texts of the choices",
		`{"stage":"post_chat","response":{"choices":[{"text":"b","tool_calls":["f"]}]}}`:         "input.response.choices[0].tool_calls[0] must be an object",
		`{"stage":"post_chat","response":{"choices":[{"text":"b","tool_calls":[{"args":{}}]}]}}`: "input.response.choices[0].tool_calls[0].name is missing",
		`{"stage":"post_chat","response":{"text":"b"},"response_hash":"` + other + `"}`:          "input.response_hash is not the hash",

		`{"stage":"post_tool","tool":7}`:                                  "input.tool must be a string",
		`{"stage":"post_tool","result":{},"result_hash":"` + other + `"}`: "input.result_hash is not the hash",
		`{"stage":"post_tool","args_hash":"x"}`:                           "input.args_hash must be 64",

		`{"stage":"session"}`: "input.initiator_agent_id is missing",
		`{"stage":"session","initiator_agent_id":"a","target_agent_id":"b","session_context":"x"}`: "input.session_context must be",
	} {
		t.Run(input, func(t *testing.T) {
			p, log := &rules{needs: policy.FieldsAll}, &book{}
			refused(t, ask(handler(t, p, log, nil), takoPath, `{"input":`+input+`}`), http.StatusBadRequest, message)
			log.one(t)
			if p.last.Stage != "" {
				t.Error("the policy was asked")
			}
		})
	}
}

// A message that the gate takes can grow over its limits when it is filled in.
func TestFilledInOverTheLimits(t *testing.T) {
	var m strings.Builder
	for i := range 4094 {
		fmt.Fprintf(&m, `"x%d":1,`, i)
	}
	w := ask(handler(t, &rules{}, &book{}, nil), takoPath, `{"input":{"stage":"pre_chat","messages":[{`+m.String()+`"role":"user","text":"hi"}]}}`)
	refused(t, w, http.StatusBadRequest, "the body is refused: too many keys")
	if strings.Contains(w.Body.String(), "byte") {
		t.Errorf("a place that is not in the body: %s", w.Body)
	}
}
