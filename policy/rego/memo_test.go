package rego

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/headgate/headgate/policy"
)

// Cached and uncached answers are equal, for random policies and inputs.
func TestRememberedDecisionsAreTheSame(t *testing.T) {
	policies, inputs := 300, 12
	if testing.Short() {
		policies = 40
	}
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 2))
	remembered := 0
	for policies > 0 {
		text := (&grammar{Rand: rnd}).policy()
		p, err := tryLoad(t, text)
		if err != nil {
			continue
		}
		policies--
		for _, s := range policy.Stages() {
			// Twice over the same inputs, so that each is asked when it is new
			// and when it is known; a few inputs, so that they fill one memo.
			ins := make([]*policy.Input, inputs)
			for i := range ins {
				ins[i] = randomInput(rnd, s)
			}
			for range 2 {
				for _, in := range ins {
					want, _ := p.decide(context.Background(), p.queries[s], in, partsAll)
					got := p.Decide(context.Background(), in)
					if got.Remembered {
						remembered++
					}
					if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(policy.Decision{}, "Eval", "Remembered")); diff != "" {
						t.Fatalf("seed %d: remembered %v, but\n%s\nof\n%s\n%+v", seed, got.Remembered, diff, text, in)
					}
				}
			}
		}
	}
	if remembered < inputs {
		t.Errorf("%d decisions were remembered, nothing is tested", remembered)
	}
}

// Whatever changes the document changes the key: every field of the input, one
// at a time.
func TestEveryFieldIsInTheKey(t *testing.T) {
	for _, s := range policy.Stages() {
		base := richInput(s)
		was, ok := keyOf(base, partsAll)
		if !ok {
			t.Fatal("no key")
		}
		doc := documentOf(t, base)
		var changed []string
		fields(reflect.ValueOf(base).Elem(), "", func(name string, v reflect.Value) {
			old := reflect.New(v.Type()).Elem()
			old.Set(v)
			defer v.Set(old)
			if !alter(v) {
				t.Fatalf("%s: %s cannot be altered; teach alter its type %s", s, name, v.Type())
			}
			if documentOf(t, base) == doc {
				return
			}
			changed = append(changed, name)
			if now, _ := keyOf(base, partsAll); now == was {
				t.Errorf("%s: the document depends on %s, the key does not", s, name)
			}
		})
		if len(changed) < 10 {
			t.Errorf("%s: only %s change the document", s, changed)
		}
	}
}

func keyOf(in *policy.Input, want parts) (string, bool) {
	k := &key{}
	ok := k.set(in, want)
	return string(k.text), ok
}

func documentOf(t *testing.T, in *policy.Input) string {
	t.Helper()
	doc, err := newDocument(in, partsAll, DefaultMaxInput)
	if err != nil {
		t.Fatal(err)
	}
	return doc.String()
}

// richInput has something in every field.
func richInput(s policy.Stage) *policy.Input {
	return &policy.Input{
		Stage: s,
		Principal: policy.Principal{
			TenantID: "acme", UserID: "alice", Roles: []string{"a", "b"}, AgentID: "coder", Auth: "api_key",
			Claims: map[string]any{"team": "x", "n": json.Number("1"), "nested": map[string]any{"a": []any{true}}},
		},
		Request: policy.Request{
			ID: "id", Protocol: "openai.chat", Endpoint: "/v1", Host: "h", RemoteIP: "::1", Stream: true,
			Time: time.Unix(1, 0), Headers: map[string]string{"x": "y"},
		},
		Server: "srv", Model: "gpt", Tools: []string{"t"}, Tool: "shell",
		MessagesHash: "m", ArgsHash: "a", ResponseHash: "r", ResultHash: "s",
		Messages: json.RawMessage(`[1]`), Args: json.RawMessage(`{"a":1}`), Response: json.RawMessage(`{}`), Result: json.RawMessage(`"x"`),
		Findings:  []policy.Finding{{Type: "EMAIL", Count: 1, At: "x"}},
		Unscanned: []string{"image"},
		Session: policy.SessionRequest{
			InitiatorAgentID: "a::b", TargetAgentID: "c::d", InitiatorOrgID: "a", TargetOrgID: "c",
			Context: "initiator", Capabilities: []string{"read"},
		},
	}
}

// fields visits the fields of a struct that hold values.
func fields(v reflect.Value, at string, f func(name string, v reflect.Value)) {
	for i := range v.NumField() {
		name := at + v.Type().Field(i).Name
		field := v.Field(i)
		if field.Kind() == reflect.Struct && field.Type() != reflect.TypeFor[time.Time]() {
			fields(field, name+".", f)
			continue
		}
		f(name, field)
	}
}

