package principal

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func keyList(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t testing.TB, text string) *APIKeys {
	t.Helper()
	k, err := LoadAPIKeys(keyList(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func hexSHA256(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func withKey(key string) *http.Request { return request("", "X-Api-Key: "+key) }

func TestAPIKeys(t *testing.T) {
	const second, third, upper = "hg-second-key-0123456789", "third:key/with=signs~~", "hg-key-behind-capital-hex"
	k := load(t, `[
	{"key": "`+secret+`", "tenant_id": "acme", "user_id": "alice", "roles": ["admin", "dev"], "agent_id": "acme::coder"},
	{"key_sha256": "`+hexSHA256(second)+`", "tenant_id": "globex", "roles": []},
	{"user_id": "naïve ☃", "key": "third:key\/with=signs~~"},
	{"key_sha256": "`+strings.ToUpper(hexSHA256(upper))+`"}
]`)
	tests := []struct {
		name, key string
		want      *Principal
		wantErr   error
	}{
		{name: "a key with everything", key: secret, want: &Principal{
			TenantID: "acme", UserID: "alice", Roles: []string{"admin", "dev"}, AgentID: "acme::coder", Auth: "api_key",
		}},
		{name: "a hash", key: second, want: &Principal{TenantID: "globex", Roles: []string{}, Auth: "api_key"}},
		{name: "escapes in the list", key: third, want: &Principal{UserID: "naïve ☃", Roles: []string{}, Auth: "api_key"}},
		{name: "a hash in capitals", key: upper, want: &Principal{Roles: []string{}, Auth: "api_key"}},

		{name: "a prefix of a key", key: secret[:len(secret)-1], wantErr: ErrBadCredential},
		{name: "a key and one character more", key: secret + "x", wantErr: ErrBadCredential},
		{name: "the same first 20 characters", key: second[:20] + "9876", wantErr: ErrBadCredential},
		{name: "another case", key: strings.ToUpper(secret), wantErr: ErrBadCredential},
		{name: "the hash as the key", key: hexSHA256(second), wantErr: ErrBadCredential},
		{name: "unknown", key: "sk-someone-elses-key", wantErr: ErrBadCredential},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// Twice, for what the first may have left behind.
			for range 2 {
				got, err := k.Identify(withKey(tt.key))
				if !errors.Is(err, tt.wantErr) {
					t.Fatalf("got %v, want %v", err, tt.wantErr)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("principal differs (-want +got):\n%s", diff)
				}
			}
		})
	}

	if _, err := k.Identify(request("")); !errors.Is(err, ErrNoCredential) {
		t.Errorf("no key: got %v", err)
	}
	if _, err := k.Identify(request("key="+second, "X-Api-Key: "+secret)); !errors.Is(err, ErrTwoCredentials) {
		t.Errorf("two good keys: got %v", err)
	}
	if len(k.Warnings()) != 0 {
		t.Errorf("warnings: %q", k.Warnings())
	}
}

func TestAPIKeysHoldsNoKey(t *testing.T) {
	k := load(t, `[{"key": "`+secret+`", "tenant_id": "acme"}]`)
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		text := fmt.Sprintf(format, k)
		if strings.Contains(text, secret) {
			t.Errorf("%s shows the key", format)
		}
	}
	if k.byHash[sha256.Sum256([]byte(secret))] != nil {
		t.Error("the list is keyed by a hash that a client can compute")
	}
}

func TestPrincipalsAreNotShared(t *testing.T) {
	sources := map[string]Source{
		"api keys":  load(t, `[{"key": "`+secret+`", "roles": ["dev", "ops"]}]`),
		"anonymous": Chain{Anonymous{Tenant: "acme"}},
		"attributes": Attributes{Lookup: func(_ *http.Request, name string) (string, bool) {
			return "dev ops", name == "id" || name == "roles"
		}},
	}
	for name, s := range sources {
		r := withKey(secret)
		if name == "anonymous" {
			r = request("")
		}
		first, err := s.Identify(r)
		if err != nil {
			t.Fatal(err)
		}
		want := *first
		want.Roles = slices.Clone(first.Roles)
		// Everyone spoils a principal of their own; the race detector and the
		// comparison see one that is shared.
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				p, err := s.Identify(r)
				if err != nil {
					t.Error(err)
					return
				}
				p.TenantID = "spoilt"
				for i := range p.Roles {
					p.Roles[i] = "spoilt"
				}
				p.Roles = append(p.Roles, "spoilt")
			})
		}
		wg.Wait()
		got, err := s.Identify(r)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&want, got); diff != "" {
			t.Errorf("%s: principal differs (-want +got):\n%s", name, diff)
		}
	}
}

