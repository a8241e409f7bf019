package rego

import (
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// reads are the paths of one pattern that were read.
type reads struct {
	paths map[string]ast.Ref // nil for a path that is not ground
	many  bool               // more than are told apart: the pattern stands for all
}

// read records that a reference, as written and as evaluated, was read; what is
// below a replaced path is no part of the real input.
func (n *traceNode) read(written, plugged ast.Ref, mocks []ast.Ref) {
	if slices.ContainsFunc(mocks, plugged.HasPrefix) {
		return
	}
	pattern := pathOf(written, written)
	r := n.reads[pattern]
	if r == nil {
		r = &reads{paths: map[string]ast.Ref{}}
		n.reads[pattern] = r
	}
	path := pathOf(written, plugged)
	switch {
	case r.many:
	case len(r.paths) == maxReadPlaces && r.paths[path] == nil:
		r.many, r.paths = true, map[string]ast.Ref{pattern: nil}
	case strings.Contains(path, "[_]"):
		r.paths[path] = nil
	default:
		r.paths[path] = plugged
	}
}

var (
	identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	// plainKey is a name that is no text: a key that a variable held may be
	// any text of the input.
	plainKey = regexp.MustCompile(`^[A-Za-z0-9_.:/-]{1,64}$`)
)

// pathOf writes a reference, "input.principal.roles[0]": what is not known, or
// could be text of the input, is [_].
func pathOf(written, plugged ast.Ref) string {
	var b strings.Builder
	b.WriteString("input")
	for i := 1; i < len(plugged); i++ {
		switch v := plugged[i].Value.(type) {
		case ast.String:
			fixed := i < len(written) && written[i].Equal(plugged[i])
			switch {
			case !fixed && !plainKey.MatchString(string(v)):
				b.WriteString("[_]")
			case identifier.MatchString(string(v)):
				b.WriteString("." + string(v))
			default:
				b.WriteString("[" + v.String() + "]")
			}
		case ast.Number, ast.Boolean, ast.Null:
			b.WriteString("[" + v.String() + "]")
		default:
			b.WriteString("[_]")
		}
	}
	return b.String()
}
