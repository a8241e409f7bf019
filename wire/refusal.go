package wire

import "net/http"

// Code says what kind of refusal it is.
type Code string

// The kinds of refusal. Dialects write them in their own words.
const (
	CodePolicyDenied     Code = "policy_denied"
	CodeApprovalRequired Code = "approval_required"
	CodeAuthentication   Code = "authentication_error"
	CodeInvalidRequest   Code = "invalid_request"
	CodeNotFound         Code = "not_found"
	CodeMethod           Code = "method_not_allowed"
	CodeMediaType        Code = "unsupported_media_type"
	CodeTooLarge         Code = "too_large"
	CodeUpgrade          Code = "upgrade_required"
	CodeUnavailable      Code = "unavailable"
	CodeUpstream         Code = "upstream_error"
	CodeUpstreamTimeout  Code = "upstream_timeout"
	CodeInternal         Code = "internal_error"
)

// Status is the HTTP status that goes with a kind of refusal, except where a
// dialect's clients need another one.
func (c Code) Status() int {
	switch c {
	case CodePolicyDenied, CodeApprovalRequired:
		return http.StatusForbidden
	case CodeAuthentication:
		return http.StatusUnauthorized
	case CodeInvalidRequest:
		return http.StatusBadRequest
	case CodeNotFound:
		return http.StatusNotFound
	case CodeMethod:
		return http.StatusMethodNotAllowed
	case CodeMediaType:
		return http.StatusUnsupportedMediaType
	case CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case CodeUpgrade:
		return http.StatusUpgradeRequired
	case CodeUnavailable:
		return http.StatusServiceUnavailable
	case CodeUpstream:
		return http.StatusBadGateway
	case CodeUpstreamTimeout:
		return http.StatusGatewayTimeout
	}
	return http.StatusInternalServerError
}

// Refusal is an answer that the gate gives itself.
type Refusal struct {
	Code Code
	// Reason is what the client reads. It holds no text of the exchange except
	// what a policy chose to say.
	Reason string
}

// Refuser writes refusals in a protocol's own shape.
type Refuser interface {
	// Refuse gives the status and the body, whose media type is
	// application/json.
	Refuse(r Refusal) (status int, body []byte)
}

// Challenger is a [Refuser] whose refusals for want of a credential say how to
// show one.
type Challenger interface {
	// Challenge is the value of WWW-Authenticate.
	Challenge() string
}
