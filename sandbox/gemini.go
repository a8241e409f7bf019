package sandbox

import (
	"encoding/json"
	"net/http"
	"strings"
)

// geminiPrefix begins the paths of the Gemini dialect, which name the model.
const geminiPrefix = "/v1beta/models/"

// geminiStates are the names of errors by their status.
// Source: google.rpc.Code.
var geminiStates = map[int]string{
	http.StatusBadRequest:         "INVALID_ARGUMENT",
	http.StatusUnauthorized:       "UNAUTHENTICATED",
	http.StatusForbidden:          "PERMISSION_DENIED",
	http.StatusNotFound:           "NOT_FOUND",
	http.StatusTooManyRequests:    "RESOURCE_EXHAUSTED",
	http.StatusServiceUnavailable: "UNAVAILABLE",
	http.StatusGatewayTimeout:     "DEADLINE_EXCEEDED",
}

type geminiError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Status  string `json:"status"`
}

// writeGeminiError sends an error in Gemini's shape.
func writeGeminiError(w http.ResponseWriter, e *failure) {
	state := geminiStates[e.status]
	switch {
	case state != "":
	case e.status >= http.StatusInternalServerError:
		state = "INTERNAL"
	default:
		state = geminiStates[http.StatusBadRequest]
	}
	message := e.message
	if e.param != "" {
		message = e.param + ": " + message
	}
	writeJSON(w, e.status, struct {
		Error geminiError `json:"error"`
	}{geminiError{e.status, message, state}})
}

// geminiReply is the reply, and each element of a stream.
// Source: GenerateContentResponse in the Gemini API's discovery document.
type geminiReply struct {
	Candidates   []geminiCandidate `json:"candidates"`
	Usage        *geminiUsage      `json:"usageMetadata,omitempty"`
	ModelVersion string            `json:"modelVersion"`
	ResponseID   string            `json:"responseId"`
}

type geminiCandidate struct {
	Content struct {
		Parts []geminiPart `json:"parts,omitempty"`
		Role  string       `json:"role"`
	} `json:"content"`
	FinishReason string `json:"finishReason,omitempty"`
	Index        int    `json:"index"`
}

// geminiPart is text, thought or not, or a call.
type geminiPart struct {
	Text    *string     `json:"text,omitempty"`
	Thought bool        `json:"thought,omitempty"`
	Call    *geminiCall `json:"functionCall,omitempty"`
}

type geminiCall struct {
	ID   string          `json:"id"`
	Name string          `json:"name"`
	Args json.RawMessage `json:"args"`
}

type geminiUsage struct {
	Prompt     int `json:"promptTokenCount"`
	Candidates int `json:"candidatesTokenCount"`
	Thoughts   int `json:"thoughtsTokenCount,omitempty"`
	Total      int `json:"totalTokenCount"`
}

// geminiRoute returns what answers a path that names a model and a method.
func geminiRoute(path string) route {
	rt := route{http.MethodPost, nil, writeGeminiError}
	model, method, _ := strings.Cut(strings.TrimPrefix(path, geminiPrefix), ":")
	switch {
	case model == "" || strings.Contains(model, "/"):
	case method == "generateContent" || method == "streamGenerateContent":
		rt.serve = func(h *Handler, w http.ResponseWriter, r *http.Request) error {
			return h.serveGemini(w, r, model, method == "streamGenerateContent")
		}
	case method == "countTokens":
		rt.serve = (*Handler).serveGeminiCount
	}
	if rt.serve == nil {
		return route{serve: unknownPath, fail: writeGeminiError}
	}
	return rt
}

// serveGemini answers :generateContent and :streamGenerateContent, which is an
// array, or with ?alt=sse server-sent events.
func (h *Handler) serveGemini(w http.ResponseWriter, r *http.Request, model string, streams bool) error {
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	q, err := parseGemini(body)
	if err != nil {
		return err
	}
	if err := q.script.failure(); err != nil {
		return err
	}
	reply, err := q.reply(model, body)
	if err != nil {
		return err
	}
	if !streams {
		h.sendReply(w, r, q.script, reply)
		return nil
	}
	st := &geminiStream{stream: h.newStream(w, r, q.script), array: r.URL.Query().Get("alt") != "sse"}
	if st.array {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	st.run(reply)
	return nil
}

// serveGeminiCount answers :countTokens.
func (h *Handler) serveGeminiCount(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	q, err := parseGemini(body)
	if err != nil {
		return err
	}
	if err := q.script.failure(); err != nil {
		return err
	}
	h.sendReply(w, r, q.script, struct {
		Total int `json:"totalTokens"`
	}{q.prompt})
	return nil
}

// reply composes the whole reply. A call's arguments are an object here, so
// that others are a [failure].
func (q *geminiRequest) reply(model string, body []byte) (*geminiReply, error) {
	a := q.say(0)
	c := geminiCandidate{FinishReason: "STOP"}
	c.Content.Role = "model"
	if a.reasoning != "" {
		c.Content.Parts = append(c.Content.Parts, geminiPart{Text: &a.reasoning, Thought: true})
	}
	for _, text := range []*string{a.content, a.refusal} {
		if text != nil {
			c.Content.Parts = append(c.Content.Parts, geminiPart{Text: text})
		}
	}
	for j, call := range a.calls {
		if err := call.object("contents"); err != nil {
			return nil, err
		}
		c.Content.Parts = append(c.Content.Parts, geminiPart{Call: &geminiCall{makeID("call_", body, 0, j), call.name, json.RawMessage(call.args)}})
	}
	if a.refusal != nil {
		c.FinishReason = "SAFETY"
	}
	if a.finish != "" {
		c.FinishReason = a.finish
	}
	total, thoughts := a.tokens(q.script.chunk)
	return &geminiReply{
		Candidates: []geminiCandidate{c}, ModelVersion: model, ResponseID: makeID("", body),
		Usage: &geminiUsage{Prompt: q.prompt, Candidates: total - thoughts, Thoughts: thoughts, Total: q.prompt + total},
	}, nil
}
