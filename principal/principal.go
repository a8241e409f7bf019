// Package principal finds out who is asking.
//
// A [Source] reads an identity off a request: [APIKeys] from a key that the
// client shows, [Attributes] from what the server's own authentication found,
// [Anonymous] where an operator allows callers without one. A [Chain] asks
// several. An error is never an identity: only a request that shows no
// credential at all can be anonymous.
//
// [Credential] is the one place that reads a client's credential, and
// [StripCredentials] removes all that it reads, so that none goes on to an
// upstream. No error of this package contains any part of a credential.
package principal

import (
	"errors"
	"net/http"
)

// How a caller was identified, for [Principal.Auth].
const (
	AuthAPIKey    = "api_key"
	AuthCaddy     = "caddy"
	AuthAnonymous = "anonymous"
)

var (
	// ErrNoCredential says that a source has nothing to say about a request.
	// The next source may.
	ErrNoCredential = errors.New("no credential was presented")
	// ErrBadCredential says that a credential is malformed or not known. It does
	// not tell which.
	ErrBadCredential = errors.New("the credential was not accepted")
	// ErrTwoCredentials says that a request shows two credentials that differ.
	ErrTwoCredentials = errors.New("two different credentials were presented")
)

// Principal is an identified caller. Empty strings are unknown; Roles is never
// nil.
type Principal struct {
	TenantID string
	UserID   string
	Roles    []string
	AgentID  string
	Auth     string         // AuthAPIKey and so on
	Claims   map[string]any // verified claims only; nil where the kind of credential has none
}

// Source identifies the caller of a request. The principal belongs to the
// caller of Identify, who may change it. [ErrNoCredential] means that this
// source has nothing to say; any other error refuses the request.
type Source interface {
	Identify(r *http.Request) (*Principal, error)
}

// Chain asks its sources in order. The first identity counts, and so does the
// first error other than [ErrNoCredential]: a credential that failed is never
// tried on as something else. [Anonymous] is asked last, wherever it stands.
type Chain []Source

// Identify returns [ErrNoCredential] if no source has anything to say.
func (c Chain) Identify(r *http.Request) (*Principal, error) {
	for _, anonymous := range []bool{false, true} {
		for _, s := range c {
			if isAnonymous(s) != anonymous {
				continue
			}
			p, err := s.Identify(r)
			switch {
			case errors.Is(err, ErrNoCredential):
				continue
			case err != nil:
				return nil, err
			case p == nil:
				return nil, ErrBadCredential
			}
			return p, nil
		}
	}
	return nil, ErrNoCredential
}

func isAnonymous(s Source) bool {
	switch s.(type) {
	case Anonymous, *Anonymous:
		return true
	}
	return false
}

// Anonymous is the source for callers without a credential. A request that
// shows a credential, whichever, is not anonymous: if no other source knew it,
// it is refused.
type Anonymous struct {
	Tenant string // tenant_id of all such callers
}

// Identify returns [Anonymous.Principal] for a request without a credential.
func (a Anonymous) Identify(r *http.Request) (*Principal, error) {
	switch _, err := Credential(r); {
	case errors.Is(err, ErrNoCredential):
		return a.Principal(), nil
	case err != nil:
		return nil, err
	}
	return nil, ErrBadCredential
}

// Principal returns the anonymous caller.
func (a Anonymous) Principal() *Principal {
	return &Principal{TenantID: a.Tenant, Roles: []string{}, Auth: AuthAnonymous}
}

// clone returns a copy that shares nothing with a principal without claims.
func (p *Principal) clone() *Principal {
	c := *p
	c.Roles = append(make([]string, 0, len(p.Roles)), p.Roles...)
	return &c
}

var (
	_ Source = Chain(nil)
	_ Source = Anonymous{}
)
