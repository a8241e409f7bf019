package gemini

import (
	"net/http"

	"github.com/headgate/headgate/wire"
)

// tuned is the wildcard of a tuned model. Its name is not "model", since no
// other model can stand in its place.
const tuned = "tunedModel"

// Endpoints lists what is governed, and what is known and refused. Uploads
// (`/upload/v1beta/files`) are not below the prefix and so unknown.
func (Dialect) Endpoints() []wire.Endpoint {
	list := []wire.Endpoint{
		{Method: http.MethodGet, Path: "/models", Codec: wire.ModelList{API: "gemini.models", Array: "models", Name: "name", Prefix: "models/"}, Bodyless: true},
		{Method: http.MethodGet, Path: "/models/{model}", Codec: wire.ModelList{API: "gemini.models", Name: "name", Prefix: "models/", One: true}, Bodyless: true},
	}
	for _, model := range []string{"/models/{model}:", "/tunedModels/{" + tuned + "}:"} {
		for _, e := range []wire.Endpoint{
			{Path: "generateContent", Codec: GenerateContent{}},
			{Path: "streamGenerateContent", Codec: StreamGenerateContent{}},
			{Path: "countTokens", Codec: CountTokens{}},
			{Path: "computeTokens", Codec: ComputeTokens{}},
			{Path: "embedContent", Codec: EmbedContent{}},
			{Path: "batchEmbedContents", Codec: BatchEmbedContents{}},
			{Path: "predict", Refused: noPredictions},
			{Path: "predictLongRunning", Refused: noPredictions},
			{Path: "batchGenerateContent", Refused: noBatches},
			{Path: "asyncBatchEmbedContent", Refused: noBatches},
		} {
			e.Method, e.Path = http.MethodPost, model+e.Path
			list = append(list, e)
		}
	}
	for _, r := range refused {
		for _, method := range r.methods {
			list = append(list, wire.Endpoint{Method: method, Path: r.path, Refused: r.why})
		}
	}
	return list
}

// Why an endpoint is refused.
const (
	noPredictions  = "predictions are not governed and are refused"
	noBatches      = "batches are not governed and are refused"
	noCaches       = "cached contents are not governed and are refused"
	noFiles        = "files are not governed and are refused"
	noStores       = "file search stores are not governed and are refused"
	noInteractions = "interactions are not governed and are refused"
	noTokens       = "tokens for live sessions are not governed and are refused"
)

var (
	readOnly  = []string{http.MethodGet}
	writeOnly = []string{http.MethodPost}
	both      = []string{http.MethodGet, http.MethodPost}
	gone      = []string{http.MethodGet, http.MethodDelete}
)

// refused are the endpoints that are known and not governed.
var refused = []struct {
	path    string
	methods []string
	why     string
}{
	{"/cachedContents", both, noCaches},
	{"/cachedContents/{id}", []string{http.MethodGet, http.MethodPatch, http.MethodDelete}, noCaches},
	{"/files", both, noFiles},
	{"/files/{id}", gone, noFiles},
	{"/files/{id}:download", readOnly, noFiles},
	{"/files:register", writeOnly, noFiles},
	{"/fileSearchStores", both, noStores},
	{"/fileSearchStores/{id}", gone, noStores},
	{"/fileSearchStores/{id}:importFile", writeOnly, noStores},
	{"/fileSearchStores/{id}:uploadToFileSearchStore", writeOnly, noStores},
	{"/fileSearchStores/{id}/documents", readOnly, noStores},
	{"/fileSearchStores/{id}/documents/{document}", gone, noStores},
	{"/fileSearchStores/{id}/operations/{operation}", readOnly, noStores},
	{"/batches", readOnly, noBatches},
	{"/batches/{id}", gone, noBatches},
	{"/batches/{id}:cancel", writeOnly, noBatches},
	{"/interactions", both, noInteractions},
	{"/interactions/{id}", gone, noInteractions},
	{"/interactions/{id}/cancel", writeOnly, noInteractions},
	{"/auth_tokens", writeOnly, noTokens},
}
