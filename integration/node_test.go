package integration_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestNodeClient plays the stories with the npm package openai, by
// node/clients.mjs.
func TestNodeClient(t *testing.T) {
	t.Parallel()
	needNode(t, "openai")
	u := newUpstream(t)
	g := startStories(t, u)
	all := stories()
	want, got := map[string]*story{}, map[string]bool{}
	for i := range all {
		want[all[i].name] = &all[i]
	}
	for _, p := range playNode(t, g, all) {
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

// whoPays is what a package's authors say about money, the one place for an
// address.
var whoPays = regexp.MustCompile(`"funding": (?s:\{.*?\}|\[.*?\]|"[^"]*")`)

// TestNodePackagesNameNoHost: where packages come from is the machine's affair,
// so that a mirror serves as well as the registry.
func TestNodePackagesNameNoHost(t *testing.T) {
	for _, name := range []string{"package.json", "package-lock.json", ".npmrc"} {
		text, err := os.ReadFile(filepath.Join("node", name))
		if err != nil {
			t.Fatal(err)
		}
		text = whoPays.ReplaceAll(text, nil)
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
func playNode(t *testing.T, g *gate, all []story) []played {
	t.Helper()
	in := make([]any, len(all))
	for i := range all {
		s := &all[i]
		body := any(s.params())
		if s.api == "responses" {
			body = map[string]any{"model": s.model, "input": s.prompt}
		}
		in[i] = map[string]any{
			"name": s.name, "base_url": "http://" + g.addrs["@"+s.site+"@"] + "/v1", "key": s.key,
			"api": s.api, "stream": s.stream, "body": body,
		}
	}
	return runNode[played](t, "clients.mjs", in)
}
