package wire

import (
	"encoding/json"
	"net/url"
)

// ToolCall is a call of a tool on its way to whoever runs it.
type ToolCall struct {
	// Name is the tool's name.
	Name string
	// Args are the arguments in canonical form (see strictjson.AppendCanonical).
	Args json.RawMessage
	// Texts are the texts of the arguments, where they can be edited.
	Texts []Text
}

// ToolResult is a tool's result on its way to whoever asked for it.
type ToolResult struct {
	// Name is the tool's name, "" where it is unknown.
	Name string
	// Value is the result as policies see it, in canonical form.
	Value json.RawMessage
	// Texts are its texts, where they can be edited.
	Texts []Text
	// Unscanned are facts of the result that cannot be looked into: "image",
	// "audio", "binary".
	Unscanned []string
}

// ToolCodec is the codec of an endpoint that is a tool: its requests are calls
// of the tool, its replies are results.
type ToolCodec interface {
	Codec
	// Call reads a request. Errors are *[Error]; a request that does not pass
	// is refused with 400.
	Call(in Incoming) (ToolRequest, error)
	// Result reads a reply of some media type; media is empty where the
	// upstream names none. Errors are *[Error].
	Result(media string, body []byte) (ToolReply, error)
}

// ToolRequest is a call as a request holds it.
type ToolRequest interface {
	// Call is the call. Its texts are placed in Doc.
	Call() *ToolCall
	// Doc is the JSON object of all arguments, wherever in the request each of
	// them stands.
	Doc() []byte
	// Edited is the request with the arguments of doc, which is Doc with other
	// texts. It fails where one cannot stand where it has to.
	Edited(doc []byte) (*EditedRequest, error)
}

// EditedRequest is what a [ToolRequest] has become.
type EditedRequest struct {
	Params Params
	Query  url.Values
	Body   []byte
}

// ToolReply is a result as a reply holds it.
type ToolReply interface {
	// Result is the result. Its texts are placed in Doc.
	Result() *ToolResult
	// Doc is the JSON document of the result's texts.
	Doc() []byte
	// Edited is the reply's body with the texts of doc.
	Edited(doc []byte) ([]byte, error)
}
