package caddymodule

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/headgate/headgate/policy"
)

// packageName is a Rego package written with dots. Packages that need quotes
// ("a["b-c"]") cannot be named.
var packageName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$`)

// validateEmpty checks a policy without files, which only the allowlist can
// stand in for.
func (p *PolicyConfig) validateEmpty() error {
	switch {
	case len(p.Paths) > 0:
	case !p.Fallthrough:
		return errors.New("policy needs at least one file or directory; only with fallthrough on may it have none")
	case len(p.DefaultDecision) > 0:
		return errors.New("policy: without a file or directory, default_decision has no meaning: with fallthrough on the allowlist decides")
	}
	return nil
}

// validateWhole checks what a site has, its own and what is global.
func (c *Config) validateWhole() error {
	if c.Policy == nil {
		return errors.New("headgate has no policy; write policy <file-or-directory> in its block or in the global option headgate")
	}
	return c.validateFallthrough()
}

// validatePDP checks what a site has for the decision endpoints: besides a
// policy, a way to know their callers.
func (c *Config) validatePDP() error {
	if err := c.validateWhole(); err != nil {
		return err
	}
	if c.Principals == nil && len(c.PDPKeys) == 0 {
		return errors.New("headgate_pdp does not know its callers; write pdp_key <placeholder> for signed requests, or principals, with anonymous in it if everybody may ask")
	}
	return nil
}

// validateFallthrough checks the policy beside the allowlist. As a site may
// have one of them and the global block the other, it is asked after merge.
func (c *Config) validateFallthrough() error {
	if c.Policy != nil && c.Policy.Fallthrough && c.Allowlist == "" {
		return errors.New("fallthrough on needs an allowlist; write allowlist <policy_rules.json> in the headgate block or in the global one")
	}
	return nil
}

func (p *PolicyConfig) validate() error {
	for _, file := range p.Paths {
		if file == "" {
			return errors.New("policy: an empty path names no file or directory")
		}
		if err := checkURL(file); err != nil {
			return err
		}
	}
	for _, file := range p.Data {
		if file == "" {
			return errors.New("data: an empty path names no file")
		}
	}
	if p.Bundle != nil {
		if err := p.Bundle.validate(); err != nil {
			return err
		}
	}
	for _, name := range p.Packages {
		if !packageName.MatchString(name) {
			return fmt.Errorf("package must be a Rego package's name such as acme.gate, not %q", name)
		}
		if strings.HasPrefix(name, "data.") {
			return fmt.Errorf("package is written without data., as %s", strings.TrimPrefix(name, "data."))
		}
	}
	if p.Timeout < 0 {
		return errors.New("timeout must be longer than nothing, such as 100ms")
	}
	return p.validateDefaultDecision()
}

// checkURL checks the URL of a bundle server; other paths are files. It does
// not repeat the URL, which may hold a token.
func checkURL(s string) error {
	if !strings.Contains(s, "://") {
		return nil
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "":
		return errors.New("policy: the URL of a bundle server must be such as https://bundles.example.com/gate.tar.gz")
	case u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("policy: a bundle server is asked by https or http, not %q", u.Scheme)
	case u.User != nil:
		return errors.New("policy: the URL of a bundle server holds a password; write header Authorization in the bundle block instead")
	}
	return nil
}

// algorithms are those that OPA signs bundles with.
var algorithms = choice{"the algorithm of a verify_key", []string{
	"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "HS256", "HS384", "HS512",
}, nil}

func (b *BundleConfig) validate() error {
	seen := map[string]bool{}
	for _, k := range b.VerifyKeys {
		if err := algorithms.check(k.Algorithm); err != nil {
			return err
		}
		if k.Key == "" {
			return errors.New("verify_key: the key is empty; write a file or a placeholder")
		}
		if ofRequest(k.Key) {
			return errors.New("verify_key holds a placeholder of the request; use one that is known when the configuration loads")
		}
		if seen[k.ID] {
			return errors.New("verify_key: two keys need two key ids, written behind the key")
		}
		seen[k.ID] = true
	}
	if len(b.VerifyKeys) > 1 && seen[""] {
		return errors.New("verify_key: of several keys each needs a key id, written behind the key")
	}
	if b.VerifyScope != "" && len(b.VerifyKeys) == 0 {
		return errors.New("verify_scope needs a verify_key before it")
	}
	for name, value := range b.Headers {
		if !httpguts.ValidHeaderFieldName(name) {
			return fmt.Errorf("header: %q is no header's name", name)
		}
		if ofRequest(value) {
			return errors.New("header: the value holds a placeholder of the request; use one that is known when the configuration loads")
		}
	}
	if b.Poll < 0 {
		return errors.New("poll must be longer than nothing, such as 30s")
	}
	return nil
}

// validatePDPKeys never repeats what was written: it may be a secret.
func (c *Config) validatePDPKeys() error {
	for _, k := range c.PDPKeys {
		if !strings.HasPrefix(k, "{") || !strings.HasSuffix(k, "}") || ofRequest(k) {
			return errors.New("pdp_key must be a placeholder that is known when the configuration loads, such as {env.HEADGATE_PDP_KEY}")
		}
	}
	return nil
}

func (p *PolicyConfig) validateDefaultDecision() error {
	seen := map[string]bool{}
	for _, d := range p.DefaultDecision {
		if err := decisions.check(d.Decision); err != nil {
			return fmt.Errorf("default_decision: %w", err)
		}
		if len(d.Stages) == 0 {
			if seen[""] {
				return errors.New("default_decision is written twice for all stages; keep one")
			}
			seen[""] = true
		}
		for _, stage := range d.Stages {
			if err := stages.check(stage); err != nil {
				return fmt.Errorf("default_decision: %w", err)
			}
			if seen[stage] {
				return fmt.Errorf("default_decision names %s twice; keep one", stage)
			}
			seen[stage] = true
			if d.Decision == "deny" && policy.Stage(stage).Post() {
				return fmt.Errorf("default_decision cannot deny %s: where no policy covers it, it passes; cover it by a policy", stage)
			}
		}
	}
	return nil
}
