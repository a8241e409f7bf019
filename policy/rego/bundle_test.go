package rego_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/bundle"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/rego"
	"github.com/headgate/headgate/policy/rego/content"
)

// tarball packs files into a bundle, in the order given: path, text, path, …
func tarball(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for i := 0; i < len(files); i += 2 {
		if err := w.WriteHeader(&tar.Header{Name: files[i], Mode: 0o644, Size: int64(len(files[i+1]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// signer is a key pair.
type signer struct{ private, public string }

func newSigner(t testing.TB) signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err1 := x509.MarshalECPrivateKey(key)
	public, err2 := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return signer{
		string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
	}
}

func (s signer) verification(scope string) *content.Verification {
	return &content.Verification{Keys: map[string]content.VerificationKey{"k1": {Key: s.public, Algorithm: "ES256"}}, Scope: scope}
}

// signed is a bundle as `opa build --signing-key` makes it.
func (s signer) signed(t testing.TB, revision string, files ...string) []byte {
	t.Helper()
	r := bundle.NewReader(bytes.NewReader(tarball(t, append(files, ".manifest", `{"revision":"`+revision+`"}`)...)))
	b, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.GenerateSignature(bundle.NewSigningConfig(s.private, "ES256", ""), "k1", false); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := bundle.NewWriter(&out).DisableFormat(true).Write(b); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func writeBundle(t testing.TB, raw []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "bundle.tar.gz")
	if err := os.WriteFile(name, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

const denies = "package headgate\n\ndefault allow := true\n\ndeny contains data.why.text if input.stage == \"pre_chat\"\n"

// Policies of both versions, data in its places, tests left out, and the hash
// over it all.
func TestBundle(t *testing.T) {
	const v0 = "package tako.policy\n\nforce_model[m] { m := data.models.small }\n"
	raw := tarball(t,
		"/.manifest", `{"revision": "7", "roots": ["headgate", "tako/policy", "why", "models"], "metadata": {"x": 1}}`,
		"/a/policy.rego", denies, "/b/old.rego", v0, "/a/policy_test.rego", "not rego",
		"/why/data.json", `{"text": "because"}`, "/data.yaml", "models:\n  small: tiny\n", "/policy.wasm", "\x00asm",
	)
	var log logs
	src := open(t, rego.Config{Paths: []string{writeBundle(t, raw)}, Logger: log.logger()})
	d := preChat(src.Current())
	if d.Action != policy.Deny || d.Reason != "because" {
		t.Errorf("got %+v", d)
	}
	versions := ""
	for _, f := range src.Policy().Files() {
		versions += filepath.Base(f.Path) + " " + f.Version + "\n"
	}
	if versions != "policy.rego v1\nold.rego v0\n" {
		t.Errorf("versions: %s", versions)
	}
	lines := "a/policy.rego\x00" + sum(denies) + "\nb/old.rego\x00" + sum(v0) + "\ndata.yaml\x00" + sum("models:\n  small: tiny\n") +
		"\nwhy/data.json\x00" + sum(`{"text": "because"}`) + "\n"
	if got, want := src.Policy().SHA256(), sum(lines); got != want {
		t.Errorf("sha256 %s, want %s", got, want)
	}
	if b := src.Status().Bundles; len(b) != 1 || b[0].Revision != "7" {
		t.Errorf("bundles %+v", b)
	}
	if !strings.Contains(log.String(), "policy.wasm is passed over") {
		t.Errorf("no word on the passed over file:\n%s", &log)
	}
}

func TestBundleFaults(t *testing.T) {
	big := strings.Repeat(" ", 9<<20)
	for name, c := range map[string]struct {
		raw  []byte
		want string
	}{
		"no gzip":              {[]byte("hello"), "gzip"},
		"cut short":            {tarball(t, "/p.rego", denies)[:40], "EOF"},
		"empty":                {tarball(t), "neither policy nor data"},
		"a delta":              {tarball(t, "/patch.json", `{"data": []}`), "delta"},
		"a file twice":         {tarball(t, "/p.rego", denies, "p.rego", denies), "twice"},
		"a file that climbs":   {tarball(t, "/p.rego", denies, "/a/../p.rego", denies), "twice"},
		"a broken manifest":    {tarball(t, "/p.rego", denies, "/.manifest", "{"), ".manifest"},
		"policy outside roots": {tarball(t, "/p.rego", denies, "/.manifest", `{"roots": ["head"]}`), "outside the roots"},
		"data outside roots":   {tarball(t, "/p.rego", denies, "/x/data.json", `{"a": 1}`, "/.manifest", `{"roots": ["headgate", "x/b"]}`), "data.x.a is outside"},
		"data that is broken":  {tarball(t, "/p.rego", denies, "/data.json", `{"a": 1, "a": 2}`), "data.json:1:10"},
		"data that is a list":  {tarball(t, "/p.rego", denies, "/data.json", `[]`), "must be an object"},
		"data under a rule":    {tarball(t, "/p.rego", denies, "/data.json", `{"headgate": {"deny": {"x": 1}}}`), "p.rego:5:1: conflicting rule for data path headgate/deny"},
		"a bomb":               {tarball(t, "/p.rego", denies, "/data.json", big), "exceeds"},
		"a fault in a policy":  {tarball(t, "/p.rego", "package headgate\n\nallow if x\n"), "p.rego:3:10: var x is unsafe"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := rego.Open(context.Background(), rego.Config{Paths: []string{writeBundle(t, c.raw)}})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestBundleSignatures(t *testing.T) {
	s, other := newSigner(t), newSigner(t)
	good := s.signed(t, "1", "/p.rego", denies, "/why/data.json", `{"text": "because"}`)
	unsigned := tarball(t, "/p.rego", denies, "/why/data.json", `{"text": "because"}`)
	swap := func(name, text string) []byte {
		var files []string
		found := false
		for _, f := range untar(t, good) {
			if f[0] == name {
				f[1], found = text, true
			}
			if f[1] != "" {
				files = append(files, f[0], f[1])
			}
		}
		if !found {
			files = append(files, name, text)
		}
		return tarball(t, files...)
	}
	manifest := map[string]any{}
	for _, f := range untar(t, good) {
		if f[0] == "/.manifest" {
			if err := json.Unmarshal([]byte(f[1]), &manifest); err != nil {
				t.Fatal(err)
			}
		}
	}
	manifest["revision"] = "99"
	forged, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		raw    []byte
		verify *content.Verification
		want   string // "" is good
	}{
		"signed and verified":        {good, s.verification(""), ""},
		"unsigned, nothing asked":    {unsigned, nil, ""},
		"unsigned":                   {unsigned, s.verification(""), "not signed"},
		"signed and no key":          {good, nil, "no key is configured"},
		"another key":                {good, other.verification(""), "failed to verify"},
		"another scope":              {good, s.verification("prod"), "scope mismatch"},
		"another key id":             {good, &content.Verification{Keys: s.verification("").Keys, KeyID: "k2"}, "k2"},
		"a policy that was changed":  {swap("/p.rego", denies+"\n"), s.verification(""), "p.rego"},
		"data that were changed":     {swap("/why/data.json", `{"text": "x"}`), s.verification(""), "why/data.json"},
		"a manifest that was forged": {swap("/.manifest", string(forged)), s.verification(""), ".manifest"},
		"a policy more":              {swap("/q.rego", "package q\n"), s.verification(""), "q.rego not included"},
		"a policy less":              {swap("/p.rego", ""), s.verification(""), "p.rego is signed and missing"},
		"no signature in it":         {swap("/.signatures.json", `{"signatures": []}`), s.verification(""), "missing JWT"},
		"a plugin":                   {swap("/.signatures.json", `{"signatures": ["a.b.c"], "plugin": "x"}`), s.verification(""), "plugin"},
	} {
		t.Run(name, func(t *testing.T) {
			src, err := rego.Open(context.Background(), rego.Config{
				Paths: []string{writeBundle(t, c.raw)}, Bundles: content.Servers{Verify: c.verify}, Timeout: time.Minute,
			})
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want == "":
				if d := preChat(src.Current()); d.Reason != "because" {
					t.Errorf("got %+v", d)
				}
			case !errors.Is(err, content.ErrSignature) || !strings.Contains(err.Error(), c.want):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// untar lists a bundle's files as path and text.
func untar(t testing.TB, raw []byte) [][2]string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	r := tar.NewReader(z)
	var out [][2]string
	for {
		h, err := r.Next()
		if err != nil {
			return out
		}
		var b bytes.Buffer
		if _, err := b.ReadFrom(r); err != nil {
			t.Fatal(err)
		}
		out = append(out, [2]string{h.Name, b.String()})
	}
}

func TestBundleRevisions(t *testing.T) {
	for _, c := range []struct {
		was, is string
		refused bool
	}{
		{"7", "8", false},
		{"7", "7", false},
		{"10", "9", true},
		{"9", "10", false},
		{"2026-11-24", "2026-11-23", true},
		{"2026-11-24T10:00:00Z", "2026-11-24T11:30:00+02:00", true},
		{"v1.10.0", "1.9.3", true},
		{"1.9.3", "v1.10.0-rc.1", false},
		{"7", "", true},
		{"", "1", false},
		{"b2f4c1", "a9d3e0", false}, // commits have no order
		{"7", "a9d3e0", false},
	} {
		t.Run(c.was+" then "+c.is, func(t *testing.T) {
			pack := func(revision, why string) []byte {
				return tarball(t, "/p.rego", denies, "/why/data.json", `{"text": "`+why+`"}`, "/.manifest", `{"revision": "`+revision+`"}`)
			}
			name := writeBundle(t, pack(c.was, "one"))
			src := open(t, rego.Config{Paths: []string{name}})
			if err := os.WriteFile(name, pack(c.is, "two"), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := src.ForceReload(context.Background())
			want := "two"
			if c.refused {
				want = "one"
			}
			if d := preChat(src.Current()); d.Reason != want || errors.Is(err, content.ErrOlder) != c.refused {
				t.Errorf("decided by %q, error %v", d.Reason, err)
			}
			if !c.refused {
				return
			}
			// Another source, as of a new configuration, knows as much.
			if _, err := rego.Open(context.Background(), rego.Config{Paths: []string{name}}); !errors.Is(err, content.ErrOlder) {
				t.Errorf("a new source: %v", err)
			}
		})
	}
}
