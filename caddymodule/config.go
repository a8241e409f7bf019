package caddymodule

import (
	"cmp"
	"path"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/redact"
)

// Config is what a headgate block says. The app holds one for what sites
// share, each handler holds its own; a field that a handler sets replaces the
// app's field whole.
type Config struct {
	// What decides. A gate without a policy does not start.
	Policy *PolicyConfig `json:"policy,omitempty"`

	// A JSON file of blocked_agents, allowed_orgs, capabilities and tool_rules,
	// relative to the working directory. It restricts what the policy allows;
	// with fallthrough it also decides where the policy has no answer.
	Allowlist string `json:"allowlist,omitempty"`

	// Which API is spoken below which path. Default: openai below /v1, anthropic
	// below /v1/messages, gemini below /v1beta, ollama below
	// /api, mcp below /mcp.
	// Where entries are written, they are all that is served.
	Serve []ServeConfig `json:"serve,omitempty"`

	// Paths that pass unread and undecided; the audit log has each use of
	// them. A path stands for itself alone; one that ends in /* for everything
	// below it, paths of the served APIs excepted: write such a path out.
	Exempt []string `json:"exempt,omitempty"`

	// How callers are known. Without it callers are anonymous, with an empty
	// tenant, and their own provider credential goes on to the upstream. With
	// it a client's credential never goes on.
	Principals *PrincipalsConfig `json:"principals,omitempty"`

	// The credentials that are put into a request after the decision, at most
	// one for a dialect.
	UpstreamKeys []UpstreamKeyConfig `json:"upstream_keys,omitempty"`

	// Where decisions are recorded. Default: headgate-audit.jsonl in Caddy's
	// data directory.
	Audit *AuditConfig `json:"audit,omitempty"`

	// What is redacted whatever a policy says; a policy's selectors are added.
	Redact []RedactConfig `json:"redact,omitempty"`

	// The keys of the HMAC signatures on requests to the endpoints of
	// headgate_pdp, as placeholders that are known when the configuration loads.
	// A signature under any of them counts.
	PDPKeys []string `json:"pdp_keys,omitempty"`

	// The key of the redaction operator hash, as a placeholder that is known
	// when the configuration loads, such as {env.HEADGATE_REDACTION_KEY}.
	RedactionKey string `json:"redaction_key,omitempty"`

	// What happens to a path that no served API has: deny or pass.
	// Default: deny.
	UnknownPaths string `json:"unknown_paths,omitempty"`

	// Whether a request may refer to the id of a response, conversation, file or
	// batch of which nobody knows who made it: deny or allow. One that another
	// caller made here never passes. It matters with principals only.
	// Default: deny.
	ForeignIDs string `json:"foreign_ids,omitempty"`

	// Whether an exchange may hold what the gate cannot look into: a fact and
	// allow or deny. The facts, denied by default: previous_response_id,
	// conversation, stored_prompt, file_id, background, cached_content,
	// remote_url; allowed by default: opaque_echo, image, audio, binary.
	Unscanned map[string]string `json:"unscanned,omitempty"`

	// What becomes of a denied tool call in a model's reply: with replace a
	// short text stands in its place and the reply stays a success, with error
	// the reply is refused. Default: replace.
	DeniedCalls string `json:"denied_calls,omitempty"`

	// The size that a body may have, in bytes, after decompression. It also
	// bounds what is held of a reply. Default: 32MB.
	MaxBody int64 `json:"max_body,omitempty"`

	// Whether decisions count: enforce. Default: enforce.
	Mode string `json:"mode,omitempty"`

	// HTTP endpoints that are tools: every request to one is a call.
	HTTPTools []HTTPToolConfig `json:"http_tools,omitempty"`
}

// PolicyConfig names the policies and says how they are evaluated.
type PolicyConfig struct {
	// Files and directories of Rego and OPA bundles (.tar.gz), relative to the
	// working directory, and the URLs of bundle servers. May be empty with
	// fallthrough: the allowlist then decides alone, with the Rego in it.
	Paths []string `json:"paths,omitempty"`

	// JSON and YAML documents that policies see merged as data.
	Data []string `json:"data,omitempty"`

	// How bundles are fetched and verified.
	Bundle *BundleConfig `json:"bundle,omitempty"`

	// The packages whose rule sets decide, in place of tako.policy and
	// headgate.
	Packages []string `json:"packages,omitempty"`

	// What happens at a stage that no policy covers. Default: deny.
	DefaultDecision []DefaultDecisionConfig `json:"default_decision,omitempty"`

	// Whether the allowlist decides where no policy covers a stage, or where
	// one is undefined or fails. Default: they deny.
	Fallthrough bool `json:"fallthrough,omitempty"`

	// How long one evaluation may take. Default: 100ms.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// Built-in functions to give back of those that policies do not have, such
	// as http.send.
	Builtins []string `json:"builtins,omitempty"`

	// The hosts that built-in functions may reach, without ports. Default: none.
	AllowNet []string `json:"allow_net,omitempty"`
}

