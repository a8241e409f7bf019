package principal

import (
	"net/http"
	"strings"
	"unicode"
)

// Attributes is the source for callers whom the server in front of the gate has
// authenticated, with passwords, a forward-auth service or otherwise. It trusts
// Lookup, which must not read anything that a client can set by itself.
type Attributes struct {
	// Lookup returns an attribute of the authenticated user of a request, in
	// Caddy {http.auth.user.<name>}, and whether there is one. It is asked for
	// id, tenant_id, tenant, roles and agent_id.
	Lookup func(r *http.Request, name string) (string, bool)
}

// Identify takes user_id from id, tenant_id from tenant_id or else tenant, roles
// from a list with commas or white space between, and agent_id. A request
// without an id has no authenticated user: [ErrNoCredential].
func (a Attributes) Identify(r *http.Request) (*Principal, error) {
	get := func(name string) string {
		value, _ := a.Lookup(r, name)
		return value
	}
	id := get("id")
	if id == "" {
		return nil, ErrNoCredential
	}
	tenant := get("tenant_id")
	if tenant == "" {
		tenant = get("tenant")
	}
	roles := strings.FieldsFunc(get("roles"), func(c rune) bool {
		return c == ',' || unicode.IsSpace(c)
	})
	return &Principal{
		TenantID: tenant,
		UserID:   id,
		Roles:    append([]string{}, roles...),
		AgentID:  get("agent_id"),
		Auth:     AuthCaddy,
	}, nil
}

var _ Source = Attributes{}
