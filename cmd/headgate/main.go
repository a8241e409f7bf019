// Command headgate is Caddy with the policy gate in front of models and tools.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	// Caddy's standard modules, and ours.
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	_ "github.com/headgate/headgate/caddymodule"
)

func main() {
	caddycmd.Main()
}
