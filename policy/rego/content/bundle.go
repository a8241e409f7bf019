package content

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/util"
)

// maxBundleSize bounds a bundle as it is stored or sent, in bytes.
const maxBundleSize = 64 << 20

// Errors of bundles.
var (
	// ErrBundle: a bundle that cannot be read, or is not what its manifest says.
	ErrBundle = errors.New("the bundle cannot be used")
	// ErrSignature: a bundle without a signature where one is required, or
	// whose signature does not fit.
	ErrSignature = errors.New("the bundle's signature does not hold")
	// ErrOlder: a bundle whose revision is before that of the one in force.
	ErrOlder = errors.New("the bundle is older than the one in force")
)

// Verification says how bundles are verified. With it a bundle must be signed,
// as by `opa sign` or `opa build --signing-key`.
type Verification struct {
	// Keys are the keys that a signature may be made with, by key id: a PEM
	// public key or certificate, or a shared secret for HS algorithms.
	Keys map[string]VerificationKey
	// KeyID is the one key to use; "": the signature's kid chooses among Keys.
	KeyID string
	// Scope must equal the signature's scope claim; "" is no scope.
	Scope string
}

// VerificationKey is one key with its algorithm, RS256, ES256 and so on.
type VerificationKey struct{ Key, Algorithm string }

func (v *Verification) config() *bundle.VerificationConfig {
	keys := map[string]*bundle.KeyConfig{}
	for id, k := range v.Keys {
		keys[id] = &bundle.KeyConfig{Key: k.Key, Algorithm: k.Algorithm}
	}
	return bundle.NewVerificationConfig(keys, v.KeyID, v.Scope, nil)
}

// Bundle is what an OPA bundle holds.
type Bundle struct {
	Content
	Revision string

	place string // where it is from, as in revisions
}

// LoadBundle reads a scanned bundle. The errors wrap [ErrBundle],
// [ErrSignature] or, where one in force is newer, [ErrOlder].
func LoadBundle(st Stamp, v *Verification) (*Bundle, error) {
	f, err := os.Open(st.Name)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxBundleSize+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("policy: %w", err)
	case len(raw) > maxBundleSize:
		return nil, fmt.Errorf("%s: %w: a bundle of more than %d bytes", st.Name, ErrTooLarge, maxBundleSize)
	}
	b, err := openBundle(st.Name, raw, v)
	if err != nil {
		return nil, err
	}
	b.place = st.Name
	if err := revisions.check(b); err != nil {
		return nil, fmt.Errorf("%s: %w", st.Name, err)
	}
	return b, nil
}

// Accept notes that the bundle came into force: from then on none that is older
// is loaded from the same place.
func (b *Bundle) Accept() { revisions.accept(b) }

// Ordered tells whether an older bundle can be told by its revision.
func (b *Bundle) Ordered() bool { return ordered(b.Revision) }

// defaultVerifier is what `opa sign` writes for plugin.
const defaultVerifier = "_default"

// Names in a bundle that are neither policy nor data.
const (
	signaturesFile = "/.signatures.json"
	manifestFile   = "/.manifest"
)

// openBundle reads an OPA bundle (https://www.openpolicyagent.org/docs/management-bundles).
// The modules are not parsed here: as for any file, the version of each is found
// out when it is compiled. name stands for the bundle in errors. Errors wrap
// [ErrBundle] or [ErrSignature].
func openBundle(name string, raw []byte, v *Verification) (*Bundle, error) {
	entries, err := unpack(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", name, ErrBundle, err)
	}
	if err := verify(entries, v); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", name, ErrSignature, err)
	}
	b, err := sortOut(name, entries)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", name, ErrBundle, err)
	}
	return b, nil
}

// entry is one file of a bundle; its path begins with a slash.
type entry struct {
	path string
	text []byte
}

// unpack lists the files of a bundle, sorted by path.
func unpack(raw []byte) ([]entry, error) {
	var total budget
	loader := bundle.NewTarballLoaderWithBaseURL(bytes.NewReader(raw), "").WithSizeLimitBytes(maxFileSize + 1)
	var entries []entry
	seen := map[string]bool{}
	for {
		d, err := loader.NextFile()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		var text bytes.Buffer
		n, err := d.Read(&text, maxFileSize+1)
		_ = d.Close() // it is in memory
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		p := path.Clean("/" + strings.TrimPrefix(filepath.ToSlash(d.Path()), "/"))
		if err := total.take(p, n); err != nil {
			return nil, err
		}
		if seen[p] {
			return nil, fmt.Errorf("%s is in it twice", p)
		}
		if seen[p] = true; len(seen) > MaxFiles {
			return nil, fmt.Errorf("%w: more than %d files", ErrTooLarge, MaxFiles)
		}
		entries = append(entries, entry{path: p, text: text.Bytes()})
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.path, b.path) })
	return entries, nil
}

