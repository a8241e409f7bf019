package caddymodule

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/redact"
)

// errUnsupported ends every refusal of what the contract names and this
// version does not do.
var errUnsupported = errors.New("not supported in this version")

func unsupported(what string) error {
	return fmt.Errorf("%s is %w", what, errUnsupported)
}

// choice is a value out of a closed list.
type choice struct {
	name  string   // what the value is for
	words []string // what may be written
	later []string // what is known and not supported
}

var (
	dialects     = choice{"the dialect", dialectNames(), nil}
	stages       = choice{"a stage", stageNames(), nil}
	modes        = choice{"mode", []string{"enforce"}, []string{"shadow"}}
	durabilities = choice{"durability", []string{"process"}, []string{"power", "none"}}
	directions   = choice{"the direction to redact", []string{"request", "response", "args", "results"}, nil}
	operators    = choice{"as", []string{redact.Placeholder, redact.Mask, redact.Hash, redact.Remove}, []string{"token"}}
	unknownPaths = choice{"unknown_paths", []string{"deny", "pass"}, nil}
	foreignIDs   = choice{"foreign_ids", []string{"deny", "allow"}, nil}
	deniedCalls  = choice{"denied_calls", []string{"replace", "error"}, nil}
	decisions    = choice{"the decision", []string{"allow", "deny"}, nil}
)

// unscannedFacts is the closed list of what the gate cannot look into, sorted.
var unscannedFacts = []string{
	"audio", "background", "binary", "cached_content", "conversation", "file_id", "image", "opaque_echo",
	"previous_response_id", "remote_url", "stored_prompt",
}

func stageNames() []string {
	var names []string
	for _, s := range policy.Stages() {
		names = append(names, string(s))
	}
	return names
}

func (c choice) check(value string) error {
	switch {
	case slices.Contains(c.words, value):
		return nil
	case slices.Contains(c.later, value):
		return unsupported(strings.TrimPrefix(c.name, "the ") + " " + value)
	}
	return fmt.Errorf("%s must be %s, not %q", c.name, either(c.words), value)
}

// checkOptional is check for a field whose empty value means the default.
func (c choice) checkOptional(value string) error {
	if value == "" {
		return nil
	}
	return c.check(value)
}

