package rego

import (
	"hash/maphash"
	"sync"

	"github.com/headgate/headgate/policy"
)

// Bounds of what one stage of one policy remembers: at most
// memoShards × 2 × memoEntries decisions, each with a key of at most maxKey
// bytes and texts of at most maxTexts.
const (
	memoShards  = 16
	memoEntries = 512
	maxTexts    = 2048
)

// memo remembers the decisions of one stage of one policy by the parts of the
// input that the stage reads. As it belongs to the compiled policy, the policy's
// sources, data and capabilities are part of what a decision is remembered by.
type memo struct {
	seed   maphash.Seed
	shards [memoShards]shard
}

// shard keeps two generations: what is asked for again moves to the young one,
// and the old one is dropped when the young one is full.
type shard struct {
	mu         sync.RWMutex
	young, old map[string]*policy.Decision
}

func newMemo() *memo { return &memo{seed: maphash.MakeSeed()} }

func (m *memo) shard(k *key) *shard {
	return &m.shards[maphash.Bytes(m.seed, k.text)%memoShards]
}

// get returns the decision for a key, nil where it is not remembered.
func (m *memo) get(k *key) *policy.Decision {
	s := m.shard(k)
	s.mu.RLock()
	d, isYoung := s.young[string(k.text)]
	if !isYoung {
		d = s.old[string(k.text)]
	}
	s.mu.RUnlock()
	if d != nil && !isYoung {
		s.put(string(k.text), d)
	}
	return d
}

// put remembers a decision, unless it is too large.
func (m *memo) put(k *key, d policy.Decision) {
	if texts(&d) > maxTexts {
		return
	}
	m.shard(k).put(string(k.text), &d)
}

func (s *shard) put(k string, d *policy.Decision) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.young == nil || len(s.young) >= memoEntries {
		s.old, s.young = s.young, make(map[string]*policy.Decision)
	}
	s.young[k] = d
}

// texts is about how many bytes a decision holds.
func texts(d *policy.Decision) int {
	n := len(d.Reason) + len(d.ForceModel) + len(d.Detail)
	for _, list := range [][]string{d.Approvals, d.HideTools} {
		for _, s := range list {
			n += len(s) + 16
		}
	}
	for _, s := range d.Redact {
		n += len(s.Spec) + len(s.In) + 64
	}
	return n
}
