package allowlist

import (
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// Document is the document as data: what [Parse] reads and [Save] writes. A nil
// list is absent, which can mean something else than an empty one.
type Document struct {
	// BlockedAgents, AllowedOrgs and Capabilities mean the same absent and
	// empty. Capabilities that were written as {} are an empty list.
	BlockedAgents, AllowedOrgs, Capabilities []string
	// ToolRules are nil where the document has none.
	ToolRules *ToolRules
	// Rego is the policy that the document carries, "" for none.
	Rego string
}

// ToolRules are both forms of tool_rules; all that is there has to agree.
type ToolRules struct {
	BlockedTools []string
	// AllowedTools, empty, deny every tool.
	AllowedTools []string
	// Named are the rules of single tools. One or more, and a tool without a
	// rule is denied.
	Named map[string]ToolRule
}

// ToolRule is the rule of one tool. A nil list does not restrict, an empty
// allowed list allows nothing.
type ToolRule struct {
	AllowedPrincipals, DeniedPrincipals []string
	AllowedModels, AllowedServers       []string
	// Scope, RateLimit and Obligations are objects that are kept and decide
	// nothing; nil is absent.
	Scope, RateLimit, Obligations jsontext.Value
}

// ParseDocument reads a document as [Parse] does.
func ParseDocument(name string, src []byte) (Document, error) {
	l, err := Parse(name, src)
	if err != nil {
		return Document{}, err
	}
	return l.doc, nil
}

// Document is a copy of what was read.
func (l *List) Document() Document { return l.doc.clone() }

func (d Document) clone() Document {
	d.BlockedAgents, d.AllowedOrgs, d.Capabilities = slices.Clone(d.BlockedAgents), slices.Clone(d.AllowedOrgs), slices.Clone(d.Capabilities)
	if d.ToolRules == nil {
		return d
	}
	t := ToolRules{
		BlockedTools: slices.Clone(d.ToolRules.BlockedTools),
		AllowedTools: slices.Clone(d.ToolRules.AllowedTools),
		Named:        maps.Clone(d.ToolRules.Named),
	}
	for name, r := range t.Named {
		t.Named[name] = ToolRule{
			AllowedPrincipals: slices.Clone(r.AllowedPrincipals), DeniedPrincipals: slices.Clone(r.DeniedPrincipals),
			AllowedModels: slices.Clone(r.AllowedModels), AllowedServers: slices.Clone(r.AllowedServers),
			Scope: r.Scope.Clone(), RateLimit: r.RateLimit.Clone(), Obligations: r.Obligations.Clone(),
		}
	}
	d.ToolRules = &t
	return d
}

// UnmarshalJSON reads a document as [Parse] does.
func (d *Document) UnmarshalJSON(src []byte) error {
	read, err := ParseDocument("document", src)
	if err != nil {
		return err
	}
	*d = read
	return nil
}
