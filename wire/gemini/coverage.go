package gemini

import "github.com/headgate/headgate/wire"

var requestFacts = []string{"cached_content", "file_id", "remote_url", "image", "audio", "binary", "opaque_echo"}

// Coverage of a reply that is generated.
func (GenerateContent) Coverage() wire.Coverage {
	return wire.Coverage{Request: "pre_chat, post_tool", Reply: "post_chat", Calls: "pre_tool", Facts: requestFacts}
}

// Coverage of a reply that is generated piece by piece.
func (StreamGenerateContent) Coverage() wire.Coverage {
	return wire.Coverage{Request: "pre_chat, post_tool", Reply: "post_chat", Stream: "post_chat", Calls: "pre_tool", Facts: requestFacts}
}

// Coverage of a count.
func (CountTokens) Coverage() wire.Coverage {
	return wire.Coverage{Request: "pre_chat, post_tool", Reply: "post_chat", Facts: requestFacts}
}

// Coverage of a count with the tokens.
func (ComputeTokens) Coverage() wire.Coverage {
	return wire.Coverage{Request: "pre_chat, post_tool", Reply: "post_chat", Facts: requestFacts}
}

// Coverage of an embedding.
func (EmbedContent) Coverage() wire.Coverage {
	return wire.Coverage{Request: "pre_chat", Reply: "post_chat", Facts: requestFacts}
}

// Coverage of embeddings.
func (BatchEmbedContents) Coverage() wire.Coverage {
	return wire.Coverage{Request: "pre_chat", Reply: "post_chat", Facts: requestFacts}
}

// Interface guards
var (
	_ wire.Coverer = GenerateContent{}
	_ wire.Coverer = StreamGenerateContent{}
	_ wire.Coverer = CountTokens{}
	_ wire.Coverer = ComputeTokens{}
	_ wire.Coverer = EmbedContent{}
	_ wire.Coverer = BatchEmbedContents{}
)
