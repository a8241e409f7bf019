// Package strictjson is the gate that every JSON body passes, once.
//
// [Parse] walks a body a single time. It accepts exactly the JSON texts that
// every conforming parser reads in the same way (RFC 8259 with the I-JSON
// restrictions of RFC 7493 that matter here: UTF-8 only, no lone surrogates, no
// duplicate names) and refuses everything else with one of a closed list of
// reasons. The same walk yields a tape: one node for every value and every
// member name, with its byte span in the body. Codecs navigate the tape through
// [Value] and change a body by replacing spans with [Splice], so that bytes
// nobody touched stay the bytes that were received.
//
// The package allocates a [Doc] for each body; the tape is pooled.
package strictjson
