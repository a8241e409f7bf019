package caddymodule

import (
	"errors"
	"fmt"
	"math"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"
)

// blockWords is the headgate block, of a site and of the global options.
var blockWords = grammar[Config]{
	check: (*Config).validate,
	words: []word[Config]{
		{
			name: "policy", args: "<file-directory-bundle-or-url>...", max: unlimited,
			set: func(c *Config, args []string) error {
				c.Policy = &PolicyConfig{Paths: args}
				return c.Policy.validate()
			},
			inner: func(d *caddyfile.Dispenser, c *Config) error { return policyWords.read(d, c.Policy) },
		},
		{
			name: "allowlist", args: "<policy_rules.json>", min: 1, max: 1,
			set: func(c *Config, args []string) error {
				return setText("allowlist", "a file", &c.Allowlist, args[0])
			},
		},
		{
			name: "serve", args: "<dialect> <path-prefix> [<name>]", min: 2, max: 3, repeats: true,
			set: func(c *Config, args []string) error {
				s := ServeConfig{Dialect: args[0], Prefix: args[1]}
				if len(args) == 3 {
					s.Name = args[2]
				}
				c.Serve = append(c.Serve, s)
				return nil
			},
		},
		{
			name: "exempt", args: "<path>...", min: 1, max: unlimited, repeats: true,
			set: func(c *Config, args []string) error {
				c.Exempt = append(c.Exempt, args...)
				return nil
			},
		},
		{
			name: "principals", args: "{ ... }",
			set: func(c *Config, _ []string) error {
				c.Principals = new(PrincipalsConfig)
				return nil
			},
			inner: func(d *caddyfile.Dispenser, c *Config) error { return principalWords.read(d, c.Principals) },
		},
		{
			name: "upstream_key", args: "[<dialect>] <value-or-placeholder>", min: 1, max: 2, repeats: true,
			set: func(c *Config, args []string) error {
				key := UpstreamKeyConfig{Value: args[len(args)-1]}
				if len(args) == 2 {
					if key.Dialect = args[0]; key.Dialect == "" {
						return errors.New("upstream_key: the dialect is empty; leave it out for every dialect")
					}
				}
				c.UpstreamKeys = append(c.UpstreamKeys, key)
				return nil
			},
		},
		{
			name: "audit", args: "<file>", min: 1, max: 1,
			set: func(c *Config, args []string) error {
				c.Audit = new(AuditConfig)
				return setText("audit", "a file", &c.Audit.Path, args[0])
			},
			inner: func(d *caddyfile.Dispenser, c *Config) error { return auditWords.read(d, c.Audit) },
		},
		{
			name: "redact", args: "request|response|args|results <selector>...", min: 2, max: unlimited, repeats: true,
			set: func(c *Config, args []string) error {
				r := RedactConfig{Direction: args[0], Selectors: args[1:]}
				c.Redact = append(c.Redact, r)
				return nil
			},
			inner: func(d *caddyfile.Dispenser, c *Config) error {
				return redactWords.read(d, &c.Redact[len(c.Redact)-1])
			},
		},
		{
			name: "pdp_key", args: "<placeholder>...", min: 1, max: unlimited, repeats: true,
			set: func(c *Config, args []string) error {
				c.PDPKeys = append(c.PDPKeys, args...)
				return nil
			},
		},
		{
			name: "redaction_key", args: "<placeholder>", min: 1, max: 1,
			set: func(c *Config, args []string) error {
				return setText("redaction_key", "a placeholder", &c.RedactionKey, args[0])
			},
		},
		later[Config]("approvals"),
		choiceWord("mode", modes, func(c *Config) *string { return &c.Mode }),
		choiceWord("unknown_paths", unknownPaths, func(c *Config) *string { return &c.UnknownPaths }),
		{
			name: "unscanned", args: "deny|allow <fact>...", min: 2, max: unlimited, repeats: true,
			set: (*Config).setUnscanned,
		},
		choiceWord("foreign_ids", foreignIDs, func(c *Config) *string { return &c.ForeignIDs }),
		choiceWord("denied_calls", deniedCalls, func(c *Config) *string { return &c.DeniedCalls }),
		{
			name: "max_body", args: "<size>", min: 1, max: 1,
			set: func(c *Config, args []string) (err error) {
				c.MaxBody, err = parseSize(args[0])
				if err != nil {
					return fmt.Errorf("max_body %w", err)
				}
				return nil
			},
		},
		later[Config]("http_tool"),
	},
}

// choiceWord is a word with one argument out of a closed list.
func choiceWord[T any](name string, among choice, field func(*T) *string) word[T] {
	return word[T]{
		name: name, args: "<" + either(among.words) + ">", min: 1, max: 1,
		set: func(into *T, args []string) error {
			*field(into) = args[0]
			return among.check(args[0])
		},
	}
}

// switchWord is a word whose argument is on or off.
func switchWord[T any](name string, set func(into *T, on bool) error) word[T] {
	return word[T]{
		name: name, args: "on|off", min: 1, max: 1,
		set: func(into *T, args []string) error {
			if args[0] != "on" && args[0] != "off" {
				return fmt.Errorf("%s must be on or off, not %q", name, args[0])
			}
			return set(into, args[0] == "on")
		},
	}
}

// laterSwitch is a switch that this version only has off.
func laterSwitch[T any](name string) word[T] {
	return switchWord(name, func(_ *T, on bool) error {
		if on {
			return unsupported(name + " on")
		}
		return nil
	})
}

// setText sets a field that must not be empty.
func setText(name, what string, field *string, value string) error {
	if value == "" {
		return fmt.Errorf("%s is empty; write %s", name, what)
	}
	*field = value
	return nil
}

func (c *Config) setUnscanned(args []string) error {
	if c.Unscanned == nil {
		c.Unscanned = map[string]string{}
	}
	for _, fact := range args[1:] {
		if _, taken := c.Unscanned[fact]; taken {
			return fmt.Errorf("unscanned names %s twice; keep one", fact)
		}
		c.Unscanned[fact] = args[0]
	}
	return nil
}

// parseSize reads a number of bytes such as 32MB (10^6) or 32MiB (2^20).
func parseSize(s string) (int64, error) {
	n, err := humanize.ParseBytes(s)
	if err != nil || n > math.MaxInt64 {
		return 0, fmt.Errorf("must be a size such as 32MB, not %q", s)
	}
	if n == 0 {
		return 0, errors.New("must be at least 1 byte")
	}
	return int64(n), nil
}
