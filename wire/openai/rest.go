package openai

import (
	"net/http"
	"strings"

	"github.com/headgate/headgate/wire"
)

// restEndpoints are those that are no conversation: models, files, batches,
// images and audio, and the families that are known and refused.
func restEndpoints() []wire.Endpoint {
	const get, post, del = http.MethodGet, http.MethodPost, http.MethodDelete
	form := []string{"multipart/form-data"}
	list := []wire.Endpoint{
		{Method: get, Path: "/models", Codec: wire.ModelList{API: "openai.models", Array: "data", Name: "id"}, Bodyless: true},
		{Method: get, Path: "/models/{model}", Codec: wire.ModelList{API: "openai.models", Name: "id", One: true}, Bodyless: true},
		{Method: del, Path: "/models/{model}", Refused: "models are not deleted through the gate"},

		{Method: post, Path: "/images/generations", Codec: Images{}},
		{Method: post, Path: "/images/edits", Codec: Images{Form: true, Prompt: true}, Media: form},
		{Method: post, Path: "/images/variations", Codec: Images{Form: true}, Media: form},
		{Method: post, Path: "/audio/speech", Codec: Speech{}},
		{Method: post, Path: "/audio/transcriptions", Codec: Transcriptions{}, Media: form},
		{Method: post, Path: "/audio/translations", Codec: Transcriptions{}, Media: form},

		{Method: post, Path: "/files", Codec: FileUpload{}, Media: form},
		{Method: get, Path: "/files", Codec: wire.KeptList{API: "openai.files"}, Bodyless: true},
		{Method: get, Path: "/files/{file}", Codec: files, Bodyless: true},
		{Method: del, Path: "/files/{file}", Codec: files, Bodyless: true},
		{Method: get, Path: "/files/{file}/content", Codec: FileContent{}, Bodyless: true},

		{Method: post, Path: "/batches", Codec: newBatch},
		{Method: get, Path: "/batches", Codec: wire.KeptList{API: "openai.batches"}, Bodyless: true},
		{Method: get, Path: "/batches/{batch}", Codec: batches, Bodyless: true},
		{Method: post, Path: "/batches/{batch}/cancel", Codec: batches, Bodyless: true},
	}
	const stored = "completions that the provider stores are not governed"
	for _, e := range []struct{ method, path string }{
		{get, "/chat/completions"},
		{get, "/chat/completions/{completion}"},
		{post, "/chat/completions/{completion}"},
		{del, "/chat/completions/{completion}"},
		{get, "/chat/completions/{completion}/messages"},
	} {
		list = append(list, wire.Endpoint{Method: e.method, Path: e.path, Refused: stored})
	}
	for _, f := range refusedFamilies {
		list = append(list, f.endpoints()...)
	}
	return list
}

// family is a folder of paths that are refused, with all that is below it.
type family struct {
	path   string
	reason string
}

// refusedFamilies carry prompts, replies or whole agents in ways that no stage
// sees.
var refusedFamilies = []family{
	{"/agents", "agents that the provider runs are not governed"},
	{"/assistants", "the Assistants API is not governed"},
	{"/audio/voice_consents", "voices are not governed"},
	{"/audio/voices", "voices are not governed"},
	{"/chatkit", "ChatKit sessions are not governed"},
	{"/containers", "containers that the provider runs are not governed"},
	{"/content_provenance_checks", "content provenance checks are not governed"},
	{"/decisions", "decisions that the provider makes are not governed"},
	{"/evals", "evals are not governed"},
	{"/fine_tuning", "fine-tuning is not governed"},
	{"/live", "live sessions are not governed"},
	{"/realtime", "realtime sessions are not governed"},
	{"/skills", "skills that the provider keeps are not governed"},
	{"/threads", "the Assistants API is not governed"},
	{"/uploads", "uploads in parts cannot be decided as a whole; send the file to /files"},
	{"/vaults", "credentials that the provider keeps are not governed"},
	{"/vector_stores", "vector stores are not governed"},
	{"/videos", "videos are not governed"},
}

// familyDepth is how deep the paths of a family go: threads/{}/runs/{}/steps/{}.
const familyDepth = 5

// endpoints are the family's paths, level by level.
func (f family) endpoints() []wire.Endpoint {
	var list []wire.Endpoint
	path := f.path
	for depth := range familyDepth + 1 {
		if depth > 0 {
			path += "/{" + strings.Repeat("x", depth) + "}"
		}
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			list = append(list, wire.Endpoint{Method: method, Path: path, Refused: f.reason})
		}
	}
	return list
}
