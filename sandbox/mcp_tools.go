package sandbox

import (
	"encoding/json"
	"strconv"
)

// mcpTool describes a tool. Source: Tool in the protocol's schema.
type mcpTool struct {
	Name         string          `json:"name"`
	Title        string          `json:"title"`
	Description  string          `json:"description"`
	InputSchema  json.RawMessage `json:"inputSchema"`
	OutputSchema json.RawMessage `json:"outputSchema,omitempty"`

	run func(arguments json.RawMessage) *toolResult // nil: echo
}

// toolResult is what a call gives. Source: CallToolResult in the protocol's
// schema.
type toolResult struct {
	Content    []toolContent `json:"content"`
	Structured any           `json:"structuredContent,omitempty"`
	IsError    bool          `json:"isError,omitempty"`
}

type toolContent struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

func toolText(text string) *toolResult {
	return &toolResult{Content: []toolContent{{"text", text}}}
}

func toolFailed(text string) *toolResult {
	r := toolText(text)
	r.IsError = true
	return r
}

// structured gives v both as structured content and as text, as the protocol
// asks of a tool with an output schema.
func structured(v any) *toolResult {
	r := toolText(string(encode(v)))
	r.Structured = v
	return r
}

var mcpTools = []mcpTool{
	{
		Name: "add", Title: "Add", Description: "Adds two numbers.", run: add,
		InputSchema:  json.RawMessage(`{"type":"object","properties":{"a":{"type":"number"},"b":{"type":"number"}},"required":["a","b"]}`),
		OutputSchema: json.RawMessage(`{"type":"object","properties":{"sum":{"type":"number"}},"required":["sum"]}`),
	},
	{
		Name: "echo", Title: "Echo", Description: "Gives a text back.",
		InputSchema: json.RawMessage(`{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}`),
	},
	{
		Name: "lookup", Title: "Look up", Description: "Finds a person by first name: alice or bob.", run: lookup,
		InputSchema:  json.RawMessage(`{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}`),
		OutputSchema: json.RawMessage(`{"type":"object","properties":{"name":{"type":"string"},"email":{"type":"string"},"phone":{"type":"string"}},"required":["name","email","phone"]}`),
	},
}

// reads reports whether raw is JSON of the form of what into points to.
func reads(raw json.RawMessage, into any) bool { return json.Unmarshal(raw, into) == nil }

// callTool carries out tools/call and puts what comes of it into reply. s is
// how the reply is to be sent, token what progress is to be told by.
func callTool(reply *rpcReply, params json.RawMessage, body []byte) (s *script, token json.RawMessage, err error) {
	s = &script{chunk: defaultChunk, cut: -1}
	var p struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
		Meta      struct {
			ProgressToken json.RawMessage `json:"progressToken"`
		} `json:"_meta"`
	}
	if !reads(params, &p) {
		reply.Error = &rpcError{rpcInvalidParams, "params is a name and arguments"}
		return s, nil, nil
	}
	for _, t := range mcpTools {
		switch {
		case t.Name != p.Name:
		case t.run != nil:
			reply.Result = t.run(p.Arguments)
			return s, p.Meta.ProgressToken, nil
		default:
			reply.Result, s, err = echo(p.Arguments, body)
			return s, p.Meta.ProgressToken, err
		}
	}
	reply.Error = &rpcError{rpcInvalidParams, "unknown tool"}
	return s, nil, nil
}

// echo gives a text back. Its lines may be commands, as those of a user message.
func echo(arguments json.RawMessage, body []byte) (*toolResult, *script, error) {
	s := &script{chunk: defaultChunk, cut: -1}
	var a struct {
		Text *string `json:"text"`
	}
	if !reads(arguments, &a) || a.Text == nil {
		return toolFailed("echo takes a text"), s, nil
	}
	s, err := parseScript(*a.Text, body)
	if err != nil {
		return toolFailed(err.Error()), &script{chunk: defaultChunk, cut: -1}, nil
	}
	t := turn{script: s}
	said := t.say(0)
	switch {
	case s.status != 0:
		return nil, s, s.failure()
	case said.refusal != nil:
		return toolFailed(*said.refusal), s, nil
	case said.content != nil && len(s.content) > 0:
		return toolText(*said.content), s, nil
	}
	return toolText(s.rest), s, nil
}

// add adds two numbers.
func add(arguments json.RawMessage) *toolResult {
	var n struct{ A, B *float64 }
	if !reads(arguments, &n) || n.A == nil || n.B == nil {
		return toolFailed("add takes two numbers, a and b")
	}
	sum := *n.A + *n.B
	r := structured(struct {
		Sum float64 `json:"sum"`
	}{sum})
	r.Content[0].Text = strconv.FormatFloat(sum, 'g', -1, 64)
	return r
}

type person struct {
	Name  string `json:"name"`
	Email string `json:"email"`
	Phone string `json:"phone"`
}

// people are whom lookup knows.
var people = map[string]person{
	"alice": {"Alice Archer", "alice@example.com", "+1 212 555 0142"},
	"bob":   {"Bob Baker", "bob@example.org", "+1 212 555 0187"},
}

// lookup finds a person.
func lookup(arguments json.RawMessage) *toolResult {
	var a struct{ Name string }
	if !reads(arguments, &a) || a.Name == "" {
		return toolFailed("lookup takes a name")
	}
	p, ok := people[a.Name]
	if !ok {
		return toolFailed("nobody here has that name")
	}
	return structured(p)
}
