package openai

import "github.com/headgate/headgate/wire"

// responsesFacts are those of a request of the Responses API.
var responsesFacts = []string{
	"previous_response_id", "conversation", "stored_prompt", "file_id", "background", "remote_url", "image", "audio", "binary", "opaque_echo",
}

// Coverage of a response.
func (Responses) Coverage() wire.Coverage {
	return wire.Coverage{Request: "pre_chat, post_tool", Reply: "post_chat", Stream: "post_chat", Calls: "pre_tool", Facts: responsesFacts}
}

// Coverage of items that are sent without asking for a response.
func (c responsesAsk) Coverage() wire.Coverage {
	return wire.Coverage{Request: "pre_chat, post_tool", Reply: "post_chat", Calls: "pre_tool", Facts: responsesFacts}
}

// Interface guards
var (
	_ wire.Coverer = Responses{}
	_ wire.Coverer = responsesAsk{}
)
