package gemini

import (
	"net/url"
	"strings"

	"github.com/headgate/headgate/wire/internal/read"
)

// checkQuery refuses parameters of the query that could change what the body
// says or what the reply looks like. Google's front ends know many, some of
// which replace the method, headers or body of a request; of them pass the key
// and what concerns the writing of the reply.
//
// `alt` (or `$alt`) is "json", which is the default, or, where the reply is a
// stream, "sse"; some clients ask there for enumerations as numbers.
func checkQuery(q url.Values, stream bool) error {
	if len(q["alt"]) > 0 && len(q["$alt"]) > 0 {
		return read.Wrong("", "the query says twice how the reply is to be written")
	}
	for name, values := range q {
		switch name {
		case "key", "prettyPrint", "$prettyPrint", "quotaUser", "$.xgafv":
		case "alt", "$alt":
			for _, v := range values {
				kind, option, has := strings.Cut(v, ";")
				if kind != "json" && (kind != "sse" || !stream) || has && option != "enum-encoding=int" {
					return read.Wrong("", "the query asks for a reply of a form that is not known here")
				}
			}
		default:
			return read.Wrong("", "the query has a parameter that is not known")
		}
	}
	return nil
}
