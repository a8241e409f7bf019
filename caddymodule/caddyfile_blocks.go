package caddymodule

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// policyWords is the block of policy.
var policyWords = grammar[PolicyConfig]{
	block: "policy",
	check: (*PolicyConfig).validate,
	words: []word[PolicyConfig]{
		{
			name: "package", args: "<name>...", min: 1, max: unlimited,
			set: func(p *PolicyConfig, args []string) error {
				p.Packages = args
				return nil
			},
		},
		{
			name: "data", args: "<file.json|file.yaml>...", min: 1, max: unlimited, repeats: true,
			set: func(p *PolicyConfig, args []string) error {
				p.Data = append(p.Data, args...)
				return nil
			},
		},
		{
			name: "bundle", args: "{ ... }",
			set: func(p *PolicyConfig, _ []string) error {
				p.Bundle = new(BundleConfig)
				return nil
			},
			inner: func(d *caddyfile.Dispenser, p *PolicyConfig) error { return bundleWords.read(d, p.Bundle) },
		},
		{
			name: "default_decision", args: "allow|deny [<stage>...]", min: 1, max: unlimited, repeats: true,
			set: func(p *PolicyConfig, args []string) error {
				p.DefaultDecision = append(p.DefaultDecision, DefaultDecisionConfig{Decision: args[0], Stages: args[1:]})
				return nil
			},
		},
		switchWord("fallthrough", func(p *PolicyConfig, on bool) error {
			p.Fallthrough = on
			return nil
		}),
		{
			name: "timeout", args: "<duration>", min: 1, max: 1,
			set: func(p *PolicyConfig, args []string) error {
				t, err := caddy.ParseDuration(args[0])
				if err != nil || t <= 0 {
					return fmt.Errorf("timeout must be a duration longer than nothing, such as 100ms, not %q", args[0])
				}
				p.Timeout = caddy.Duration(t)
				return nil
			},
		},
		{
			name: "builtins", args: "+<name>...", min: 1, max: unlimited, repeats: true,
			set: (*PolicyConfig).setBuiltins,
		},
		{
			name: "allow_net", args: "<host>...", min: 1, max: unlimited, repeats: true,
			set: func(p *PolicyConfig, args []string) error {
				p.AllowNet = append(p.AllowNet, args...)
				return nil
			},
		},
	},
}

// setBuiltins takes names with a plus before them: nothing is ever taken away.
func (p *PolicyConfig) setBuiltins(args []string) error {
	for _, arg := range args {
		name, ok := strings.CutPrefix(arg, "+")
		if !ok || name == "" {
			return fmt.Errorf("builtins are written with a plus, such as +http.send, not %q", arg)
		}
		p.Builtins = append(p.Builtins, name)
	}
	return nil
}

// bundleWords is the block of policy's bundle.
var bundleWords = grammar[BundleConfig]{
	block: "bundle",
	check: (*BundleConfig).validate,
	words: []word[BundleConfig]{
		{
			name: "poll", args: "<interval>", min: 1, max: 1,
			set: func(b *BundleConfig, args []string) error {
				t, err := caddy.ParseDuration(args[0])
				if err != nil || t <= 0 {
					return fmt.Errorf("poll must be a duration longer than nothing, such as 30s, not %q", args[0])
				}
				b.Poll = caddy.Duration(t)
				return nil
			},
		},
		{
			name: "header", args: "<name> <value>", min: 2, max: 2, repeats: true,
			set: func(b *BundleConfig, args []string) error {
				if b.Headers == nil {
					b.Headers = map[string]string{}
				}
				if _, taken := b.Headers[args[0]]; taken {
					return errors.New("header is written twice for one name; keep one")
				}
				b.Headers[args[0]] = args[1]
				return nil
			},
		},
		{
			name: "verify_key", args: "<algorithm> <file-or-placeholder> [<key-id>]", min: 2, max: 3, repeats: true,
			set: func(b *BundleConfig, args []string) error {
				k := VerifyKeyConfig{Algorithm: args[0], Key: args[1]}
				if len(args) == 3 {
					k.ID = args[2]
				}
				b.VerifyKeys = append(b.VerifyKeys, k)
				return nil
			},
		},
		{
			name: "verify_scope", args: "<scope>", min: 1, max: 1,
			set: func(b *BundleConfig, args []string) error {
				return setText("verify_scope", "the scope", &b.VerifyScope, args[0])
			},
		},
	},
}

// principalWords is the block of principals.
var principalWords = grammar[PrincipalsConfig]{
	block: "principals",
	words: []word[PrincipalsConfig]{
		{
			name: "api_keys", args: "<file.json>", min: 1, max: 1,
			set: func(p *PrincipalsConfig, args []string) error {
				return setText("api_keys", "a file", &p.APIKeys, args[0])
			},
		},
		later[PrincipalsConfig]("jwt"),
		later[PrincipalsConfig]("mtls"),
		{
			name: "caddy",
			set: func(p *PrincipalsConfig, _ []string) error {
				p.Caddy = true
				return nil
			},
		},
		{
			name: "anonymous", args: "<tenant_id>", min: 1, max: 1,
			set: func(p *PrincipalsConfig, args []string) error {
				p.Anonymous = &args[0]
				return nil
			},
		},
	},
}

// auditWords is the block of audit.
var auditWords = grammar[AuditConfig]{
	block: "audit",
	words: []word[AuditConfig]{
		choiceWord("durability", durabilities, func(a *AuditConfig) *string { return &a.Durability }),
		later[AuditConfig]("roll_size"),
		later[AuditConfig]("roll_keep"),
		later[AuditConfig]("sink"),
		switchWord("hashes", func(a *AuditConfig, on bool) error {
			a.Hashes = on
			return nil
		}),
	},
}

// redactWords is the block of redact.
var redactWords = grammar[RedactConfig]{
	block: "redact",
	words: []word[RedactConfig]{
		choiceWord("as", operators, func(r *RedactConfig) *string { return &r.As }),
		{
			name: "keep_last", args: "<characters>", min: 1, max: 1,
			set: func(r *RedactConfig, args []string) error {
				n, err := strconv.Atoi(args[0])
				if err != nil || n < 0 {
					return fmt.Errorf("keep_last must be a number of characters, 0 or more, not %q", args[0])
				}
				r.KeepLast = n
				return nil
			},
		},
		laterSwitch[RedactConfig]("restore"),
	},
}
