package rego

import "github.com/open-policy-agent/opa/v1/ast"

func pure(b *ast.Builtin) bool { return !b.Nondeterministic && b.Name != "io.jwt.decode_verify" }
