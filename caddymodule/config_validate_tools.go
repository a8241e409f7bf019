package caddymodule

import (
	"errors"
	"fmt"
)

// validateHTTPTools checks the paths that are tools. That no other API has them
// is the router's question.
func (c *Config) validateHTTPTools() error {
	seen := map[string]bool{}
	for _, t := range c.HTTPTools {
		if err := checkPath(wildcard.ReplaceAllString(t.Path, "x")); err != nil {
			return fmt.Errorf("http_tool: the path %w, except for {name} in a segment", err)
		}
		names := map[string]bool{}
		for _, name := range wildcard.FindAllString(t.Path, -1) {
			if names[name] {
				return fmt.Errorf("http_tool: %s stands twice in %s; an argument has one place", name, t.Path)
			}
			names[name] = true
		}
		if t.Tool == "" {
			return errors.New("http_tool: the tool's name is empty")
		}
		pattern := wildcard.ReplaceAllString(t.Path, "{}")
		if seen[pattern] {
			return fmt.Errorf("http_tool: the path %s is written twice; a path is one tool", t.Path)
		}
		seen[pattern] = true
	}
	return nil
}
