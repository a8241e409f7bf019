package wire

import (
	"net/http"
	"slices"
)

// Coverage says what of an endpoint is looked into, for the documentation.
// An empty field is "nothing".
type Coverage struct {
	// Request, Reply and Stream say by what: a stage's name, or "redaction"
	// where no stage decides, or another short phrase. Calls is for the tool
	// calls of replies.
	Request, Reply, Stream, Calls string
	// Facts are those of a request that cannot be looked into; see
	// [Request.Unscanned].
	Facts []string
}

// Coverer is a [Codec] that says itself what it covers. Of others it follows
// from their kind.
type Coverer interface{ Coverage() Coverage }

// CoverageOf is what is looked into of an endpoint.
func CoverageOf(e Endpoint) Coverage {
	cov := covered(e.Codec)
	cov.Facts = slices.Sorted(slices.Values(cov.Facts))
	if _, chat := e.Codec.(ChatCodec); chat && e.Bodyless {
		cov.Request, cov.Facts = "no prompt", nil
		if e.Method != http.MethodGet {
			cov.Stream = "" // only what was kept before can stream
		}
	}
	return cov
}

func covered(c Codec) Coverage {
	const records = "redaction"
	switch k := c.(type) {
	case Coverer:
		return k.Coverage()
	case ChatCodec:
		return Coverage{Request: "pre_chat, post_tool", Reply: "post_chat", Stream: "post_chat", Calls: "pre_tool"}
	case RPCCodec:
		return Coverage{Request: "pre_tool", Reply: "post_tool; lists without what is hidden", Stream: "post_tool", Calls: "pre_tool"}
	case ToolCodec:
		return Coverage{Request: "pre_tool", Reply: "post_tool"}
	case KeptLister:
		return Coverage{Request: "no prompt", Reply: "what others made is left out; redaction"}
	case ListCodec:
		return Coverage{Request: "no prompt", Reply: "models that are denied are left out; redaction"}
	case BatchCodec:
		return Coverage{Request: "each request: pre_chat, post_tool", Reply: records}
	case RecordCodec:
		return Coverage{Request: "no prompt; redaction", Reply: records}
	case ResultsCodec:
		return Coverage{Request: "no prompt", Reply: "each reply: post_chat", Calls: "pre_tool"}
	}
	return Coverage{}
}
