package pdp

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"

	"github.com/headgate/headgate/principal"
)

// authHMAC is how the caller of a signed call was identified.
const authHMAC = "hmac"

// admit reads the body and finds out who asks. A signature is the
// HMAC-SHA256 (RFC 2104) of the body as it was sent, in hex, with or without
// "sha256=" before it. One that is there and not valid refuses the call,
// whatever else the request shows. Without one the credential counts, and is
// looked at before the body is read.
func (c *call) admit(header string) ([]byte, *refusal) {
	if c.r.ContentLength > c.h.cfg.MaxBody {
		return nil, c.tooLarge()
	}
	mac, shown := signature(c.r.Header, header)
	if shown && mac == nil {
		return nil, badSignature(header)
	}
	if !shown {
		if ref := c.identify(); ref != nil {
			return nil, ref
		}
		return c.readBody()
	}
	body, ref := c.readBody()
	if ref != nil {
		return nil, ref
	}
	if !signedBy(c.h.cfg.Keys, body, mac) {
		return nil, badSignature(header)
	}
	c.who.Auth, c.known = authHMAC, true
	return body, nil
}

func badSignature(header string) *refusal {
	return &refusal{codeAuthentication, "the signature is not valid; this endpoint reads one from " + header + ", the hex HMAC-SHA256 of the body"}
}

// signature finds the code that a request shows in the header named own. It is
// nil where the request shows one that cannot be read: malformed, repeated,
// under another spelling of the name, or in the other endpoints' header.
func signature(h http.Header, own string) (mac []byte, shown bool) {
	var other, broken bool
	for name, values := range h {
		which := plainName(name)
		if len(values) == 0 || which != brokerSignature && which != integrationSignature {
			continue
		}
		if which != own {
			other = true
			continue
		}
		if mac != nil || len(values) > 1 || !strings.EqualFold(name, own) {
			broken = true
			continue
		}
		if mac = decodeMAC(values[0]); mac == nil {
			broken = true
		}
	}
	if broken {
		return nil, true
	}
	return mac, mac != nil || other
}

func decodeMAC(value string) []byte {
	mac, err := hex.DecodeString(strings.TrimPrefix(value, "sha256="))
	if err != nil || len(mac) != sha256.Size {
		return nil
	}
	return mac
}

// signedBy takes the same time whichever key it was, if any.
func signedBy(keys [][]byte, body, mac []byte) bool {
	found := 0
	for _, key := range keys {
		m := hmac.New(sha256.New, key)
		m.Write(body)
		found |= subtle.ConstantTimeCompare(m.Sum(nil), mac)
	}
	return found == 1
}

// plainName brings a header's name to the form in which software that tells
// neither case nor separators apart would read it: X_ATN_Signature is
// x-atn-signature.
func plainName(name string) string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r >= 0x80:
			return r
		}
		return '-'
	}, name)
	return strings.Trim(plain, "-")
}

// identify finds out who asks where nothing is signed.
func (c *call) identify() *refusal {
	source := c.h.cfg.Identify
	if source == nil {
		source = principal.Chain{}
	}
	who, err := source.Identify(c.r)
	if errors.Is(err, principal.ErrNoCredential) && c.h.cfg.Anonymous {
		who, err = principal.Anonymous{}.Identify(c.r)
	}
	if err == nil && who != nil && (who.Auth != principal.AuthAnonymous || c.h.cfg.Anonymous) {
		c.who, c.known = *who, true
		return nil
	}
	reason := "the credential is not known"
	switch {
	case err == nil, errors.Is(err, principal.ErrNoCredential):
		reason = "neither a signature nor a credential"
	case errors.Is(err, principal.ErrTwoCredentials):
		reason = "two credentials that differ"
	}
	return &refusal{codeAuthentication, reason}
}
