package rego

import (
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// withheldBuiltins are the built-in functions that policies do not have unless
// the configuration names them, each with the reason: they reach the network,
// the process or its files, or one call of them can hold an evaluation far past
// its deadline, because it does not look at the deadline and what it does is not
// in proportion to its arguments. docs/builtins.md says what was measured, and
// TestHostileCalls repeats it for the functions that policies do have.
var withheldBuiltins = map[string]string{
	"http.send":          "reaches the network",
	"net.lookup_ip_addr": "reaches the network",
	"opa.runtime":        "reads the process's configuration",

	"json.match_schema":  "reads files that the schema refers to, and a schema that refers to itself ends the process",
	"json.verify_schema": "reads files that the schema refers to",

	"bits.lsh":                         "cannot be interrupted; takes time and memory in proportion to a number",
	"strings.render_template":          "cannot be interrupted; a template can count up to a number",
	"graph.reachable_paths":            "cannot be interrupted; the paths of a small graph are endless",
	"json.patch":                       "a few patches double a value many times over, and reading the result cannot be interrupted",
	"regex.find_n":                     "cannot be interrupted; takes time in proportion to the square of the text",
	"regex.find_all_string_submatch_n": "cannot be interrupted; takes time in proportion to the square of the text",
	"regex.replace":                    "cannot be interrupted while it searches; takes time in proportion to the square of the text",
	"regex.split":                      "cannot be interrupted; takes time in proportion to the square of the text",
	"graphql.is_valid":                 "cannot be interrupted; takes time in proportion to the square of the query",
	"graphql.parse":                    "cannot be interrupted; takes time in proportion to the square of the query",
	"graphql.parse_and_verify":         "cannot be interrupted; takes time in proportion to the square of the query",
	"object.subset":                    "cannot be interrupted; takes time in proportion to the product of two arrays",
	"net.cidr_contains_matches":        "cannot be interrupted; takes time in proportion to the product of two lists",
	"product":                          "cannot be interrupted; takes time in proportion to the square of the digits",
	"json.marshal_with_options":        "cannot be interrupted; writes the indentation before every value",
	"rego.parse_module":                "cannot be interrupted; takes gigabytes for a nested text of kilobytes",
}

// withheldReason is why policies do not have the built-in function of that
// name unless the configuration names it, or "" where they have it.
func withheldReason(name string) string { return withheldBuiltins[name] }

// capabilities are OPA's without the withheld built-in functions, but for those
// that extra names ("http.send", or "+http.send").
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
		return !add[b.Name] && withheldReason(b.Name) != ""
	})
	caps.AllowNet = []string{} // no host for http.send and the references of JSON schemas
	return caps, nil
}

// impureBuiltins are the built-in functions whose answer does not depend on
// their arguments alone although OPA does not mark them as nondeterministic,
// each with what else it depends on. They were found by searching the source of
// the functions of OPA v1.22.2 (v1/topdown) for what they take from elsewhere:
// the clock, randomness, files, the network, the environment, the evaluation's
// context. Three that take something are not in the list:
//
//   - The time functions know the machine's time zone and its time zone data,
//     which stay as they are for as long as a process lives.
//   - trace and print write and answer true.
//   - rego.metadata.chain and rego.metadata.rule read the policy, and its hash
//     names it.
//
// A test fails when OPA brings a function that was not read.
var impureBuiltins = map[string]string{
	"crypto.x509.parse_and_verify_certificates":              "the clock: certificates expire",
	"crypto.x509.parse_and_verify_certificates_with_options": "the clock: certificates expire",
}

// pure reports whether a built-in function's answer depends on its arguments
// alone, so that a decision made with it can be remembered.
func pure(b *ast.Builtin) bool {
	return !b.Nondeterministic && impureBuiltins[b.Name] == ""
}
