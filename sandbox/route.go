package sandbox

import (
	"errors"
	"net/http"
	"strings"
)

// route is what answers one path, and the shape of its errors. The error of
// serve is a [failure]; nothing has been sent then.
type route struct {
	method string
	serve  func(h *Handler, w http.ResponseWriter, r *http.Request) error
	fail   func(w http.ResponseWriter, e *failure)
}

// routes are the paths that are known by heart.
var routes = map[string]route{
	chatPath:        {http.MethodPost, (*Handler).serveChat, writeOpenAIError},
	responsesPath:   {http.MethodPost, (*Handler).serveResponses, writeOpenAIError},
	completionsPath: {http.MethodPost, (*Handler).serveCompletions, writeOpenAIError},
	embeddingsPath:  {http.MethodPost, (*Handler).serveEmbeddings, writeOpenAIError},
	moderationsPath: {http.MethodPost, (*Handler).serveModerations, writeOpenAIError},
	mcpPath:         {http.MethodPost, (*Handler).serveMCP, writeMCPError},
	messagesPath:    {http.MethodPost, (*Handler).serveMessages, writeAnthropicError},
	countTokensPath: {http.MethodPost, (*Handler).serveCountTokens, writeAnthropicError},
	modelsPath:      {http.MethodGet, (*Handler).listModels, writeOpenAIError},
}

// find returns what answers a path. For one that nobody knows that is a 404 in
// the shape of the dialect whose prefix it has, OpenAI's if it has none.
func find(path string) route {
	if rt, ok := routes[path]; ok {
		return rt
	}
	switch {
	case strings.HasPrefix(path, modelsPath+"/") && len(path) > len(modelsPath)+1:
		return route{http.MethodGet, (*Handler).oneModel, writeOpenAIError}
	case strings.HasPrefix(path, geminiPrefix):
		return geminiRoute(path)
	case strings.HasPrefix(path, messagesPath+"/"):
		return route{serve: unknownPath, fail: writeAnthropicError}
	}
	return route{serve: unknownPath, fail: writeOpenAIError}
}

// unknownPath refuses whatever it is asked.
func unknownPath(*Handler, http.ResponseWriter, *http.Request) error {
	return withCode(http.StatusNotFound, "unknown_url", "the sandbox does not know this path")
}

// ServeHTTP answers one request. To carry out /cut it panics with
// [http.ErrAbortHandler], as net/http asks of a handler that gives up on a
// connection.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rt := find(r.URL.Path)
	err := error(nil)
	if rt.method != "" {
		err = allow(w, r, rt.method)
	}
	if err == nil {
		err = rt.serve(h, w, r)
	}
	if e := (*failure)(nil); errors.As(err, &e) {
		rt.fail(w, e)
	}
}
