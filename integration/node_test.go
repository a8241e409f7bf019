package integration_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestNodeClient plays the stories with the npm package openai, by
// node/clients.mjs.
func TestNodeClient(t *testing.T) {
	t.Parallel()
	_, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(filepath.Join("node", "node_modules", "openai", "package.json"))
	}
	if err != nil {
		missing := "the client for Node is missing (Node 22 or newer, then: cd integration/node && npm ci): " + err.Error()
		if os.Getenv("CI") == "true" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	u := newUpstream(t)
	g := startStories(t, u)
	all := stories()
	want, got := map[string]*story{}, map[string]bool{}
	for i := range all {
		want[all[i].name] = &all[i]
	}
	for p := range playNode(t, g, all) {
		s := want[p.Name]
		if s == nil || got[p.Name] {
			t.Fatalf("%q was not asked for, or comes twice", p.Name)
		}
		got[p.Name] = true
		t.Run(p.Name, func(t *testing.T) { s.check(t, g, u, nodeClass(s.want), p) })
	}
	if len(got) != len(all) {
		t.Errorf("%d of %d stories were played", len(got), len(all))
	}
	checkAll(t, g, all)
}

// TestNodePackagesNameNoHost: where packages come from is the machine's affair,
// so that a mirror serves as well as the registry.
func TestNodePackagesNameNoHost(t *testing.T) {
	for _, name := range []string{"package.json", "package-lock.json", ".npmrc"} {
		text, err := os.ReadFile(filepath.Join("node", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"://", `"resolved"`, "registry="} {
			if bytes.Contains(text, []byte(bad)) {
				t.Errorf("%s holds %s", name, bad)
			}
		}
	}
}

// nodeClass is the name of the error that the client for Node throws.
func nodeClass(want seen) string {
	switch {
	case want.Status == 0 && want.Code != "":
		return "APIError" // inside a stream
	case want.Status >= 500:
		return "InternalServerError"
	}
	return map[int]string{
		401: "AuthenticationError", 403: "PermissionDeniedError", 404: "NotFoundError", 422: "UnprocessableEntityError",
	}[want.Status]
}

// playNode runs node/clients.mjs: the stories go in as lines of JSON, what the
// client makes of them comes out as lines of JSON, in any order.
func playNode(t *testing.T, g *gate, all []story) func(yield func(played) bool) {
	t.Helper()
	var in bytes.Buffer
	enc := json.NewEncoder(&in)
	for i := range all {
		s := &all[i]
		body := any(s.params())
		if s.api == "unheard" {
			body = map[string]any{"model": s.model, "input": s.prompt}
		}
		err := enc.Encode(map[string]any{
			"name": s.name, "base_url": "http://" + g.addrs["@"+s.site+"@"] + "/v1", "key": s.key,
			"api": s.api, "stream": s.stream, "body": body,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "clients.mjs")
	cmd.Dir = "node"
	cmd.Stdin = &in
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, &stderr)
	}
	return func(yield func(played) bool) {
		lines := bufio.NewScanner(bytes.NewReader(out))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var p played
			if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
				t.Fatalf("%v: %s", err, lines.Bytes())
			}
			if !yield(p) {
				return
			}
		}
	}
}
