package allowlist

import (
	"strings"

	"github.com/headgate/headgate/policy"
)

// separator stands between an organisation and a name.
const separator = "::"

// set holds names. For those lists where it matters, nil is a list that is
// absent.
type set map[string]struct{}

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

// hasCaller looks for a caller by every name that can deny it.
func (s set) hasCaller(p *policy.Principal) bool {
	return s.hasID(p.TenantID, p.AgentID) || s.hasID(p.TenantID, p.UserID)
}