func TestLoadAPIKeysNamesThePlace(t *testing.T) {
	good := `{"key": "` + secret + `"}`
	hash := hexSHA256(secret)
	tests := []struct{ name, text, want string }{
		{"an empty file", "", "1:1: the file is empty"},
		{"white space", "\n \n", "3:1: the file is empty"},
		{"an object", "\n  {\"key\": \"" + secret + "\"}", "2:3: want a list"},
		{"null", "null", "1:1: want a list"},
		{"no JSON", "key=" + secret, "1:1: this is not JSON"},
		{"lines of keys", secret + "\n" + secret, "1:1: this is not JSON"},
		{"a byte order mark", "\ufeff[]", "1:1: this is not JSON"},
		{"two lists", "[" + good + "]\n[]", "2:1: something follows the list"},
		{"garbage behind the list", "[]\n" + secret, "2:1: this is not JSON"},
		{"a torn file", "[" + good + ",\n{\"key\": \"" + secret, "2:29: entry 2: the file ends in the middle"},
		{"a comma too many", "[" + good + ",\n]", "2:1: entry 2: this is not JSON"},
		{"a comma too few", "[" + good + "\n" + good + "]", "2:1: this is not JSON"},
		{"a comment", "[\n// " + secret + "\n]", "2:1: entry 1: this is not JSON"},
		{"a key without quotes", "[{\"key\": " + secret + "}]", "1:10: entry 1: this is not JSON"},
		{"invalid UTF-8", "[{\"key\": \"\xff" + secret + "\"}]", "1:11: entry 1: this is not JSON"},

		{"a key as the entry", "[" + good + ",\n  \"" + secret + "\"]", "2:3: entry 2: want an object"},
		{"an unknown field", "[{\"key\": \"" + secret + "\", \"tennant_id\": \"acme\"}]", "1:33: entry 1: unknown field; the fields are key, key_sha256"},
		{"a field in another case", "[{\"Key\": \"" + secret + "\"}]", "1:3: entry 1: unknown field"},
		{"a key as the field", "[{\"" + secret + "\": \"acme\"}]", "1:3: entry 1: unknown field"},
		{"a field twice", "[{\"key\": \"" + secret + "\",\n \"key\": \"" + secret + "\"}]", "2:2: entry 1: a field is written twice"},
		{"a key as a field twice", "[{\"" + secret + "\": 1,\n \"" + secret + "\": 2}]", "2:2: entry 1: a field is written twice"},
		{"both key and hash", "[" + good + ",\n {\"key\": \"another-key-0123456789\", \"key_sha256\": \"" + hash + "\"}]", "2:2: entry 2: want either key or key_sha256"},
		{"neither", "[{\"tenant_id\": \"acme\"}]", "1:2: entry 1: want either key or key_sha256"},
		{"an empty entry", "[{}]", "1:2: entry 1: want either key or key_sha256"},

		{"an empty key", "[{\"key\": \"\"}]", "1:10: entry 1: no client can send this key"},
		{"a key with a space", "[{\"key\": \" " + secret + "\"}]", "1:10: entry 1: no client can send this key"},
		{"a key with an accent", "[{\"key\": \"clé" + secret + "\"}]", "1:10: entry 1: no client can send this key"},
		{"a key of 16 KiB and one", "[{\"key\": \"" + strings.Repeat("k", maxCredential+1) + "\"}]", "1:10: entry 1: no client can send this key"},
		{"a number as the key", "[{\"key\": 123456789012345678}]", "1:10: entry 1: want a string"},
		{"null as the tenant", "[{\"tenant_id\": null, \"key\": \"" + secret + "\"}]", "1:16: entry 1: want a string"},
		{"a hash too short", "[{\"key_sha256\": \"" + hash[:63] + "\"}]", "1:17: entry 1: want the SHA-256 of the key in 64 hex digits"},
		{"half a hash", "[{\"key_sha256\": \"" + hash[:32] + "\"}]", "1:17: entry 1: want the SHA-256"},
		{"a key as the hash", "[{\"key_sha256\": \"" + secret + "\"}]", "1:17: entry 1: want the SHA-256"},
		{"roles as a string", "[{\"key\": \"" + secret + "\", \"roles\": \"admin\"}]", "1:42: entry 1: want a list of strings"},
		{"null as the roles", "[{\"key\": \"" + secret + "\", \"roles\": null}]", "1:42: entry 1: want a list of strings"},
		{"a role that is a number", "[{\"key\": \"" + secret + "\", \"roles\": [\"a\", 7]}]", "1:48: entry 1: want a string"},

		{"a key twice", "[" + good + ",\n\t" + good + "]", "2:2: entry 2: the same key as in entry 1"},
		{"a key and its hash", "[{\"key_sha256\": \"" + hash + "\"}, {\"key\": \"a-key-in-between-0123\"},\n" + good + "]", "2:1: entry 3: the same key as in entry 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := keyList(t, tt.text)
			_, err := LoadAPIKeys(path)
			if err == nil {
				t.Fatal("the list was accepted")
			}
			if want := "principal: " + path + ":" + tt.want; !strings.HasPrefix(err.Error(), want) {
				t.Errorf("got  %v\nwant %s…", err, want)
			}
			for _, held := range []string{secret, hash[:32], "acme", "123456789012345678", "another-key"} {
				if strings.Contains(err.Error(), held) {
					t.Errorf("the error repeats %q", held)
				}
			}
		})
	}
	if _, err := LoadAPIKeys(filepath.Join(t.TempDir(), "none.json")); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "none.json") {
		t.Errorf("no file: got %v", err)
	}
}

