// Package rego loads Rego policies, keeps the last good revision in force while
// files change, and decides the stages of an exchange with them. It and the
// folders in it are the only importers of OPA; content finds what a policy is
// made of.
//
// # Versions
//
// Whether a file is Rego v0 or v1 is found out for each file: one that parses
// and compiles as v1 is v1, else one that parses and compiles as v0 is v0. Files
// of both versions share one compiler.
//
// A v0 file whose only fault is a wildcard in a negated expression, as in
//
//	not input.principal.roles[_] == "admin"
//
// which OPA refuses as unsafe, is read as "no element makes it true", with a
// warning.
//
// # Surfaces
//
// Three styles are understood, in any mix: the rule sets of the configured
// packages, data.<package>.<stage>.decision and data.tako.<stage>.decision, and
// data.cullis.policy.tool_call and session. Which of them exist is found when a
// policy is loaded. One prepared query a stage asks for all of that stage's
// surfaces at once.
//
// # Limits
//
// Loading is bounded in files, bytes and time. A decision is bounded by the
// size of its content and by a deadline. The deadline is soft: the evaluation
// looks at it between its steps and inside the built-in functions that iterate,
// so one long step can pass it. Built-in functions that reach the network, the
// process or its files, or that nothing can interrupt, do not exist unless the
// configuration names them; docs/builtins.md lists them. No decision is
// partially evaluated. Slow evaluations take turns, see deadline.
//
// # Remembering
//
// A decision is remembered by the parts of the input that its stage reads, where
// these are not other for each request and no function depends on more than its
// arguments. The memory belongs to the compiled policy and ends with it.
//
// # Probes
//
// Whether a call is denied whatever content it will have is found by partial
// evaluation, see probe. It is bounded as a decision is, and in steps.
package rego