// verify checks every file against the signature. A signature that nobody
// checks would be a false promise: it is refused where no key is configured.
func verify(entries []entry, v *Verification) error {
	i := slices.IndexFunc(entries, func(e entry) bool { return e.path == signaturesFile })
	switch {
	case i < 0 && v == nil:
		return nil
	case i < 0:
		return errors.New("it is not signed")
	case v == nil:
		return errors.New("it is signed and no key is configured; write verify_key")
	}
	var sc bundle.SignaturesConfig
	if err := util.UnmarshalJSON(entries[i].text, &sc); err != nil {
		return errors.New(".signatures.json is not valid JSON")
	}
	if sc.Plugin != "" && sc.Plugin != defaultVerifier {
		return errors.New(".signatures.json names a plugin")
	}
	signed, err := bundle.VerifyBundleSignature(sc, v.config())
	if err != nil {
		return err
	}
	for j, e := range entries {
		if j == i {
			continue
		}
		if err := bundle.VerifyBundleFile(strings.TrimPrefix(e.path, "/"), *bytes.NewBuffer(e.text), signed); err != nil {
			return err
		}
	}
	for name := range signed { // what was verified is taken out
		return fmt.Errorf("%s is signed and missing", name)
	}
	return nil
}

// sortOut tells policies, data and the manifest apart.
func sortOut(name string, entries []entry) (*Bundle, error) {
	b := &Bundle{}
	var manifest bundle.Manifest
	for _, e := range entries {
		shown := name + e.path
		switch base := path.Base(e.path); {
		case e.path == signaturesFile:
		case e.path == manifestFile:
			if err := json.Unmarshal(e.text, &manifest); err != nil {
				return nil, fmt.Errorf(".manifest: %w", err)
			}
		case base == "patch.json":
			return nil, errors.New("it is a delta bundle; publish whole (snapshot) bundles")
		case strings.HasSuffix(base, "_test.rego"):
		case strings.HasSuffix(base, ".rego"):
			b.Files = append(b.Files, File{Name: shown, Rel: e.path[1:], Src: string(e.text), Sum: HexSHA256(e.text)})
		case base == "data.json" || bundle.IsYAMLDataFile(e.path):
			d, err := bundledDocument(shown, e)
			if err != nil {
				return nil, err
			}
			b.Documents = append(b.Documents, d)
		default:
			b.Notes = append(b.Notes, shown+" is passed over: policies are read as Rego source, data from data.json and data.yaml")
		}
	}
	b.Revision = manifest.Revision
	if len(b.Files) == 0 && len(b.Documents) == 0 {
		return nil, errors.New("it holds neither policy nor data")
	}
	return b, b.withinRoots(manifest.Roots)
}

// bundledDocument is a data file of a bundle: its folder is its place in data.
func bundledDocument(name string, e entry) (Document, error) {
	value, err := parseValue(name, e.text)
	if err != nil {
		return Document{}, err
	}
	if dir := strings.Trim(path.Dir(e.path), "/"); dir != "" {
		parts := strings.Split(dir, "/")
		for _, p := range slices.Backward(parts) {
			value = map[string]any{p: value}
		}
	}
	root, ok := value.(map[string]any)
	if !ok {
		return Document{}, fmt.Errorf("%s: the document at the root must be an object", name)
	}
	return Document{Name: name, Rel: e.path[1:], Sum: HexSHA256(e.text), Root: root}, nil
}

// withinRoots checks what the manifest says of itself: that policies and data
// stay below its roots.
func (b *Bundle) withinRoots(roots *[]string) error {
	if roots == nil {
		return nil
	}
	inside := func(p string) bool {
		return slices.ContainsFunc(*roots, func(r string) bool {
			r = strings.Trim(r, "/")
			return r == "" || p == r || strings.HasPrefix(p, r+"/")
		})
	}
	for _, f := range b.Files {
		if p, ok := packagePath(f); ok && !inside(p) {
			return fmt.Errorf("%s: its package is outside the roots of the manifest", f.Name)
		}
	}
	for _, d := range b.Documents {
		if p, ok := outside(d.Root, "", *roots, inside); ok {
			return fmt.Errorf("%s: data.%s is outside the roots of the manifest", d.Name, strings.ReplaceAll(p, "/", "."))
		}
	}
	return nil
}

// packagePath is a module's package as a path, in whichever version it parses;
// one that does not parse is told by the compiler.
func packagePath(f File) (string, bool) {
	for _, v := range []ast.RegoVersion{ast.RegoV1, ast.RegoV0} {
		if m, err := ast.ParseModuleWithOpts(f.Name, f.Src, ast.ParserOptions{RegoVersion: v}); err == nil && m != nil {
			var parts []string
			for _, t := range m.Package.Path[1:] {
				s, ok := t.Value.(ast.String)
				if !ok {
					return "", false
				}
				parts = append(parts, string(s))
			}
			return strings.Join(parts, "/"), true
		}
	}
	return "", false
}

// outside finds a value of a document that lies outside the roots.
func outside(m map[string]any, at string, roots []string, inside func(string) bool) (string, bool) {
	for k, v := range m {
		p := strings.TrimPrefix(at+"/"+k, "/")
		if inside(p) {
			continue
		}
		sub, ok := v.(map[string]any)
		leads := slices.ContainsFunc(roots, func(r string) bool { return strings.HasPrefix(strings.Trim(r, "/"), p+"/") })
		if !ok || !leads {
			return p, true
		}
		if found, ok := outside(sub, p, roots, inside); ok {
			return found, true
		}
	}
	return "", false
}
