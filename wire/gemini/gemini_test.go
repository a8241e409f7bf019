package gemini

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/wire"
)

func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		code   wire.Code
		status int
		name   string
	}{
		{wire.CodePolicyDenied, 403, "PERMISSION_DENIED"},
		{wire.CodeApprovalRequired, 403, "PERMISSION_DENIED"},
		{wire.CodeAuthentication, 401, "UNAUTHENTICATED"},
		{wire.CodeInvalidRequest, 400, "INVALID_ARGUMENT"},
		{wire.CodeNotFound, 404, "NOT_FOUND"},
		{wire.CodeMethod, 405, "UNIMPLEMENTED"},
		{wire.CodeMediaType, 415, "INVALID_ARGUMENT"},
		{wire.CodeTooLarge, 413, "INVALID_ARGUMENT"},
		{wire.CodeUpgrade, 426, "FAILED_PRECONDITION"},
		{wire.CodeUnavailable, 503, "UNAVAILABLE"},
		{wire.CodeUpstream, 502, "UNAVAILABLE"},
		{wire.CodeUpstreamTimeout, 504, "DEADLINE_EXCEEDED"},
		{wire.CodeInternal, 500, "INTERNAL"},
	} {
		status, body := Dialect{}.Refuse(wire.Refusal{Code: tt.code, Reason: "a \"reason\"\n"})
		var got struct {
			Error struct {
				Code            int
				Message, Status string
			}
		}
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if status != tt.status || got.Error.Code != tt.status || got.Error.Status != tt.name || got.Error.Message != "a \"reason\"\n" {
			t.Errorf("%s: %d %s", tt.code, status, body)
		}
	}
}

