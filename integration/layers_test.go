package integration_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/allowlist"
	"github.com/headgate/headgate/policy/rego"
)

// TestDocumentOfBothLayers replaces one document again and again while it
// decides. Either its Rego denies or its list does, never neither: a new Rego
// with the list of the document before would let the caller through.
func TestDocumentOfBothLayers(t *testing.T) {
	t.Parallel()
	document := func(i int) []byte {
		if i%2 == 0 {
			return []byte(`{"policy_rules": {"blocked_agents": ["rogue"], "rego": "package headgate\n\ndefault allow := true\n"}}`)
		}
		return fmt.Appendf(nil, `{"policy_rules": {"rego": "package headgate\n\ndefault allow := true\n\ndeny contains \"revision %d\" if input.stage == \"pre_chat\"\n"}}`, i)
	}
	path := filepath.Join(t.TempDir(), "policy_rules.json")
	d, err := allowlist.ParseDocument(path, document(0))
	if err != nil {
		t.Fatal(err)
	}
	if err := allowlist.Save(path, d); err != nil {
		t.Fatal(err)
	}
	source, err := rego.Open(t.Context(), rego.Config{Inline: true, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	engine, err := allowlist.New(allowlist.Config{Policy: source, Path: path, Fallthrough: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for ctx.Err() == nil {
				in := &policy.Input{Stage: policy.PreChat, Principal: policy.Principal{AgentID: "rogue"}}
				if d := engine.Current().Decide(context.Background(), in); d.Action != policy.Deny {
					t.Errorf("half a document decided: %+v", d)
					return
				}
			}
		})
	}
	for i := 1; i <= 200 && !t.Failed(); i++ {
		if err := engine.Replace(t.Context(), document(i)); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	readers.Wait()
	if st := engine.Status(); st.Reloads != 200 {
		t.Errorf("status %+v", st)
	}
}
