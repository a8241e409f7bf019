package pdp_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/audit"
	"github.com/headgate/headgate/pdp"
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/principal"
)

func sign(key, body string) string {
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(body))
	return hex.EncodeToString(m.Sum(nil))
}

// Test cases of RFC 4231, section 4.
func TestSignatureVectors(t *testing.T) {
	for _, tt := range []struct{ key, body, mac string }{
		{strings.Repeat("\x0b", 20), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{strings.Repeat("\xaa", 20), strings.Repeat("\xdd", 50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
		{strings.Repeat("\xaa", 131), "Test Using Larger Than Block-Size Key - Hash Key First", "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
	} {
		h := handler(t, &rules{}, &book{}, func(c *pdp.Config) {
			c.Anonymous, c.Keys = false, [][]byte{[]byte("another"), []byte(tt.key), []byte("a third")}
		})
		for _, value := range []string{tt.mac, "sha256=" + tt.mac, strings.ToUpper(tt.mac)} {
			says(t, ask(h, "/v1/data/x", tt.body, "X-Cullis-Integration-Signature", value), http.StatusOK, `{"result":null}`)
		}
		refused(t, ask(h, "/v1/data/x", tt.body+" ", "X-Cullis-Integration-Signature", tt.mac), http.StatusUnauthorized, "not valid")
	}
}

// keys is a source that knows one key.
type keys struct{}

func (keys) Identify(r *http.Request) (*principal.Principal, error) {
	credential, err := principal.Credential(r)
	if err != nil {
		return nil, err
	}
	if credential != "hg-1" {
		return nil, principal.ErrBadCredential
	}
	return &principal.Principal{
		TenantID: "acme", UserID: "alice", Roles: []string{"dev"}, AgentID: "acme::coder",
		Auth: principal.AuthAPIKey, Claims: map[string]any{"a": true},
	}, nil
}

func TestWhoMayAsk(t *testing.T) {
	const key = "k1"
	good, bad := sign(key, sessionBody), sign("other", sessionBody)
	chain := principal.Chain{keys{}, principal.Anonymous{Tenant: "lobby"}}
	tests := []struct {
		name      string
		identify  principal.Source
		anonymous bool
		path      string
		headers   http.Header
		auth      string // "" is a refusal
		reason    string
	}{
		{"signed", nil, false, "/pdp/policy", http.Header{"X-Atn-Signature": {good}}, "hmac", ""},
		{"signed for the data API", nil, false, "/v1/data/cullis/policy/session", http.Header{"X-Cullis-Integration-Signature": {sign(key, `{"input":`+sessionBody+`}`)}}, "hmac", ""},
		{"signed, with a credential", keys{}, false, "/pdp/policy", http.Header{"X-Atn-Signature": {good}, "X-Api-Key": {"hg-1"}}, "hmac", ""},
		{"signed, beside the other header", nil, false, "/pdp/policy", http.Header{"X-Atn-Signature": {good}, "X-Cullis-Integration-Signature": {bad}}, "hmac", ""},
		{"a credential", keys{}, false, "/pdp/policy", http.Header{"X-Api-Key": {"hg-1"}}, "api_key", ""},
		{"a credential where anonymous callers may ask", chain, true, "/pdp/policy", http.Header{"X-Api-Key": {"hg-1"}}, "api_key", ""},
		{"anonymous", nil, true, "/pdp/policy", nil, "anonymous", ""},
		{"anonymous beside principals", chain, true, "/pdp/policy", nil, "anonymous", ""},
		{"anonymous without a source for it", keys{}, true, "/pdp/policy", nil, "anonymous", ""},

		{"nothing", nil, false, "/pdp/policy", nil, "", "neither a signature nor a credential"},
		{"nothing where principals are configured", keys{}, false, "/pdp/policy", nil, "", "neither a signature nor a credential"},
		{"an anonymous identity that nobody allowed", chain, false, "/pdp/policy", nil, "", "neither a signature nor a credential"},
		{"an unknown credential", keys{}, true, "/pdp/policy", http.Header{"X-Api-Key": {"hg-2"}}, "", "the credential is not known"},
		{"a credential that nobody looks at", nil, true, "/pdp/policy", http.Header{"X-Api-Key": {"hg-1"}}, "", "the credential is not known"},
		{"two credentials", keys{}, true, "/pdp/policy", http.Header{"X-Api-Key": {"hg-1"}, "Api-Key": {"hg-2"}}, "", "two credentials"},
		{"another key", keys{}, true, "/pdp/policy", http.Header{"X-Atn-Signature": {bad}, "X-Api-Key": {"hg-1"}}, "", "not valid"},
		{"an empty signature", keys{}, true, "/pdp/policy", http.Header{"X-Atn-Signature": {""}, "X-Api-Key": {"hg-1"}}, "", "not valid"},
		{"a short signature", nil, true, "/pdp/policy", http.Header{"X-Atn-Signature": {good[:62]}}, "", "not valid"},
		{"not hex", nil, true, "/pdp/policy", http.Header{"X-Atn-Signature": {"z" + good[1:]}}, "", "not valid"},
		{"another algorithm", nil, true, "/pdp/policy", http.Header{"X-Atn-Signature": {"sha1=" + good}}, "", "not valid"},
		{"repeated", nil, true, "/pdp/policy", http.Header{"X-Atn-Signature": {good, good}}, "", "not valid"},
		{"in two spellings", nil, true, "/pdp/policy", http.Header{"X-Atn-Signature": {good}, "X_atn_signature": {good}}, "", "not valid"},
		{"in two cases", nil, true, "/pdp/policy", http.Header{"X-Atn-Signature": {good}, "x-atn-signature": {good}}, "", "not valid"},
		{"with underscores", nil, true, "/pdp/policy", http.Header{"X_ATN_Signature": {good}}, "", "not valid"},
		{"in the other header", keys{}, true, "/pdp/policy", http.Header{"X-Cullis-Integration-Signature": {good}, "X-Api-Key": {"hg-1"}}, "", "reads one from x-atn-signature"},
		{"of the body without its input", nil, true, "/v1/data/cullis/policy/session", http.Header{"X-Cullis-Integration-Signature": {good}}, "", "not valid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, log := &rules{}, &book{}
			h := handler(t, p, log, func(c *pdp.Config) {
				c.Identify, c.Anonymous, c.Keys = tt.identify, tt.anonymous, [][]byte{[]byte("k0"), []byte(key)}
			})
			body := sessionBody
			if tt.path != "/pdp/policy" {
				body = `{"input":` + sessionBody + `}`
			}
			r := httptest.NewRequest(http.MethodPost, tt.path, strings.NewReader(body))
			r.Header = http.Header{"Content-Type": {"application/json"}}
			for name, values := range tt.headers {
				r.Header[name] = values
			}
			w := httptest.NewRecorder()
			h.Handle(w, r, "")
			rec := log.one(t)
			if tt.auth == "" {
				refused(t, w, http.StatusUnauthorized, tt.reason)
				if rec.Stage != "request" || log.refusals != 1 || rec.Principal.Auth != "" || p.last.Stage != "" {
					t.Errorf("line %+v", rec)
				}
				return
			}
			if w.Code != http.StatusOK || p.last.Principal.Auth != tt.auth || rec.Principal.Auth != tt.auth || log.refusals != 0 {
				t.Errorf("status %d, principal %+v, line %+v", w.Code, p.last.Principal, rec)
			}
		})
	}
}

// Without a key no signature is valid, not even one under the empty key.
func TestSignatureWithoutKeys(t *testing.T) {
	w := ask(handler(t, &rules{}, &book{}, nil), "/pdp/policy", sessionBody, "X-ATN-Signature", sign("", sessionBody))
	refused(t, w, http.StatusUnauthorized, "not valid")
}

// A signature does not lift the limit of the body.
func TestSignedBodyOverTheLimit(t *testing.T) {
	body := &endless{}
	r := httptest.NewRequest(http.MethodPost, "/pdp/policy", body)
	r.ContentLength = -1
	r.Header.Set("X-ATN-Signature", sign("k", ""))
	log := &book{}
	w := httptest.NewRecorder()
	handler(t, &rules{}, log, func(c *pdp.Config) { c.Keys = [][]byte{[]byte("k")} }).Handle(w, r, "")
	refused(t, w, http.StatusRequestEntityTooLarge, "over the limit")
	if log.one(t); log.refusals != 1 || body.read > pdp.DefaultMaxBody+64<<10 {
		t.Errorf("%d bytes were read, %d lines may be counted", body.read, log.refusals)
	}
}

// The body of a caller whom nobody knows is not read.
func TestUnknownCallersAreNotRead(t *testing.T) {
	body := &endless{}
	r := httptest.NewRequest(http.MethodPost, "/v1/data/x", body)
	r.ContentLength = -1
	w := httptest.NewRecorder()
	handler(t, &rules{}, &book{}, func(c *pdp.Config) { c.Anonymous = false }).Handle(w, r, "")
	refused(t, w, http.StatusUnauthorized, "")
	if body.read != 0 {
		t.Errorf("%d bytes were read", body.read)
	}
}

// Refusals of known callers get a line each; a flood of unknown ones does not.
func TestFloodOfRefusalsIsOneLine(t *testing.T) {
	log := &book{}
	h := handler(t, &rules{}, log, func(c *pdp.Config) { c.Keys, c.Anonymous = [][]byte{[]byte("k")}, false })
	ask(h, "/pdp/policy", "{")
	ask(h, "/pdp/policy", "{", "X-ATN-Signature", sign("k", "{"))
	if len(log.lines) != 2 || log.refusals != 1 {
		t.Errorf("%d lines, %d of them may be counted", len(log.lines), log.refusals)
	}
}

// What the input says of the principal counts; what it does not say is the
// caller's.
func TestPrincipalOfTheInput(t *testing.T) {
	caller := policy.Principal{
		TenantID: "acme", UserID: "alice", Roles: []string{"dev"}, AgentID: "acme::coder",
		Auth: "api_key", Claims: map[string]any{"a": true},
	}
	change := func(f func(*policy.Principal)) policy.Principal {
		p := caller
		f(&p)
		return p
	}
	const tako = "/v1/data/tako/policy"
	tests := []struct {
		name, path, input string
		want              policy.Principal
	}{
		{"nothing", tako, `{"stage":"pre_chat"}`, caller},
		{"a user", tako, `{"stage":"pre_chat","principal":{"user_id":"bob"}}`, change(func(p *policy.Principal) { p.UserID = "bob" })},
		{"an empty tenant and no roles", tako, `{"stage":"pre_chat","principal":{"tenant_id":"","roles":[]}}`, change(func(p *policy.Principal) { p.TenantID, p.Roles = "", []string{} })},
		{"all", tako, `{"stage":"post_tool","principal":{"tenant_id":"t","user_id":"u","roles":["r"],"agent_id":"a"}}`, change(func(p *policy.Principal) {
			p.TenantID, p.UserID, p.Roles, p.AgentID = "t", "u", []string{"r"}, "a"
		})},
		{"an agent in the other spelling", tako, `{"stage":"pre_tool","tool":"t","agent_id":"b::x"}`, change(func(p *policy.Principal) { p.AgentID = "b::x" })},
		{"a tool call of another agent", "/v1/data/cullis/policy/tool_call", `{"tool_name":"t","agent_id":"b::x"}`, change(func(p *policy.Principal) { p.AgentID, p.TenantID = "b::x", "b" })},
		{"a tool call of an agent without an organisation", "/v1/data/cullis/policy/tool_call", `{"tool_name":"t","agent_id":"x"}`, change(func(p *policy.Principal) { p.AgentID = "x" })},
		{"a tool call of the caller", "/v1/data/cullis/policy/tool_call", `{"tool_name":"t"}`, caller},
		{"a session", "/v1/data/cullis/policy/session", sessionBody, change(func(p *policy.Principal) { p.AgentID, p.TenantID = "orga::a", "orga" })},
		{"a session at the stage's path", tako, `{"stage":"session",` + sessionBody[1:], caller},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, log := &rules{}, &book{}
			h := handler(t, p, log, func(c *pdp.Config) { c.Identify = keys{} })
			w := ask(h, tt.path, `{"input":`+tt.input+`}`, "X-Api-Key", "hg-1")
			if w.Code != http.StatusOK {
				t.Fatalf("answer %s", w.Body)
			}
			if diff := cmp.Diff(tt.want, p.last.Principal); diff != "" {
				t.Errorf("principal differs (-want +got):\n%s", diff)
			}
			want := audit.Principal{TenantID: tt.want.TenantID, UserID: tt.want.UserID, Roles: tt.want.Roles, AgentID: tt.want.AgentID, Auth: "api_key"}
			if diff := cmp.Diff(want, log.one(t).Principal); diff != "" {
				t.Errorf("principal of the line differs (-want +got):\n%s", diff)
			}
		})
	}
}
