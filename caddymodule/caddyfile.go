package caddymodule

import (
	"encoding/json"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// The gate stands directly inside encode: Caddy's authentication and what
// prepares a request (header, uri, request_header) come before it, and every
// directive that answers, or that holds such directives (handle, route,
// invoke), comes after it and is governed. So are push, intercept and
// templates, whose work on a reply the gate then sees. The later of two
// registrations after encode is the nearer to it: headgate_pdp comes first.
func init() {
	httpcaddyfile.RegisterGlobalOption(appName, parseGlobal)

	httpcaddyfile.RegisterHandlerDirective("headgate", parseHandler)
	httpcaddyfile.RegisterDirectiveOrder("headgate", httpcaddyfile.After, "encode")

	httpcaddyfile.RegisterHandlerDirective("headgate_pdp", parsePDP)
	httpcaddyfile.RegisterDirectiveOrder("headgate_pdp", httpcaddyfile.After, "encode")

	httpcaddyfile.RegisterHandlerDirective("headgate_sandbox", parseSandbox)
	httpcaddyfile.RegisterDirectiveOrder("headgate_sandbox", httpcaddyfile.Before, "reverse_proxy")
}

// appName is the key of the app among Caddy's apps, and of the global option.
const appName = "headgate"

// UnmarshalCaddyfile sets up the handler from Caddyfile tokens. Syntax:
//
//	headgate [<matcher>] {
//		policy <file-directory-bundle-or-url>... {
//			package <name>...
//			data <file.json|file.yaml>...
//			default_decision allow|deny [<stage>...]
//			fallthrough on|off
//			timeout <duration>
//			builtins +<name>...
//			allow_net <host>...
//			bundle {
//				poll <interval>
//				header <name> <value>
//				verify_key <algorithm> <file-or-placeholder> [<key-id>]
//				verify_scope <scope>
//			}
//		}
//		allowlist <policy_rules.json>
//		serve <dialect> <path-prefix> [<name>]
//		exempt <path>...
//		principals {
//			api_keys <file.json>
//			caddy
//			anonymous <tenant_id>
//		}
//		upstream_key [<dialect>] <value-or-placeholder>
//		audit <file> {
//			durability process
//			hashes on|off
//		}
//		redact request|response|args|results <selector>... {
//			as placeholder|mask|hash|remove
//			keep_last <characters>
//			restore off
//		}
//		redaction_key <placeholder>
//		pdp_key <placeholder>...
//		mode enforce
//		unknown_paths deny|pass
//		unscanned deny|allow <fact>...
//		foreign_ids deny|allow
//		denied_calls replace|error
//		max_body <size>
//	}
//
// What the block leaves out is taken from the global option of the same name.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return h.Config.unmarshalCaddyfile(d)
}

// unmarshalCaddyfile reads one headgate block, of a site or of the global
// options. d stands before the block's name.
func (c *Config) unmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	name := d.Val()
	if d.NextArg() {
		return d.Errf("%s takes no arguments but a matcher; write its configuration as a block in braces", name)
	}
	return blockWords.read(d, c)
}

func parseHandler(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	start := *h.Dispenser // a copy, to give errors of the whole block its first line
	start.Next()

	handler := new(Handler)
	if err := handler.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	whole := handler.Config // a copy: what is global stays in the app
	whole.merge(globalConfig(h))
	if err := whole.validateWhole(); err != nil {
		return nil, start.WrapErr(err)
	}
	return handler, nil
}

// parsePDP reads the directive of the decision endpoints. Syntax:
//
//	headgate_pdp [<matcher>] {
//		... (as in headgate)
//		pdp_key <placeholder>...
//	}
func parsePDP(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	start := *h.Dispenser
	start.Next()

	handler := new(PDP)
	if err := handler.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	whole := handler.Config
	whole.merge(globalConfig(h))
	if err := whole.validatePDP(); err != nil {
		return nil, start.WrapErr(err)
	}
	return handler, nil
}

// globalConfig is the global option as parseGlobal left it, nil if there is
// none.
func globalConfig(h httpcaddyfile.Helper) *Config {
	option, ok := h.Option(appName).(httpcaddyfile.App)
	if !ok {
		return nil
	}
	var global Config
	if json.Unmarshal(option.Value, &global) != nil {
		return nil
	}
	return &global
}

// parseSandbox reads the directive of the built-in upstream. Syntax:
//
//	headgate_sandbox [<matcher>]
func parseSandbox(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	h.Next() // the directive's name
	if h.NextArg() || opensBlock(h.Dispenser) {
		return nil, h.Err("headgate_sandbox takes no arguments but a matcher, and no block")
	}
	return new(Sandbox), nil
}

func parseGlobal(d *caddyfile.Dispenser, existing any) (any, error) {
	start := *d
	start.Next()
	if existing != nil {
		return nil, start.Err("the global option headgate is written twice; put everything into one block")
	}
	app := new(App)
	if err := app.Config.unmarshalCaddyfile(d); err != nil {
		return nil, err
	}
	return httpcaddyfile.App{Name: appName, Value: caddyconfig.JSON(app, nil)}, nil
}

// Interface guards
var (
	_ caddyfile.Unmarshaler       = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Sandbox)(nil)
)
