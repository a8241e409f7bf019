package allowlist

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// reader reads one document, strictly: UTF-8, no key twice, no unknown key.
type reader struct {
	name string
	src  []byte
	dec  *jsontext.Decoder
	doc  Document
	seen map[string]int64 // rego and rego_wasm_base64, which have two places
	wasm bool             // rego_wasm_base64 holds something
	kept []keptMember
}

// keptMember is a member of tools' rules that decides nothing.
type keptMember struct {
	key   string
	at    int64 // the first one
	count int
}

func (r *reader) read() error {
	if err := r.document(); err != nil {
		return err
	}
	end := r.dec.InputOffset()
	if _, err := r.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return r.fault(end, "more follows the document; keep one object")
	}
	return nil
}

// warnings tells of what was read and does not decide.
func (r *reader) warnings() []string {
	var ws []string
	for _, k := range r.kept {
		rules := "in 1 rule"
		if k.count > 1 {
			rules = fmt.Sprintf("in %d rules", k.count)
		}
		ws = append(ws, fmt.Sprintf("%s: %s is kept and decides nothing (%s)", r.place(k.at), k.key, rules))
	}
	if r.wasm {
		w := ": rego_wasm_base64 is passed over: policies are read as Rego source"
		if r.doc.Rego == "" {
			w += ", and there is no rego beside it; write that"
		}
		ws = append(ws, r.place(r.seen["rego_wasm_base64"])+w)
	}
	return ws
}

// document reads the rules, at the top level or in policy_rules.
func (r *reader) document() error {
	var wrapped, plain bool
	return r.object("the document", func(key string, at int64) error {
		switch key {
		case "policy_rules":
			wrapped = true
		case "blocked_agents", "allowed_orgs", "capabilities", "tool_rules":
			plain = true
		}
		if wrapped && plain {
			return r.fault(at, "rules stand beside policy_rules; write them inside it")
		}
		if key == "policy_rules" {
			return r.object(key, r.rule)
		}
		return r.rule(key, at)
	})
}

// rule reads one of the rules.
func (r *reader) rule(key string, at int64) (err error) {
	d := &r.doc
	switch key {
	case "blocked_agents":
		d.BlockedAgents, err = r.names(key)
	case "allowed_orgs":
		d.AllowedOrgs, err = r.names(key)
	case "capabilities":
		if r.dec.PeekKind() == '{' {
			d.Capabilities = []string{}
			return r.object(key, func(_ string, at int64) error {
				return r.fault(at, "capabilities is a list of strings, or an empty object for any")
			})
		}
		d.Capabilities, err = r.names(key)
	case "tool_rules":
		d.ToolRules = &ToolRules{}
		return r.object(key, r.toolRule)
	case "rego", "rego_wasm_base64":
		if _, twice := r.seen[key]; twice {
			return r.fault(at, key+" is written twice, beside policy_rules and inside it; keep one")
		}
		r.seen[key] = at
		return r.source(key)
	default:
		return r.unknown(at, key, "blocked_agents, allowed_orgs, capabilities, tool_rules or rego")
	}
	return err
}

// source reads a policy that the document carries; null is none.
func (r *reader) source(key string) error {
	v, start, err := r.value()
	if err != nil {
		return err
	}
	if v.Kind() == 'n' {
		return nil
	}
	if v.Kind() != '"' {
		return r.wrong(start, key, "a string or null", v)
	}
	if key == "rego" {
		r.doc.Rego, err = r.unquote(v, start)
		return err
	}
	r.wasm = len(v) > len(`""`)
	return nil
}

// listName reports whether an entry of tool_rules is a list of tools.
func listName(key string) bool { return key == "blocked_tools" || key == "allowed_tools" }

// toolRule reads one entry of tool_rules: a list of tools, or a tool's rule.
func (r *reader) toolRule(key string, at int64) (err error) {
	t := r.doc.ToolRules
	switch key {
	case "blocked_tools":
		t.BlockedTools, err = r.names(key)
		return err
	case "allowed_tools":
		t.AllowedTools, err = r.names(key)
		return err
	}
	if fault := nameFault(key); fault != "" {
		return r.fault(at, "the name of a tool "+fault)
	}
	var rule ToolRule
	err = r.object("the rule of a tool", func(key string, at int64) (err error) {
		switch key {
		case "allowed_principals":
			rule.AllowedPrincipals, err = r.names(key)
		case "denied_principals":
			rule.DeniedPrincipals, err = r.names(key)
		case "allowed_models":
			rule.AllowedModels, err = r.names(key)
		case "allowed_mcp_servers":
			rule.AllowedServers, err = r.names(key)
		case "scope":
			rule.Scope, err = r.keep(key, at)
		case "rate_limit":
			rule.RateLimit, err = r.keep(key, at)
		case "obligations":
			rule.Obligations, err = r.keep(key, at)
		default:
			return r.unknown(at, key, "allowed_principals, denied_principals, allowed_models or allowed_mcp_servers")
		}
		return err
	})
	if t.Named == nil {
		t.Named = map[string]ToolRule{}
	}
	t.Named[key] = rule
	return err
}

