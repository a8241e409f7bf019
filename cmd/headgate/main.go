// Command headgate is Caddy with the policy gate in front of models and tools.
package main

import (
	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	// Caddy's standard modules, and ours.
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	_ "github.com/headgate/headgate/caddymodule"
)

func main() {
	caddy.CustomBinaryName = "headgate"
	caddy.CustomLongDescription = `Headgate is the policy gate in front of models and tools: Caddy with the
modules headgate, headgate_pdp and headgate_sandbox, and the commands of
"headgate policy". All other commands are Caddy's.

	headgate run --config Caddyfile     run in the foreground
	headgate policy check policies/     check policies`
	caddycmd.Main()
}
