package enforce

import (
	"errors"
	"strconv"
	"strings"
	"sync"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/redact"
)

// Bounds on what a policy may return for one decision.
const (
	maxSelectors     = 64
	maxSelectorBytes = 1024
	maxCachedSets    = 256
)

var errSelector = errors.New("a selector that cannot be used")

// selectorCache keeps compiled selectors. Policies return the same few again
// and again; compiling one takes far longer than a decision.
type selectorCache struct {
	key  []byte
	mu   sync.RWMutex
	sets map[string]*redact.Set
}

func newSelectorCache(key []byte) *selectorCache {
	return &selectorCache{key: key, sets: map[string]*redact.Set{}}
}

func (c *selectorCache) get(sel []redact.Selector) (*redact.Set, error) {
	id := selectorKey(sel)
	c.mu.RLock()
	set := c.sets[id]
	c.mu.RUnlock()
	if set != nil {
		return set, nil
	}
	set, err := redact.Compile(sel, redact.Options{Key: c.key})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sets) >= maxCachedSets { // a policy that makes up selectors must not fill the memory
		clear(c.sets)
	}
	c.sets[id] = set
	return set, nil
}

func selectorKey(sel []redact.Selector) string {
	var b strings.Builder
	for _, s := range sel {
		b.WriteString(strconv.Quote(s.Spec))
		b.WriteString(s.As)
		b.WriteByte(' ')
		b.WriteString(strconv.Itoa(s.KeepLast))
		b.WriteByte('\n')
	}
	return b.String()
}

// add joins the configuration's selectors with those of a decision.
func (c *selectorCache) add(configured []redact.Selector, decided []policy.Selector) (*redact.Set, error) {
	if len(decided) == 0 {
		return c.get(configured)
	}
	if len(decided) > maxSelectors {
		return nil, errSelector
	}
	all := append([]redact.Selector(nil), configured...)
	for _, s := range decided {
		if s.In != "" || len(s.Spec) > maxSelectorBytes {
			return nil, errSelector
		}
		all = append(all, redact.Selector{Spec: s.Spec, As: s.As, KeepLast: s.KeepLast})
	}
	return c.get(all)
}

// selectors compiles what has to be redacted. Where a policy's selectors
// cannot be used, the decision becomes a deny.
func (x *Exchange) selectors(configured []redact.Selector, d *policy.Decision) *redact.Set {
	set, err := x.g.sets.add(configured, d.Redact)
	if err == nil {
		return set
	}
	x.g.cfg.Logger.Warn("a selector of the policy cannot be used, denying", "request_id", x.id, "policy_sha256", policy.Short(d.SHA256), "error", err)
	reason := policy.ReasonShape
	if errors.Is(err, redact.ErrUnsupported) {
		reason = "a selector that is not supported in this version"
	}
	if d.Action != policy.Deny {
		d.Refuse(reason)
	}
	return nil
}
