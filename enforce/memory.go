package enforce

import (
	"crypto/sha256"
	"sync"
)

// memory remembers, within a bound, which tool results were decided. It keeps
// two generations: what is asked for again moves to the young one, and the
// old one is dropped when the young one is full.
type memory struct {
	mu         sync.Mutex
	young, old map[[sha256.Size]byte]struct{}
}

const maxRemembered = 1 << 16

func newMemory() *memory {
	return &memory{young: map[[sha256.Size]byte]struct{}{}}
}

func memoryKey(parts ...string) [sha256.Size]byte {
	h := sha256.New()
	for _, p := range parts {
		var n [8]byte
		for i := range n {
			n[i] = byte(len(p) >> (8 * i))
		}
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return [sha256.Size]byte(h.Sum(nil))
}

func (m *memory) has(k [sha256.Size]byte) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.young[k]; ok {
		return true
	}
	_, ok := m.old[k]
	if ok {
		m.put(k)
	}
	return ok
}

func (m *memory) add(k [sha256.Size]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(k)
}

func (m *memory) put(k [sha256.Size]byte) {
	if len(m.young) >= maxRemembered {
		m.old, m.young = m.young, map[[sha256.Size]byte]struct{}{}
	}
	m.young[k] = struct{}{}
}
