package openai

import "github.com/headgate/headgate/wire"

// Coverage of a chat.
func (Chat) Coverage() wire.Coverage {
	return wire.Coverage{
		Request: "pre_chat, post_tool", Reply: "post_chat", Stream: "post_chat", Calls: "pre_tool",
		Facts: []string{"remote_url", "file_id", "image", "audio", "binary", "opaque_echo"},
	}
}

// Coverage of a completion.
func (Completions) Coverage() wire.Coverage {
	return wire.Coverage{Request: "pre_chat", Reply: "post_chat", Stream: "post_chat"}
}

// Coverage of embeddings.
func (Embeddings) Coverage() wire.Coverage {
	return wire.Coverage{Request: "pre_chat", Reply: "post_chat"}
}

// Coverage of moderations.
func (Moderations) Coverage() wire.Coverage {
	return wire.Coverage{Request: "pre_chat", Reply: "post_chat", Facts: []string{"remote_url", "image"}}
}

// Coverage of an upload.
func (FileUpload) Coverage() wire.Coverage {
	return wire.Coverage{
		Request: "each line of a batch, or the file as one prompt: pre_chat, post_tool", Reply: "redaction",
		Facts: []string{"image", "audio", "binary"},
	}
}

// Coverage of a file's content.
func (FileContent) Coverage() wire.Coverage {
	return wire.Coverage{Request: "no prompt", Reply: "each result of a batch, or the file as one reply: post_chat; media are refused", Calls: "pre_tool"}
}

// Interface guards
var (
	_ wire.Coverer = Chat{}
	_ wire.Coverer = Completions{}
	_ wire.Coverer = Embeddings{}
	_ wire.Coverer = Moderations{}
	_ wire.Coverer = FileUpload{}
	_ wire.Coverer = FileContent{}
)
