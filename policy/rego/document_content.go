package rego

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// content reads a member that holds content, of one of the kinds, into
// canonicalJSON JSON.
func (r *inputReader) content(v place, key, want string, kinds ...jsontext.Kind) (json.RawMessage, error) {
	if len(kinds) > 0 && !slices.Contains(kinds, v.v.Kind()) {
		return nil, r.wrong(v, key, want)
	}
	if err := r.bounded(v, key); err != nil {
		return nil, err
	}
	b, err := canonicalJSON(v.v)
	if err != nil {
		return nil, r.fault(v.at, key+" has no canonical form")
	}
	return b, nil
}

// bounded refuses a value that a decision would refuse.
func (r *inputReader) bounded(v place, key string) error {
	if _, err := new(jsonParser).parse(v.v); err != nil {
		return r.fault(v.at, key+": "+strings.TrimPrefix(err.Error(), errInput.Error()+": "))
	}
	return nil
}

// claims reads a principal's claims; numbers keep their digits.
func (r *inputReader) claims(v place, key string) (map[string]any, error) {
	if v.v.Kind() != '{' {
		return nil, r.wrong(v, key, "an object")
	}
	if err := r.bounded(v, key); err != nil {
		return nil, err
	}
	var claims map[string]any
	dec := json.NewDecoder(bytes.NewReader(v.v))
	dec.UseNumber()
	if err := dec.Decode(&claims); err != nil {
		return nil, r.fault(v.at, key+" cannot be read")
	}
	return claims, nil
}

// canonicalJSON is the canonical form of a value: RFC 8785, but for numbers whose
// value a double does not hold, which keep their literal.
func canonicalJSON(v jsontext.Value) (json.RawMessage, error) {
	v = v.Clone()
	if err := v.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false)); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	enc := jsontext.NewEncoder(&out)
	dec := jsontext.NewDecoder(bytes.NewReader(v))
	for {
		if dec.PeekKind() == '0' {
			n, err := dec.ReadValue()
			if err == nil {
				err = enc.WriteValue(number8785(n))
			}
			if err != nil {
				return nil, err
			}
			continue
		}
		tok, err := dec.ReadToken()
		if errors.Is(err, io.EOF) {
			return bytes.TrimSuffix(out.Bytes(), []byte{'\n'}), nil
		}
		if err == nil {
			err = enc.WriteToken(tok)
		}
		if err != nil {
			return nil, err
		}
	}
}

// number8785 writes a number as RFC 8785 does, section 3.2.2.3, if that has the
// same value.
func number8785(literal jsontext.Value) jsontext.Value {
	const longest = 1000 // of a literal that is worth the arithmetic
	mantissa, _, _ := strings.Cut(strings.ToLower(string(literal)), "e")
	f, err := strconv.ParseFloat(string(literal), 64)
	switch {
	case err != nil, len(literal) > longest, f == 0 && strings.ContainsAny(mantissa, "123456789"):
		return literal.Clone()
	}
	short := literal.Clone()
	if err := short.Canonicalize(); err != nil {
		return literal.Clone()
	}
	a, okA := new(big.Rat).SetString(string(literal))
	b, okB := new(big.Rat).SetString(string(short))
	if okA && okB && a.Cmp(b) == 0 {
		return short
	}
	return literal.Clone()
}
