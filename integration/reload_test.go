package integration_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/openai/openai-go/v3"
)

// TestReloadsUnderLoad swaps the policy's folder again and again, while clients
// ask: no request fails, and each is decided by one whole revision.
func TestReloadsUnderLoad(t *testing.T) {
	t.Parallel()
	g := start(t, map[string]string{
		"v0/one.rego": revision("one", 0),
		"v0/two.rego": revision("two", 0),
		"Caddyfile": caddyfile("\tadmin @admin@\n\theadgate {\n\t\tpolicy v0 {\n\t\t\ttimeout 30s\n\t\t}\n\t\taudit audit.jsonl\n\t}\n",
			sandboxSite),
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var asked atomic.Int64
	var clients sync.WaitGroup
	for range 4 {
		s := story{name: "reload", model: "gpt-4o", prompt: "hello"}
		client := newClient(g, "plain", ownKey, nil)
		clients.Go(func() {
			for ctx.Err() == nil && !t.Failed() {
				_, err := client.Chat.Completions.New(t.Context(), s.params())
				var denied *openai.Error
				if !errors.As(err, &denied) {
					t.Errorf("a request was not denied: %v", err)
					return
				}
				var a, b int
				if n, _ := fmt.Sscanf(denied.Message, "one %d; two %d", &a, &b); n != 2 || a != b {
					t.Errorf("decided by half a policy: %d %s", denied.StatusCode, denied.Message)
					return
				}
				asked.Add(1)
			}
		})
	}
	const reloads = 200
	for i := 1; i <= reloads && !t.Failed(); i++ {
		next := filepath.Join(g.dir, "next")
		g.write(t, "next/one.rego", revision("one", i))
		g.write(t, "next/two.rego", revision("two", i))
		// Both files change at once only where the folder does.
		old := filepath.Join(g.dir, "old")
		if err := swap(filepath.Join(g.dir, "v0"), next, old); err != nil {
			t.Fatal(err)
		}
		if status, body := call(t, http.MethodPost, "http://"+g.addrs["@admin@"]+"/headgate/policy/reload", ""); status != http.StatusOK {
			t.Fatalf("reload %d: %d %s", i, status, body)
		}
	}
	until(t, "enough requests were asked", func() bool { return asked.Load() >= reloads || t.Failed() })
	cancel()
	clients.Wait()
}

func revision(name string, i int) string {
	text := fmt.Sprintf("package headgate\n\ndeny contains \"%s %d\" if input.stage == \"pre_chat\"\n", name, i)
	if name == "one" {
		text += "\ndefault allow := true\n"
	}
	return text
}

// swap puts next in the place of now, which goes to old. In between there is
// nothing, which a reload refuses.
func swap(now, next, old string) error {
	if err := os.RemoveAll(old); err != nil {
		return err
	}
	if err := os.Rename(now, old); err != nil {
		return err
	}
	return os.Rename(next, now)
}