// either writes a list as "a, b or c".
func either(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// validate checks every value that is set, alone and beside the others. It
// opens no file and expands no placeholder. What a gate as a whole must have,
// a policy, is the provisioner's question, after merge.
func (c *Config) validate() error {
	if c.Policy != nil {
		if err := errors.Join(c.Policy.validate(), c.Policy.validateEmpty()); err != nil {
			return err
		}
	}
	if c.Principals != nil {
		if err := c.Principals.validate(); err != nil {
			return err
		}
	}
	if c.Audit != nil {
		if err := c.Audit.validate(); err != nil {
			return err
		}
	}
	for _, check := range []func() error{c.validateServe, c.validateExempt, c.validateUpstreamKeys, c.validateRedact, c.validateUnscanned, c.validatePDPKeys, c.validateHTTPTools} {
		if err := check(); err != nil {
			return err
		}
	}
	if c.MaxBody < 0 {
		return errors.New("max_body must be at least 1 byte")
	}
	return errors.Join(
		unknownPaths.checkOptional(c.UnknownPaths),
		foreignIDs.checkOptional(c.ForeignIDs),
		deniedCalls.checkOptional(c.DeniedCalls),
		modes.checkOptional(c.Mode),
	)
}

func (p *PrincipalsConfig) validate() error {
	if p.APIKeys == "" && !p.Caddy && p.Anonymous == nil {
		return errors.New("principals needs a source: api_keys, caddy or anonymous")
	}
	return nil
}

func (a *AuditConfig) validate() error {
	return durabilities.checkOptional(a.Durability)
}

func (c *Config) validateServe() error {
	seen := map[string]bool{}
	for _, s := range c.Serve {
		if err := dialects.check(s.Dialect); err != nil {
			return fmt.Errorf("serve: %w", err)
		}
		if err := checkPath(wildcard.ReplaceAllString(s.Prefix, "x")); err != nil {
			return fmt.Errorf("serve: the path prefix %w, except for {name} in a segment", err)
		}
		if s.Prefix != "/" && strings.HasSuffix(s.Prefix, "/") {
			return fmt.Errorf("serve: the path prefix is written without a slash at its end, as %s", strings.TrimRight(s.Prefix, "/"))
		}
		if seen[s.Prefix] {
			return fmt.Errorf("serve: the path prefix %s is served twice; give each API a prefix of its own", s.Prefix)
		}
		seen[s.Prefix] = true
	}
	return nil
}

// wildcard stands for a part of a path segment: /openai/deployments/{model}.
var wildcard = regexp.MustCompile(`\{[a-z_]+\}`)

func (c *Config) validateExempt() error {
	for _, p := range c.Exempt {
		if strings.HasSuffix(p, "/*") {
			p = strings.TrimSuffix(p, "*")
		}
		if err := checkPath(p); err != nil {
			return fmt.Errorf("exempt: the path %w, except for /* at its end", err)
		}
	}
	return nil
}

// checkPath accepts a path that a request's path can be compared with as it
// was sent.
func checkPath(p string) error {
	if strings.HasPrefix(p, "/") && plainPath(p) && !strings.ContainsAny(p, "*?#{} \t\r\n") {
		return nil
	}
	return errors.New("must start with / and be plain: no empty or dot segments, no wildcard, query, placeholder or escape")
}

// validateUpstreamKeys never repeats what was written: it may be a secret,
// also where a dialect should be.
func (c *Config) validateUpstreamKeys() error {
	seen := map[string]bool{}
	for _, k := range c.UpstreamKeys {
		if k.Dialect != "" && !slices.Contains(dialects.words, k.Dialect) {
			return fmt.Errorf("upstream_key: where two arguments are given, the first must be a dialect: %s", either(dialects.words))
		}
		if seen[k.Dialect] {
			if k.Dialect == "" {
				return errors.New("upstream_key is written twice without a dialect; keep one")
			}
			return fmt.Errorf("upstream_key is written twice for %s; keep one", k.Dialect)
		}
		seen[k.Dialect] = true
		if k.Value == "" {
			return errors.New("upstream_key is empty; write the key's placeholder, such as {env.OPENAI_API_KEY}")
		}
		if ofRequest(k.Value) {
			return errors.New("upstream_key holds a placeholder of the request; use one that is known when the configuration loads, such as {env.OPENAI_API_KEY}")
		}
	}
	return nil
}

// ofRequest tells whether a value holds one of Caddy's request placeholders,
// which are unknown when the configuration loads. The Caddyfile turns its
// shorthands ({host}, {header.X}) into them.
func ofRequest(value string) bool {
	return strings.Contains(value, "{http.")
}

func (c *Config) validateRedact() error {
	for _, r := range c.Redact {
		if err := r.validate(); err != nil {
			return fmt.Errorf("redact: %w", err)
		}
	}
	key := c.RedactionKey
	if key != "" && (!strings.HasPrefix(key, "{") || !strings.HasSuffix(key, "}") || ofRequest(key)) {
		return errors.New("redaction_key must be a placeholder that is known when the configuration loads, such as {env.HEADGATE_REDACTION_KEY}")
	}
	return nil
}

func (r *RedactConfig) validate() error {
	if err := directions.check(r.Direction); err != nil {
		return err
	}
	if len(r.Selectors) == 0 {
		return errors.New("at least one selector must follow the direction, such as EMAIL, re:<expression> or lit:<text>")
	}
	for _, s := range r.Selectors {
		if ofRequest(s) {
			return errors.New("a selector holds {http.…}: the Caddyfile expands its shorthands, such as {host} and {path}, also where they are meant as text; write re:[{]host[}]")
		}
	}
	if err := operators.checkOptional(r.As); err != nil {
		return err
	}
	if r.KeepLast < 0 {
		return errors.New("keep_last must be a number of characters, 0 or more")
	}
	if r.KeepLast > 0 && r.As != "mask" {
		return errors.New("keep_last only goes with as mask")
	}
	return r.compile()
}

// compile finds out whether the selectors can be found in a stream. The key
// stands in for the configured one, which is not known before placeholders are
// expanded; its absence is told when the gate is made.
func (r *RedactConfig) compile() error {
	_, err := redact.Compile(r.selectors(), redact.Options{Key: []byte("stand-in")})
	return err
}

func (c *Config) validateUnscanned() error {
	for _, fact := range slices.Sorted(maps.Keys(c.Unscanned)) {
		if !slices.Contains(unscannedFacts, fact) {
			return fmt.Errorf("unscanned: the fact must be %s, not %q", either(unscannedFacts), fact)
		}
		if err := decisions.check(c.Unscanned[fact]); err != nil {
			return fmt.Errorf("unscanned: %w", err)
		}
	}
	return nil
}
