package rego

import (
	"encoding/json"
	"slices"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/schema"
)

// shape is what a schema says about a value.
type shape struct {
	Type       string            `json:"type"` // "" is any
	Properties map[string]*shape `json:"properties"`
	Required   []string          `json:"required"`
	Items      *shape            `json:"items"`
	Additional json.RawMessage   `json:"additionalProperties"`
}

// shapes are the input's shapes by stage.
var shapes = sync.OnceValue(func() map[policy.Stage]*shape {
	all := map[policy.Stage]*shape{}
	for _, s := range policy.Stages() {
		text, ok := schema.For(string(s))
		all[s] = &shape{}
		if err := json.Unmarshal(text, all[s]); !ok || err != nil {
			panic("rego: no schema for " + string(s)) // it is compiled in
		}
	}
	return all
})

func (s *shape) closed() bool { return string(s.Additional) == "false" }

// presence says whether something is there.
type presence uint8

const (
	never presence = iota
	maybe
	always
)

// find follows a reference to the input of a stage and tells whether there is
// a value at it, and its shape where that is known. A variable in it stands
// for whatever is there.
func find(stage policy.Stage, ref ast.Ref) (presence, *shape) {
	at, s := always, shapes()[stage]
	for _, t := range ref[1:] {
		if s == nil {
			return maybe, nil
		}
		_, isVar := t.Value.(ast.Var)
		name, isString := t.Value.(ast.String)
		switch {
		case s.Type == "array" && isVar:
			s = s.Items
		case s.Type == "array":
			at, s = maybe, s.Items
		case s.Type == "object" && isString:
			member, known := s.Properties[string(name)]
			if !known && s.closed() {
				return never, nil
			}
			if !slices.Contains(s.Required, string(name)) {
				at = maybe
			}
			s = member
		case s.Type == "object" || s.Type == "":
			return maybe, nil
		default:
			return never, nil
		}
	}
	return at, s
}

// isInput reports whether a reference is to something in the input.
func isInput(ref ast.Ref) bool { return len(ref) > 1 && ref[0].Equal(ast.InputRootDocument) }

// isData reports whether a reference is to something in data.
func isData(ref ast.Ref) bool { return len(ref) > 1 && ref[0].Equal(ast.DefaultRootDocument) }
