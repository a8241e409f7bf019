package redact

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
)

// ipShape is four decimal parts with dots, or up to nine hexadecimal groups
// with colons (RFC 4291, 2.2), the last of which may be an IPv4 address. A
// prefix length or a zone after an address is not a part of it.
const ipShape = ipv4Shape + `|(?:[0-9A-Fa-f]{0,4}:){2,8}(?:[0-9A-Fa-f]{0,4}|` + ipv4Shape + `)`

const ipv4Shape = `[0-9]{1,3}(?:\.[0-9]{1,3}){3}`

// validIP wants what netip.ParseAddr understands, and rejects versions and
// object identifiers in the form of an IPv4 address, and scopes, slices,
// times and hardware addresses in the form of an IPv6 address.
func validIP(c *candidate) bool {
	addr, err := netip.ParseAddr(string(c.value))
	if err != nil {
		return false
	}
	if c.rightAfter('.', isWord) || c.leftBefore('.', isWord) {
		return false // 1.2.3.4.5, 1.2.3.4.tar.gz
	}
	if addr.Is4() {
		return !versionLike(c)
	}
	return !colonsOnly(c, addr)
}

// versionWords are the words that, right before a dotted number, say that it
// is not an address.
var versionWords = []string{
	"build", "chapter", "firmware", "oid", "paragraph", "rel", "release",
	"rev", "revision", "section", "v", "ver",
}

func versionLike(c *candidate) bool {
	if c.leftBefore('-', isLetter) || c.rightAfter('-', isLetter) || c.rightAfter('+', isWord) {
		return true // libfoo-1.2.3.4, 1.2.3.4-beta, 1.2.3.4+build
	}
	left := c.left
	for _, op := range []string{">=", "<=", "~>", "~=", "~", "^"} {
		if bytes.HasSuffix(left, []byte(op)) {
			return true
		}
	}
	if product, ok := bytes.CutSuffix(left, []byte("/")); ok {
		w := lastWord(product)
		if w != "" && 'A' <= w[0] && w[0] <= 'Z' {
			return true // Chrome/1.2.3.4
		}
	}
	w := strings.ToLower(lastWord(bytes.TrimRight(left, " \t\r\n:=\"'(/*#")))
	if w == "" {
		return false
	}
	_, found := slices.BinarySearch(versionWords, w)
	return found || strings.HasSuffix(w, "version") || strings.HasSuffix(w, "versions")
}

// lastWord returns the ASCII word that b ends with.
func lastWord(b []byte) string {
	i := len(b)
	for i > 0 && wordBytes.has(b[i-1]) {
		i--
	}
	return string(b[i:])
}

func colonsOnly(c *candidate, addr netip.Addr) bool {
	left := c.left
	if len(left) > 0 && left[len(left)-1] == ':' || len(c.right) > 0 && c.right[0] == ':' {
		return true // a part of something longer
	}
	if c.placeLeft && c.value[0] == ':' || c.placeRight && c.value[len(c.value)-1] == ':' {
		return true // so it was before the placeholder was put in
	}
	v := string(c.value)
	if addr.Is4In6() || strings.Contains(v, ".") {
		return false
	}
	digits, short := false, true
	groups := strings.FieldsFunc(v, func(r rune) bool { return r == ':' })
	for _, g := range groups {
		digits = digits || strings.ContainsAny(g, "0123456789")
		short = short && len(g) <= 3 && allDigits([]byte(g))
	}
	switch {
	case !digits:
		return true // "::", dead::beef, a C++ or Rust path
	case !strings.Contains(v, "::"):
		return twoEach(groups)
	case v == "::1":
		return slicing(left)
	case len(groups) == 1 && len(groups[0]) < 4:
		return true // ::2 in a slice, f64:: in a path
	case len(groups) == 2 && short:
		return true // 1::2 in a slice
	}
	return false
}

// twoEach: 00:11:22:33:44:55:66:77 is a hardware address (EUI-64).
func twoEach(groups []string) bool {
	for _, g := range groups {
		if len(g) != 2 {
			return false
		}
	}
	return true
}

// slicing reports whether left ends in an index expression's bracket: xs[
func slicing(left []byte) bool {
	if len(left) < 2 || left[len(left)-1] != '[' {
		return false
	}
	b := left[len(left)-2]
	return wordBytes.has(b) || b == ']' || b == ')'
}
