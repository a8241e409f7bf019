package sandbox

import (
	"encoding/json"
	"fmt"
	"strings"
)

// chatRequest holds the fields of a chat completion request that the sandbox
// looks at. The names are those of OpenAI's OpenAPI document,
// CreateChatCompletionRequest.
type chatRequest struct {
	Model         string        `json:"model"`
	Messages      []chatMessage `json:"messages"`
	N             *int          `json:"n"`
	Stream        bool          `json:"stream"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
	Logprobs    bool       `json:"logprobs"`
	TopLogprobs int        `json:"top_logprobs"`
	Tools       []chatTool `json:"tools"`
	ToolChoice  toolChoice `json:"tool_choice"`

	*turn
}

const (
	roleFunction = "function" // roleTool's older name
	maxChoices   = 16
)

type chatMessage struct {
	Role    string   `json:"role"`
	Content chatText `json:"content"`
}

// chatText is the text of a message: a string, or the text parts of an array
// joined by newlines. null is "".
type chatText string

var errContent = &formError{"messages", "content is a string or an array of parts"}

// UnmarshalJSON reads both forms. Parts that are no text count as none.
func (t *chatText) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil { // null too: it leaves s empty
		*t = chatText(s)
		return nil
	}
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if json.Unmarshal(b, &parts) != nil {
		return errContent
	}
	var texts []string
	for _, p := range parts {
		if p.Type == "text" {
			texts = append(texts, p.Text)
		}
	}
	*t = chatText(strings.Join(texts, "\n"))
	return nil
}

type chatTool struct {
	Type     string     `json:"type"`
	Function namedThing `json:"function"`
	Custom   namedThing `json:"custom"`
}

const (
	typeFunction = "function"
	typeCustom   = "custom"
)

type namedThing struct {
	Name string `json:"name"`
}

func (t *chatTool) name() string {
	if t.Type == typeCustom {
		return t.Custom.Name
	}
	return t.Function.Name
}

// toolChoice is what the request demands: "required" in mode, or one tool by
// name. "none", "auto" and allowed_tools demand nothing.
type toolChoice struct {
	mode string
	name string
}

var errToolChoice = &formError{"tool_choice", "tool_choice is none, auto, required or one tool by name"}

// UnmarshalJSON reads the word and the object form.
func (c *toolChoice) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &c.mode) == nil {
		return c.checkMode()
	}
	var t chatTool
	if json.Unmarshal(b, &t) != nil {
		return errToolChoice
	}
	switch t.Type {
	case typeFunction, typeCustom:
		c.name = t.name()
	case "allowed_tools":
		return nil
	}
	if c.name == "" {
		return errToolChoice
	}
	return nil
}

func (c *toolChoice) checkMode() error {
	switch c.mode {
	case "", "none", "auto", "required":
		return nil
	}
	return errToolChoice
}

// parseChat reads a request body. The error is a [failure].
func parseChat(body []byte) (*chatRequest, error) {
	q := new(chatRequest)
	if err := decode(body, q); err != nil {
		return nil, err
	}
	switch {
	case q.Model == "":
		return nil, invalid("model", "you must provide a model")
	case len(q.Messages) == 0:
		return nil, invalid("messages", "you must provide at least one message")
	case q.N != nil && (*q.N < 1 || *q.N > maxChoices):
		return nil, invalid("n", fmt.Sprintf("n is 1 to %d here", maxChoices))
	}
	lines := make([]line, len(q.Messages))
	for i, m := range q.Messages {
		lines[i] = line{role: m.Role, text: string(m.Content)}
		if m.Role == roleFunction {
			lines[i].role = roleTool
		}
	}
	t, err := readTurn(lines, body, "messages")
	if err != nil {
		return nil, err
	}
	q.turn = t
	if q.ToolChoice.mode != "required" && q.ToolChoice.name == "" {
		return q, nil
	}
	names := make([]string, len(q.Tools))
	for i, t := range q.Tools {
		names[i] = t.name()
	}
	return q, q.choose(names, q.ToolChoice.name)
}

// isCustom reports whether name is a custom tool of the request.
func (q *chatRequest) isCustom(name string) bool {
	for _, t := range q.Tools {
		if t.Type == typeCustom && t.Custom.Name == name {
			return true
		}
	}
	return false
}

// n is the number of choices.
func (q *chatRequest) n() int {
	if q.N == nil {
		return 1
	}
	return *q.N
}
