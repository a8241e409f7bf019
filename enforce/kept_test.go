package enforce_test

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/headgate/headgate/binding"
	"github.com/headgate/headgate/enforce"
)

// TestFilesAndBatchesBelongToWhoMadeThem: an id that another caller made, or
// that nobody made here, opens nothing.
func TestFilesAndBatchesBelongToWhoMadeThem(t *testing.T) {
	store, err := binding.Open(filepath.Join(t.TempDir(), "ids"), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	g := gate(t, rules{}, &book{}, func(c *enforce.Config) { c.Identify, c.Bindings = byHeader{}, store })
	const started = `{"id":"batch_1","object":"batch","status":"completed","output_file_id":"file-2"}`
	newBatch := func() *http.Request {
		return post("/batches", `{"input_file_id":"file-1","endpoint":"/v1/chat/completions","completion_window":"24h"}`)
	}
	ask := func(user string, r *http.Request, upstream func(*enforce.Reply, *http.Request) error) int {
		r.Header.Set("X-User", user)
		return exchange(g, r, upstream).Code
	}
	for i, step := range []struct {
		user  string
		r     *http.Request
		reply func(*enforce.Reply, *http.Request) error
		want  int
	}{
		{"alice", newBatch(), nil, 403}, // nobody uploaded it
		{"alice", upload(t, "batch", "in.jsonl", lineA), jsonReply(200, file), 200},
		{"bob", newBatch(), nil, 403},
		{"bob", get("/files/file-1/content"), nil, 403},
		{"alice", newBatch(), jsonReply(200, `{"id":"batch_1","object":"batch"}`), 200},
		{"bob", get("/batches/batch_1"), nil, 403},
		{"alice", get("/files/file-2/content"), nil, 403}, // not told yet
		{"alice", get("/batches/batch_1"), jsonReply(200, started), 200},
		{"alice", get("/files/file-2/content"), textReply(resultA), 200},
		{"bob", get("/files/file-2/content"), nil, 403},
	} {
		if got := ask(step.user, step.r, step.reply); got != step.want {
			t.Errorf("step %d, %s %s of %s: %d, want %d", i, step.r.Method, step.r.URL.Path, step.user, got, step.want)
		}
	}
	const stored = `{"custom_id":"1","method":"POST","url":"/v1/responses","body":{"model":"m","input":"hi","previous_response_id":"resp_9"}}`
	g = gate(t, rules{}, &book{}, func(c *enforce.Config) {
		c.Identify, c.Bindings, c.AllowUnscanned = byHeader{}, store, map[string]bool{"previous_response_id": true}
	})
	if got := ask("alice", upload(t, "batch", "in.jsonl", stored), nil); got != 403 {
		t.Errorf("a line that goes on from another's response: %d", got)
	}
}
