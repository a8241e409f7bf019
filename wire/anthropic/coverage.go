package anthropic

import "github.com/headgate/headgate/wire"

var messageFacts = []string{"remote_url", "file_id", "stored_prompt", "image", "audio", "binary", "opaque_echo"}

// Coverage of messages.
func (Messages) Coverage() wire.Coverage {
	return wire.Coverage{Request: "pre_chat, post_tool", Reply: "post_chat", Stream: "post_chat", Calls: "pre_tool", Facts: messageFacts}
}

// Coverage of a count.
func (CountTokens) Coverage() wire.Coverage {
	return wire.Coverage{Request: "pre_chat, post_tool", Reply: "post_chat", Facts: messageFacts}
}

// Coverage of a batch.
func (Batches) Coverage() wire.Coverage {
	return wire.Coverage{Request: "each request: pre_chat, post_tool", Reply: "redaction", Facts: messageFacts}
}

// Interface guards
var (
	_ wire.Coverer = Messages{}
	_ wire.Coverer = CountTokens{}
	_ wire.Coverer = Batches{}
)
