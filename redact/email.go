package redact

import (
	"bytes"
	"slices"
)

// emailShape is the part of RFC 5322's addr-spec that is in use: a dot-atom of
// at most 64 bytes (RFC 5321, 4.5.3.1.1) and a domain of two to five labels of
// at most 63 (RFC 1035, 2.3.4), the last alphabetic or an internationalised
// label in its ASCII form.
const emailShape = `[A-Za-z0-9_][A-Za-z0-9_.%+'-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,4}(?:[A-Za-z]{2,63}|[Xx][Nn]--[A-Za-z0-9-]{1,59})`

// validEmail rejects misplaced dots and hyphens, and what is written with an
// "@" but is no address: image file names for dense screens (icon@2x.png),
// packages with a version (left-pad@1.3.0-beta.one), the user git of clone
// addresses (git@host:path).
func validEmail(c *candidate) bool {
	at := bytes.LastIndexByte(c.value, '@')
	local, domain := c.value[:at], c.value[at+1:]
	if last := local[len(local)-1]; last == '.' || bytes.Contains(local, []byte("..")) {
		return false
	}
	var buf [5][]byte
	labels := buf[:0]
	for l := range bytes.SplitSeq(domain, []byte(".")) {
		labels = append(labels, l)
	}
	for _, l := range labels {
		if l[0] == '-' || l[len(l)-1] == '-' {
			return false
		}
	}
	if looksLikeVersion(labels) || isFileName(labels) {
		return false
	}
	if quote := bytes.IndexByte(local, '\''); quote >= 0 && len(c.right) > 0 && c.right[0] == '\'' {
		return false // a quoted string with something before it: u'ann@example.com'
	}
	if string(local) == "git" && len(c.right) > 0 && (c.right[0] == ':' || c.right[0] == '/') {
		return false
	}
	return true
}

// looksLikeVersion: 1.2.3-rc.one, v2.0.x, 18.x.x.
func looksLikeVersion(labels [][]byte) bool {
	first, second := labels[0], labels[1]
	if first[0] == 'v' && len(first) > 1 {
		first = first[1:]
	}
	return allDigits(first) && (isDigit(rune(second[0])) || string(second) == "x")
}

func allDigits(b []byte) bool {
	for _, d := range b {
		if !isDigit(rune(d)) {
			return false
		}
	}
	return len(b) > 0
}

// fileExtensions are endings of file names that are no top-level domains.
var fileExtensions = []string{
	"avif", "bmp", "cfg", "conf", "css", "csv", "cpp", "dll", "exe", "gif",
	"gz", "hpp", "htm", "html", "ico", "jar", "java", "jpeg", "jpg", "js",
	"json", "jsx", "kt", "less", "lock", "log", "mjs", "pdf", "php", "png",
	"rb", "scss", "sql", "svg", "tgz", "tif", "tiff", "toml", "ts", "tsx",
	"txt", "vue", "webp", "whl", "xml", "yaml", "yml",
}

// isFileName: icon@2x.png, logo@3x.min.svg.
func isFileName(labels [][]byte) bool {
	var buf [8]byte
	last := labels[len(labels)-1]
	if len(last) > len(buf) {
		return false
	}
	for i, b := range last {
		buf[i] = lower(b)
	}
	_, found := slices.BinarySearch(fileExtensions, string(buf[:len(last)]))
	return found
}
