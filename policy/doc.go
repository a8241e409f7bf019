// Package policy holds what a policy is asked and what it may answer: the
// input of a stage, the decision, and how the answers of several surfaces
// become one decision. It knows no policy language; policy/rego evaluates Rego
// and hands plain Go values to [Combine].
//
// Everything fails closed: a value that is not understood denies with a fixed
// reason (the Reason constants), never with the text of an error.
package policy
