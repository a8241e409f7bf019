package wire

import (
	"net/http"
	"net/url"

	"github.com/headgate/headgate/wire/strictjson"
)

// RPCCodec is the codec of an endpoint that carries messages of JSON-RPC
// between a client and a server of tools, one message a request, and a message
// or a stream of them as the reply.
type RPCCodec interface {
	Codec
	// Client reads what a client sends. Errors are *[Error]; the message is
	// there with an error too, for its Refuser.
	Client(in Incoming) (*RPC, error)
	// Server reads a message of the server. asked is what the client has sent
	// on the same exchange. Errors are *[Error].
	Server(body []byte, asked *RPC) (*RPC, error)
	// Instead is what takes the place of a message that must not go on: for a
	// client's request and for an answer to it, the answer that says why; for
	// what the server asks, a request that every client refuses; for a client's
	// answer, an error.
	Instead(m *RPC, r Refusal) []byte
	// Headers brings headers that repeat parts of the body in line with an
	// edited body.
	Headers(h http.Header, before, after *RPC) error
}

// SessionCodec is an [RPCCodec] with sessions: the server names one in the
// header of a reply, or in the address to which a client is told to send its
// messages, and the client repeats its name.
type SessionCodec interface {
	RPCCodec
	// Sessions are the ids that a header and a query name.
	Sessions(h http.Header, query url.Values) []string
}

// RPCKind is what a message is.
type RPCKind int

// The kinds of a message. A client that listens or closes sends none.
const (
	RPCRequest RPCKind = iota
	RPCNotification
	RPCAnswer
	RPCListen
	RPCClose
)

// RPC is one message, as far as a gate looks at it.
type RPC struct {
	// Body is the message. It must not change while the RPC is in use.
	Body []byte
	Kind RPCKind
	// FromServer tells who has sent it.
	FromServer bool
	// Method is what is asked for or told; of an answer, what it answers, ""
	// where that is unknown.
	Method string
	// ID is the request's or the answer's id as it is written, nil for none.
	ID []byte
	// Unknown marks a request of the server or a notification whose method no
	// revision of the protocol has. It does not go on.
	Unknown bool
	// Answers marks the server's answer to what was asked on this exchange.
	Answers bool
	// Refuser writes refusals of the message.
	Refuser Refuser

	// Call is what pre_tool decides, Result what post_tool decides, Prompts
	// what pre_chat decides, Replies what post_chat decides.
	Call    *ToolCall
	Result  *ToolResult
	Prompts []RPCPrompt
	Replies []RPCReply
	// Offers are the tools of a list.
	Offers []RPCOffer
	// Texts are all texts that are in none of the above.
	Texts []Text
	// Unscanned are facts of a client's message that cannot be looked into.
	Unscanned []string
	// Refers are the ids of things kept by the server that a client's message
	// speaks of, Makes those that the server's message tells of.
	Refers, Makes []string
}

// RPCPrompt is a prompt that the server asks the client to give to a model, or
// to a user.
type RPCPrompt struct {
	// Model is the first model that the server would like, "" for none.
	Model    string
	Messages []Message
	Tools    []RPCOffer
	Texts    []Text
	// Results are the results of tools in it; their Texts are indices into
	// Texts.
	Results []Result
	// Unscanned are facts of the prompt that cannot be looked into.
	Unscanned []string
}

// RPCReply is what a client's model has answered.
type RPCReply struct {
	Model    string
	Response *Response
	Texts    []Text
	// Calls are the calls that the model asks for; their texts are not among
	// Texts.
	Calls []ToolCall
}

// RPCOffer is a tool in a list of tools. Start and End bound its element of
// the array.
type RPCOffer struct {
	Name       string
	Start, End int
}

// HideOffers takes the tools for which hide answers true out of their list,
// whose tools offers are, all and in order.
func HideOffers(offers []RPCOffer, hide func(name string) bool) []strictjson.Replacement {
	var gone []strictjson.Replacement
	kept := -1 // the last one that stays
	for i := range offers {
		o := &offers[i]
		switch {
		case !hide(o.Name):
			kept = i
		case kept >= 0: // with the comma before it
			gone = append(gone, strictjson.Replacement{Start: offers[i-1].End, End: o.End})
		case i+1 < len(offers): // with the comma behind it
			gone = append(gone, strictjson.Replacement{Start: o.Start, End: offers[i+1].Start})
		default:
			gone = append(gone, strictjson.Replacement{Start: o.Start, End: o.End})
		}
	}
	return gone
}