func TestCredential(t *testing.T) {
	for key, want := range map[string]http.Header{
		"AIza":        {"X-Goog-Api-Key": {"AIza"}},
		"Bearer ya29": {"Authorization": {"Bearer ya29"}},
	} {
		h := http.Header{}
		Dialect{}.SetCredential(h, key)
		if diff := cmp.Diff(want, h); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
}

const vertex = "/v1beta1/projects/{project}/locations/{location}/publishers/google"

func TestRoutes(t *testing.T) {
	r, err := wire.NewRouter([]wire.Served{{Dialect: Dialect{}, Prefix: "/v1beta"}, {Dialect: Dialect{}, Prefix: vertex}})
	if err != nil {
		t.Fatal(err)
	}
	const inVertex = "/v1beta1/projects/p-1/locations/us-central1/publishers/google"
	for _, tt := range []struct{ method, path, protocol, model, refused string }{
		{"POST", "/v1beta/models/gemini-2.5-pro:generateContent", "gemini", "gemini-2.5-pro", ""},
		{"POST", "/v1beta/models/gemini-2.5-pro:streamGenerateContent", "gemini", "gemini-2.5-pro", ""},
		{"POST", "/v1beta/models/m:countTokens", "gemini.count_tokens", "m", ""},
		{"POST", "/v1beta/models/m:computeTokens", "gemini.compute_tokens", "m", ""},
		{"POST", "/v1beta/models/m:embedContent", "gemini.embeddings", "m", ""},
		{"POST", "/v1beta/models/m:batchEmbedContents", "gemini.embeddings", "m", ""},
		{"POST", "/v1beta/tunedModels/t:generateContent", "gemini", "tunedModels/t", ""},
		{"POST", inVertex + "/models/gemini-2.5-pro:streamGenerateContent", "gemini", "gemini-2.5-pro", ""},
		{"POST", inVertex + "/models/m:predict", "", "", noPredictions},
		{"POST", "/v1beta/models/m:predictLongRunning", "", "", noPredictions},
		{"POST", "/v1beta/models/m:batchGenerateContent", "", "", noBatches},
		{"POST", "/v1beta/tunedModels/m:asyncBatchEmbedContent", "", "", noBatches},
		{"POST", "/v1beta/cachedContents", "", "", noCaches},
		{"DELETE", "/v1beta/files/abc", "", "", noFiles},
		{"GET", "/v1beta/files/abc:download", "", "", noFiles},
		{"POST", "/v1beta/fileSearchStores/s:importFile", "", "", noStores},
		{"GET", "/v1beta/batches/b", "", "", noBatches},
		{"POST", "/v1beta/interactions", "", "", noInteractions},
		{"POST", "/v1beta/auth_tokens", "", "", noTokens},
	} {
		route, err := r.Route(tt.method, tt.path)
		if err != nil {
			t.Errorf("%s %s: %v", tt.method, tt.path, err)
			continue
		}
		if tt.refused != "" || route.Codec() == nil {
			if route.Codec() != nil || route.Endpoint.Refused != tt.refused {
				t.Errorf("%s: refused with %q", tt.path, route.Endpoint.Refused)
			}
			continue
		}
		model, err := modelOf(route.Params)
		if err != nil || model.String() != tt.model || route.Codec().Protocol() != tt.protocol {
			t.Errorf("%s: %s, model %q, %v", tt.path, route.Codec().Protocol(), model, err)
		}
	}
	for _, path := range []string{
		"/v1beta/models/m:translate", "/v1beta/models/m", "/v1beta/models/a/b:generateContent", "/v1beta/models/m:generateContent:",
		"/v1beta1/projects/p/locations/l/publishers/anthropic/models/m:generateContent", "/v1beta/models/%67:generateContent",
		"/upload/v1beta/files",
	} {
		if route, err := r.Route(http.MethodPost, path); err == nil {
			t.Errorf("%s leads to %v", path, route.Endpoint)
		}
	}
}

func TestQuery(t *testing.T) {
	for raw, accepted := range map[string][2]bool{ // as JSON, as a stream
		"":                                {true, true},
		"key=k":                           {true, true},
		"alt=json":                        {true, true},
		"alt=sse":                         {false, true},
		"alt=SSE":                         {false, false},
		"alt=proto":                       {false, false},
		"alt=":                            {false, false},
		"$alt=json%3Benum-encoding%3Dint": {true, true},
		"$alt=sse%3Benum-encoding%3Dint":  {false, true},
		"alt=json%3Bother":                {false, false},
		"alt=sse&$alt=json":               {false, false},
		"prettyPrint=false&quotaUser=u":   {true, true},
		"callback=f":                      {false, false},
		"$httpMethod=GET":                 {false, false},
		"fields=candidates":               {false, false},
		"Alt=sse":                         {false, false},
	} {
		q, err := url.ParseQuery(raw)
		if err != nil {
			t.Fatal(err)
		}
		for i, codec := range []wire.ChatCodec{GenerateContent{}, StreamGenerateContent{}} {
			_, err := codec.Request(wire.Incoming{Params: wire.Params{"model": "m"}, Query: q, Body: []byte(`{"contents":[]}`)})
			if (err == nil) != accepted[i] {
				t.Errorf("%T ?%s: %v", codec, raw, err)
			}
		}
	}
}

func TestModelNames(t *testing.T) {
	for name, named := range map[string]bool{
		"m": true, "models/m": true, "publishers/google/models/m": true, "projects/p/locations/l/publishers/google/models/m": true,
		"": false, "xm": false, "models/x": false, "tunedModels/m": false, "publishers/google/m": false, "x/models/m": false,
		"publishers/anthropic/models/m": false, "projects/p/publishers/google/models/m": false, "models/models/m": false,
		"projects//locations/l/publishers/google/models/m": false, "/models/m": false,
	} {
		if got := (modelName{id: "m"}).named(name); got != named {
			t.Errorf("%q: %v", name, got)
		}
	}
	if m := (modelName{id: "m", tuned: true}); !m.named("tunedModels/m") || m.named("m") || m.named("models/m") {
		t.Error("a tuned model has another name")
	}
}

func TestSpellings(t *testing.T) {
	for name, want := range map[string]string{"fileUri": "file_uri", "parametersJsonSchema": "parameters_json_schema", "text": "text"} {
		if snake(name) != want || camel(want) != name {
			t.Errorf("%s: %s, %s", name, snake(name), camel(want))
		}
	}
	for _, tt := range [][2]string{{"_a", "A"}, {"a__b", "a__b"}, {"a_", "a_"}, {"mcp_servers", "mcpServers"}} {
		if got := camel(tt[0]); got != tt[1] {
			t.Errorf("%s: %s", tt[0], got)
		}
	}
}

func TestFileID(t *testing.T) {
	for uri, id := range map[string]string{
		"https://generativelanguage.googleapis.com/v1beta/files/abc": "files/abc", "files/abc": "files/abc",
		"https://generativelanguage.googleapis.com/v1beta/files/abc?x": "", "https://generativelanguage.googleapis.com/v1beta/files/a/b": "",
		"http://generativelanguage.googleapis.com/v1beta/files/abc": "", "https://evil.test/v1beta/files/abc": "", "https://u@generativelanguage.googleapis.com.test/v1beta/files/a": "",
		"//evil.test/files/abc": "", "gs://bucket/files/abc": "", "files/": "", "files/a%2Fb": "", "": "", "%": "",
	} {
		if got := fileID(uri); got != id {
			t.Errorf("%q: %q", uri, got)
		}
	}
}
