package caddymodule

import (
	"fmt"
	"log/slog"
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/headgate/headgate/principal"
)

// principals makes the source of identities; nil where none is configured.
func (c *Config) principals(log *slog.Logger) (principal.Source, error) {
	if c.Principals == nil {
		log.Warn("no principals: every caller is anonymous, and the client's own provider credential goes on to the upstream")
		return nil, nil
	}
	var chain principal.Chain
	if c.Principals.Caddy {
		chain = append(chain, principal.Attributes{Lookup: caddyUser})
	}
	if file := c.Principals.APIKeys; file != "" {
		keys, err := principal.LoadAPIKeys(expand(file))
		if err != nil {
			return nil, fmt.Errorf("principals: %w", err)
		}
		for _, w := range keys.Warnings() {
			log.Warn(w)
		}
		chain = append(chain, keys)
	}
	if tenant := c.Principals.Anonymous; tenant != nil {
		chain = append(chain, principal.Anonymous{Tenant: expand(*tenant)})
	}
	return chain, nil
}

// caddyUser reads what Caddy's own authentication has set.
func caddyUser(r *http.Request, name string) (string, bool) {
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return "", false
	}
	return repl.GetString("http.auth.user." + name)
}