// BundleConfig says how bundles are fetched and verified.
type BundleConfig struct {
	// How often a bundle server is asked. Default: 30s.
	Poll caddy.Duration `json:"poll,omitempty"`

	// Headers of the requests to bundle servers. Placeholders that are known
	// when the configuration loads are expanded.
	Headers map[string]string `json:"headers,omitempty"`

	// The keys that a bundle may be signed with. With one or more, every bundle
	// must be signed.
	VerifyKeys []VerifyKeyConfig `json:"verify_keys,omitempty"`

	// What the scope claim of a signature must be. Default: none.
	VerifyScope string `json:"verify_scope,omitempty"`
}

// VerifyKeyConfig is a key that bundles are verified with.
type VerifyKeyConfig struct {
	// The algorithm, such as RS256, ES256 or HS256.
	Algorithm string `json:"algorithm,omitempty"`

	// A file with a PEM public key or certificate, or with the secret of an HS
	// algorithm; or a placeholder that stands for its text.
	Key string `json:"key,omitempty"`

	// The key id that a signature names. May be empty if there is one key.
	ID string `json:"id,omitempty"`
}

// DefaultDecisionConfig is the decision of stages that no policy covers.
type DefaultDecisionConfig struct {
	// allow or deny.
	Decision string `json:"decision,omitempty"`

	// The stages it is for: pre_chat, pre_tool, session. Empty: every stage
	// that no other entry names. An uncovered post_chat or post_tool always
	// passes, so that these can only be named with allow.
	Stages []string `json:"stages,omitempty"`
}

// ServeConfig is one API below one path.
type ServeConfig struct {
	// The API that is spoken: openai, anthropic, gemini, ollama, mcp or a2a.
	Dialect string `json:"dialect,omitempty"`

	// The path that the API's own paths begin with, such as /v1.
	Prefix string `json:"prefix,omitempty"`

	// The name that policies see as input.server. May be empty.
	Name string `json:"name,omitempty"`
}

// HTTPToolConfig is a path that is a tool.
type HTTPToolConfig struct {
	// The path, such as /tickets/{id}. A name in braces stands for a part of a
	// segment, and is an argument of the call. So are the query and the members
	// of the body, which is a JSON object or a form.
	Path string `json:"path,omitempty"`

	// The tool's name, as policies see it.
	Tool string `json:"tool,omitempty"`
}

// PrincipalsConfig lists where callers' identities come from. A credential
// that fails is refused, never taken for an anonymous caller.
type PrincipalsConfig struct {
	// A JSON file of API keys: a list of objects with key or key_sha256,
	// tenant_id, user_id, roles and agent_id.
	APIKeys string `json:"api_keys,omitempty"`

	// Take the identity that Caddy's own authentication has set,
	// {http.auth.user.*}.
	Caddy bool `json:"caddy,omitempty"`

	// The tenant of callers who show no credential. Absent: they are refused.
	Anonymous *string `json:"anonymous,omitempty"`
}

// UpstreamKeyConfig is a credential for the upstream.
type UpstreamKeyConfig struct {
	// The API it is for, put into that API's own header. Empty: every API
	// that has no entry of its own.
	Dialect string `json:"dialect,omitempty"`

	// The credential, best as a placeholder such as {env.OPENAI_API_KEY}.
	Value string `json:"value,omitempty"`
}

// AuditConfig says where and how decisions are recorded.
type AuditConfig struct {
	// The file, relative to the working directory. Default:
	// headgate-audit.jsonl in Caddy's data directory.
	Path string `json:"path,omitempty"`

	// What a recorded line has survived before the exchange goes on: process
	// (the operating system has it). Default: process.
	Durability string `json:"durability,omitempty"`

	// Record the hashes of content even if no policy reads them.
	Hashes bool `json:"hashes,omitempty"`
}

// RedactConfig is what to redact in one direction.
type RedactConfig struct {
	// request, response, args (of tool calls) or results (of tools).
	Direction string `json:"direction,omitempty"`

	// Entities and groups (EMAIL, PII), re:<RE2 expression>, lit:<text>.
	// Never placeholder-expanded.
	Selectors []string `json:"selectors,omitempty"`

	// What stands in the place of a match: placeholder, mask, hash (needs
	// a redaction_key) or remove. Default: placeholder.
	As string `json:"as,omitempty"`

	// How many characters at a match's end stay readable, at most half of
	// them; for mask only.
	KeepLast int `json:"keep_last,omitempty"`
}

