package wire

import "strconv"

// Request is a prompt on its way to a model, as far as a gate looks at it.
type Request interface {
	// Model is the model that the request names.
	Model() string
	// Stream tells whether the client asked for a streamed reply.
	Stream() bool
	// Tools are the names of the tools that the request offers, in order,
	// server-side tools included.
	Tools() []string
	// Unscanned lists what cannot be looked into, from the contract's closed
	// list ("remote_url", "file_id", "image", …), sorted, each once.
	Unscanned() []string
	// Texts lists every text of the prompt: system text, messages, earlier
	// arguments and results, tool descriptions.
	Texts() []Text
	// Results lists the tool results of the conversation, in order.
	Results() []Result
	// Messages is the normalised conversation as a JSON array of
	// {"role", "text", "parts", "tool_calls", "tool_results"}, in the
	// canonical form of RFC 8785 (see strictjson.AppendCanonical). It is what
	// messages_hash is taken over: one user message "hi" is
	//
	//	[{"parts":[{"text":"hi","type":"text"}],"role":"user","text":"hi","tool_calls":[],"tool_results":[]}]
	//
	// whose SHA-256 is 1407317499301e010711f113b3deab38590ed367cf5ac50b9b464c5532b0bd2c.
	Messages() []byte
	// ForceModel returns body, which is the request's body or an edited copy
	// of it, with another model in it. Where a wildcard of the path names the
	// model, the path is for the caller to change; a body that names it as
	// well follows.
	ForceModel(body []byte, model string) ([]byte, error)
	// HideTools returns body without the tools for which hide answers true.
	// It fails where the request insists on a hidden tool.
	HideTools(body []byte, hide func(name string) bool) ([]byte, error)
	// Release gives back what the Request holds; it must not be used after.
	Release()
}

// Text is one string value of a body that holds text.
type Text struct {
	// Start and End bound the JSON string in the body, quotes included.
	Start, End int
	// JSON marks a string that holds a JSON document, such as a tool's
	// arguments: its string values are text, its keys and structure are not.
	JSON bool
	// Raw marks a text that is no JSON string: Start and End bound the text
	// itself, in a body that is no JSON, or a part of one that is not.
	Raw bool
	// Result marks a tool's result.
	Result bool
	// Copy marks a text that repeats another one of the body. It is redacted,
	// but what is found in it is not counted again.
	Copy bool
	// Group joins the parts of one message: texts with the same Group, which
	// stand beside each other, are read as one by the model. 0 stands alone.
	Group int
	Place Place
	// Choice is the choice that the text belongs to, in replies.
	Choice int
}

// Place names where in the policy's input a text stands.
type Place struct {
	List  string // "messages", "tools", "choices"; or a field's name where Field is empty and Index is -1
	Index int
	Field string // "text", "tool_calls"
}

// String gives the place in the spelling that selectors and findings use:
// "messages[3].text".
func (p Place) String() string {
	if p.Index < 0 {
		return p.List
	}
	s := p.List + "[" + strconv.Itoa(p.Index) + "]"
	if p.Field != "" {
		s += "." + p.Field
	}
	return s
}

// Result is a tool's result inside a prompt.
type Result struct {
	// CallID ties the result to the call that asked for it.
	CallID string
	// Tool and Args are those of the call, where the conversation holds it;
	// otherwise Tool is empty and Args is nil. Args are gated JSON.
	Tool string
	Args []byte
	// Text is the result's text, its parts joined by a newline.
	Text string
	// Texts are the indices into the request's Texts of the result's parts.
	Texts []int
	// Latest marks the results that follow the last assistant message.
	Latest bool
}

// Referrer is a request that can speak of things which the upstream keeps: an
// earlier response, a conversation, a file, a batch, a session.
type Referrer interface {
	// References are their ids, each once.
	References() []string
}

// Creator is a [Reply] or a [Stream] that tells which things the upstream now
// keeps for whoever asked.
type Creator interface {
	// Created are their ids so far.
	Created() []string
}

// Promptless is a [Request] that carries no prompt, such as one for a reply
// that was made before. There is nothing to decide before the reply comes.
type Promptless interface {
	Request
	// Promptless marks the request; it is never called.
	Promptless()
}

// RequestRefuser is a [Request] that writes the refusals of its exchange
// itself, for they have to name the request; so may an error of
// [ChatCodec.Request]. It does so also after Release.
type RequestRefuser interface {
	Request
	Refuser
}
