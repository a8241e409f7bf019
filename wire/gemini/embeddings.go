package gemini

import "github.com/headgate/headgate/wire"

// EmbedContent is the codec of POST …:embedContent: one content, which is a
// user's message.
//
//	{"model": "models/m", "content": {"parts": [{"text": …}]}, "taskType": …, "title": …}
type EmbedContent struct{ noStream }

// Protocol is "gemini.embeddings".
func (EmbedContent) Protocol() string { return "gemini.embeddings" }

// Request reads a request to embed a content.
func (EmbedContent) Request(in wire.Incoming) (wire.Request, error) {
	return readRequest(in, shape{prompt: "content"})
}

// Reply reads {"embedding": {"values": [0.1, …]}, "usageMetadata": {…}}.
func (EmbedContent) Reply(body []byte) (wire.Reply, error) { return readNumbers(body) }

// BatchEmbedContents is the codec of POST …:batchEmbedContents: a request of
// embedContent for each of its `requests`, each a message.
type BatchEmbedContents struct{ noStream }

// Protocol is "gemini.embeddings".
func (BatchEmbedContents) Protocol() string { return "gemini.embeddings" }

// Request reads a request to embed several contents.
func (BatchEmbedContents) Request(in wire.Incoming) (wire.Request, error) {
	return readRequest(in, shape{prompt: "requests"})
}

// Reply reads {"embeddings": [{"values": [0.1, …]}], "usageMetadata": {…}}.
func (BatchEmbedContents) Reply(body []byte) (wire.Reply, error) { return readNumbers(body) }

// Interface guards
var (
	_ wire.ChatCodec = EmbedContent{}
	_ wire.ChatCodec = BatchEmbedContents{}
)
