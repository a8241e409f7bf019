package allowlist

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// Encode writes the document as {"policy_rules": {…}}, indented, with a newline
// at its end. Members have a fixed order, the rules of tools that of their
// names. The error is a string that is not UTF-8 or a tool with the name of a
// list; see [Save] for the other checks.
func (d Document) Encode() ([]byte, error) {
	return d.encode(jsontext.WithIndent("  "))
}

// MarshalJSON is [Document.Encode] in one line.
func (d Document) MarshalJSON() ([]byte, error) {
	b, err := d.encode()
	return bytes.TrimSpace(b), err
}

func (d Document) encode(o ...jsontext.Options) ([]byte, error) {
	var b bytes.Buffer
	w := &writer{enc: jsontext.NewEncoder(&b, o...)}
	w.object(func() {
		w.member("policy_rules", func() { w.object(func() { w.rules(&d) }) })
	})
	if w.err != nil {
		return nil, fmt.Errorf("encode the allowlist: %w", w.err)
	}
	return b.Bytes(), nil
}

// writer writes a document; after its first error it writes nothing.
type writer struct {
	enc *jsontext.Encoder
	err error
}

func (w *writer) rules(d *Document) {
	w.names("blocked_agents", d.BlockedAgents)
	w.names("allowed_orgs", d.AllowedOrgs)
	w.names("capabilities", d.Capabilities)
	if d.ToolRules != nil {
		w.member("tool_rules", func() { w.object(func() { w.toolRules(d.ToolRules) }) })
	}
	if d.Rego != "" {
		w.member("rego", func() { w.token(jsontext.String(d.Rego)) })
	}
}

func (w *writer) toolRules(t *ToolRules) {
	w.names("blocked_tools", t.BlockedTools)
	w.names("allowed_tools", t.AllowedTools)
	for _, name := range slices.Sorted(maps.Keys(t.Named)) {
		if listName(name) {
			w.fail(fmt.Errorf("a tool cannot be named %s", name))
			return
		}
		r := t.Named[name]
		w.member(name, func() { w.object(func() { w.toolRule(&r) }) })
	}
}

func (w *writer) toolRule(r *ToolRule) {
	w.names("allowed_principals", r.AllowedPrincipals)
	w.names("denied_principals", r.DeniedPrincipals)
	w.names("allowed_models", r.AllowedModels)
	w.names("allowed_mcp_servers", r.AllowedServers)
	w.kept("scope", r.Scope)
	w.kept("rate_limit", r.RateLimit)
	w.kept("obligations", r.Obligations)
}

// names writes a list that is not absent.
func (w *writer) names(key string, names []string) {
	if names == nil {
		return
	}
	w.member(key, func() {
		w.token(jsontext.BeginArray)
		for _, n := range names {
			w.token(jsontext.String(n))
		}
		w.token(jsontext.EndArray)
	})
}

func (w *writer) kept(key string, v jsontext.Value) {
	if v != nil && w.err == nil {
		w.member(key, func() { w.fail(w.enc.WriteValue(v)) })
	}
}

func (w *writer) member(key string, value func()) {
	w.token(jsontext.String(key))
	value()
}

func (w *writer) object(members func()) {
	w.token(jsontext.BeginObject)
	members()
	w.token(jsontext.EndObject)
}

func (w *writer) token(t jsontext.Token) {
	if w.err == nil {
		w.fail(w.enc.WriteToken(t))
	}
}

func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// Interface guards
var (
	_ json.Marshaler   = Document{}
	_ json.Unmarshaler = (*Document)(nil)
)