// keep reads an object that decides nothing.
func (r *reader) keep(key string, at int64) (jsontext.Value, error) {
	v, start, err := r.value()
	if err != nil {
		return nil, err
	}
	if v.Kind() != '{' {
		return nil, r.wrong(start, key, "an object", v)
	}
	i := slices.IndexFunc(r.kept, func(k keptMember) bool { return k.key == key })
	if i < 0 {
		i = len(r.kept)
		r.kept = append(r.kept, keptMember{key: key, at: at})
	}
	r.kept[i].count++
	return v.Clone(), nil
}

// object reads an object; member is called for each key, before its value.
func (r *reader) object(what string, member func(key string, at int64) error) error {
	if k := r.dec.PeekKind(); k != '{' {
		v, start, err := r.value()
		if err != nil {
			return err
		}
		return r.wrong(start, what, "an object", v)
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return r.syntax(err)
	}
	for r.dec.PeekKind() != '}' {
		v, at, err := r.value()
		if err != nil {
			return err
		}
		key, err := r.unquote(v, at)
		if err != nil {
			return err
		}
		if err := member(key, at); err != nil {
			return err
		}
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return r.syntax(err)
	}
	return nil
}

// names reads a list of names, which is never nil.
func (r *reader) names(what string) ([]string, error) {
	if r.dec.PeekKind() != '[' {
		v, start, err := r.value()
		if err != nil {
			return nil, err
		}
		return nil, r.wrong(start, what, "a list of strings", v)
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return nil, r.syntax(err)
	}
	names := []string{}
	for r.dec.PeekKind() != ']' {
		v, at, err := r.value()
		if err != nil {
			return nil, err
		}
		if v.Kind() != '"' {
			return nil, r.wrong(at, "an entry of "+what, "a string", v)
		}
		name, err := r.unquote(v, at)
		if err != nil {
			return nil, err
		}
		if fault := nameFault(name); fault != "" {
			return nil, r.fault(at, "an entry of "+what+" "+fault)
		}
		names = append(names, name)
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return nil, r.syntax(err)
	}
	return names, nil
}

// nameFault says why a name cannot be meant as it is written, or "".
func nameFault(name string) string {
	switch {
	case name == "":
		return "is empty"
	case strings.TrimSpace(name) != name:
		return "has blanks around it"
	case strings.Contains(name, "*"):
		return "holds a wildcard; names are compared as they are, write each out"
	}
	return ""
}

// value reads the next value, or an object's next key, with its offset.
func (r *reader) value() (jsontext.Value, int64, error) {
	v, err := r.dec.ReadValue()
	if err != nil {
		return nil, 0, r.syntax(err)
	}
	return v, r.dec.InputOffset() - int64(len(v)), nil
}

func (r *reader) unquote(v jsontext.Value, at int64) (string, error) {
	s, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return "", r.fault(at, "a string is not valid")
	}
	return string(s), nil
}

func (r *reader) wrong(at int64, what, want string, v jsontext.Value) error {
	kinds := map[jsontext.Kind]string{'n': "null", 't': "a boolean", 'f': "a boolean", '"': "a string", '0': "a number", '{': "an object", '[': "a list"}
	return r.fault(at, fmt.Sprintf("%s must be %s, not %s", what, want, kinds[v.Kind()]))
}

func (r *reader) unknown(at int64, key, known string) error {
	if len(key) > 64 {
		key = strings.ToValidUTF8(key[:64], "") + "…"
	}
	return r.fault(at, fmt.Sprintf("unknown key %q; it must be %s", key, known))
}

// syntax tells where the document is no strict JSON.
func (r *reader) syntax(err error) error {
	var s *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return r.fault(int64(len(r.src)), "the document ends too early")
	case errors.As(err, &s):
		return r.fault(s.ByteOffset, s.Err.Error())
	}
	return r.fault(r.dec.InputOffset(), err.Error())
}

func (r *reader) fault(at int64, message string) error {
	return fmt.Errorf("%s: %s", r.place(at), message)
}

// place is an offset as file:line:col.
func (r *reader) place(at int64) string {
	before := r.src[:min(max(at, 0), int64(len(r.src)))]
	line := 1 + bytes.Count(before, []byte{'\n'})
	col := len(before) - bytes.LastIndexByte(before, '\n')
	return fmt.Sprintf("%s:%d:%d", r.name, line, col)
}
