package allowlist

import (
	"strings"

	"github.com/headgate/headgate/policy"
)

// separator stands between an organisation and a name; userType between an
// organisation and a user.
const (
	separator = "::"
	userType  = "::user::"
)

// set holds names. For those lists where it matters, nil is a list that is
// absent.
type set map[string]struct{}

func newSet(names []string) set {
	if names == nil {
		return nil
	}
	s := make(set, len(names))
	for _, n := range names {
		s[n] = struct{}{}
	}
	return s
}

func (s set) has(name string) bool {
	_, ok := s[name]
	return ok
}

// hasID looks for an agent or a user by its id and, where neither part is
// qualified already, by org::id. An empty id is in no set.
func (s set) hasID(org, id string) bool {
	switch {
	case len(s) == 0 || id == "":
		return false
	case s.has(id):
		return true
	case org == "" || strings.Contains(org, separator) || strings.Contains(id, separator):
		return false
	}
	return s.has(org + separator + id)
}

// hasUser looks for a user by org::user::id, which no agent can be named by
// accident. Parts that are qualified already do not join to such a name.
func (s set) hasUser(org, id string) bool {
	if len(s) == 0 || org == "" || id == "" || strings.Contains(org, separator) || strings.Contains(id, separator) {
		return false
	}
	return s.has(org + userType + id)
}

// allows looks for a caller by the names that can allow it.
func (s set) allows(p *policy.Principal) bool {
	return s.hasID(p.TenantID, p.AgentID) || s.hasUser(p.TenantID, p.UserID)
}

// denies looks for a caller by every name that can deny it.
func (s set) denies(p *policy.Principal) bool {
	return s.allows(p) || s.hasID(p.TenantID, p.UserID)
}