func TestAListWithoutKeysKnowsNobody(t *testing.T) {
	if _, err := load(t, " [ ] \n").Identify(withKey(secret)); !errors.Is(err, ErrBadCredential) {
		t.Errorf("got %v", err)
	}
}

func TestShortKeysDrawAWarning(t *testing.T) {
	path := keyList(t, `[{"key": "0123456789abcdef"}, {"key": "demo-key"}]`)
	k, err := LoadAPIKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{path + ": entry 2: the key has fewer than 16 characters; make a longer one"}
	if diff := cmp.Diff(want, k.Warnings()); diff != "" {
		t.Errorf("warnings differ (-want +got):\n%s", diff)
	}
	if _, err := k.Identify(withKey("demo-key")); err != nil {
		t.Errorf("a short key is still a key: %v", err)
	}
}

// FuzzAPIKeyList holds that no text makes the reader fail in another way than
// with an error that begins with a place.
func FuzzAPIKeyList(f *testing.F) {
	f.Add(`[{"key": "` + secret + `", "tenant_id": "acme", "roles": ["a"]}]`)
	f.Add(`[{"key_sha256": "` + hexSHA256(secret) + `"}, {"key": "a", "key": "b"}`)
	f.Add("[\n// \n]")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := newAPIKeys([]byte(text))
		if err == nil {
			if len(k.byHash) > strings.Count(text, "{") {
				t.Fatalf("%d keys in %q", len(k.byHash), text)
			}
			return
		}
		var line, column int
		if n, _ := fmt.Sscanf(err.Error(), "%d:%d: ", &line, &column); n != 2 || line < 1 || column < 1 || line > 1+strings.Count(text, "\n") {
			t.Fatalf("no place in %q", err)
		}
	})
}

func BenchmarkAPIKeys(b *testing.B) {
	k := load(b, `[{"key": "`+secret+`", "tenant_id": "acme", "roles": ["dev"]}]`)
	r := withKey(secret)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Identify(r); err != nil {
			b.Fatal(err)
		}
	}
}
