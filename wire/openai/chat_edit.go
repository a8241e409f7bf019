package openai

import (
	"fmt"

	"github.com/tidwall/sjson"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// ForceModel names another model.
func (r *chatRequest) ForceModel(body []byte, model string) ([]byte, error) {
	return r.setModel(body, model)
}

func (h *head) setModel(body []byte, model string) ([]byte, error) {
	if h.inPath && !h.inBody {
		return body, nil
	}
	out, err := sjson.SetBytes(body, "model", model)
	if err != nil {
		return nil, fmt.Errorf("set the model: %w", err)
	}
	return out, nil
}

// HideTools takes tools away. Where none is left, the options that speak of
// tools go too, because the API refuses them alone.
func (r *chatRequest) HideTools(body []byte, hide func(name string) bool) ([]byte, error) {
	for _, list := range []string{"tools", "functions"} {
		tools := r.root.Get(list)
		left := tools.Len()
		gone := make([]bool, left)
		for i, t := range tools.Elems() {
			name, _ := toolName(t, list == "functions", "")
			if gone[i] = hide(name); gone[i] {
				left--
			}
		}
		var err error
		if left > 0 && left < tools.Len() {
			if body, err = read.Without(body, list, gone); err != nil {
				return nil, fmt.Errorf("take a tool away: %w", err)
			}
		}
		if left > 0 || tools.Len() == 0 {
			continue
		}
		for _, field := range map[string][]string{
			"tools":     {"tools", "tool_choice", "parallel_tool_calls"},
			"functions": {"functions", "function_call"},
		}[list] {
			if body, err = sjson.DeleteBytes(body, field); err != nil {
				return nil, fmt.Errorf("take the tools away: %w", err)
			}
		}
	}
	if hide("web_search") && r.root.Get("web_search_options").Exists() {
		var err error
		if body, err = sjson.DeleteBytes(body, "web_search_options"); err != nil {
			return nil, fmt.Errorf("take a tool away: %w", err)
		}
	}
	for _, p := range r.root.Get("plugins").Elems() {
		if hide(p.Get("id").Str()) {
			return nil, &wire.Error{Path: "plugins", Reason: "a plugin cannot be hidden"}
		}
	}
	if forced := forcedTool(r.root); forced != "" && hide(forced) {
		return nil, &wire.Error{Path: "tool_choice", Reason: "insists on a tool that is hidden"}
	}
	return body, nil
}

// forcedTool is the tool that the request wants to be called, if any.
func forcedTool(root strictjson.Value) string {
	choice := root.Get("tool_choice")
	for _, v := range []strictjson.Value{choice.Get("function"), choice.Get("custom"), root.Get("function_call")} {
		if n := v.Get("name").Str(); n != "" {
			return n
		}
	}
	return ""
}
