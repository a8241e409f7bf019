package principal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// shortKey is the length in characters below which a key draws a warning.
const shortKey = 16

// keyEntry is one entry of a list of API keys.
type keyEntry struct {
	start     int // where it begins in the file, in bytes
	hash      [32]byte
	short     bool
	principal Principal
}

// keyFile walks over the text of a list. Its errors do not repeat what the text
// holds: a key may stand in the wrong place.
type keyFile struct {
	text  []byte
	dec   *jsontext.Decoder
	entry int // the one that the walk is in, from 1; 0 outside
}

// read returns the entries of the list.
func (f *keyFile) read() ([]*keyEntry, error) {
	if err := f.checkSyntax(); err != nil {
		return nil, err
	}
	// From here on the reads of the decoder cannot fail.
	f.dec = jsontext.NewDecoder(bytes.NewBuffer(f.text))
	if f.dec.PeekKind() != jsontext.KindBeginArray {
		_, at := f.value()
		return nil, f.errorAt(at, `want a list: [{"key": …, "tenant_id": …}, …]`)
	}
	f.begin()
	var entries []*keyEntry
	for f.dec.PeekKind() != jsontext.KindEndArray {
		f.entry++
		e, err := f.readEntry()
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// checkSyntax makes sure that the text is one JSON value (RFC 8259) in valid
// UTF-8, without a name that is twice in one object.
func (f *keyFile) checkSyntax() error {
	dec := jsontext.NewDecoder(bytes.NewBuffer(f.text))
	list, err := dec.ReadValue()
	if err == nil {
		var more jsontext.Value
		if more, err = dec.ReadValue(); err == nil {
			return f.errorAt(int(dec.InputOffset())-len(more), "something follows the list; remove it")
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
	}
	if errors.Is(err, io.EOF) {
		return f.errorAt(len(f.text), "the file is empty; write [] for a list without keys")
	}

	at := int(dec.InputOffset())
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		at = int(syntax.ByteOffset)
		if list == nil && bytes.HasPrefix(bytes.TrimLeft(f.text, " \t\r\n"), []byte("[")) {
			for index := range syntax.JSONPointer.Tokens() {
				n, _ := strconv.Atoi(index)
				f.entry = n + 1
				break
			}
		}
	}
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return f.errorAt(at, "a field is written twice; remove one")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return f.errorAt(len(f.text), "the file ends in the middle of the list")
	}
	return f.errorAt(at, "this is not JSON; look for a missing quote or comma, one too many, or a comment")
}

// readEntry reads one object of the list.
func (f *keyFile) readEntry() (*keyEntry, error) {
	if f.dec.PeekKind() != jsontext.KindBeginObject {
		_, at := f.value()
		return nil, f.errorAt(at, `want an object: {"key": …, "tenant_id": …}`)
	}
	e := &keyEntry{start: f.begin(), principal: Principal{Roles: []string{}, Auth: AuthAPIKey}}
	secrets := 0
	for f.dec.PeekKind() != jsontext.KindEndObject {
		name, at := f.value()
		var err error
		switch string(name) {
		case `"key"`:
			secrets++
			err = f.readKey(e)
		case `"key_sha256"`:
			secrets++
			err = f.readHash(e)
		case `"tenant_id"`:
			e.principal.TenantID, _, err = f.readString()
		case `"user_id"`:
			e.principal.UserID, _, err = f.readString()
		case `"agent_id"`:
			e.principal.AgentID, _, err = f.readString()
		case `"roles"`:
			e.principal.Roles, err = f.readRoles()
		default:
			err = f.errorAt(at, "unknown field; the fields are key, key_sha256, tenant_id, user_id, roles and agent_id")
		}
		if err != nil {
			return nil, err
		}
	}
	f.end()
	if secrets != 1 {
		return nil, f.errorAt(e.start, "want either key or key_sha256; write one of them")
	}
	return e, nil
}

func (f *keyFile) readKey(e *keyEntry) error {
	key, at, err := f.readString()
	if err != nil {
		return err
	}
	if !wellFormed(key) {
		return f.errorAt(at, fmt.Sprintf("no client can send this key; use 1 to %d visible ASCII characters without a space", maxCredential))
	}
	e.hash = sha256.Sum256([]byte(key))
	e.short = len(key) < shortKey
	return nil
}

func (f *keyFile) readHash(e *keyEntry) error {
	digits, at, err := f.readString()
	if err != nil {
		return err
	}
	hash, err := hex.DecodeString(digits)
	if err != nil || len(hash) != len(e.hash) {
		return f.errorAt(at, "want the SHA-256 of the key in 64 hex digits")
	}
	e.hash = [32]byte(hash)
	return nil
}

func (f *keyFile) readRoles() ([]string, error) {
	if f.dec.PeekKind() != jsontext.KindBeginArray {
		_, at := f.value()
		return nil, f.errorAt(at, `want a list of strings: ["admin", …]`)
	}
	f.begin()
	roles := []string{}
	for f.dec.PeekKind() != jsontext.KindEndArray {
		role, _, err := f.readString()
		if err != nil {
			return nil, err
		}
		roles = append(roles, role)
	}
	f.end()
	return roles, nil
}

// readString reads a string and tells where it begins.
func (f *keyFile) readString() (s string, at int, err error) {
	value, at := f.value()
	if value.Kind() != jsontext.KindString {
		return "", at, f.errorAt(at, "want a string")
	}
	text, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		return "", at, f.errorAt(at, "want a string")
	}
	return string(text), at, nil
}

// value reads any value, or the name of a field, and tells where it begins.
func (f *keyFile) value() (jsontext.Value, int) {
	v, _ := f.dec.ReadValue()
	return v, int(f.dec.InputOffset()) - len(v)
}

// begin reads a bracket or a brace and tells where it is.
func (f *keyFile) begin() int {
	f.end()
	return int(f.dec.InputOffset()) - 1
}

func (f *keyFile) end() { _, _ = f.dec.ReadToken() }

// errorAt returns an error that begins with the line and the column, from 1 and
// in bytes, of an offset.
func (f *keyFile) errorAt(offset int, what string) error {
	before := f.text[:min(offset, len(f.text))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := len(before) - bytes.LastIndexByte(before, '\n')
	if f.entry == 0 {
		return fmt.Errorf("%d:%d: %s", line, column, what)
	}
	return fmt.Errorf("%d:%d: entry %d: %s", line, column, f.entry, what)
}
