package policy_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/headgate/headgate/policy"
)

func TestDecisionJSON(t *testing.T) {
	for _, c := range []struct {
		d    policy.Decision
		want string
	}{
		{
			policy.Decision{Action: policy.Allow, Layer: "rego", SHA256: "ab", Eval: 1500 * time.Nanosecond},
			`{"decision":"allow","rule_layer":"rego","policy_sha256":"ab","eval_us":1}`,
		},
		{
			policy.Decision{Action: policy.Deny, Reason: "a < b", NoAnswer: true, Detail: "p.rego:1:1: x", Layer: "rego"},
			`{"decision":"deny","reason":"a < b","rule_layer":"rego","policy_sha256":"","no_answer":true,"detail":"p.rego:1:1: x","eval_us":0}`,
		},
		{
			policy.Decision{
				Action: policy.RequireApproval, Reason: "a; b", Approvals: []string{"a", "b"}, ForceModel: "m", HideTools: []string{"t*"},
				Redact: []policy.Selector{{Spec: "EMAIL"}, {Spec: "re:a+", As: "mask", KeepLast: 4}, {Spec: "lit:x", In: "messages[*].text"}, {Spec: "PII", As: "hash"}},
			},
			`{"decision":"require_approval","reason":"a; b","require_approval":["a","b"],"model":"m",` +
				`"mask":["EMAIL",{"regex":"a+","as":"mask","keep_last":4},{"literal":"x","in":"messages[*].text"},{"entity":"PII","as":"hash"}],` +
				`"tools":["t*"],"rule_layer":"","policy_sha256":"","eval_us":0}`,
		},
	} {
		got, err := json.Marshal(c.d)
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if json.Unmarshal(got, &a) != nil || json.Unmarshal([]byte(c.want), &b) != nil {
			t.Fatalf("no JSON: %s", got)
		}
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		if !bytes.Equal(x, y) {
			t.Errorf("got %s\nwant %s", got, c.want)
		}
	}
}

// What is written is read as the same selector.
func TestSelectorJSON(t *testing.T) {
	for _, s := range []policy.Selector{
		{Spec: "EMAIL"},
		{Spec: "re:a<b"},
		{Spec: "lit:x", As: "remove"},
		{Spec: "*", As: "mask", KeepLast: 2},
		{Spec: "re:x", In: "messages[*].text"},
	} {
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		decode(t, text, &v)
		if got, ok := policy.ParseSelector(v); !ok || got != s {
			t.Errorf("%+v is written as %s and read as %+v, %v", s, text, got, ok)
		}
	}
}

func decode(t *testing.T, text []byte, into *any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		t.Fatal(err)
	}
}
