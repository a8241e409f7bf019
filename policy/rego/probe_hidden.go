package rego

import (
	"context"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/headgate/headgate/policy"
)

// hidesAll is the glob of every tool.
const hidesAll = "*"

// hiding prepares the query of those surfaces of pre_chat that can hide tools.
func hiding(c *ast.Compiler, rows []Row) (*query, error) {
	var surfaces []policy.Surface
	for _, row := range rows {
		if row.Stage != policy.PreChat {
			continue
		}
		for _, s := range row.Surfaces {
			if s.Set == policy.HideTools || s.Style == policy.StageDecision {
				surfaces = append(surfaces, s)
			}
		}
	}
	return prepare(c, policy.PreChat, surfaces)
}

// Hidden gives what the hide_tools sets hold, and what <stage>.decision hides.
// See [policy.Prober]. Neither an allow nor a deny is asked for.
func (p *Policy) Hidden(ctx context.Context, in *policy.Input) (hidden []string) {
	q := p.hiding
	if in.Stage != policy.PreChat {
		return []string{hidesAll}
	}
	if len(q.surfaces) == 0 {
		return nil
	}
	defer func() {
		if recover() != nil {
			hidden = []string{hidesAll}
		}
	}()
	answers, err := q.run(ctx, p, in, q.parts)
	if err != nil {
		return []string{hidesAll}
	}
	for i := range answers {
		d := policy.Combine(policy.PreChat, answers[i:i+1], true)
		switch {
		case d.Action == policy.HideTools:
			hidden = append(hidden, d.HideTools...)
		case d.Action == policy.Deny && d.Reason == policy.ReasonShape:
			return []string{hidesAll}
		}
	}
	slices.Sort(hidden)
	return slices.Compact(hidden)
}
