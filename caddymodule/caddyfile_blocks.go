package caddymodule

import (
	"fmt"
	"strconv"

	"github.com/caddyserver/caddy/v2"
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
		later[PolicyConfig]("data"),
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
		later[PolicyConfig]("builtins"),
		later[PolicyConfig]("allow_net"),
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
