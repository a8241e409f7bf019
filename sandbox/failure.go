package sandbox

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"unicode/utf8"
)

// failure is an error on its way to the shape that a dialect gives it. param
// names the field of the request that is wrong, code what a client tells the
// error apart by; both may be "".
type failure struct {
	status               int
	param, code, message string
}

func (e *failure) Error() string { return e.message }

// invalid returns a 400 about one field, "" for the whole request.
func invalid(param, message string) *failure {
	return &failure{status: http.StatusBadRequest, param: param, message: message}
}

// withCode returns an error that a client tells apart by its code.
func withCode(status int, code, message string) *failure {
	return &failure{status: status, code: code, message: message}
}

// failure is the error that /status asks for, or nil.
func (s *script) failure() error {
	if s.status == 0 {
		return nil
	}
	text := s.statusText
	if text == "" {
		text = "The sandbox was asked for this status."
	}
	code := map[int]string{
		http.StatusUnauthorized:    "invalid_api_key",
		http.StatusNotFound:        "model_not_found",
		http.StatusTooManyRequests: "rate_limit_exceeded",
	}[s.status]
	return withCode(s.status, code, text)
}

// allow refuses every method but one.
func allow(w http.ResponseWriter, r *http.Request, method string) error {
	if r.Method == method {
		return nil
	}
	w.Header().Set("Allow", method)
	return withCode(http.StatusMethodNotAllowed, "method_not_allowed", "this path takes "+method)
}

// readBody returns the request's body: at most maxBody bytes of UTF-8.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if c := r.Header.Get("Content-Encoding"); c != "" && c != "identity" {
		return nil, withCode(http.StatusUnsupportedMediaType, "unsupported_encoding", "the sandbox reads bodies without a content encoding")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, withCode(http.StatusRequestEntityTooLarge, "body_too_large", "the sandbox reads bodies of at most 32 MiB")
	}
	if err != nil {
		return nil, invalid("", "the body could not be read to its end")
	}
	if !utf8.Valid(body) {
		return nil, invalid("", "the body is not UTF-8")
	}
	return body, nil
}

// formError is what a type of this package says about JSON that it cannot read.
// It holds nothing of the request.
type formError struct{ param, wants string }

func (e *formError) Error() string { return e.wants }

// decode reads a body, an object, into what points to a request's fields. The
// error is a [failure].
func decode(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	if err == nil {
		return nil
	}
	var form *formError
	var field *json.UnmarshalTypeError
	switch {
	case errors.As(err, &form):
		return invalid(form.param, form.wants)
	case errors.As(err, &field) && field.Field != "":
		return invalid(field.Field, "this field has the wrong type")
	case errors.As(err, &field):
		return invalid("", "the body is no JSON object")
	}
	return invalid("", "the body is not valid JSON")
}

// Interface guards.
var (
	_ error = (*failure)(nil)
	_ error = (*formError)(nil)
)
