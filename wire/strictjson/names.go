package strictjson

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
)

// linearNames is the number of names up to which a set is searched in order.
// Such a search costs little whatever the names are, so that a cheap
// fingerprint does in place of the hash.
const linearNames = 16

// hashSeed is drawn for each process, so that no body can be made whose names
// all fall into one slot.
var hashSeed = maphash.MakeSeed()

// nameSets holds the names of every open object, for the search of duplicates.
// The sets are stacked: while an object takes a name, no object inside it is
// open, so its names and its slots are the last ones.
type nameSets struct {
	names []nameRef
	slots []uint32
}

type nameRef struct {
	hash uint32 // the fingerprint while the set has no slots
	node uint32
}

// nameSet is the part of nameSets that belongs to one object.
type nameSet struct {
	names int // index of the first name
	slots int // index of the first slot
	size  int // number of slots, a power of two; 0 while the names are few
}

func (s *nameSets) reset() { s.names, s.slots = s.names[:0], s.slots[:0] }

// small says whether the memory is worth keeping for the next body.
func (s *nameSets) small() bool { return cap(s.names) <= 1<<14 && cap(s.slots) <= 1<<15 }

func (s *nameSets) open() nameSet { return nameSet{names: len(s.names), slots: len(s.slots)} }

func (s *nameSets) close(set *nameSet) {
	s.names, s.slots = s.names[:set.names], s.slots[:set.slots]
}

// grow gives the set, which is the last one, size slots and fills them anew.
func (s *nameSets) grow(set *nameSet, size int) {
	s.slots = append(s.slots[:set.slots], make([]uint32, size)...)
	set.size = size
	slots := s.slots[set.slots:]
	for i, r := range s.names[set.names:] {
		k := int(r.hash) & (size - 1)
		for slots[k] != 0 {
			k = (k + 1) & (size - 1)
		}
		slots[k] = uint32(i + 1)
	}
}

// addName puts the decoded name of a node into the set. It returns false if an
// equal name is there already.
func (p *parser) addName(set *nameSet, name []byte, node uint32) bool {
	s := &p.names
	own := s.names[set.names:]
	if set.size == 0 && len(own) == linearNames {
		for i, r := range own {
			own[i].hash = hashName(p.nodeName(r.node))
		}
		s.grow(set, 8*linearNames)
	}
	if set.size == 0 {
		h := fingerprint(name)
		for _, r := range own {
			if r.hash == h && bytes.Equal(p.nodeName(r.node), name) {
				return false
			}
		}
		s.names = append(s.names, nameRef{h, node})
		return true
	}
	h := hashName(name)
	slots := s.slots[set.slots:]
	k := int(h) & (set.size - 1)
	for slots[k] != 0 {
		if r := own[slots[k]-1]; r.hash == h && bytes.Equal(p.nodeName(r.node), name) {
			return false
		}
		k = (k + 1) & (set.size - 1)
	}
	s.names = append(s.names, nameRef{h, node})
	slots[k] = uint32(len(own) + 1)
	if 2*(len(own)+1) > set.size {
		s.grow(set, 4*set.size)
	}
	return true
}

// nodeName returns the decoded name of a node.
func (p *parser) nodeName(i uint32) []byte {
	n := &p.nodes[i]
	if n.escaped() {
		return Unescape(nil, p.body[n.start:n.end])
	}
	return p.body[n.start+1 : n.end-1]
}

func hashName(name []byte) uint32 { return uint32(maphash.Bytes(hashSeed, name)) }

// fingerprint tells most names apart: by their length, first and last four bytes.
func fingerprint(name []byte) uint32 {
	h := uint32(len(name)) << 24
	if len(name) < 4 {
		for _, c := range name {
			h = h<<8 ^ h>>24 ^ uint32(c)
		}
		return h
	}
	last := binary.LittleEndian.Uint32(name[len(name)-4:])
	return h ^ binary.LittleEndian.Uint32(name) ^ bits.RotateLeft32(last, 13)
}
