package allowlist

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// MaxSize bounds the document, in bytes.
const MaxSize = 8 << 20

// ErrTooLarge is the error of a document that is over [MaxSize].
var ErrTooLarge = errors.New("the allowlist is too large")

// List is one document, immutable and safe for concurrent use.
type List struct {
	// Rego is the source of the policy that the document carries beside its
	// rules, "" where there is none. The list does not evaluate it.
	Rego string

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
	l, err := parse(name, src)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(src)
	l.sum = hex.EncodeToString(sum[:])
	if l.empty() {
		l.warnings = append(l.warnings, name+": the allowlist holds no rule and allows everything")
	}
	return l, nil
}

// SHA256 is the lower-case hex hash of the document's bytes.
func (l *List) SHA256() string { return l.sum }

// Warnings lists what the author of the document should know.
func (l *List) Warnings() []string { return append([]string(nil), l.warnings...) }

func (l *List) empty() bool {
	return len(l.blockedAgents) == 0 && len(l.allowedOrgs) == 0 && len(l.capabilities) == 0 && l.tools.empty()
}

func (t *toolRules) empty() bool {
	return len(t.blocked) == 0 && t.allowed == nil && len(t.named) == 0
}
