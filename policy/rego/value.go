package rego

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/headgate/headgate/policy"
)

// Limits of the content that a policy reads.
const (
	maxDepth = 128
	maxNodes = 1 << 20
	// nodesPerStep is how many values are read in about the time of one step of
	// an evaluation.
	nodesPerStep = 2
	// maxDigits bounds a number's text and the size of its exponent.
	maxDigits = 1000
)

// jsonParser turns JSON text into terms, numbers with their literal digits. The
// zero value is ready; one parser counts the nodes of all it parses.
type jsonParser struct {
	limit *deadline // of the decision that the text is for; nil: none
	nodes int
	dec   *jsontext.Decoder
}

var decoders = sync.Pool{New: func() any { return new(jsontext.Decoder) }}

// parse reads one JSON text: strict, no duplicate names, nothing after it. The
// error wraps errInput and holds none of the text.
func (p *jsonParser) parse(raw []byte) (*ast.Term, error) {
	dec := decoders.Get().(*jsontext.Decoder)
	dec.Reset(bytes.NewBuffer(raw))
	p.dec = dec
	defer func() {
		p.dec = nil
		dec.Reset(bytes.NewBuffer(nil))
		decoders.Put(dec)
	}()
	t, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: content is followed by something else", errInput)
	}
	return t, nil
}

func (p *jsonParser) value(depth int) (*ast.Term, error) {
	if p.nodes++; p.nodes > maxNodes {
		return nil, fmt.Errorf("%w: content has too many values", errInput)
	}
	if p.limit != nil && p.nodes%nodesPerStep == 0 && p.limit.Cancelled() {
		return nil, errDeadline
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: content is too deep", errInput)
	}
	tok, err := p.dec.ReadToken()
	if err != nil {
		return nil, errSyntax
	}
	switch tok.Kind() {
	case jsontext.KindNull:
		return ast.InternedNullTerm, nil
	case jsontext.KindTrue, jsontext.KindFalse:
		return ast.InternedTerm(tok.Bool()), nil
	case jsontext.KindString:
		return stringTerm(tok.String()), nil
	case jsontext.KindNumber:
		return number(tok.String())
	case jsontext.KindBeginArray:
		return p.array(depth)
	case jsontext.KindBeginObject:
		return p.object(depth)
	}
	return nil, errSyntax
}

var errSyntax = fmt.Errorf("%w: content is not valid JSON", errInput)

func (p *jsonParser) array(depth int) (*ast.Term, error) {
	var terms []*ast.Term
	for p.dec.PeekKind() != jsontext.KindEndArray {
		t, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		terms = append(terms, t)
	}
	if _, err := p.dec.ReadToken(); err != nil {
		return nil, errSyntax
	}
	return ast.NewTerm(ast.NewArray(terms...)), nil
}

func (p *jsonParser) object(depth int) (*ast.Term, error) {
	var items [][2]*ast.Term
	for p.dec.PeekKind() != jsontext.KindEndObject {
		key, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		value, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		items = append(items, [2]*ast.Term{key, value})
	}
	if _, err := p.dec.ReadToken(); err != nil {
		return nil, errSyntax
	}
	return ast.NewTerm(ast.NewObject(items...)), nil
}

// number keeps a number's digits; one that is out of a double's range is
// refused, and one far below it, because exact arithmetic on it could take for
// ever.
func number(text string) (*ast.Term, error) {
	if at := strings.IndexAny(text, "eE"); at >= 0 || len(text) > 300 {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsInf(f, 0) || len(text) > maxDigits || at >= 0 && !smallExponent(text[at+1:]) {
			return nil, fmt.Errorf("%w: a number is out of range", errInput)
		}
	}
	return ast.NewTerm(ast.Number(text)), nil
}

func smallExponent(text string) bool {
	n, err := strconv.Atoi(text)
	return err == nil && -maxDigits <= n && n <= maxDigits
}

// plain turns an answer into the plain values that policy.Combine takes. What
// has no JSON form, as an object with keys that are no strings, becomes nil.
func plain(v ast.Value) any {
	switch v := v.(type) {
	case ast.Boolean:
		return bool(v)
	case ast.String:
		return string(v)
	case ast.Number:
		return json.Number(v)
	case *ast.Array:
		out := make([]any, 0, v.Len())
		v.Foreach(func(t *ast.Term) { out = append(out, plain(t.Value)) })
		return out
	case ast.Set:
		if v.Len() == 0 {
			return policy.Set(nil)
		}
		out := make(policy.Set, 0, v.Len())
		v.Foreach(func(t *ast.Term) { out = append(out, plain(t.Value)) })
		return out
	case ast.Object:
		out := make(map[string]any, v.Len())
		ok := true
		v.Foreach(func(k, t *ast.Term) {
			s, isString := k.Value.(ast.String)
			ok = ok && isString
			out[string(s)] = plain(t.Value)
		})
		if !ok {
			return nil
		}
		return out
	}
	return nil
}
