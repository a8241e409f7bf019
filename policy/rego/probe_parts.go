package rego

import (
	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/headgate/headgate/policy"
)

// partsOfCall are other for each call: what is known of the request that asks
// for a list says nothing about the calls that follow.
const partsOfCall = partsUnique | partStream | partUnscanned

// contents are the fields that hold content, each with its hash.
var contents = [...]struct{ content, hash policy.Fields }{
	{policy.FieldMessages, policy.FieldMessagesHash},
	{policy.FieldArgs, policy.FieldArgsHash},
	{policy.FieldResponse, policy.FieldResponseHash},
	{policy.FieldResult, policy.FieldResultHash},
}

// unknownParts are the parts of a stage's document that are not known where the
// fields are not. A field that the stage does not have is known to be absent.
func unknownParts(s policy.Stage, unknown policy.Fields) parts {
	unknown &= available(s)
	for _, c := range contents {
		if unknown.Has(c.content) {
			unknown |= (c.hash | policy.FieldFindings) & available(s)
		}
	}
	p := parts(unknown) | partsOfCall
	if unknown.Has(policy.FieldRequest) {
		p |= partRequest &^ parts(policy.FieldHeaders)
	}
	if s == policy.PreChat {
		p |= partTools
	}
	return p
}

// partTerms are the places in the document of what can be unknown.
var partTerms = []struct {
	part parts
	term *ast.Term
}{
	{parts(policy.FieldMessages), ast.MustParseTerm("input.messages")},
	{parts(policy.FieldMessagesHash), ast.MustParseTerm("input.messages_hash")},
	{parts(policy.FieldArgs), ast.MustParseTerm("input.args")},
	{parts(policy.FieldArgs), ast.MustParseTerm("input.arguments")},
	{parts(policy.FieldArgsHash), ast.MustParseTerm("input.args_hash")},
	{parts(policy.FieldResponse), ast.MustParseTerm("input.response")},
	{parts(policy.FieldResponseHash), ast.MustParseTerm("input.response_hash")},
	{parts(policy.FieldResult), ast.MustParseTerm("input.result")},
	{parts(policy.FieldResultHash), ast.MustParseTerm("input.result_hash")},
	{parts(policy.FieldFindings), ast.MustParseTerm("input.findings")},
	{parts(policy.FieldClaims), ast.MustParseTerm("input.principal.claims")},
	{parts(policy.FieldHeaders), ast.MustParseTerm("input.request.headers")},
	{partRequestID, ast.MustParseTerm("input.request.id")},
	{partProtocol, ast.MustParseTerm("input.request.protocol")},
	{partEndpoint, ast.MustParseTerm("input.request.endpoint")},
	{partHost, ast.MustParseTerm("input.request.host")},
	{partRemoteIP, ast.MustParseTerm("input.request.remote_ip")},
	{partStream, ast.MustParseTerm("input.request.stream")},
	{partTime, ast.MustParseTerm("input.request.time")},
	{partUnscanned, ast.MustParseTerm("input.unscanned")},
	{partTools, ast.MustParseTerm("input.tools")},
}

// wholes are the objects in the document that have parts. One that is read as a
// whole, or by names that are known only later, is unknown as a whole: partial
// evaluation does not find a name in an object that it does not see.
var wholes = []struct {
	parts parts
	term  *ast.Term
}{
	{partPrincipal, ast.MustParseTerm("input.principal")},
	{partRequest, ast.MustParseTerm("input.request")},
}

// split tells what of the parts that are read is known, and the places in the
// document of what is not.
func split(reads, unknown parts) (known parts, terms []*ast.Term) {
	for _, w := range wholes {
		if unknown.has(w.parts) && reads&w.parts == w.parts {
			unknown |= w.parts
			terms = append(terms, w.term)
		}
	}
	for _, t := range partTerms {
		if t.part&reads&unknown != 0 {
			terms = append(terms, t.term)
		}
	}
	return reads &^ unknown, terms
}
