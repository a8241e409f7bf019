package allowlist

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxSize bounds the document, in bytes.
const MaxSize = 8 << 20

// ErrTooLarge is the error of a document that is over [MaxSize].
var ErrTooLarge = errors.New("the allowlist is too large")

// List is one document, immutable and safe for concurrent use.
type List struct {
	// Rego is the source of the policy that the document carries beside its
	// rules, "" where there is none. The list does not evaluate it; an [Engine]
	// hands it to its policy.
	Rego string

	src  []byte
	doc  Document
	wasm bool // the document has a rego_wasm_base64

	blockedAgents set
	allowedOrgs   set
	capabilities  set
	tools         toolRules

	sum      string
	warnings []string
}

// toolRules are both forms of tool_rules.
type toolRules struct {
	blocked set
	allowed set // nil: absent
	named   map[string]toolRule
}

// toolRule is the rule of one tool. A nil set is absent.
type toolRule struct {
	allowedPrincipals, deniedPrincipals set
	allowedModels, allowedServers       set
}

// Load reads the document of a file. Faults are told as file:line:col with the
// column in bytes.
func Load(path string) (*List, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("allowlist: %w", err)
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("allowlist: %w", err)
	}
	return Parse(path, src)
}

// Parse reads a document as [Load] does; name stands for the file in errors.
func Parse(name string, src []byte) (*List, error) {
	if len(src) > MaxSize {
		return nil, fmt.Errorf("%s: %w: more than %d bytes", name, ErrTooLarge, MaxSize)
	}
	r := &reader{name: name, src: src, dec: jsontext.NewDecoder(bytes.NewReader(src)), seen: map[string]int64{}}
	if err := r.read(); err != nil {
		return nil, err
	}
	l := newList(r.doc)
	l.src, l.wasm, l.warnings = bytes.Clone(src), r.wasm, r.warnings()
	sum := sha256.Sum256(src)
	l.sum = hex.EncodeToString(sum[:])
	if l.empty() {
		l.warnings = append(l.warnings, name+": the allowlist holds no rule and allows everything")
	}
	return l, nil
}

// newList makes the sets that decide.
func newList(d Document) *List {
	l := &List{
		Rego: d.Rego, doc: d,
		blockedAgents: newSet(d.BlockedAgents), allowedOrgs: newSet(d.AllowedOrgs), capabilities: newSet(d.Capabilities),
	}
	if d.ToolRules == nil {
		return l
	}
	l.tools = toolRules{
		blocked: newSet(d.ToolRules.BlockedTools), allowed: newSet(d.ToolRules.AllowedTools),
		named: make(map[string]toolRule, len(d.ToolRules.Named)),
	}
	for name, r := range d.ToolRules.Named {
		l.tools.named[name] = toolRule{
			allowedPrincipals: newSet(r.AllowedPrincipals), deniedPrincipals: newSet(r.DeniedPrincipals),
			allowedModels: newSet(r.AllowedModels), allowedServers: newSet(r.AllowedServers),
		}
	}
	return l
}

// SHA256 is the lower-case hex hash of the document's bytes.
func (l *List) SHA256() string { return l.sum }

// Warnings lists what the author of the document should know.
func (l *List) Warnings() []string { return slices.Clone(l.warnings) }

func (l *List) empty() bool {
	return len(l.blockedAgents) == 0 && len(l.allowedOrgs) == 0 && len(l.capabilities) == 0 && l.tools.empty()
}

func (t *toolRules) empty() bool {
	return len(t.blocked) == 0 && t.allowed == nil && len(t.named) == 0
}
