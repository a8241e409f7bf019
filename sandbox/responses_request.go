package sandbox

import (
	"encoding/json"
	"strings"
)

// responsesRequest holds the fields of a Responses request that the sandbox
// looks at, and those that the reply repeats. The names are those of OpenAI's
// OpenAPI document, CreateResponse.
type responsesRequest struct {
	Model        string           `json:"model"`
	Input        responsesInput   `json:"input"`
	Stream       bool             `json:"stream"`
	Instructions *string          `json:"instructions"`
	Metadata     json.RawMessage  `json:"metadata"`
	Tools        []responsesTool  `json:"tools"`
	ToolChoice   responsesDemand  `json:"tool_choice"`
	Previous     *string          `json:"previous_response_id"`
	Store        *bool            `json:"store"`
	Parallel     *bool            `json:"parallel_tool_calls"`
	Reasoning    *json.RawMessage `json:"reasoning"`
	Text         *json.RawMessage `json:"text"`

	*turn
}

// responsesInput is the conversation: a string, or items.
type responsesInput []line

// The types of items.
const (
	itemMessage    = "message"
	itemReasoning  = "reasoning"
	itemCall       = "function_call"
	itemCustomCall = "custom_tool_call"
)

// UnmarshalJSON reads both forms. An item that is no message and no result has
// no text.
func (in *responsesInput) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*in = nil
		if s != "" { // null leaves it empty
			*in = responsesInput{{role: roleUser, text: s}}
		}
		return nil
	}
	var items []struct {
		Type    string        `json:"type"`
		Role    string        `json:"role"`
		Content responsesText `json:"content"`
		Output  responsesText `json:"output"`
	}
	if json.Unmarshal(b, &items) != nil {
		return &formError{"input", "input is a string or an array of items; content and output are strings or arrays of parts"}
	}
	*in = nil
	for _, item := range items {
		switch {
		case item.Type == "" || item.Type == itemMessage:
			*in = append(*in, line{role: item.Role, text: string(item.Content)})
		case strings.HasSuffix(item.Type, "_output"):
			*in = append(*in, line{role: roleTool, text: string(item.Output)})
		}
	}
	return nil
}

// responsesText is a string, or the text parts of an array joined by newlines.
type responsesText string

// UnmarshalJSON reads both forms.
func (t *responsesText) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*t = responsesText(s)
		return nil
	}
	var parts []struct {
		Text *string `json:"text"`
	}
	if err := json.Unmarshal(b, &parts); err != nil {
		return err
	}
	var texts []string
	for _, p := range parts {
		if p.Text != nil {
			texts = append(texts, *p.Text)
		}
	}
	*t = responsesText(strings.Join(texts, "\n"))
	return nil
}

// responsesTool is a tool on offer, given back as it came.
type responsesTool struct {
	kind, name string
	nested     []responsesTool // of a namespace
	raw        json.RawMessage
}

// UnmarshalJSON keeps the bytes beside what is read of them.
func (t *responsesTool) UnmarshalJSON(b []byte) error {
	var tool struct {
		Type  string          `json:"type"`
		Name  string          `json:"name"`
		Tools []responsesTool `json:"tools"`
	}
	if json.Unmarshal(b, &tool) != nil {
		return &formError{"tools", "a tool is an object with a type and a name"}
	}
	*t = responsesTool{kind: tool.Type, name: tool.Name, nested: tool.Tools, raw: append(json.RawMessage(nil), b...)}
	return nil
}

// MarshalJSON gives the bytes back.
func (t responsesTool) MarshalJSON() ([]byte, error) { return t.raw, nil }

// responsesDemand is tool_choice, given back as it came.
type responsesDemand struct {
	toolChoice
	raw json.RawMessage
}

// UnmarshalJSON reads a word, or one tool by name. A tool of OpenAI's own
// servers, of which there are none here, is demanded in vain.
func (d *responsesDemand) UnmarshalJSON(b []byte) error {
	d.raw = append(json.RawMessage(nil), b...)
	var tool struct {
		Type string `json:"type"`
		Name string `json:"name"`
	}
	if json.Unmarshal(b, &d.mode) == nil {
		return d.checkMode()
	}
	if json.Unmarshal(b, &tool) != nil || tool.Type == "" {
		return errToolChoice
	}
	d.name = tool.Name
	return nil
}

// parseResponses reads a request body. The error is a [failure].
func parseResponses(body []byte) (*responsesRequest, error) {
	q := new(responsesRequest)
	if err := decode(body, q); err != nil {
		return nil, err
	}
	switch {
	case q.Model == "":
		return nil, invalid("model", "you must provide a model")
	case len(q.Input) == 0:
		return nil, invalid("input", "you must provide an input")
	}
	lines := []line(q.Input)
	if q.Instructions != nil {
		lines = append([]line{{text: *q.Instructions}}, lines...)
	}
	t, err := readTurn(lines, body, "input")
	if err != nil {
		return nil, err
	}
	q.turn = t
	if q.ToolChoice.mode != "required" && q.ToolChoice.name == "" {
		return q, nil
	}
	var offered []string
	for _, t := range q.functions() {
		offered = append(offered, t.name)
	}
	return q, q.choose(offered, q.ToolChoice.name)
}

// functions are the tools that the client itself carries out, those in
// namespaces too.
func (q *responsesRequest) functions() []responsesTool {
	var all []responsesTool
	for _, t := range q.Tools {
		if t.kind == typeFunction || t.kind == typeCustom {
			all = append(all, t)
		}
		all = append(all, t.nested...)
	}
	return all
}

// isCustom reports whether name is a custom tool of the request.
func (q *responsesRequest) isCustom(name string) bool {
	for _, t := range q.functions() {
		if t.kind == typeCustom && t.name == name {
			return true
		}
	}
	return false
}

// Interface guards.
var (
	_ json.Unmarshaler = (*responsesInput)(nil)
	_ json.Unmarshaler = (*responsesText)(nil)
	_ json.Unmarshaler = (*responsesTool)(nil)
	_ json.Marshaler   = responsesTool{}
	_ json.Unmarshaler = (*responsesDemand)(nil)
)
