// Package httptool governs plain HTTP endpoints that are tools: each method and
// path below a pattern is a call of one tool.
//
// The arguments of a call are the wildcards of the path, the query and the
// members of the body, which is a JSON object or a form, as one object; a name
// that stands in two places is refused. The result is a JSON value, a text
// (text/*, XML, YAML, lines of JSON), or nothing; other media types are facts (image, audio, binary).
// Streams of events are refused: what a part of one means nobody can know.
package httptool

import (
	"net/http"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

// Tool is one tool.
type Tool struct {
	// Pattern is the path, with wildcards as those of an [wire.Endpoint]:
	// "/tickets/{id}".
	Pattern string
	// Name is the tool's name, as policies see it.
	Name string
}

// Dialect is all HTTP tools. It is served at "/".
type Dialect struct{ Tools []Tool }

// Name is "http_tool".
func (Dialect) Name() string { return "http_tool" }

// Endpoints lists every tool with every method.
func (d Dialect) Endpoints() []wire.Endpoint {
	var list []wire.Endpoint
	for _, t := range d.Tools {
		for _, method := range []string{http.MethodGet, http.MethodDelete, http.MethodPost, http.MethodPut, http.MethodPatch} {
			list = append(list, wire.Endpoint{
				Method: method, Path: t.Pattern, Codec: codec{t.Name},
				Media:    []string{"application/json", mediaForm},
				Bodyless: method == http.MethodGet || method == http.MethodDelete,
			})
		}
	}
	return list
}

// SetCredential puts the key where most tools have it.
func (Dialect) SetCredential(h http.Header, key string) { h.Set("Authorization", "Bearer "+key) }

// Refuse writes a refusal as an error object:
//
//	{"error": {"message": …, "type": …, "param": null, "code": …}}
func (Dialect) Refuse(r wire.Refusal) (int, []byte) {
	kind := string(r.Code)
	if r.Code == wire.CodeInvalidRequest {
		kind = "invalid_request_error"
	}
	b := strictjson.AppendQuoted([]byte(`{"error":{"message":`), r.Reason)
	b = strictjson.AppendQuoted(append(b, `,"type":`...), kind)
	b = strictjson.AppendQuoted(append(b, `,"param":null,"code":`...), string(r.Code))
	return r.Code.Status(), append(b, "}}"...)
}

const mediaForm = "application/x-www-form-urlencoded"

// codec is the codec of one tool.
type codec struct{ name string }

// Protocol is "http_tool".
func (codec) Protocol() string { return "http_tool" }

// isText tells whether a media type is of a text that can be read as it is.
func isText(media string) bool {
	kind, sub, _ := strings.Cut(media, "/")
	return kind == "text" || kind == "application" &&
		(strings.HasSuffix(sub, "xml") || strings.HasSuffix(sub, "yaml") || sub == "javascript" || sub == "x-ndjson" || sub == mediaForm[len("application/"):])
}

func isJSON(media string) bool {
	return media == "application/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")
}

// Interface guards
var (
	_ wire.Dialect   = Dialect{}
	_ wire.ToolCodec = codec{}
)