// merge fills what c leaves open from global. A field that c sets stays as it
// is, whole; a list that JSON gives as [] is set.
func (c *Config) merge(global *Config) {
	if global == nil {
		return
	}
	if c.Policy == nil {
		c.Policy = global.Policy
	}
	if c.Allowlist == "" {
		c.Allowlist = global.Allowlist
	}
	if c.Serve == nil {
		c.Serve = global.Serve
	}
	if c.Exempt == nil {
		c.Exempt = global.Exempt
	}
	if c.Principals == nil {
		c.Principals = global.Principals
	}
	if c.UpstreamKeys == nil {
		c.UpstreamKeys = global.UpstreamKeys
	}
	if c.Audit == nil {
		c.Audit = global.Audit
	}
	if c.Redact == nil {
		c.Redact = global.Redact
	}
	if c.PDPKeys == nil {
		c.PDPKeys = global.PDPKeys
	}
	if c.RedactionKey == "" {
		c.RedactionKey = global.RedactionKey
	}
	if c.UnknownPaths == "" {
		c.UnknownPaths = global.UnknownPaths
	}
	if c.ForeignIDs == "" {
		c.ForeignIDs = global.ForeignIDs
	}
	if c.Unscanned == nil {
		c.Unscanned = global.Unscanned
	}
	if c.DeniedCalls == "" {
		c.DeniedCalls = global.DeniedCalls
	}
	if c.MaxBody == 0 {
		c.MaxBody = global.MaxBody
	}
	if c.Mode == "" {
		c.Mode = global.Mode
	}
	if c.HTTPTools == nil {
		c.HTTPTools = global.HTTPTools
	}
}

// selectors lists what is redacted in one direction.
func (c *Config) selectors(direction string) []redact.Selector {
	var all []redact.Selector
	for _, r := range c.Redact {
		if r.Direction == direction {
			all = append(all, r.selectors()...)
		}
	}
	return all
}

func (r *RedactConfig) selectors() []redact.Selector {
	all := make([]redact.Selector, len(r.Selectors))
	for i, spec := range r.Selectors {
		all[i] = redact.Selector{Spec: spec, As: r.As, KeepLast: r.KeepLast}
	}
	return all
}

// allowUnscanned tells of every fact that is written whether it may reach the
// policy. What holds for others is for the gate to say.
func (c *Config) allowUnscanned() map[string]bool {
	allow := make(map[string]bool, len(c.Unscanned))
	for fact, word := range c.Unscanned {
		allow[fact] = word == "allow"
	}
	return allow
}

// upstreamKey returns the credential for a dialect as it was written, before
// any placeholder is expanded; false if there is none.
func (c *Config) upstreamKey(dialect string) (string, bool) {
	value, found := "", false
	for _, k := range c.UpstreamKeys {
		if k.Dialect == dialect {
			return k.Value, true
		}
		if k.Dialect == "" {
			value, found = k.Value, true
		}
	}
	return value, found
}

// exempts tells whether a path passes unread. escaped is the path as it was
// sent ([net/url.URL.EscapedPath]); governed, that a served API has it or that
// an upstream might take it for such a one. A pattern never covers a governed
// path, nor one that does not mean what it says: /assets/../v1/models and
// /assets/%2e%2e/v1/models are not below /assets/*.
func (c *Config) exempts(escaped string, governed bool) bool {
	for _, p := range c.Exempt {
		if p == escaped {
			return true
		}
		dir, isPattern := strings.CutSuffix(p, "*")
		if isPattern && !governed && strings.HasPrefix(escaped, dir) && plainPath(escaped) {
			return true
		}
	}
	return false
}

// plainPath tells whether a path is clean, but for one slash at its end, and
// holds nothing that an upstream could read otherwise.
func plainPath(p string) bool {
	clean := path.Clean(p)
	return (clean == p || clean+"/" == p) && !strings.ContainsAny(p, `%\;`)
}

// defaultAllow lists the stages that pass where no policy covers them. It may
// hold post stages, which pass in any case.
func (p *PolicyConfig) defaultAllow() map[policy.Stage]bool {
	decision := map[policy.Stage]string{}
	for _, d := range p.DefaultDecision {
		if len(d.Stages) == 0 {
			for _, s := range policy.Stages() {
				decision[s] = cmp.Or(decision[s], d.Decision)
			}
		}
		for _, s := range d.Stages {
			decision[policy.Stage(s)] = d.Decision
		}
	}
	allow := map[policy.Stage]bool{}
	for s, d := range decision {
		if d == "allow" {
			allow[s] = true
		}
	}
	return allow
}
