package sandbox

import (
	"net/http"
	"strings"
)

// Paths of the OpenAI dialect.
const (
	chatPath        = "/v1/chat/completions"
	responsesPath   = "/v1/responses"
	completionsPath = "/v1/completions"
	embeddingsPath  = "/v1/embeddings"
	moderationsPath = "/v1/moderations"
	modelsPath      = "/v1/models"
)

// openAIError is the error body of OpenAI's API.
// Source: ErrorResponse in OpenAI's OpenAPI document.
type openAIError struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}

// writeOpenAIError sends an error in OpenAI's shape.
func writeOpenAIError(w http.ResponseWriter, e *failure) {
	body := openAIError{Message: e.message, Type: "invalid_request_error"}
	switch {
	case e.status == http.StatusTooManyRequests:
		body.Type = "requests"
		h := w.Header()
		h.Set("Retry-After", "1")
		for _, unit := range []string{"Requests", "Tokens"} {
			h.Set("X-Ratelimit-Limit-"+unit, "60")
			h.Set("X-Ratelimit-Remaining-"+unit, "0")
			h.Set("X-Ratelimit-Reset-"+unit, "1s")
		}
	case e.status >= http.StatusInternalServerError:
		body.Type = "server_error"
	}
	if e.param != "" {
		body.Param = &e.param
	}
	if e.code != "" {
		body.Code = &e.code
	}
	writeJSON(w, e.status, struct {
		Error openAIError `json:"error"`
	}{body})
}

// listModels answers GET /v1/models.
func (h *Handler) listModels(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, modelList{Object: "list", Data: []model{newModel("sandbox"), newModel("sandbox-mini")}})
	return nil
}

// oneModel answers GET /v1/models/{id}: every model exists.
func (h *Handler) oneModel(w http.ResponseWriter, r *http.Request) error {
	writeJSON(w, http.StatusOK, newModel(strings.TrimPrefix(r.URL.Path, modelsPath+"/")))
	return nil
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
