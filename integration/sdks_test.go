package integration_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// sdkStory is one scenario that node/sdks.mjs plays with one of its clients.
type sdkStory struct {
	name   string
	client string // in sdks.mjs
	path   string // of the client's base URL
	site   string // of startStories
	model  string
	prompt string // see package sandbox for its commands
	stream bool

	want     sdkSeen
	upstream int      // how many requests reach the upstream
	audit    []string // the lines that the client's requests leave, in order
}

// sdkSeen is what a client makes of its answer: a reply, or one error.
type sdkSeen struct {
	Class    string   `json:"class"`   // of the error, by the client's own name
	Status   int      `json:"status"`  // of the error; 0 for one inside a stream
	Message  string   `json:"message"` // of the error
	Texts    []string `json:"texts"`
	Calls    []string `json:"calls"` // name and arguments
	Finish   string   `json:"finish"`
	Partial  string   `json:"partial"` // what a stream said before its error
	Requests int      `json:"-"`       // of the client, as the gate has them
}

// needNode skips the test without Node and its packages; in CI it fails.
func needNode(t *testing.T, packages ...string) {
	t.Helper()
	err := nodeVersion()
	for _, p := range packages {
		if err == nil {
			_, err = os.Stat(filepath.Join("node", "node_modules", filepath.FromSlash(p), "package.json"))
		}
	}
	if err == nil {
		return
	}
	missing := "the clients for Node are missing (Node 22 or newer, then: cd integration/node && npm ci): " + err.Error()
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	t.Skip(missing)
}

// nodeVersion is an error unless there is Node 22 or newer.
func nodeVersion() error {
	out, err := exec.Command("node", "--version").Output()
	if err != nil {
		return err
	}
	major, _, _ := strings.Cut(strings.TrimPrefix(string(out), "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < 22 {
		return fmt.Errorf("this is Node %s", strings.TrimSpace(string(out)))
	}
	return nil
}

// runNode gives a script in node lines of JSON, and hands on those that it
// prints.
func runNode[T any](t *testing.T, script string, in []any) (out []T) {
	t.Helper()
	var stdin, stderr bytes.Buffer
	enc := json.NewEncoder(&stdin)
	for _, v := range in {
		if err := enc.Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", script)
	cmd.Dir, cmd.Stdin, cmd.Stderr = "node", &stdin, &stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, &stderr)
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var v T
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatalf("%v: %s", err, lines.Bytes())
		}
		out = append(out, v)
	}
	return out
}

// playedSDK is what sdks.mjs tells of a story.
type playedSDK struct {
	Name string   `json:"name"`
	Seen sdkSeen  `json:"seen"`
	IDs  []string `json:"ids"` // the answers' Headgate-Request-Id
}

// playSDKs plays stories, each at the base URL that url gives for it.
func playSDKs(t *testing.T, all []sdkStory, url func(s *sdkStory) string) map[string]playedSDK {
	t.Helper()
	in := make([]any, len(all))
	for i := range all {
		s := &all[i]
		tools := []string{}
		for _, call := range callName.FindAllStringSubmatch(s.prompt, -1) {
			tools = append(tools, call[1])
		}
		in[i] = map[string]any{
			"name": s.name, "client": s.client, "base_url": url(s) + s.path, "key": ownKey, "stream": s.stream,
			"model": s.model, "system": secret + " " + s.name, "prompt": s.prompt, "tools": tools,
		}
	}
	got := map[string]playedSDK{}
	for _, p := range runNode[playedSDK](t, "sdks.mjs", in) {
		if _, twice := got[p.Name]; twice {
			t.Fatalf("%q comes twice", p.Name)
		}
		got[p.Name] = p
	}
	if len(got) != len(all) {
		t.Fatalf("%d of %d stories were played", len(got), len(all))
	}
	return got
}

// checkSDKs plays stories through the gate and compares what the clients saw,
// what reached the upstream and what the audit log has. In the end the log holds
// nothing but their requests, so that one that a client repeats behind its own
// back is found there.
func checkSDKs(t *testing.T, all []sdkStory) {
	t.Helper()
	u := newUpstream(t)
	g := startStories(t, u)
	got := playSDKs(t, all, func(s *sdkStory) string { return "http://" + g.addrs["@"+s.site+"@"] })
	lines := 0
	for i := range all {
		s := &all[i]
		t.Run(s.name, func(t *testing.T) {
			p := got[s.name]
			p.Seen.Requests = len(p.IDs)
			if diff := gocmp.Diff(s.want, p.Seen); diff != "" {
				t.Errorf("client (-want +got)\n%s", diff)
			}
			s.checkAudit(t, g, p.IDs)
			u.mu.Lock()
			defer u.mu.Unlock()
			if n := len(u.got[s.name]); n != s.upstream {
				t.Errorf("%d requests reached the upstream, want %d", n, s.upstream)
			}
		})
		lines += len(s.audit)
	}
	g.stop(t)
	if n := len(g.auditLines(t)); n != lines {
		t.Errorf("the audit log has %d lines, want %d", n, lines)
	}
}

// checkAudit compares the audit log with the story. Where the client has seen
// something else already, lines that are missing are not waited for.
func (s *sdkStory) checkAudit(t *testing.T, g *gate, ids []string) {
	t.Helper()
	n := len(s.audit)
	if t.Failed() {
		n = 0
	}
	if diff := gocmp.Diff(s.audit, g.trail(t, ids, n)); diff != "" {
		t.Errorf("%s: audit (-want +got)\n%s", s.name, diff)
	}
}
