package strictjson

import "strconv"

// The reasons for which a body is refused. The list is closed; the phrases are
// fixed and hold nothing from the body, so they may be logged and sent to a client.
const (
	ReasonNotJSON          = "not JSON"                               // a byte that the grammar of RFC 8259 does not allow there
	ReasonTruncated        = "truncated"                              // the body ends inside a value, or is empty
	ReasonTrailingData     = "trailing data"                          // something other than white space after the root value
	ReasonByteOrderMark    = "byte order mark"                        // the body begins with the mark of UTF-8, UTF-16 or UTF-32
	ReasonInvalidUTF8      = "invalid UTF-8"                          // inside a string
	ReasonInvalidEscape    = "invalid escape"                         // a backslash followed by what RFC 8259 does not list
	ReasonLoneSurrogate    = "lone surrogate"                         // a \u escape that is half of a UTF-16 pair
	ReasonControlCharacter = "control character in a string"          // U+0000 to U+001F, unescaped
	ReasonControlInKey     = "control character in a key"             // U+0000 to U+001F or U+007F in a member name, escaped or not
	ReasonNumberRange      = "number out of range"                    // its magnitude exceeds the largest double, such as 1e999
	ReasonDuplicateKey     = "duplicate key"                          // two names of one object are equal after decoding
	ReasonKeyFold          = "key differs from a known field by case" // see [Value.CheckKeys]
	ReasonTooDeep          = "too deep"                               // more nested arrays and objects than Limits.Depth
	ReasonTooManyKeys      = "too many keys"                          // more members in one object than Limits.Keys
	ReasonTooManyValues    = "too many values"                        // more values and member names in all than Limits.Nodes
	ReasonTooLarge         = "too large"                              // the body is 4 GiB or longer
	ReasonMissing          = "missing value"                          // [AppendCanonical] was given a missing value
)

// Error says why a JSON text was refused and where. It never holds content.
type Error struct {
	// Reason is one of the Reason constants.
	Reason string
	// Offset is the position in the body, in bytes from 0, of the first byte at
	// fault: the byte itself, the opening quote of the key, the opening bracket,
	// the backslash of the escape, or the body's length where it is truncated.
	Offset int64
}

// Error returns the reason and the position: "duplicate key at byte 17".
func (e *Error) Error() string {
	return e.Reason + " at byte " + strconv.FormatInt(e.Offset, 10)
}

var _ error = (*Error)(nil)
