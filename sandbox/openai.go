package sandbox

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"
)

// The paths of the OpenAI dialect.
const (
	chatPath   = "/v1/chat/completions"
	modelsPath = "/v1/models"
)

// openAIError is the error body of OpenAI's API, and the error that carries it
// to where it is written.
// Source: ErrorResponse in OpenAI's OpenAPI document.
type openAIError struct {
	status  int
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}

func (e *openAIError) Error() string { return e.Message }

// invalid returns a 400 about one field, "" for the whole request.
func invalid(param, message string) *openAIError {
	e := &openAIError{status: http.StatusBadRequest, Message: message, Type: "invalid_request_error"}
	if param != "" {
		e.Param = &param
	}
	return e
}

// withCode returns an error that a client tells apart by its code.
func withCode(status int, code, message string) *openAIError {
	return &openAIError{status: status, Message: message, Type: errorType(status), Code: &code}
}

// statusError is what /status asks for.
func statusError(status int, text string) *openAIError {
	if text == "" {
		text = "The sandbox was asked for this status."
	}
	code := map[int]string{
		http.StatusUnauthorized:    "invalid_api_key",
		http.StatusNotFound:        "model_not_found",
		http.StatusTooManyRequests: "rate_limit_exceeded",
	}[status]
	if code == "" {
		return &openAIError{status: status, Message: text, Type: errorType(status)}
	}
	return withCode(status, code, text)
}

func errorType(status int) string {
	switch {
	case status == http.StatusTooManyRequests:
		return "requests"
	case status >= http.StatusInternalServerError:
		return "server_error"
	default:
		return "invalid_request_error"
	}
}

// write sends the error.
func (e *openAIError) write(w http.ResponseWriter) {
	if e.status == http.StatusTooManyRequests {
		h := w.Header()
		h.Set("Retry-After", "1")
		for _, unit := range []string{"Requests", "Tokens"} {
			h.Set("X-Ratelimit-Limit-"+unit, "60")
			h.Set("X-Ratelimit-Remaining-"+unit, "0")
			h.Set("X-Ratelimit-Reset-"+unit, "1s")
		}
	}
	writeJSON(w, e.status, struct {
		Error *openAIError `json:"error"`
	}{e})
}

// serveOpenAI answers the OpenAI dialect, and for paths that nobody knows.
func (h *Handler) serveOpenAI(w http.ResponseWriter, r *http.Request) {
	var err error
	switch path := r.URL.Path; {
	case path == chatPath:
		if err = allow(w, r, http.MethodPost); err == nil {
			err = h.serveChat(w, r)
		}
	case path == modelsPath:
		if err = allow(w, r, http.MethodGet); err == nil {
			writeJSON(w, http.StatusOK, modelList{Object: "list", Data: []model{newModel("sandbox"), newModel("sandbox-mini")}})
		}
	case strings.HasPrefix(path, modelsPath+"/") && len(path) > len(modelsPath)+1:
		if err = allow(w, r, http.MethodGet); err == nil {
			writeJSON(w, http.StatusOK, newModel(path[len(modelsPath)+1:]))
		}
	default:
		err = withCode(http.StatusNotFound, "unknown_url",
			"unknown path: the sandbox answers POST "+chatPath+", GET "+modelsPath+" and GET "+modelsPath+"/{id}")
	}
	if e := (*openAIError)(nil); errors.As(err, &e) {
		e.write(w)
	}
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

// model is OpenAI's description of a model.
type model struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

func newModel(id string) model {
	return model{ID: id, Object: "model", Created: created, OwnedBy: "headgate"}
}

type modelList struct {
	Object string  `json:"object"`
	Data   []model `json:"data"`
}

// Interface guard.
var _ error = (*openAIError)(nil)
