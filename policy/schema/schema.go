// Package schema holds the JSON Schemas (draft-07) of the document that a
// policy sees as input: one for each stage, and their union, which is what a
// type checker takes that does not know the stage.
//
// Each schema stands alone, without references, and uses only what OPA's type
// checker understands; what is required is there whatever the exchange is, as
// far as the policy reads it.
package schema

import (
	"embed"
	"slices"
)

//go:embed *.json
var files embed.FS

// stages are the stages in the order of an exchange.
var stages = [...]string{"pre_chat", "pre_tool", "post_chat", "post_tool", "session"}

// Names lists the stages that have a schema, in the order of an exchange.
func Names() []string { return slices.Clone(stages[:]) }

// For is the schema of one stage's input, "pre_chat"; false for another name.
func For(stage string) ([]byte, bool) {
	if !slices.Contains(stages[:], stage) {
		return nil, false
	}
	return read(stage), true
}

// Input is the schema that fits the input of every stage.
func Input() []byte { return read("input") }

func read(name string) []byte {
	b, err := files.ReadFile(name + ".json")
	if err != nil {
		panic("schema: " + err.Error()) // it is compiled in
	}
	return b
}
