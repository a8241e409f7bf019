package rego

import (
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// capabilities are OPA's without those built-in functions that reach the
// network or the process, or cannot be interrupted, but for those that extra
// names.
func capabilities(extra []string) (*ast.Capabilities, error) {
	caps := ast.CapabilitiesForThisVersion()
	add := map[string]bool{}
	for _, n := range extra {
		name := strings.TrimPrefix(n, "+")
		if !caps.ContainsBuiltin(name) {
			return nil, fmt.Errorf("unknown built-in function %q", name)
		}
		add[name] = true
	}
	caps.Builtins = slices.DeleteFunc(caps.Builtins, func(b *ast.Builtin) bool {
		return !add[b.Name] && withheld(b.Name)
	})
	caps.AllowNet = []string{} // no remote references in JSON schemas
	return caps, nil
}

func withheld(name string) bool {
	switch name {
	case "http.send", "opa.runtime", "bits.lsh":
		return true
	}
	return strings.HasPrefix(name, "net.")
}
