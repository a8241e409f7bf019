package principal

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// authenticated is an Attributes over fixed values.
func authenticated(values map[string]string) Attributes {
	return Attributes{Lookup: func(_ *http.Request, name string) (string, bool) {
		v, ok := values[name]
		return v, ok
	}}
}

func TestAttributes(t *testing.T) {
	tests := []struct {
		name   string
		values map[string]string
		want   *Principal
	}{
		{"everything", map[string]string{"id": "alice", "tenant_id": "acme", "roles": "admin,dev", "agent_id": "acme::coder"}, &Principal{
			TenantID: "acme", UserID: "alice", Roles: []string{"admin", "dev"}, AgentID: "acme::coder", Auth: "caddy",
		}},
		{"an id alone", map[string]string{"id": "alice"}, &Principal{UserID: "alice", Roles: []string{}, Auth: "caddy"}},
		{"tenant", map[string]string{"id": "alice", "tenant": "acme"}, &Principal{TenantID: "acme", UserID: "alice", Roles: []string{}, Auth: "caddy"}},
		{"tenant_id before tenant", map[string]string{"id": "a", "tenant_id": "b", "tenant": "c"}, &Principal{TenantID: "b", UserID: "a", Roles: []string{}, Auth: "caddy"}},
		{"roles with spaces", map[string]string{"id": "a", "roles": " admin  dev\tops "}, &Principal{UserID: "a", Roles: []string{"admin", "dev", "ops"}, Auth: "caddy"}},
		{"roles with both", map[string]string{"id": "a", "roles": "admin, dev,,ops,"}, &Principal{UserID: "a", Roles: []string{"admin", "dev", "ops"}, Auth: "caddy"}},
		{"roles that are empty", map[string]string{"id": "a", "roles": " , "}, &Principal{UserID: "a", Roles: []string{}, Auth: "caddy"}},
		{"nobody", nil, nil},
		{"an empty id", map[string]string{"id": "", "tenant_id": "acme", "roles": "admin"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := authenticated(tt.values).Identify(request(""))
			if (tt.want == nil) != errors.Is(err, ErrNoCredential) {
				t.Errorf("got %v", err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("principal differs (-want +got):\n%s", diff)
			}
		})
	}
}

// fixed is a source with one answer.
type fixed struct {
	p   *Principal
	err error
}

func (f fixed) Identify(*http.Request) (*Principal, error) { return f.p, f.err }

func TestChain(t *testing.T) {
	keys := load(t, `[{"key": "`+secret+`", "user_id": "alice"}]`)
	caddy := authenticated(map[string]string{"id": "bob"})
	nobody := authenticated(nil)
	down := errors.New("the directory is down")
	tests := []struct {
		name    string
		chain   Chain
		request *http.Request
		want    string // the user, or the tenant in brackets
		wantErr error
	}{
		{"nothing to ask", nil, request(""), "", ErrNoCredential},
		{"nobody knows", Chain{nobody, keys}, request(""), "", ErrNoCredential},
		{"the first that knows", Chain{caddy, keys}, withKey(secret), "bob", nil},
		{"the second", Chain{nobody, keys}, withKey(secret), "alice", nil},
		{"no key, so the second", Chain{keys, caddy}, request(""), "bob", nil},
		{"an unknown key is not tried on as something else", Chain{keys, caddy}, withKey("other"), "", ErrBadCredential},
		{"an error ends it", Chain{fixed{err: down}, caddy}, request(""), "", down},
		{"an error ends it, wrapped or not", Chain{fixed{err: fmt.Errorf("ldap: %w", down)}, Anonymous{}}, request(""), "", down},
		{"no credential, wrapped", Chain{fixed{err: fmt.Errorf("jwt: %w", ErrNoCredential)}, caddy}, request(""), "bob", nil},
		{"neither principal nor error", Chain{fixed{}, caddy}, request(""), "", ErrBadCredential},

		{"anonymous", Chain{keys, Anonymous{Tenant: "guests"}}, request(""), "[guests]", nil},
		{"a key before anonymous", Chain{keys, Anonymous{Tenant: "guests"}}, withKey(secret), "alice", nil},
		{"anonymous comes last, wherever it stands", Chain{Anonymous{Tenant: "guests"}, caddy}, request(""), "bob", nil},
		{"as a pointer too", Chain{&Anonymous{Tenant: "guests"}, caddy}, request(""), "bob", nil},
		{"an unknown key is not anonymous", Chain{keys, Anonymous{}}, withKey("other"), "", ErrBadCredential},
		{"a key that nobody reads is not anonymous", Chain{nobody, Anonymous{}}, withKey(secret), "", ErrBadCredential},
		{"a malformed key is not anonymous", Chain{nobody, Anonymous{}}, request("", "Authorization: Basic aGc6aGc="), "", ErrBadCredential},
		{"an odd spelling is not anonymous", Chain{nobody, Anonymous{}}, request("", "X_Api_Key: "+secret), "", ErrBadCredential},
		{"two keys are not anonymous", Chain{Anonymous{}}, request("key=a", "Api-Key: b"), "", ErrTwoCredentials},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := tt.chain.Identify(tt.request)
			if !errors.Is(err, tt.wantErr) {
				t.Fatalf("got %v, want %v", err, tt.wantErr)
			}
			if err != nil {
				if p != nil {
					t.Errorf("an error and an identity: %+v", p)
				}
				return
			}
			got := p.UserID
			if p.Auth == AuthAnonymous {
				got = "[" + p.TenantID + "]"
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestAnonymousPrincipal(t *testing.T) {
	want := &Principal{TenantID: "guests", Roles: []string{}, Auth: "anonymous"}
	if diff := cmp.Diff(want, Anonymous{Tenant: "guests"}.Principal()); diff != "" {
		t.Errorf("principal differs (-want +got):\n%s", diff)
	}
}

// No error about a request tells any part of what the request shows.
func TestErrorsHoldNoCredential(t *testing.T) {
	const part = "Zq3kV9pX7" // of secret
	keys := load(t, `[{"key": "0123456789abcdef-other"}]`)
	chains := map[string]Source{"keys": keys, "chain": Chain{keys, Anonymous{}}, "anonymous": Anonymous{}}
	requests := []*http.Request{
		withKey(secret),
		withKey(secret + " "),
		withKey(secret + "\xff"),
		request("key=" + secret + "%zz"),
		request("key="+secret, "Api-Key: "+secret+"2"),
		request("", "Authorization: "+secret),
		request("", "Authorization: Basic "+secret),
		request("", "x_api_key: "+secret),
		request("", "X-Api-Key: "+secret, "X-Api-Key: "+secret),
	}
	for name, s := range chains {
		for i, r := range requests {
			p, err := s.Identify(r)
			if err == nil {
				t.Errorf("%s, request %d: identified as %+v", name, i, p)
				continue
			}
			for text := range strings.SplitSeq(fmt.Sprintf("%v\n%+v\n%#v", err, err, err), "\n") {
				if strings.Contains(text, part) {
					t.Errorf("%s, request %d: the error tells the credential: %s", name, i, text)
				}
			}
		}
	}
}
