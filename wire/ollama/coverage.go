package ollama

import "github.com/headgate/headgate/wire"

// Coverage of a chat.
func (Chat) Coverage() wire.Coverage {
	return wire.Coverage{Request: "pre_chat, post_tool", Reply: "post_chat", Stream: "post_chat", Calls: "pre_tool", Facts: []string{"image"}}
}

// Coverage of a completion.
func (Generate) Coverage() wire.Coverage {
	return wire.Coverage{Request: "pre_chat", Reply: "post_chat", Stream: "post_chat", Facts: []string{"image"}}
}

// Coverage of embeddings.
func (Embed) Coverage() wire.Coverage {
	return wire.Coverage{Request: "pre_chat", Reply: "post_chat"}
}

// Coverage of an embedding.
func (Embeddings) Coverage() wire.Coverage {
	return wire.Coverage{Request: "pre_chat", Reply: "post_chat"}
}

// Interface guards
var (
	_ wire.Coverer = Chat{}
	_ wire.Coverer = Generate{}
	_ wire.Coverer = Embed{}
	_ wire.Coverer = Embeddings{}
)
