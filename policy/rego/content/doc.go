// Package content finds what a policy is made of: Rego files, data documents,
// OPA bundles on disk and on servers. It reads, verifies and hashes; what the
// files say is for package rego, which compiles them.
//
// A bundle server that fails, a bundle that cannot be read, is not signed as it
// should be, or is older than the one in force is an error; what was read before
// stays in place.
package content
