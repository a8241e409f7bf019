package pdp

import (
	"net/http"
	"strings"
)

// The headers of signatures, in lower case.
const (
	brokerSignature      = "x-atn-signature"
	integrationSignature = "x-cullis-integration-signature"
)

// dataPrefix is where OPA's Data API has its documents.
const dataPrefix = "/v1/data/"

// endpoint is what is served at a path.
type endpoint struct {
	methods   []string
	signature string // the header of the body's signature, in lower case
	// answer decides and answers. The caller is known by then, and body is what
	// was signed. It is nil where no credential is needed.
	answer func(c *call, body []byte) *refusal
}

var post = []string{http.MethodPost}

var endpoints = map[string]*endpoint{
	"/pdp/health":                      {methods: []string{http.MethodGet, http.MethodHead}},
	"/pdp/policy":                      {methods: post, signature: brokerSignature, answer: (*call).brokerSession},
	"/v1/data/cullis/policy/session":   {methods: post, signature: integrationSignature, answer: (*call).dataSession},
	"/v1/data/cullis/policy/tool_call": {methods: post, signature: integrationSignature, answer: (*call).dataToolCall},
	"/v1/data/tako/policy":             {methods: post, signature: integrationSignature, answer: (*call).dataStage},
	"/v1/integrations/cloudevents":     {methods: post, signature: integrationSignature, answer: (*call).event},
}

// unknownDocument stands for all other paths of the Data API.
var unknownDocument = &endpoint{methods: post, signature: integrationSignature, answer: (*call).noDocument}

// find returns the endpoint of a path as it was sent.
func find(escapedPath string) (*endpoint, bool) {
	if e := endpoints[escapedPath]; e != nil {
		return e, true
	}
	if strings.HasPrefix(escapedPath, dataPrefix) {
		return unknownDocument, true
	}
	return nil, false
}
