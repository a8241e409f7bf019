package allowlist_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/allowlist"
)

const policySum = "5e1f"

// fixed is a policy that always decides the same.
type fixed struct{ policy.Decision }

func (f *fixed) Current() policy.Policy { return f }
func (f *fixed) SHA256() string         { return policySum }
func (f *fixed) Needs(s policy.Stage) policy.Fields {
	if s == policy.PreTool {
		return policy.FieldArgs
	}
	return policy.FieldMessages
}

func (f *fixed) Decide(context.Context, *policy.Input) policy.Decision {
	d := f.Decision
	d.SHA256 = policySum
	return d
}

// engine puts a list behind a decision; log takes what is logged.
func engine(t testing.TB, first policy.Engine, list string, through bool, log *bytes.Buffer) *allowlist.Engine {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy_rules.json")
	write(t, path, list)
	c := allowlist.Config{Policy: first, Path: path, Fallthrough: through}
	if log != nil {
		c.Logger = slog.New(slog.NewTextHandler(log, nil))
	}
	e, err := allowlist.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func decide(e policy.Engine, in *policy.Input) policy.Decision {
	d := e.Current().Decide(context.Background(), in)
	d.SHA256, d.Eval = "", 0
	return d
}

const (
	yesList = `{"tool_rules":{"allowed_tools":["wire"]}}`
	noList  = `{"tool_rules":{"blocked_tools":["wire"]}}`
)

func TestRestrictsFurther(t *testing.T) {
	in := call("orga::a", "wire", "", "")
	byList := policy.Decision{Action: policy.Deny, Reason: allowlist.ReasonBlocked, Layer: policy.LayerAllowlist}
	byRego := policy.Decision{Action: policy.Deny, Reason: "no", Layer: policy.LayerRego}
	plain := policy.Decision{Action: policy.Allow, Layer: policy.LayerRego}
	byDefault := policy.Decision{Action: policy.Allow, Layer: policy.LayerDefault}
	email := policy.Selector{Spec: "EMAIL"}
	redact := policy.Decision{Action: policy.RedactArgs, Redact: []policy.Selector{email}, Layer: policy.LayerRego}
	approve := policy.Decision{Action: policy.RequireApproval, Reason: "r", Approvals: []string{"r"}, Layer: policy.LayerRego}
	undefined := policy.Failed(policy.ReasonUndefined, "somewhere")
	for _, c := range []struct {
		name  string
		first policy.Decision
		list  string
		want  policy.Decision
	}{
		{"both allow", plain, yesList, plain},
		{"the list denies", plain, noList, byList},
		{"the policy denies", byRego, yesList, byRego},
		{"both deny: the first tells", byRego, noList, byRego},
		{"the default allows, the list denies", byDefault, noList, byList},
		{"the default allows, the list too", byDefault, yesList, byDefault},
		{"a restriction stays", redact, yesList, redact},
		{"a deny leaves nothing to redact", redact, noList, byList},
		{"an approval stays", approve, yesList, approve},
		{"an approval does not help against the list", approve, noList, byList},
		{"no answer stays a deny", undefined, yesList, undefined},
	} {
		t.Run(c.name, func(t *testing.T) {
			first := fixed{c.first}
			if diff := cmp.Diff(c.want, decide(engine(t, &first, c.list, false, nil), in)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if c.first.NoAnswer {
				return
			}
			if diff := cmp.Diff(c.want, decide(engine(t, &first, c.list, true, nil), in)); diff != "" {
				t.Errorf("with fall-through: -want +got:\n%s", diff)
			}
		})
	}
}

// Every kind of no answer falls through, and no other failure does.
func TestFallthrough(t *testing.T) {
	in := call("orga::a", "wire", "", "")
	in.Request.ID = "the-request"
	uncovered := policy.Combine(policy.PreTool, nil, false)
	for _, c := range []struct {
		first policy.Decision
		falls bool
	}{
		{uncovered, true},
		{policy.Failed(policy.ReasonUndefined, "the-detail"), true},
		{policy.Failed(policy.ReasonError, "the-detail"), true},
		{policy.Failed(policy.ReasonConflict, "the-detail"), true},
		{policy.Failed(policy.ReasonShape, ""), false},
		{policy.Failed(policy.ReasonTimeout, ""), false},
		{policy.Failed(policy.ReasonInput, ""), false},
		{policy.Decision{Action: policy.Deny, Reason: policy.ReasonConflict, Layer: policy.LayerRego}, false}, // two models
	} {
		for list, want := range map[string]policy.Decision{
			yesList: {Action: policy.Allow, Layer: policy.LayerAllowlist},
			noList:  {Action: policy.Deny, Reason: allowlist.ReasonBlocked, Layer: policy.LayerAllowlist},
		} {
			if !c.falls {
				want = c.first
			}
			first := fixed{c.first}
			var log bytes.Buffer
			e := engine(t, &first, list, true, &log)
			log.Reset()
			for range 2 { // every time
				if diff := cmp.Diff(want, decide(e, in)); diff != "" {
					t.Errorf("%s, %s: -want +got:\n%s", c.first.Reason, list, diff)
				}
			}
			warned := strings.Count(log.String(), "level=WARN msg=\"the policy gave no answer, the allowlist decides\" stage=pre_tool decision="+string(want.Action)+" reason="+c.first.Reason+" ")
			if c.falls && (warned != 2 || strings.Count(log.String(), "request_id=the-request") != 2) || !c.falls && log.Len() > 0 {
				t.Errorf("%s: logged %q", c.first.Reason, log.String())
			}
		}
	}
}

// An allow by the list keeps what the policy restricted all the same.
func TestFallthroughKeepsRestrictions(t *testing.T) {
	email := []policy.Selector{{Spec: "EMAIL"}}
	for _, c := range []struct {
		name  string
		stage policy.Stage
		kept  policy.Decision
		want  policy.Action
		why   string
	}{
		{"approvals", policy.PreChat, policy.Decision{Approvals: []string{"a", "b"}, ForceModel: "m", Redact: email}, policy.RequireApproval, "a; b"},
		{"a model", policy.PreChat, policy.Decision{ForceModel: "m", Redact: email, HideTools: []string{"x"}}, policy.ForceModel, ""},
		{"a redaction of messages", policy.PreChat, policy.Decision{Redact: email, HideTools: []string{"x"}}, policy.RedactMessages, ""},
		{"a redaction of arguments", policy.PreTool, policy.Decision{Redact: email}, policy.RedactArgs, ""},
		{"a redaction of a reply", policy.PostChat, policy.Decision{Redact: email}, policy.RedactResponse, ""},
		{"a redaction of a result", policy.PostTool, policy.Decision{Redact: email}, policy.RedactResult, ""},
		{"hidden tools", policy.PreChat, policy.Decision{HideTools: []string{"x"}}, policy.HideTools, ""},
		{"nothing", policy.Session, policy.Decision{}, policy.Allow, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			first := fixed{c.kept}
			first.Action, first.Reason, first.NoAnswer, first.Detail, first.Layer = policy.Deny, policy.ReasonUndefined, true, "d", policy.LayerRego
			want := c.kept
			want.Action, want.Reason, want.Layer = c.want, c.why, policy.LayerAllowlist
			in := call("orga::a", "wire", "", "")
			in.Stage = c.stage
			if diff := cmp.Diff(want, decide(engine(t, &first, yesList, true, nil), in)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// The restrictions that Combine finds are those that it would have named.
func TestFallthroughNamesAsCombine(t *testing.T) {
	cover := policy.Answer{Surface: policy.Surface{Path: "data.headgate.allow", Style: policy.RuleSet, Set: policy.Allow}}
	hide := policy.Answer{Surface: policy.Surface{Path: "data.headgate.hide_tools", Style: policy.RuleSet, Set: policy.HideTools}, Value: policy.Set{"x"}, Defined: true}
	yes := cover
	yes.Value, yes.Defined = true, true
	want := policy.Combine(policy.PreChat, []policy.Answer{yes, hide}, false)
	want.Layer = policy.LayerAllowlist
	first := fixed{policy.Combine(policy.PreChat, []policy.Answer{cover, hide}, false)}
	got := decide(engine(t, &first, `{}`, true, nil), by(principal{}, policy.PreChat))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Without fall-through the layers together never allow more than the policy.
func TestNeverWeaker(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	pick := func(words ...string) string { return words[rnd.IntN(len(words))] }
	lists := []string{`{}`, yesList, noList, `{"blocked_agents":["a"]}`, `{"allowed_orgs":["orgb"],"capabilities":["r"]}`, `{"tool_rules":{"wire":{"allowed_principals":["a"]}}}`}
	denies := 0
	for _, list := range lists {
		first := new(fixed)
		e := engine(t, first, list, false, nil)
		for range 500 {
			stage := policy.Stages()[rnd.IntN(5)]
			acts := stage.Actions()
			first.Decision = policy.Decision{Action: acts[rnd.IntN(len(acts))], NoAnswer: rnd.IntN(2) == 0, Reason: "r", Layer: policy.LayerRego}
			if rnd.IntN(2) == 0 {
				first.Redact = []policy.Selector{{Spec: "EMAIL"}}
			}
			in := session(pick("initiator", "target"), pick("r", "w"))
			in.Stage, in.Principal.AgentID, in.Tool = stage, pick("a", "b", ""), pick("wire", "x", "")
			got := decide(e, in)
			allow, reason := e.List().Decide(in)
			switch {
			case first.Action == policy.Deny || allow:
				if diff := cmp.Diff(first.Decision, got); diff != "" {
					t.Fatalf("the policy's own decision changed: -want +got:\n%s", diff)
				}
			case got.Action != policy.Deny || got.Reason != reason || got.NoAnswer || got.Layer != policy.LayerAllowlist:
				t.Fatalf("the list's deny is lost: %+v", got)
			default:
				denies++
			}
		}
	}
	if denies < 100 {
		t.Errorf("the list denied only %d times: nothing was shown", denies)
	}
}

func TestEmptyLayer(t *testing.T) {
	e := engine(t, nil, noList, true, nil)
	for _, c := range []struct {
		in   *policy.Input
		want policy.Decision
	}{
		{by(principal{}, policy.PreChat), policy.Decision{Action: policy.Allow, Layer: policy.LayerAllowlist}},
		{call("a", "wire", "", ""), policy.Decision{Action: policy.Deny, Reason: allowlist.ReasonBlocked, Layer: policy.LayerAllowlist}},
		{by(principal{}, policy.PostChat), policy.Decision{Action: policy.Allow, Layer: policy.LayerDefault}},
		{by(principal{}, "other"), policy.Decision{Action: policy.Deny, Reason: allowlist.ReasonStage, Layer: policy.LayerAllowlist}},
	} {
		if diff := cmp.Diff(c.want, decide(e, c.in)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", c.in.Stage, diff)
		}
	}
	if got := e.Current().SHA256(); got != e.List().SHA256() {
		t.Errorf("sha256: got %s, want the list's", got)
	}
	if _, err := allowlist.New(allowlist.Config{Path: "testdata/policy_rules.json"}); err == nil {
		t.Error("neither a policy nor fall-through, and no error")
	}
}

func TestNeedsAndSHA256(t *testing.T) {
	p := engine(t, new(fixed), yesList, false, nil).Current()
	if p.Needs(policy.PreTool) != policy.FieldArgs || p.Needs(policy.PreChat) != policy.FieldMessages {
		t.Error("the needs are not the policy's")
	}
	list := sha256.Sum256([]byte(yesList))
	want := combined(hex.EncodeToString(list[:]), policySum)
	d := p.Decide(context.Background(), call("a", "wire", "", ""))
	if p.SHA256() != want || d.SHA256 != want {
		t.Errorf("got %s and %s, want %s", p.SHA256(), d.SHA256, want)
	}
}

// combined is the hash of two layers.
func combined(list, first string) string {
	sum := sha256.Sum256([]byte("allowlist\x00" + list + "\npolicy\x00" + first + "\n"))
	return hex.EncodeToString(sum[:])
}

func TestReload(t *testing.T) {
	var log bytes.Buffer
	first := fixed{policy.Decision{Action: policy.Allow}}
	path := filepath.Join(t.TempDir(), "policy_rules.json")
	write(t, path, yesList)
	e, err := allowlist.New(allowlist.Config{Policy: &first, Path: path, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	in := call("a", "wire", "", "")
	is := func(when string, want policy.Action) {
		t.Helper()
		if got := decide(e, in); got.Action != want {
			t.Errorf("%s: got %s, want %s", when, got.Action, want)
		}
	}
	reload := func(when string, wantChange, wantError bool) {
		t.Helper()
		if changed, err := e.Reload(); changed != wantChange || err != nil != wantError {
			t.Errorf("%s: got %v %v", when, changed, err)
		}
	}
	held := e.Current()
	reload("without a change", false, false)
	write(t, path, noList)
	reload("after a change", true, false)
	is("after a change", policy.Deny)
	if got := held.Decide(context.Background(), in); got.Action != policy.Allow {
		t.Errorf("a revision that is held changed: %+v", got)
	}

	write(t, path, `{"tool_rules":`)
	log.Reset()
	reload("after a fault", false, true)
	reload("after a fault, again", false, true)
	is("after a fault", policy.Deny)
	if n := strings.Count(log.String(), "allowlist not reloaded"); n != 1 {
		t.Errorf("the fault is told %d times: %s", n, log.String())
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	reload("without the file", false, true)
	is("without the file", policy.Deny)
	write(t, path, yesList)
	reload("repaired", true, false)
	is("repaired", policy.Allow)

	// The same length, another time.
	write(t, path, strings.Replace(yesList, "wire", "mail", 1))
	if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	reload("by its time", true, false)
	is("by its time", policy.Deny)
}

func TestNewFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy_rules.json")
	if _, err := allowlist.New(allowlist.Config{Policy: new(fixed), Path: path}); err == nil {
		t.Error("a missing file is no error")
	}
	write(t, path, `{"blocked_agents": "a"}`)
	if _, err := allowlist.New(allowlist.Config{Policy: new(fixed), Path: path}); err == nil || !strings.HasPrefix(err.Error(), path+":1:20: ") {
		t.Errorf("got %v, want the place of the fault", err)
	}
}

// Decisions run while the file changes; the race detector watches.
func TestWatch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy_rules.json")
	write(t, path, yesList)
	first := fixed{policy.Decision{Action: policy.Allow}}
	e, err := allowlist.New(allowlist.Config{Policy: &first, Path: path})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { e.Watch(ctx, 0) })
	write(t, path, noList)
	deadline := time.After(10 * time.Second)
	for decide(e, call("a", "wire", "", "")).Action != policy.Deny {
		select {
		case <-deadline:
			t.Fatal("the change was never seen")
		default:
		}
	}
	cancel()
	wg.Wait()
}