// alter gives a field another value that a document can have.
func alter(v reflect.Value) bool {
	switch x := v.Interface().(type) {
	case string:
		v.SetString(x + "2")
	case policy.Stage:
		return true // the key belongs to a stage
	case bool:
		v.SetBool(!x)
	case time.Time:
		v.Set(reflect.ValueOf(x.Add(time.Nanosecond)))
	case []string:
		v.Set(reflect.ValueOf(append([]string{strings.Join(x, "")}, x...)))
	case json.RawMessage:
		v.Set(reflect.ValueOf(json.RawMessage(`[` + string(x) + `]`)))
	case map[string]any:
		v.Set(reflect.ValueOf(map[string]any{"team": "y"}))
	case map[string]string:
		v.Set(reflect.ValueOf(map[string]string{"x": "z"}))
	case []policy.Finding:
		v.Set(reflect.ValueOf([]policy.Finding{{Type: "EMAIL", Count: 2, At: "x"}}))
	default:
		return false
	}
	return true
}

// Neighbouring fields do not run into each other.
func TestKeysAreUnambiguous(t *testing.T) {
	seen := map[string]string{}
	for name, in := range map[string]*policy.Input{
		"ab c":           {Stage: policy.PreChat, Model: "ab", Tools: []string{"c"}},
		"a bc":           {Stage: policy.PreChat, Model: "a", Tools: []string{"bc"}},
		"two tools":      {Stage: policy.PreChat, Tools: []string{"b", "c"}},
		"one tool":       {Stage: policy.PreChat, Tools: []string{"b\x01c"}},
		"no messages":    {Stage: policy.PreChat},
		"empty messages": {Stage: policy.PreChat, Messages: json.RawMessage{}},
		"tenant":         {Stage: policy.PreChat, Principal: policy.Principal{TenantID: "x"}},
		"user":           {Stage: policy.PreChat, Principal: policy.Principal{UserID: "x"}},
		"long":           {Stage: policy.PreChat, Model: strings.Repeat("x", 1000)},
		"longer":         {Stage: policy.PreChat, Model: strings.Repeat("x", 1001)},
	} {
		k, ok := keyOf(in, partsAll)
		if !ok {
			t.Errorf("%s: no key", name)
		}
		if len(k) > maxKey {
			t.Errorf("%s: a key of %d bytes", name, len(k))
		}
		if other := seen[k]; other != "" {
			t.Errorf("%s has the key of %s", name, other)
		}
		seen[k] = name
	}
}

func TestMemoIsBounded(t *testing.T) {
	m := newMemo()
	k := &key{}
	for i := range 100_000 {
		k.set(&policy.Input{Stage: policy.PreChat, Model: strings.Repeat("m", 1+i%200) + string(rune('a'+i%7)) + time.Duration(i).String()}, partModel)
		m.put(k, policy.Decision{Action: policy.Allow})
	}
	n := 0
	for i := range m.shards {
		n += len(m.shards[i].young) + len(m.shards[i].old)
	}
	if n == 0 || n > memoShards*2*memoEntries {
		t.Errorf("%d decisions are remembered", n)
	}
	k.set(&policy.Input{Stage: policy.PreChat, Model: "large"}, partModel)
	m.put(k, policy.Decision{Action: policy.Deny, Reason: strings.Repeat("x", maxTexts+1)})
	if m.get(k) != nil {
		t.Error("a decision of any size is remembered")
	}
}

// What depends on more than the input is never remembered, nor is what did not
// come to its end.
func TestWhatIsNotRemembered(t *testing.T) {
	for name, c := range map[string]struct {
		rule string
		want bool
	}{
		"nothing read":           {`true`, true},
		"a tool":                 {`input.tool == "x"`, true},
		"messages":               {`input.messages[_].text == "x"`, true},
		"the clock":              {`time.now_ns() > 0`, false},
		"the clock in a helper":  {`late`, false},
		"a random number":        {`rand.intn("x", 2) == 1`, false},
		"a token's time":         {`io.jwt.decode_verify("x", {})[0]`, false},
		"an id":                  {`input.request.id == "x"`, false},
		"the request's time":     {`input.request.time == "x"`, false},
		"the whole request":      {`count(input.request) == 0`, false},
		"the protocol":           {`input.request.protocol == "x"`, true},
		"the whole input":        {`count(input) == 0`, false},
		"the clock at elsewhere": {"input.stage == \"pre_tool\"\n\ttime.now_ns() > 0", true},
		"a mock of the clock":    {`true with time.now_ns as 1`, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := load(t, "package headgate\n\ndefault allow := true\n\nlate if time.now_ns() > 0\n\ndeny contains \"x\" if {\n\t"+c.rule+"\n}\n")
			in := &policy.Input{Stage: policy.PreChat, Messages: json.RawMessage(`[]`)}
			p.Decide(context.Background(), in)
			again := p.Decide(context.Background(), in)
			if p.Remembers(policy.PreChat) != c.want || again.Remembered != c.want {
				t.Errorf("remembers %v, remembered %v, want %v", p.Remembers(policy.PreChat), again.Remembered, c.want)
			}
		})
	}
	p := load(t, "package headgate\n\ndefault allow := true\n\ndeny contains \"x\" if to_number(input.model) == 1\n")
	in := &policy.Input{Stage: policy.PreChat, Model: "no number"}
	for range 2 {
		if d := p.Decide(context.Background(), in); d.Reason != policy.ReasonError || d.Remembered {
			t.Errorf("a failure: %+v", d)
		}
	}
}
