package pdp

import (
	"net/http"

	"github.com/headgate/headgate/wire/strictjson"
)

// code says what kind of refusal it is, in the words of the gate.
type code string

const (
	codeAuthentication code = "authentication_error"
	codeInvalidRequest code = "invalid_request"
	codeNotFound       code = "not_found"
	codeMethod         code = "method_not_allowed"
	codeMediaType      code = "unsupported_media_type"
	codeTooLarge       code = "too_large"
	codeUnavailable    code = "unavailable"
	codeInternal       code = "internal_error"
)

// kinds gives each code its HTTP status and the type of error in the answer.
var kinds = map[code]struct {
	status int
	name   string
}{
	codeAuthentication: {http.StatusUnauthorized, "authentication_error"},
	codeInvalidRequest: {http.StatusBadRequest, "invalid_request_error"},
	codeNotFound:       {http.StatusNotFound, "invalid_request_error"},
	codeMethod:         {http.StatusMethodNotAllowed, "invalid_request_error"},
	codeMediaType:      {http.StatusUnsupportedMediaType, "invalid_request_error"},
	codeTooLarge:       {http.StatusRequestEntityTooLarge, "invalid_request_error"},
	codeUnavailable:    {http.StatusServiceUnavailable, "server_error"},
	codeInternal:       {http.StatusInternalServerError, "server_error"},
}

// refusal is an answer that is no decision. The reason holds nothing of the
// body.
type refusal struct {
	code   code
	reason string
}

// invalid is the refusal of a body.
func invalid(reason string) *refusal { return &refusal{codeInvalidRequest, reason} }

// answer gives the status and the body:
//
//	{"error": {"message": …, "type": …, "param": null, "code": …}}
func (r *refusal) answer() (int, []byte) {
	k := kinds[r.code]
	b := strictjson.AppendQuoted([]byte(`{"error":{"message":`), r.reason)
	b = append(b, `,"type":"`+k.name+`","param":null,"code":"`+string(r.code)+`"}}`...)
	return k.status, b
}
