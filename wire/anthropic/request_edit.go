package anthropic

import (
	"fmt"

	"github.com/tidwall/sjson"

	"github.com/headgate/headgate/wire/internal/read"
)

// ForceModel names another model.
func (r *request) ForceModel(body []byte, model string) ([]byte, error) {
	out, err := sjson.SetBytes(body, "model", model)
	if err != nil {
		return nil, fmt.Errorf("set the model: %w", err)
	}
	return out, nil
}

// HideTools takes tools away, and MCP servers whose tools are hidden. Where no
// tool is left, tool_choice goes too, because the API refuses it alone.
func (r *request) HideTools(body []byte, hide func(name string) bool) ([]byte, error) {
	choice := r.root.Get("tool_choice")
	if name := choice.Get("name").Str(); name != "" && hide(name) {
		return nil, read.Wrong("tool_choice", "insists on a tool that is hidden")
	}
	left := 0
	for _, list := range []string{"tools", "mcp_servers"} {
		v := r.root.Get(list)
		hidden := 0
		gone := make([]bool, v.Len())
		for i, t := range v.Elems() {
			name := toolName(t)
			if list == "mcp_servers" {
				name = "mcp:" + name
			}
			if gone[i] = hide(name); gone[i] {
				hidden++
			}
		}
		left += v.Len() - hidden
		var err error
		switch hidden {
		case 0:
		case v.Len():
			body, err = sjson.DeleteBytes(body, list)
		default:
			body, err = read.Without(body, list, gone)
		}
		if err != nil {
			return nil, fmt.Errorf("take a tool away: %w", err)
		}
	}
	if left > 0 || !choice.Exists() {
		return body, nil
	}
	if choice.Get("type").EqualStr("any") {
		return nil, read.Wrong("tool_choice", "insists on a tool, and all are hidden")
	}
	body, err := sjson.DeleteBytes(body, "tool_choice")
	if err != nil {
		return nil, fmt.Errorf("take the tools away: %w", err)
	}
	return body, nil
}
