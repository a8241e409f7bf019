package rego

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/headgate/headgate/policy"
)

// call is a policy that calls a built-in function with so many variables.
func call(b *ast.Builtin) string {
	args := make([]string, b.Decl.Arity())
	for i := range args {
		args[i] = "input.args[" + string(rune('0'+i)) + "]"
	}
	return "package headgate\n\ndefault allow := true\n\ndeny contains \"x\" if " +
		b.Name + "(" + strings.Join(args, ", ") + ")\n"
}

// Every withheld function exists in OPA; a policy that calls it is told why it
// does not have it, and has it where the configuration names it.
func TestWithheldBuiltins(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(withheldBuiltins)) {
		t.Run(name, func(t *testing.T) {
			b := ast.BuiltinMap[name]
			if b == nil {
				t.Fatal("OPA has no function of that name")
			}
			_, err := tryLoad(t, call(b))
			if err == nil || !strings.Contains(err.Error(), "undefined function "+name+" (withheld from policies: "+withheldReason(name)+";") {
				t.Errorf("got %v", err)
			}
			path := filepath.Join(t.TempDir(), "p.rego")
			if err := os.WriteFile(path, []byte(call(b)), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, given := range []string{name, "+" + name} {
				if _, err := Open(context.Background(), Config{Paths: []string{path}, Builtins: []string{given}, AllowNet: []string{"policy.test"}}); err != nil {
					t.Errorf("with builtins %s: %v", given, err)
				}
			}
		})
	}
}

// Addresses can be reckoned with; only what reaches the network, or cannot be
// interrupted, is withheld.
func TestAddressesAreAvailable(t *testing.T) {
	for name := range ast.BuiltinMap {
		want := name == "net.lookup_ip_addr" || name == "net.cidr_contains_matches"
		if strings.HasPrefix(name, "net.") && (withheldReason(name) != "") != want {
			t.Errorf("%s is withheld: %q", name, withheldReason(name))
		}
	}
}

// A new version of OPA must not bring a function that nobody has looked at: can
// anything interrupt it, what does it reach, does its answer depend on its
// arguments alone? When that is known, and withheldBuiltins and impureBuiltins
// say so, its name goes into the file.
func TestEveryBuiltinIsReviewed(t *testing.T) {
	text, err := os.ReadFile("testdata/reviewed_builtins.txt")
	if err != nil {
		t.Fatal(err)
	}
	reviewed := map[string]bool{}
	for name := range strings.FieldsSeq(string(text)) {
		reviewed[name] = true
	}
	for _, b := range ast.CapabilitiesForThisVersion().Builtins {
		if !reviewed[b.Name] {
			t.Errorf("%s is not reviewed", b.Name)
		}
		delete(reviewed, b.Name)
	}
	for name := range reviewed {
		t.Errorf("OPA has no function %s any more", name)
	}
	for name := range impureBuiltins {
		if b := ast.BuiltinMap[name]; b == nil || b.Nondeterministic {
			t.Errorf("%s is listed in vain", name)
		}
	}
}

// The answers that depend on more than the arguments.
func TestPure(t *testing.T) {
	var impure []string
	for _, b := range ast.CapabilitiesForThisVersion().Builtins {
		if !pure(b) {
			impure = append(impure, b.Name)
		}
	}
	want := []string{
		"crypto.x509.parse_and_verify_certificates", "crypto.x509.parse_and_verify_certificates_with_options",
		"http.send", "io.jwt.decode_verify", "io.jwt.encode_sign", "io.jwt.encode_sign_raw",
		"json.match_schema", "json.verify_schema", "net.lookup_ip_addr", "opa.runtime",
		"rand.intn", "time.now_ns", "uuid.rfc4122",
	}
	slices.Sort(impure)
	if !slices.Equal(impure, want) {
		t.Errorf("got %q, want %q", impure, want)
	}
}

// No call of a function that policies have goes on for ever, whatever its
// arguments are: it answers, fails, or the deadline ends it. The guard is far
// above what any of them takes.
func TestHostileCalls(t *testing.T) {
	if len(hostile) < 200 {
		t.Fatalf("%d calls", len(hostile))
	}
	for name, why := range withheldBuiltins {
		measured := slices.ContainsFunc(hostile, func(h struct{ name, expr string }) bool { return h.name == name })
		if !measured && !strings.HasPrefix(why, "reaches ") && !strings.HasPrefix(why, "reads ") {
			t.Errorf("%s is withheld, and no call of it was measured", name)
		}
	}
	for _, h := range hostile {
		if withheldReason(h.name) != "" {
			continue
		}
		t.Run(h.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "p.rego")
			text := "package headgate\n\ndefault allow := true\n\ndeny contains \"no\" if {\n\tx := " + h.expr + "\n\tcount([x]) == 0\n}\n"
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			src, err := Open(context.Background(), Config{Paths: []string{path}, Timeout: 20 * time.Millisecond})
			if err != nil {
				t.Fatalf("%.300s", err)
			}
			done := make(chan policy.Decision, 1)
			go func() { done <- src.Current().Decide(context.Background(), &policy.Input{Stage: policy.PreTool}) }()
			guard := time.NewTimer(2 * time.Minute)
			defer guard.Stop()
			select {
			case d := <-done:
				switch {
				case d.Action == policy.Allow:
				case d.Action == policy.Deny && (d.Reason == policy.ReasonTimeout || d.Reason == policy.ReasonError):
				default:
					t.Errorf("got %+v", d)
				}
			case <-guard.C:
				t.Error("the call does not end")
			}
		})
	}
}
