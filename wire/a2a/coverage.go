package a2a

import "github.com/headgate/headgate/wire"

var messageFacts = []string{"remote_url", "image", "audio", "binary"}

// Coverage of the methods of JSON-RPC.
func (RPC) Coverage() wire.Coverage {
	return wire.Coverage{Request: "a message: pre_chat", Reply: "post_chat", Stream: "post_chat", Facts: messageFacts}
}

// Coverage of an operation.
func (c REST) Coverage() wire.Coverage {
	cov := wire.Coverage{Request: "no prompt", Reply: "post_chat"}
	if c.op.sends {
		cov.Request, cov.Facts = "pre_chat", messageFacts
	}
	if c.op.streams {
		cov.Reply, cov.Stream = "", "post_chat"
	}
	return cov
}

// Interface guards
var (
	_ wire.Coverer = RPC{}
	_ wire.Coverer = REST{}
)
