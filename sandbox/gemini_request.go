package sandbox

import "strings"

// geminiRequest holds the fields of a GenerateContentRequest that the sandbox
// looks at. A count has them either at its top or in generateContentRequest.
type geminiRequest struct {
	Contents []geminiContent `json:"contents"`
	System   geminiContent   `json:"systemInstruction"`
	Tools    []struct {
		Declarations []namedThing `json:"functionDeclarations"`
	} `json:"tools"`
	ToolConfig struct {
		Calling struct {
			Mode    string   `json:"mode"`
			Allowed []string `json:"allowedFunctionNames"`
		} `json:"functionCallingConfig"`
	} `json:"toolConfig"`
	Counted *geminiRequest `json:"generateContentRequest"`

	*turn
}

type geminiContent struct {
	Role  string `json:"role"`
	Parts []struct {
		Text     *string `json:"text"`
		Response *struct {
			Response rawText `json:"response"`
		} `json:"functionResponse"`
	} `json:"parts"`
}

// rawText is JSON as it was sent.
type rawText string

// UnmarshalJSON keeps the bytes.
func (t *rawText) UnmarshalJSON(b []byte) error {
	*t = rawText(b)
	return nil
}

// lines gives the results of a content one by one, and each run of texts as one
// line.
func (c *geminiContent) lines(role string) []line {
	var lines []line
	for _, p := range c.Parts {
		switch n := len(lines); {
		case p.Response != nil:
			lines = append(lines, line{role: roleTool, text: string(p.Response.Response)})
		case p.Text == nil:
		case n > 0 && lines[n-1].role == role:
			lines[n-1].text += "\n" + *p.Text
		default:
			lines = append(lines, line{role: role, text: *p.Text})
		}
	}
	return lines
}

// parseGemini reads the body of a request, or of a count. The error is a
// [failure].
func parseGemini(body []byte) (*geminiRequest, error) {
	q := new(geminiRequest)
	if err := decode(body, q); err != nil {
		return nil, err
	}
	if q.Counted != nil {
		q = q.Counted
	}
	if len(q.Contents) == 0 {
		return nil, invalid("contents", "you must provide contents")
	}
	lines := q.System.lines("system")
	for i := range q.Contents {
		c := &q.Contents[i]
		role := c.Role
		if role == "" {
			role = roleUser
		}
		lines = append(lines, c.lines(role)...)
	}
	t, err := readTurn(lines, body, "contents")
	if err != nil {
		return nil, err
	}
	q.turn = t
	calling := &q.ToolConfig.Calling
	if !strings.EqualFold(calling.Mode, "ANY") {
		return q, nil
	}
	var offered []string
	for _, tool := range q.Tools {
		offered = append(offered, names(tool.Declarations)...)
	}
	name := ""
	if len(calling.Allowed) > 0 {
		name = calling.Allowed[0]
	}
	return q, q.choose(offered, name)
}
