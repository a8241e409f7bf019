package sandbox

import (
	"encoding/json"
	"errors"
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

	script *script
	last   []chatMessage // the tools' results that end the conversation
	choose *scriptCall   // the call that tool_choice demands
}

const (
	roleUser     = "user"
	roleTool     = "tool"
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

var errContent = errors.New("content is a string or an array of parts")

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

var errToolChoice = errors.New("tool_choice is none, auto, required or one tool by name")

// UnmarshalJSON reads the word and the object form.
func (c *toolChoice) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &c.mode) == nil {
		switch c.mode {
		case "", "none", "auto", "required":
			return nil
		}
		return errToolChoice
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

// parseChat reads a request body. The error is an [openAIError].
func parseChat(body []byte) (*chatRequest, error) {
	q := new(chatRequest)
	if err := json.Unmarshal(body, q); err != nil {
		var field *json.UnmarshalTypeError
		switch {
		case errors.Is(err, errContent):
			return nil, invalid("messages", errContent.Error())
		case errors.Is(err, errToolChoice):
			return nil, invalid("tool_choice", errToolChoice.Error())
		case errors.As(err, &field) && field.Field != "":
			return nil, invalid(field.Field, "this field has the wrong type")
		case errors.As(err, &field):
			return nil, invalid("", "the body is no JSON object")
		}
		return nil, invalid("", "the body is not valid JSON")
	}
	switch {
	case q.Model == "":
		return nil, invalid("model", "you must provide a model")
	case len(q.Messages) == 0:
		return nil, invalid("messages", "you must provide at least one message")
	case q.N != nil && (*q.N < 1 || *q.N > maxChoices):
		return nil, invalid("n", fmt.Sprintf("n is 1 to %d here", maxChoices))
	}
	if err := q.readScript(body); err != nil {
		return nil, err
	}
	return q, q.demandTool()
}

// readScript finds the results at the end of the conversation, and what the
// last user message asks for.
func (q *chatRequest) readScript(body []byte) error {
	end := len(q.Messages)
	for end > 0 && (q.Messages[end-1].Role == roleTool || q.Messages[end-1].Role == roleFunction) {
		end--
	}
	q.last = q.Messages[end:]

	var text string
	for i := end - 1; i >= 0; i-- {
		if q.Messages[i].Role == roleUser {
			text = string(q.Messages[i].Content)
			break
		}
	}
	s, err := parseScript(text, body)
	if err != nil {
		e := invalid("messages", err.Error())
		code := "sandbox_command"
		e.Code = &code
		return e
	}
	if len(q.last) > 0 {
		s = s.pacing()
	}
	q.script = s
	return nil
}

// demandTool finds the tool that tool_choice demands among those on offer.
func (q *chatRequest) demandTool() error {
	if q.ToolChoice.mode != "required" && q.ToolChoice.name == "" {
		return nil
	}
	for _, t := range q.Tools {
		if name := t.name(); name != "" && (q.ToolChoice.name == "" || q.ToolChoice.name == name) {
			q.choose = &scriptCall{name: name, args: "{}"}
			return nil
		}
	}
	return invalid("tool_choice", "tool_choice demands a tool that tools does not offer")
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
