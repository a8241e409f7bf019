package caddymodule

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"
)

// FuzzUnmarshalCaddyfile: no block makes the parser panic; an error has a file
// and a line; a block that is accepted is valid and survives JSON.
func FuzzUnmarshalCaddyfile(f *testing.F) {
	for _, g := range goldens(f) {
		if _, rest, found := strings.Cut(g.input, "headgate {\n"); found {
			body, _, _ := strings.Cut(rest, "\n\t}\n")
			f.Add(body)
		}
	}
	f.Add("principals {\n\tanonymous \"\"\n}")
	f.Add("policy <<END\n\ta\n\tb\n\tEND {\n\ttimeout 1d\n}")
	f.Add("policy a {\n\tpackage b\n")
	f.Add("mode enforce }\n}\n{")
	f.Fuzz(func(t *testing.T, body string) {
		if strings.Count(body, "re:") > 4 || len(body) > 4096 {
			return // compiling expressions is the redaction engine's fuzz target
		}
		tokens, err := caddyfile.Tokenize([]byte("headgate {\n"+body+"\n}\n"), "Caddyfile")
		if err != nil {
			return
		}
		h := new(Handler)
		if err := h.UnmarshalCaddyfile(caddyfile.NewDispenser(tokens)); err != nil {
			if !strings.Contains(err.Error(), "at Caddyfile:") {
				t.Fatalf("the error has no file and line: %v", err)
			}
			return
		}
		if err := h.validate(); err != nil {
			t.Fatalf("accepted, but not valid: %v", err)
		}
		text, err := json.Marshal(h.Config)
		if err != nil {
			t.Fatal(err)
		}
		var again Config
		if err := caddy.StrictUnmarshalJSON(text, &again); err != nil {
			t.Fatal(err)
		}
		textAgain, err := json.Marshal(again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(text), string(textAgain)); diff != "" {
			t.Fatalf("-once +twice:\n%s", diff)
		}
	})
}
