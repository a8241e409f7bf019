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
		f.Add(g.input)
	}
	f.Add("headgate {\n\tprincipals {\n\t\tanonymous \"\"\n\t}\n}")
	f.Add("headgate {\n\tpolicy <<END\n\ta\n\tb\n\tEND {\n\t\ttimeout 1d\n\t}\n}")
	f.Add("headgate {\n\tpolicy a {\n\t\tpackage b {\n")
	f.Add("headgate {\n\tmode enforce }\n}")
	f.Fuzz(func(t *testing.T, input string) {
		if strings.Count(input, "re:") > 4 || len(input) > 4096 {
			return // compiling expressions is the redaction engine's fuzz target
		}
		tokens, err := caddyfile.Tokenize([]byte(input), "Caddyfile")
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
