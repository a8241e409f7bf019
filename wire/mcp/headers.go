package mcp

import (
	"encoding/base64"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// Headers that repeat parts of the body, in the canonical spelling of net/http.
const (
	headerMethod  = "Mcp-Method"
	headerName    = "Mcp-Name"
	headerParam   = "Mcp-Param-"
	headerVersion = "Mcp-Protocol-Version"
)

func isMirror(name string) bool {
	name = http.CanonicalHeaderKey(name)
	return name == headerMethod || name == headerName || strings.HasPrefix(name, headerParam)
}

// maxMirrors bounds the headers that repeat parts of the body, each of which is
// looked for in it.
const maxMirrors = 64

var errMirror = errors.New("a header that repeats an edited argument cannot be brought in line with it")

// checkHeaders refuses headers that contradict the body.
func checkHeaders(h http.Header, m *message) (refuser, error) {
	bad := refuser{code: codeHeader}
	if bad, err := checkVersion(h, m); err != nil {
		return bad, err
	}
	mirrors := 0
	for name, values := range h {
		if !isMirror(name) {
			continue
		}
		if mirrors++; mirrors > maxMirrors {
			return bad, read.Wrong("", "too many headers repeat the body")
		}
		name = http.CanonicalHeaderKey(name)
		if len(values) != 1 {
			return bad, mismatch(name, "is repeated")
		}
		value, ok := decodeHeader(values[0])
		switch {
		case !ok:
			return bad, mismatch(name, "cannot be read")
		case name == headerMethod && values[0] != m.Method:
			return bad, mismatch(name, "does not match the body")
		case name == headerName && value != m.name():
			return bad, mismatch(name, "does not match the body")
		case strings.HasPrefix(name, headerParam) && !m.hasArgument(value):
			return bad, mismatch("Mcp-Param", "does not match the body")
		}
	}
	return bad, nil
}

func mismatch(name, reason string) error { return read.Wrong("", "the header "+name+" "+reason) }

// checkVersion refuses a revision that is not known, and two that differ.
func checkVersion(h http.Header, m *message) (refuser, error) {
	bad := refuser{code: codeHeader}
	values := h[headerVersion]
	meta := m.params.Get("_meta")
	if err := check("params._meta", meta, metaFields); err != nil {
		return bad, err
	}
	said := meta.Get(metaVersion)
	if said.Exists() && said.Kind() != strictjson.String {
		return bad, read.Wrong("params._meta", "the protocol version must be a string")
	}
	version := said.Str()
	if len(values) > 1 || len(values) == 1 && said.Exists() && values[0] != version {
		return bad, mismatch("MCP-Protocol-Version", "does not match the body")
	}
	if len(values) == 1 {
		version = values[0]
	}
	if version == "" || slices.Contains(versions, version) {
		return bad, nil
	}
	bad.code = codeVersion
	bad.data = []byte(`{"supported":[`)
	for i, v := range versions {
		if i > 0 {
			bad.data = append(bad.data, ',')
		}
		bad.data = strictjson.AppendQuoted(bad.data, v)
	}
	if !versionForm.MatchString(version) {
		version = "unknown"
	}
	bad.data = append(strictjson.AppendQuoted(append(bad.data, `],"requested":`...), version), '}')
	return bad, read.Wrong("", "this revision of the protocol is not known to the gate")
}

// name is what Mcp-Name repeats.
func (m *message) name() string {
	if uri := m.params.Get("uri"); m.Method == "resources/read" || !m.params.Get("name").Exists() {
		return uri.Str()
	}
	return m.params.Get("name").Str()
}

// hasArgument tells whether some argument of a call is a value. Which one a
// header repeats is known to the tool's schema alone.
func (m *message) hasArgument(value string) bool {
	if m.Kind != wire.RPCRequest || m.Method != "tools/call" {
		return false
	}
	p := primitive{text: value, number: math.NaN()}
	if n, err := strconv.ParseFloat(value, 64); err == nil {
		p.number = n
	}
	return p.in(m.params.Get("arguments"))
}

// primitive is a value as a header repeats it.
type primitive struct {
	text   string
	number float64 // NaN where it is none
}

// in tells whether the value is one that stands below v.
func (p primitive) in(v strictjson.Value) bool {
	switch v.Kind() {
	case strictjson.String:
		return v.EqualStr(p.text)
	case strictjson.True, strictjson.False:
		return string(v.Raw()) == p.text
	case strictjson.Number:
		if string(v.Raw()) == p.text || math.IsNaN(p.number) {
			return string(v.Raw()) == p.text
		}
		n, err := strconv.ParseFloat(string(v.Raw()), 64)
		return err == nil && n == p.number
	case strictjson.Array:
		for _, e := range v.Elems() {
			if p.in(e) {
				return true
			}
		}
	case strictjson.Object:
		for _, e := range v.Members() {
			if p.in(e) {
				return true
			}
		}
	}
	return false
}

// Headers puts edited values into the headers that repeat them.
func (codec) Headers(h http.Header, before, after *wire.RPC) error {
	if before.Call == nil {
		return nil
	}
	edited, err := edits(before, after)
	if err != nil {
		return err
	}
	for name, values := range h {
		if !isMirror(name) || http.CanonicalHeaderKey(name) == headerMethod || len(values) != 1 {
			continue
		}
		value, ok := decodeHeader(values[0])
		if !ok {
			return errMirror
		}
		to, changed := edited[value]
		if http.CanonicalHeaderKey(name) == headerName && before.Method != "resources/read" {
			continue // the name is never edited
		}
		switch {
		case changed && to == nil:
			return errMirror
		case changed:
			h[name] = []string{encodeHeader(*to)}
		}
	}
	return nil
}

// edits maps the texts of a call that are no longer what they were; to nil
// where one has become two.
func edits(before, after *wire.RPC) (map[string]*string, error) {
	if after.Call == nil || len(after.Call.Texts) != len(before.Call.Texts) {
		return nil, errMirror
	}
	edited := map[string]*string{}
	for i := range before.Call.Texts {
		b, a := &before.Call.Texts[i], &after.Call.Texts[i]
		old := string(strictjson.Unescape(nil, before.Body[b.Start:b.End]))
		now := string(strictjson.Unescape(nil, after.Body[a.Start:a.End]))
		if to, seen := edited[old]; seen && (to == nil || *to != now) {
			edited[old] = nil
			continue
		}
		edited[old] = &now
	}
	for old, now := range edited {
		if now != nil && *now == old {
			delete(edited, old)
		}
	}
	return edited, nil
}

const base64Mark, base64End = "=?base64?", "?="

func decodeHeader(value string) (string, bool) {
	inner, ok := strings.CutPrefix(value, base64Mark)
	if !ok {
		return value, true
	}
	if inner, ok = strings.CutSuffix(inner, base64End); !ok {
		return value, true
	}
	b, err := base64.StdEncoding.DecodeString(inner)
	return string(b), err == nil
}

// encodeHeader writes a value as a header may hold it: as it is where it is
// plain, else as Base64 of its UTF-8.
func encodeHeader(value string) string {
	plain := strings.Trim(value, " \t") == value && (!strings.HasPrefix(value, base64Mark) || !strings.HasSuffix(value, base64End))
	for _, c := range []byte(value) {
		plain = plain && c >= 0x20 && c <= 0x7e
	}
	if plain {
		return value
	}
	return base64Mark + base64.StdEncoding.EncodeToString([]byte(value)) + base64End
}
