package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// line is one text of a conversation, whichever dialect carried it: of the user,
// the result of a tool, or of anybody else.
type line struct {
	role string // roleUser, roleTool, or another
	text string
}

const (
	roleUser = "user"
	roleTool = "tool"
)

// turn is what a request asks of the model.
type turn struct {
	script  *script
	results []string    // of the tools, that end the conversation
	demand  *scriptCall // the call that tool_choice demands
	prompt  int         // tokens of the conversation
}

// readTurn finds the results at the end of a conversation, and what its last
// user message asks for. body is the whole request, param its field that holds
// the conversation. The error is a [failure].
func readTurn(lines []line, body []byte, param string) (*turn, error) {
	end := len(lines)
	for end > 0 && lines[end-1].role == roleTool {
		end--
	}
	t := new(turn)
	for _, l := range lines[end:] {
		t.results = append(t.results, l.text)
	}
	var text string
	for i := end - 1; i >= 0; i-- {
		if lines[i].role == roleUser {
			text = lines[i].text
			break
		}
	}
	s, err := parseScript(text, body)
	if err != nil {
		return nil, &failure{status: http.StatusBadRequest, param: param, code: "sandbox_command", message: err.Error()}
	}
	if len(t.results) > 0 {
		s = s.pacing()
	}
	t.script = s
	for _, l := range lines {
		t.prompt += countTokens(l.text, s.chunk)
	}
	return t, nil
}

// choose sets the call that a tool_choice demands: of the tool called name, or
// of the first of those on offer.
func (t *turn) choose(offered []string, name string) error {
	for _, n := range offered {
		if n != "" && (name == "" || name == n) {
			t.demand = &scriptCall{name: n, args: "{}"}
			return nil
		}
	}
	return invalid("tool_choice", "tool_choice demands a tool that tools does not offer")
}

// said is one choice before it takes a shape: what the model says. A text that
// is nil is not said.
type said struct {
	content   *string
	reasoning string
	refusal   *string
	calls     []scriptCall
	finish    string // of /finish
}

// say composes choice i.
func (t *turn) say(i int) *said {
	s := t.script
	a := &said{reasoning: strings.Join(s.reasoning, "\n"), finish: s.finish, calls: s.calls}
	text := func(text string) *string {
		if i > 0 {
			text += fmt.Sprintf(" (choice %d)", i)
		}
		return &text
	}
	switch {
	case len(t.results) > 0:
		lines := make([]string, len(t.results))
		for j, r := range t.results {
			lines[j] = "The tool answered: " + r
		}
		a.content = text(strings.Join(lines, "\n"))
	case s.answers():
		if len(s.refusal) > 0 {
			a.refusal = text(strings.Join(s.refusal, "\n"))
		} else if len(s.content) > 0 {
			a.content = text(strings.Join(s.content, "\n"))
		}
	case t.demand != nil:
		a.calls = []scriptCall{*t.demand}
	case strings.TrimSpace(s.rest) != "":
		a.content = text("You said: " + s.rest)
	default:
		a.content = text("Hello from the sandbox.")
	}
	return a
}

// tokens counts what was said in pieces of size runes, and how much of that is
// reasoning.
func (a *said) tokens(size int) (total, reasoning int) {
	reasoning = countTokens(a.reasoning, size)
	total = reasoning + countTokens(deref(a.content), size) + countTokens(deref(a.refusal), size)
	for _, c := range a.calls {
		total += countTokens(c.args, size)
	}
	return total, reasoning
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// object refuses a call whose arguments are no JSON object, for dialects that
// have no other form. param is the field that holds the command.
func (c *scriptCall) object(param string) error {
	var o map[string]json.RawMessage
	if json.Unmarshal([]byte(c.args), &o) == nil && o != nil {
		return nil
	}
	return &failure{
		status: http.StatusBadRequest, param: param, code: "sandbox_command",
		message: "/call wants a JSON object as the arguments of a tool, in this dialect",
	}
}
