package mcp

import "github.com/headgate/headgate/wire"

const (
	ofClients = "tools/call, resources/read, prompts/get: pre_tool; answers to sampling: post_chat"
	ofServers = "results: post_tool; lists: shortened, redaction; sampling, elicitation: pre_chat"
)

// Coverage of what a client posts, and of what the server says to it.
func (Messages) Coverage() wire.Coverage {
	return wire.Coverage{Request: ofClients, Reply: ofServers, Stream: "the same, message by message"}
}

// Coverage of what a server says of its own.
func (Listen) Coverage() wire.Coverage {
	return wire.Coverage{Request: "no content", Stream: ofServers}
}

// Coverage of the end of a session.
func (Close) Coverage() wire.Coverage {
	return wire.Coverage{Request: "no content", Reply: "no content"}
}

// Interface guards
var (
	_ wire.Coverer = Messages{}
	_ wire.Coverer = Listen{}
	_ wire.Coverer = Close{}
)
