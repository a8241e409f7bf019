package principal

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
)

// APIKeys is the source for callers with a key from a list. It holds no key and
// no hash that could be compared with another list: only hashes under a random
// prefix of this process.
type APIKeys struct {
	blind    [32]byte
	byHash   map[[32]byte]*Principal
	warnings []string
}

// LoadAPIKeys reads a JSON list of entries:
//
//	[{"key": "hg-…", "tenant_id": "acme", "user_id": "alice", "roles": ["dev"], "agent_id": "acme::coder"},
//	 {"key_sha256": "ba7816bf…", "tenant_id": "acme"}]
//
// Each has either key or key_sha256, the hex SHA-256 of the key's bytes; the
// other fields may be left out. An error names the file, the line, the column
// (in bytes, from 1) and the entry (from 1), and nothing that the file holds.
func LoadAPIKeys(path string) (*APIKeys, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("principal: read the list of API keys: %w", err)
	}
	k, err := newAPIKeys(text)
	if err != nil {
		return nil, fmt.Errorf("principal: %s:%w", path, err)
	}
	for i, w := range k.warnings {
		k.warnings[i] = path + ": " + w
	}
	return k, nil
}

func newAPIKeys(text []byte) (*APIKeys, error) {
	f := &keyFile{text: text}
	entries, err := f.read()
	if err != nil {
		return nil, err
	}
	k := &APIKeys{byHash: make(map[[32]byte]*Principal, len(entries))}
	rand.Read(k.blind[:])
	number := make(map[[32]byte]int, len(entries))
	for i, e := range entries {
		h := k.blinded(e.hash)
		if first := number[h]; first != 0 {
			f.entry = i + 1
			return nil, f.errorAt(e.start, fmt.Sprintf("the same key as in entry %d; give each entry its own", first))
		}
		number[h] = i + 1
		k.byHash[h] = &e.principal
		if e.short {
			k.warnings = append(k.warnings, fmt.Sprintf("entry %d: the key has fewer than %d characters; make a longer one", i+1, shortKey))
		}
	}
	return k, nil
}

// Warnings returns what an operator should know about a list that was loaded.
func (k *APIKeys) Warnings() []string { return k.warnings }

// Identify looks the request's [Credential] up. A key that is not in the list
// is [ErrBadCredential].
func (k *APIKeys) Identify(r *http.Request) (*Principal, error) {
	credential, err := Credential(r)
	if err != nil {
		return nil, err
	}
	p := k.byHash[k.blinded(sha256.Sum256([]byte(credential)))]
	if p == nil {
		return nil, ErrBadCredential
	}
	return p.clone(), nil
}

// blinded returns the hash that keys are looked up by. The time of a lookup may
// tell how much two of these have in common. A client that does not know the
// prefix cannot choose them, so it learns nothing about a key.
func (k *APIKeys) blinded(hash [32]byte) [32]byte {
	var b [64]byte
	copy(b[:32], k.blind[:])
	copy(b[32:], hash[:])
	return sha256.Sum256(b[:])
}

var _ Source = (*APIKeys)(nil)
