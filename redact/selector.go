package redact

import (
	"errors"
	"fmt"
	"maps"
	"regexp/syntax"
	"slices"
	"strings"
)

// A Selector says what to find and what to put in its place.
type Selector struct {
	// Spec is an entity ("EMAIL"), a group ("PII", or "*" for every built-in
	// entity), "re:" and an RE2 expression, or "lit:" and a text.
	Spec string
	// As is an operator; empty is Placeholder.
	As string
	// KeepLast is how many runes at the end Mask leaves, at most half of them.
	KeepLast int
}

// Reasons for which a selector is refused; a *SelectorError wraps one.
var (
	// ErrInvalid: the selector is malformed.
	ErrInvalid = errors.New("invalid selector")
	// ErrUnsupported: it names what the documentation plans and this version
	// does not have.
	ErrUnsupported = errors.New("not supported in this version")
	// ErrUnknownEntity: there is no such entity or group.
	ErrUnknownEntity = errors.New("unknown entity")
	// ErrUnbounded: the expression could hold a stream back without bound.
	ErrUnbounded = errors.New("could hold a stream back")
	// ErrTooLong: the selector, or what it could match, is too long.
	ErrTooLong = errors.New("too long")
)

// A SelectorError tells which selector Compile refused and why.
type SelectorError struct {
	Index    int    // in the slice given to Compile
	Selector string // its Spec; may hold what a user wants hidden
	Reason   string // what is wrong, and what to do
	err      error
}

// Error leaves out the text of literals and expressions: it may be secret.
func (e *SelectorError) Error() string {
	spec := e.Selector
	if kind, _, ok := strings.Cut(spec, ":"); ok {
		spec = kind + ":…"
	}
	if len(spec) > 64 {
		spec = spec[:64] + "…"
	}
	return fmt.Sprintf("selector %d (%q): %s", e.Index, spec, e.Reason)
}

// Unwrap returns the sentinel, for errors.Is.
func (e *SelectorError) Unwrap() error { return e.err }

// User selectors appear under these names as Edit.Entity; in placeholders
// both are [REDACTED].
const (
	EntityRegex   = "REGEX"   // of "re:"
	EntityLiteral = "LITERAL" // of "lit:"
)

// Entities returns the names of the built-in entities, sorted.
func Entities() []string {
	names := make([]string, 0, len(builtins))
	for _, b := range builtins {
		names = append(names, b.entity)
	}
	slices.Sort(names)
	return names
}

// Groups returns the names of the groups of built-in entities, sorted; "*" is
// none of them.
func Groups() []string {
	return slices.Sorted(maps.Keys(groups))
}

// resolveSelector returns the detectors that sel asks for, and whether it
// names its one entity itself rather than through a group.
func resolveSelector(spec string) (ds []*detector, direct bool, err error) {
	if expr, ok := strings.CutPrefix(spec, "re:"); ok {
		d, err := compileExpr(expr)
		return []*detector{d}, true, err
	}
	if text, ok := strings.CutPrefix(spec, "lit:"); ok {
		switch {
		case text == "":
			return nil, false, fmt.Errorf("%w: the literal text is empty", ErrInvalid)
		case len(text) > maxExpr:
			return nil, false, fmt.Errorf("%w: the text has %d bytes, the limit is %d", ErrTooLong, len(text), maxExpr)
		}
		return []*detector{newLiteral(EntityLiteral, userLabel, text)}, true, nil
	}
	if d := builtinDetectors()[spec]; d != nil {
		return []*detector{d}, true, nil
	}
	names := groups[spec]
	if spec == "*" {
		names = Entities()
	}
	if names == nil {
		if slices.Contains(planned, spec) {
			return nil, false, fmt.Errorf("%w: use one of %s", ErrUnsupported, known())
		}
		return nil, false, fmt.Errorf("%w: use one of %s, or re:<expression>, or lit:<text>", ErrUnknownEntity, known())
	}
	for _, name := range names {
		ds = append(ds, builtinDetectors()[name])
	}
	return ds, false, nil
}

func known() string {
	names := append(Entities(), Groups()...)
	slices.Sort(names)
	return strings.Join(append(names, `"*"`), ", ")
}

func compileExpr(expr string) (*detector, error) {
	if len(expr) > maxExpr {
		return nil, fmt.Errorf("%w: the expression has %d bytes, the limit is %d", ErrTooLong, len(expr), maxExpr)
	}
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		code := syntax.ErrorCode("it cannot be parsed")
		if se := (*syntax.Error)(nil); errors.As(err, &se) {
			code = se.Code
		}
		if code == syntax.ErrLarge || code == syntax.ErrInvalidRepeatSize || code == syntax.ErrNestingDepth {
			return nil, fmt.Errorf("%w: %s; use smaller repetitions", ErrTooLong, code)
		}
		return nil, fmt.Errorf("%w: not an RE2 expression: %s", ErrInvalid, code)
	}
	shortest, longest := matchLength(re)
	switch {
	case shortest == 0:
		return nil, fmt.Errorf("%w: it matches the empty text; make one part of it obligatory", ErrInvalid)
	case longest > maxMatch:
		return nil, fmt.Errorf("%w: a match could have %d bytes, the limit is %d; use smaller repetitions", ErrTooLong, longest, maxMatch)
	case longest < 0 && shortest > unboundedMatch:
		return nil, fmt.Errorf("%w: a match has at least %d bytes, the limit is %d", ErrTooLong, shortest, unboundedMatch)
	}
	d := newDetector(EntityRegex, userLabel, re)
	if d == nil {
		return nil, fmt.Errorf("%w: its program has more than %d instructions; use smaller repetitions or classes", ErrTooLong, maxInsts)
	}
	return d, checkStart(re)
}
