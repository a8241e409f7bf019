package sandbox

import (
	"encoding/json"
	"strings"
)

// messagesRequest holds the fields of a Messages request that the sandbox looks
// at. Source: MessageCreateParams in Anthropic's SDKs.
type messagesRequest struct {
	Model     string        `json:"model"`
	MaxTokens int           `json:"max_tokens"`
	System    anthropicText `json:"system"`
	Messages  []struct {
		Role    string        `json:"role"`
		Content anthropicText `json:"content"`
	} `json:"messages"`
	Stream     bool         `json:"stream"`
	Tools      []namedThing `json:"tools"`
	ToolChoice struct {
		Type string `json:"type"`
		Name string `json:"name"`
	} `json:"tool_choice"`

	*turn
}

// anthropicText is the content of a message, or of a tool's result: a string,
// or blocks. Each run of text blocks is one text, joined by newlines; blocks
// that hold no text count as none.
type anthropicText []line

// UnmarshalJSON reads both forms. The lines of text have no role.
func (t *anthropicText) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil { // null too: it leaves s empty
		*t = anthropicText{{text: s}}
		return nil
	}
	var blocks []struct {
		Type    string        `json:"type"`
		Text    string        `json:"text"`
		Content anthropicText `json:"content"`
	}
	if json.Unmarshal(b, &blocks) != nil {
		return &formError{"messages", "content is a string or an array of blocks"}
	}
	*t = nil
	for _, block := range blocks {
		switch n := len(*t); {
		case block.Type == "tool_result":
			*t = append(*t, line{role: roleTool, text: block.Content.text()})
		case block.Type != blockText:
		case n > 0 && (*t)[n-1].role == "":
			(*t)[n-1].text += "\n" + block.Text
		default:
			*t = append(*t, line{text: block.Text})
		}
	}
	return nil
}

// text joins what is in blocks within a result.
func (t anthropicText) text() string {
	texts := make([]string, len(t))
	for i, l := range t {
		texts[i] = l.text
	}
	return strings.Join(texts, "\n")
}

// parseMessages reads the body of a message, or of a count. The error is a
// [failure].
func parseMessages(body []byte) (*messagesRequest, error) {
	q := new(messagesRequest)
	if err := decode(body, q); err != nil {
		return nil, err
	}
	switch {
	case q.Model == "":
		return nil, invalid("model", "you must provide a model")
	case len(q.Messages) == 0:
		return nil, invalid("messages", "you must provide at least one message")
	}
	var lines []line
	for _, l := range q.System {
		lines = append(lines, line{text: l.text})
	}
	for _, m := range q.Messages {
		for _, l := range m.Content {
			if l.role == "" {
				l.role = m.Role
			}
			lines = append(lines, l)
		}
	}
	t, err := readTurn(lines, body, "messages")
	if err != nil {
		return nil, err
	}
	q.turn = t
	switch q.ToolChoice.Type {
	case "", "auto", "none":
		return q, nil
	case "any":
		return q, q.choose(names(q.Tools), "")
	case "tool":
		if q.ToolChoice.Name != "" {
			return q, q.choose(names(q.Tools), q.ToolChoice.Name)
		}
	}
	return nil, invalid("tool_choice", "tool_choice is auto, any, none or one tool by name")
}

func names(tools []namedThing) []string {
	names := make([]string, len(tools))
	for i, t := range tools {
		names[i] = t.Name
	}
	return names
}
