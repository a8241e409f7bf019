package policy_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/policy"
)

// set, word and verdict make answers of the three styles.
func set(a policy.Action, members ...any) policy.Answer {
	return policy.Answer{
		Surface: policy.Surface{Path: "data.headgate." + string(a), Set: a},
		Defined: true, Value: policy.Set(members),
	}
}

func allow(v any) policy.Answer {
	return policy.Answer{Surface: policy.Surface{Path: "data.headgate.allow", Set: policy.Allow}, Defined: true, Value: v}
}

func word(v any) policy.Answer {
	return policy.Answer{
		Surface: policy.Surface{Path: "data.tako.x.decision", Style: policy.StageDecision}, Defined: true, Value: v,
	}
}

func verdict(v any) policy.Answer {
	return policy.Answer{
		Surface: policy.Surface{Path: "data.cullis.policy.tool_call", Style: policy.Verdict}, Defined: true, Value: v,
	}
}

func undefined(a policy.Answer) policy.Answer {
	a.Defined, a.Value = false, nil
	return a
}

type object = map[string]any

func TestCombine(t *testing.T) {
	type answers = []policy.Answer
	deny := func(reason string) policy.Decision {
		return policy.Decision{Action: policy.Deny, Reason: reason, Layer: policy.LayerRego}
	}
	none := func(reason string) policy.Decision {
		d := deny(reason)
		d.NoAnswer = true
		return d
	}
	ok := policy.Decision{Action: policy.Allow, Layer: policy.LayerRego}
	email := policy.Selector{Spec: "EMAIL"}
	for _, c := range []struct {
		name    string
		stage   policy.Stage
		answers answers
		want    policy.Decision
	}{
		{"allow", policy.PreTool, answers{allow(true)}, ok},
		{"allow and an empty deny", policy.PreTool, answers{allow(true), set(policy.Deny)}, ok},
		{"deny beats allow", policy.PreTool, answers{allow(true), set(policy.Deny, "no")}, deny("no")},
		{
			"reasons of all surfaces, sorted, once each", policy.PreTool,
			answers{set(policy.Deny, "b", "a"), allow(true), set(policy.Deny, "a", "c"), verdict(object{"decision": "deny", "reason": "b"})},
			deny("a; b; c"),
		},
		{"allow false", policy.PreTool, answers{allow(false)}, deny("policy_not_allowed")},
		{"allow false with a reason elsewhere", policy.PreTool, answers{allow(false), set(policy.Deny, "no")}, deny("no")},
		{"an empty reason is none", policy.PreTool, answers{allow(true), set(policy.Deny, "")}, deny("policy_not_allowed")},
		{"allow undefined", policy.PreTool, answers{undefined(allow(nil))}, none("policy_undefined")},
		{"allow undefined, deny tells why", policy.PreTool, answers{undefined(allow(nil)), set(policy.Deny, "no")}, deny("no")},
		{"one of two is undefined", policy.PreTool, answers{allow(true), undefined(verdict(nil))}, none("policy_undefined")},
		{"one of two refuses", policy.PreTool, answers{allow(true), verdict(false)}, deny("policy_not_allowed")},
		{"an undefined restriction is none", policy.PreTool, answers{allow(true), undefined(set(policy.Deny))}, ok},

		{"the string false", policy.PreTool, answers{allow("false")}, deny("policy_shape")},
		{"the string true", policy.PreTool, answers{allow("true")}, deny("policy_shape")},
		{"one", policy.PreTool, answers{allow(json.Number("1"))}, deny("policy_shape")},
		{"null", policy.PreTool, answers{allow(nil)}, deny("policy_shape")},
		{"deny is an array", policy.PreTool, answers{
			allow(true),
			{Surface: policy.Surface{Path: "p", Set: policy.Deny}, Defined: true, Value: []any{"no"}},
		}, deny("policy_shape")},
		{"deny is an empty object", policy.PreTool, answers{
			allow(true),
			{Surface: policy.Surface{Path: "p", Set: policy.Deny}, Defined: true, Value: object{}},
		}, deny("policy_shape")},
		{"deny is a boolean", policy.PreTool, answers{
			allow(true),
			{Surface: policy.Surface{Path: "p", Set: policy.Deny}, Defined: true, Value: false},
		}, deny("policy_shape")},
		{"a reason is a number", policy.PreTool, answers{allow(true), set(policy.Deny, json.Number("1"), "no")}, deny("no; policy_shape")},
		{"a reason is an object", policy.PreTool, answers{allow(true), set(policy.Deny, object{"msg": "no"})}, deny("policy_shape")},

		{"approval", policy.PreTool, answers{allow(true), set(policy.RequireApproval, "b", "a")}, policy.Decision{
			Action: policy.RequireApproval, Reason: "a; b", Approvals: []string{"a", "b"}, Layer: policy.LayerRego,
		}},
		{"deny beats approval", policy.PreTool, answers{allow(true), set(policy.RequireApproval, "a"), set(policy.Deny, "no")}, deny("no")},
		{
			"model, tools and redaction together", policy.PreChat,
			answers{allow(true), set(policy.ForceModel, "m"), set(policy.HideTools, "b", "a*"), set(policy.RedactMessages, "PII", "EMAIL", "EMAIL")},
			policy.Decision{
				Action: policy.ForceModel, ForceModel: "m", HideTools: []string{"a*", "b"},
				Redact: []policy.Selector{email, {Spec: "PII"}}, Layer: policy.LayerRego,
			},
		},
		{
			"approval keeps what applies with it", policy.PreChat,
			answers{allow(true), set(policy.ForceModel, "m"), set(policy.RequireApproval, "a"), set(policy.RedactMessages, "EMAIL")},
			policy.Decision{
				Action: policy.RequireApproval, Reason: "a", Approvals: []string{"a"}, ForceModel: "m",
				Redact: []policy.Selector{email}, Layer: policy.LayerRego,
			},
		},
		{"redaction before tools", policy.PreChat, answers{allow(true), set(policy.HideTools, "t"), set(policy.RedactMessages, "EMAIL")}, policy.Decision{
			Action: policy.RedactMessages, HideTools: []string{"t"}, Redact: []policy.Selector{email}, Layer: policy.LayerRego,
		}},
		{"one model twice", policy.PreChat, answers{allow(true), set(policy.ForceModel, "m"), word(object{"decision": "force_model", "model": "m"})}, policy.Decision{
			Action: policy.ForceModel, ForceModel: "m", Layer: policy.LayerRego,
		}},
		{"two models", policy.PreChat, answers{allow(true), set(policy.ForceModel, "m", "n")}, deny("policy_conflict")},
		{"an empty model", policy.PreChat, answers{allow(true), set(policy.ForceModel, "")}, deny("policy_shape")},
		{"an empty tool", policy.PreChat, answers{allow(true), set(policy.HideTools, "")}, deny("policy_shape")},
		{"a bad selector", policy.PreChat, answers{allow(true), set(policy.RedactMessages, object{"entity": "EMAIL", "as": "rot13"})}, deny("policy_shape")},
		{"a set of another stage", policy.PreTool, answers{allow(true), set(policy.ForceModel, "m")}, deny("policy_shape")},
		{"what an undefined allow leaves", policy.PreChat, answers{undefined(allow(nil)), set(policy.RedactMessages, "EMAIL")}, policy.Decision{
			Action: policy.Deny, Reason: "policy_undefined", NoAnswer: true, Redact: []policy.Selector{email}, Layer: policy.LayerRego,
		}},

		{"word allow", policy.PostChat, answers{word("allow")}, ok},
		{"word deny", policy.PostChat, answers{word("deny")}, deny("policy_not_allowed")},
		{"word of no stage", policy.PostChat, answers{word("permit")}, deny("policy_shape")},
		{"word in capitals", policy.PostChat, answers{word("Allow")}, deny("policy_shape")},
		{"word true", policy.PostChat, answers{word(true)}, deny("policy_shape")},
		{"word approval", policy.PreTool, answers{word("require_approval")}, policy.Decision{
			Action: policy.RequireApproval, Reason: "approval_required", Approvals: []string{"approval_required"}, Layer: policy.LayerRego,
		}},
		{"word approval where there is none", policy.PostChat, answers{word("require_approval")}, deny("policy_shape")},
		{"word that needs more", policy.PreChat, answers{word("force_model")}, deny("policy_shape")},
		{"object deny", policy.PostChat, answers{word(object{"decision": "deny", "reason": "no", "mask": []any{}, "model": ""})}, deny("no")},
		{"object deny with a mask", policy.PostChat, answers{word(object{"decision": "deny", "reason": "no", "mask": []any{"EMAIL"}})}, deny("no")},
		{"object approval", policy.PreTool, answers{word(object{"decision": "require_approval", "reason": "ask"})}, policy.Decision{
			Action: policy.RequireApproval, Reason: "ask", Approvals: []string{"ask"}, Layer: policy.LayerRego,
		}},
		{"object model", policy.PreChat, answers{word(object{"decision": "force_model", "model": "m", "reason": "free"})}, policy.Decision{
			Action: policy.ForceModel, Reason: "free", ForceModel: "m", Layer: policy.LayerRego,
		}},
		{"object model without one", policy.PreChat, answers{word(object{"decision": "force_model"})}, deny("policy_shape")},
		{"object redaction", policy.PostChat, answers{word(object{"decision": "redact_response", "mask": []any{"EMAIL"}})}, policy.Decision{
			Action: policy.RedactResponse, Redact: []policy.Selector{email}, Layer: policy.LayerRego,
		}},
		{"object redaction, mask is a set", policy.PostChat, answers{word(object{"decision": "redact_response", "mask": policy.Set{"EMAIL"}})}, policy.Decision{
			Action: policy.RedactResponse, Redact: []policy.Selector{email}, Layer: policy.LayerRego,
		}},
		{"object redaction of nothing", policy.PostChat, answers{word(object{"decision": "redact_response"})}, deny("policy_shape")},
		{"object redaction of another stage", policy.PostChat, answers{word(object{"decision": "redact_args", "mask": []any{"EMAIL"}})}, deny("policy_shape")},
		{"object allow with a mask is not ignored", policy.PostChat, answers{word(object{"decision": "allow", "mask": []any{"EMAIL"}})}, deny("policy_shape")},
		{"object mask is a string", policy.PostChat, answers{word(object{"decision": "redact_response", "mask": "EMAIL"})}, deny("policy_shape")},
		{"object mask is null", policy.PostChat, answers{word(object{"decision": "allow", "mask": nil})}, deny("policy_shape")},
		{"object tools", policy.PreChat, answers{word(object{"decision": "hide_tools", "tools": []any{"shell.*"}})}, policy.Decision{
			Action: policy.HideTools, HideTools: []string{"shell.*"}, Layer: policy.LayerRego,
		}},
		{"object without a decision", policy.PostChat, answers{word(object{"reason": "x"})}, deny("policy_shape")},
		{"object with an unknown key", policy.PostChat, answers{word(object{"decision": "allow", "obligations": []any{}})}, deny("policy_shape")},
		{"object with a reason of a wrong type", policy.PostChat, answers{word(object{"decision": "allow", "reason": true})}, deny("policy_shape")},

		{"verdict true", policy.PreTool, answers{verdict(true)}, ok},
		{"verdict allow", policy.PreTool, answers{verdict(object{"decision": "allow", "reason": "fine"})}, ok},
		{"verdict deny without a reason", policy.PreTool, answers{verdict(object{"decision": "deny"})}, deny("policy_not_allowed")},
		{"verdict word", policy.PreTool, answers{verdict("allow")}, deny("policy_shape")},
		{"verdict of another word", policy.PreTool, answers{verdict(object{"decision": "require_approval"})}, deny("policy_shape")},
		{"verdict with more", policy.PreTool, answers{verdict(object{"decision": "allow", "model": "m"})}, deny("policy_shape")},
		{"verdict with a null reason", policy.PreTool, answers{verdict(object{"decision": "allow", "reason": nil})}, deny("policy_shape")},
		{"verdict empty", policy.PreTool, answers{verdict(object{})}, deny("policy_shape")},
		{"verdict number", policy.PreTool, answers{verdict(json.Number("1"))}, deny("policy_shape")},

		{"nothing covers pre_chat", policy.PreChat, answers{set(policy.Deny)}, policy.Decision{
			Action: policy.Deny, Reason: "policy_stage_uncovered", NoAnswer: true, Layer: policy.LayerDefault,
		}},
		{"nothing covers session", policy.Session, nil, policy.Decision{
			Action: policy.Deny, Reason: "policy_stage_uncovered", NoAnswer: true, Layer: policy.LayerDefault,
		}},
		{"nothing covers post_chat", policy.PostChat, nil, policy.Decision{Action: policy.Allow, Layer: policy.LayerDefault}},
		{"nothing covers post_tool but deny", policy.PostTool, answers{set(policy.Deny, "no")}, deny("no")},
		{"nothing covers post_chat but a redaction", policy.PostChat, answers{set(policy.RedactResponse, "EMAIL")}, policy.Decision{
			Action: policy.RedactResponse, Redact: []policy.Selector{email}, Layer: policy.LayerRego,
		}},
		{"an unknown stage", "pre_flight", nil, policy.Decision{
			Action: policy.Deny, Reason: "policy_stage_uncovered", NoAnswer: true, Layer: policy.LayerDefault,
		}},
		{"deny at a session", policy.Session, answers{verdict(true), set(policy.Deny, "no")}, deny("no")},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := policy.Combine(c.stage, c.answers, false)
			if got.Action == policy.Deny && got.Reason == "" {
				t.Error("a deny without a reason")
			}
			got.Detail = "" // for people
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestCombineDefaultAllow(t *testing.T) {
	got := policy.Combine(policy.PreChat, nil, true)
	if got.Action != policy.Allow || got.Layer != policy.LayerDefault {
		t.Errorf("default_decision allow: got %+v", got)
	}
	got = policy.Combine(policy.PreChat, []policy.Answer{set(policy.Deny, "no")}, true)
	if got.Action != policy.Deny || got.Reason != "no" || got.NoAnswer {
		t.Errorf("a deny beats the default: got %+v", got)
	}
	got = policy.Combine(policy.PreChat, []policy.Answer{undefined(allow(nil))}, true)
	if got.Action != policy.Deny || got.Reason != policy.ReasonUndefined {
		t.Errorf("the default is for uncovered stages only: got %+v", got)
	}
}

func TestFailed(t *testing.T) {
	for reason, noAnswer := range map[string]bool{
		policy.ReasonUndefined: true, policy.ReasonError: true, policy.ReasonConflict: true,
		policy.ReasonShape: false, policy.ReasonTimeout: false, policy.ReasonInput: false,
	} {
		d := policy.Failed(reason, "detail")
		if d.Action != policy.Deny || d.Reason != reason || d.NoAnswer != noAnswer {
			t.Errorf("%s: got %+v, want NoAnswer %v", reason, d, noAnswer)
		}
	}
}

func TestParseSelector(t *testing.T) {
	long := make([]byte, policy.MaxSelector+1)
	for i := range long {
		long[i] = 'x'
	}
	for _, c := range []struct {
		name string
		in   any
		want policy.Selector
		ok   bool
	}{
		{"entity", "EMAIL", policy.Selector{Spec: "EMAIL"}, true},
		{"everything", "*", policy.Selector{Spec: "*"}, true},
		{"expression", "re:a+", policy.Selector{Spec: "re:a+"}, true},
		{"literal", "lit: x ", policy.Selector{Spec: "lit: x "}, true},
		{"empty", "", policy.Selector{}, false},
		{"empty expression", "re:", policy.Selector{}, false},
		{"empty literal", "lit:", policy.Selector{}, false},
		{"too long", string(long), policy.Selector{}, false},
		{"object entity", object{"entity": "PII"}, policy.Selector{Spec: "PII"}, true},
		{"object regex", object{"regex": "a+"}, policy.Selector{Spec: "re:a+"}, true},
		{"object literal that looks like a regex", object{"literal": "re:x"}, policy.Selector{Spec: "lit:re:x"}, true},
		{"object entity that looks like a literal", object{"entity": "lit:x"}, policy.Selector{}, false},
		{
			"all parts",
			object{"entity": "CREDIT_CARD", "as": "mask", "keep_last": json.Number("4"), "in": "messages[*].text"},
			policy.Selector{Spec: "CREDIT_CARD", As: "mask", KeepLast: 4, In: "messages[*].text"},
			true,
		},
		{"two kinds", object{"entity": "EMAIL", "literal": "x"}, policy.Selector{}, false},
		{"no kind", object{"as": "mask"}, policy.Selector{}, false},
		{"empty kind", object{"literal": ""}, policy.Selector{}, false},
		{"unknown key", object{"entity": "EMAIL", "keep_first": json.Number("4")}, policy.Selector{}, false},
		{"unknown operator", object{"entity": "EMAIL", "as": "Mask"}, policy.Selector{}, false},
		{"negative", object{"entity": "EMAIL", "keep_last": json.Number("-1")}, policy.Selector{}, false},
		{"fraction", object{"entity": "EMAIL", "keep_last": json.Number("1.5")}, policy.Selector{}, false},
		{"number in a string", object{"entity": "EMAIL", "keep_last": "4"}, policy.Selector{}, false},
		{"empty path", object{"entity": "EMAIL", "in": ""}, policy.Selector{}, false},
		{"number", json.Number("1"), policy.Selector{}, false},
		{"nothing", nil, policy.Selector{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := policy.ParseSelector(c.in)
			if ok != c.ok || ok && got != c.want {
				t.Errorf("got %+v %v, want %+v %v", got, ok, c.want, c.ok)
			}
		})
	}
}

func TestFieldsString(t *testing.T) {
	for f, want := range map[policy.Fields]string{
		0: "none",
		policy.FieldMessages | policy.FieldHeaders: "messages,request.headers",
		policy.FieldFindings:                       "findings",
	} {
		if got := f.String(); got != want {
			t.Errorf("%d: got %q, want %q", f, got, want)
		}
	}
	if !policy.FieldsAll.Has(policy.FieldHeaders) || policy.FieldsAll.Has(policy.FieldHeaders<<1) {
		t.Error("FieldsAll is every field and no more")
	}
}

// What each stage may answer is public contract.
func TestStageActions(t *testing.T) {
	want := map[policy.Stage][]policy.Action{
		"pre_chat":  {"allow", "deny", "require_approval", "force_model", "redact_messages", "hide_tools"},
		"pre_tool":  {"allow", "deny", "require_approval", "redact_args"},
		"post_chat": {"allow", "deny", "redact_response"},
		"post_tool": {"allow", "deny", "redact_result"},
		"session":   {"allow", "deny"},
	}
	for _, s := range policy.Stages() {
		if diff := cmp.Diff(want[s], s.Actions()); diff != "" {
			t.Errorf("%s: -want +got:\n%s", s, diff)
		}
	}
	if len(want) != len(policy.Stages()) {
		t.Errorf("got %d stages, want %d", len(policy.Stages()), len(want))
	}
	if policy.PreTool.Redaction() != policy.RedactArgs || policy.Session.Redaction() != "" {
		t.Error("wrong redaction of a stage")
	}
}
