package policy

import (
	"math/bits"
	"strings"
)

// Fields is a set of those parts of the input that cost something to compute.
type Fields uint32

// The fields. What is not listed here is always there.
const (
	FieldMessages     Fields = 1 << iota // messages
	FieldMessagesHash                    // messages_hash
	FieldArgs                            // args, and arguments, its other spelling
	FieldArgsHash                        // args_hash
	FieldResponse                        // response
	FieldResponseHash                    // response_hash
	FieldResult                          // result
	FieldResultHash                      // result_hash
	FieldFindings                        // findings
	FieldClaims                          // principal.claims
	FieldRequest                         // request, without its headers
	FieldHeaders                         // request.headers

	fieldEnd

	// FieldsAll is every field.
	FieldsAll = fieldEnd - 1
)

var fieldNames = [...]string{
	"messages", "messages_hash", "args", "args_hash", "response", "response_hash",
	"result", "result_hash", "findings", "principal.claims", "request", "request.headers",
}

// Has reports whether all of want are in the set. The empty set is in every set.
func (f Fields) Has(want Fields) bool { return f&want == want }

// String lists the fields' input paths, joined with commas; "none" for the
// empty set.
func (f Fields) String() string {
	if f&FieldsAll == 0 {
		return "none"
	}
	names := make([]string, 0, bits.OnesCount32(uint32(f)))
	for i, n := range fieldNames {
		if f.Has(1 << i) {
			names = append(names, n)
		}
	}
	return strings.Join(names, ",")
}

// ReplyFields are the fields for which a reply has to be known as a whole
// before its stage can be decided.
const ReplyFields = FieldResponse | FieldResponseHash | FieldFindings
