// Package audit keeps the record of what the gate decided: one JSON object a
// line, appended to a file that one process writes, each line bound to the one
// before it by a hash.
//
// [Record] is a line before it is written, [Log] the file. A line that
// [Log.Append] has acknowledged has gone through write(2): it survives the
// death of the process by any signal. It does not by itself survive the loss of
// power.
//
// The chain: seq counts the lines from 1, prev is the lower-case hex SHA-256 of
// the bytes of the line before without its newline (64 zeros for the first
// line). [Verify] checks it. A chain shows a change, a gap or a line put in; it
// cannot show a missing tail, for which the last seq and hash have to be kept
// elsewhere.
//
// No prompt, reply or argument belongs in a record, and callers pass reason and
// tool through the scanner before they fill them in. This package escapes and
// cuts; it does not redact.
package audit
