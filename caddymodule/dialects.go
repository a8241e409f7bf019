package caddymodule

import (
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/anthropic"
	"github.com/headgate/headgate/wire/gemini"
	"github.com/headgate/headgate/wire/openai"
)

// dialect is an API that this version speaks.
type dialect struct {
	wire   wire.Dialect
	prefix string // where it is served by default, "" for nowhere
}

// dialectTable has the APIs by the word of the configuration, in the order of
// the contract.
var dialectTable = []dialect{
	{openai.Dialect{}, "/v1"},
	{anthropic.Dialect{}, "/v1/messages"},
	{gemini.Dialect{}, "/v1beta"},
}

// dialectsLater are those that the contract names and this version does not
// speak.
var dialectsLater = []string{"ollama", "mcp", "a2a"}

var dialectsByName = func() map[string]wire.Dialect {
	m := map[string]wire.Dialect{}
	for _, d := range dialectTable {
		m[d.wire.Name()] = d.wire
	}
	return m
}()

func dialectNames() []string {
	var names []string
	for _, d := range dialectTable {
		names = append(names, d.wire.Name())
	}
	return names
}

// served lists what is served, the default where nothing is written.
func (c *Config) served() []ServeConfig {
	if len(c.Serve) > 0 {
		return c.Serve
	}
	var list []ServeConfig
	for _, d := range dialectTable {
		if d.prefix != "" {
			list = append(list, ServeConfig{Dialect: d.wire.Name(), Prefix: d.prefix})
		}
	}
	return list
}
