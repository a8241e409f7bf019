package rego

import (
	"context"
	"runtime"
	"sync"
	"weak"

	"github.com/headgate/headgate/policy/rego/content"
)

// keepPolicies is how many compiled policies the cache holds on to by itself,
// so that going back to a recent revision costs nothing. All others live as
// long as a source uses them.
const keepPolicies = 4

// policies is the process-wide cache of compiled policies, by the hash of the
// sources and the settings. Opening the same source twice, as two sites of one
// server or the two configurations of a reload do, shares one.
var policies = cache{live: map[string]weak.Pointer[Policy]{}}

type cache struct {
	mu     sync.Mutex
	live   map[string]weak.Pointer[Policy]
	recent []*Policy // most recent last, at most keepPolicies
}

// open returns the compiled policy of the content and the settings, compiling
// it if nobody has. Two that come at the same time may both compile; one result is
// kept and both get it.
func (c *cache) open(ctx context.Context, from *content.Content, s settings) (*Policy, error) {
	key := s.key(from.Sum())
	if p := c.get(key); p != nil {
		return p, nil
	}
	p, err := build(ctx, from, s)
	if err != nil {
		return nil, err
	}
	return c.put(key, p), nil
}

func (c *cache) get(key string) *Policy {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.live[key].Value()
	if p != nil {
		c.keep(p)
	}
	return p
}

// put adds p unless there is one already, and returns the one that is kept.
func (c *cache) put(key string, p *Policy) *Policy {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.live[key].Value(); old != nil {
		p = old
	} else {
		c.live[key] = weak.Make(p)
		runtime.AddCleanup(p, c.drop, key)
	}
	c.keep(p)
	return p
}

// keep makes p the most recent; the caller holds the lock.
func (c *cache) keep(p *Policy) {
	for i, r := range c.recent {
		if r == p {
			c.recent = append(append(c.recent[:i:i], c.recent[i+1:]...), p)
			return
		}
	}
	if len(c.recent) == keepPolicies {
		c.recent = append(c.recent[:0:0], c.recent[1:]...)
	}
	c.recent = append(c.recent, p)
}

// drop forgets a policy that nobody uses any more.
func (c *cache) drop(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.live[key].Value() == nil {
		delete(c.live, key)
	}
}
