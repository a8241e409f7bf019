package rego

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/headgate/headgate/policy"
)

// Bounds of what is written.
const (
	maxShownValue = 80  // bytes of a value of the input
	maxShownGiven = 200 // bytes of what a rule gave
)

// WriteText writes the explanation for people: the decision first, then for
// each surface its rules that fired (+) with what they gave, the paths of the
// input that they read and their helpers. Rules that did not fire (-) are
// written with the reason where they are helpers, else with Verbose.
func (e *Explanation) WriteText(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString(decisionLine(&e.Decision) + "\n")
	if e.Decision.Detail != "" {
		b.WriteString("detail: " + e.Decision.Detail + "\n")
	}
	if e.Note != "" {
		b.WriteString("note: " + e.Note + "\n")
	}
	for i := range e.Surfaces {
		e.surface(&b, &e.Surfaces[i])
	}
	_, err := w.Write(b.Bytes())
	return err
}

// decisionLine is the decision in one line: its action, and its reason or what
// it asks for.
func decisionLine(d *policy.Decision) string {
	line := string(d.Action)
	if d.Reason != "" {
		line += ": " + d.Reason
	}
	if d.Action == policy.Deny {
		return line
	}
	if d.ForceModel != "" {
		line += "; model " + d.ForceModel
	}
	for i, s := range d.Redact {
		if i == 0 {
			line += "; redact "
		} else {
			line += ", "
		}
		line += clip(s.Spec, maxShownValue)
	}
	if len(d.HideTools) > 0 {
		line += "; hide " + strings.Join(d.HideTools, ", ")
	}
	return line
}

func (e *Explanation) surface(b *bytes.Buffer, a *SurfaceAnswer) {
	fired := false
	for _, r := range a.Rules {
		fired = fired || r.Fired
	}
	if !fired && !a.Covers && !e.Verbose {
		return
	}
	fmt.Fprintf(b, "\n%s%s\n", a.Path, e.answer(a, fired))
	for i := range a.Rules {
		if r := &a.Rules[i]; r.Fired || e.Verbose {
			e.rule(b, r, "  ")
		}
	}
}

// answer tells what a surface answered, where its rules do not.
func (e *Explanation) answer(a *SurfaceAnswer, fired bool) string {
	switch {
	case e.Note != "":
		return ""
	case !a.Defined:
		return ": undefined"
	case !fired:
		return ": empty"
	}
	return ""
}

func (e *Explanation) rule(b *bytes.Buffer, r *RuleTrace, indent string) {
	mark := "-"
	if r.Fired {
		mark = "+"
	}
	fmt.Fprintf(b, "%s%s %s:%d:%d: %s\n", indent, mark, r.File, r.Line, r.Col, r.Text)
	indent += "    "
	if r.Why != "" {
		why := "failed at " + r.Why
		if !strings.Contains(r.Why, ": ") || strings.HasPrefix(r.Why, notTried) {
			why = r.Why
		}
		b.WriteString(indent + why + "\n")
	}
	switch {
	case r.Value != nil:
		b.WriteString(indent + "gave " + given(r.Value) + "\n")
	case r.value != nil && e.ShowValues:
		b.WriteString(indent + "gave " + clip(oneLineJSON(r.value.Value), maxShownValue) + "\n")
	}
	e.reads(b, r.Reads, indent)
	for i := range r.Calls {
		e.rule(b, &r.Calls[i], indent)
	}
}

// given writes what a rule gave; the members of a set one after the other.
func given(v json.RawMessage) string {
	var members []json.RawMessage
	if json.Unmarshal(v, &members) != nil || len(members) == 0 {
		return clip(string(v), maxShownGiven)
	}
	out := make([]string, len(members))
	for i, m := range members {
		out[i] = clip(string(m), maxShownGiven)
	}
	return strings.Join(out, ", ")
}

func (e *Explanation) reads(b *bytes.Buffer, paths []string, indent string) {
	if len(paths) == 0 {
		return
	}
	if !e.ShowValues {
		b.WriteString(indent + "reads " + strings.Join(paths, ", ") + "\n")
		return
	}
	for _, p := range paths {
		fmt.Fprintf(b, "%sreads %s%s\n", indent, p, e.value(p))
	}
}

// value is the input's value at a path, " = …", or "" for a path that stands
// for several.
func (e *Explanation) value(path string) string {
	ref, ok := e.refs[path]
	if !ok {
		return ""
	}
	if len(ref) == 1 {
		return " = " + clip(oneLineJSON(e.document), maxShownValue)
	}
	v, err := e.document.Find(ref[1:])
	if err != nil {
		return " is undefined"
	}
	return " = " + clip(oneLineJSON(v), maxShownValue)
}

// oneLineJSON is a value in Rego's notation, which has no line breaks.
func oneLineJSON(v ast.Value) string { return v.String() }
