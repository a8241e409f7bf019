package rego

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/rego/content"
)

// Policy is one compiled revision. It is immutable and safe for concurrent use.
type Policy struct {
	sum      string
	compiler *ast.Compiler
	store    *store
	queries  map[policy.Stage]*query
	hiding   *query // see Hidden
	rows     []Row
	files    []FileInfo
	warnings []Warning
	settings settings
}

// FileInfo tells how a file was read.
type FileInfo struct {
	Path    string // as it was first opened
	Version string // "v0" or "v1"
	SHA256  string // lower-case hex, of the file's bytes
}

// build compiles what a policy is made of.
func build(ctx context.Context, from *content.Content, s settings) (*Policy, error) {
	files := from.Files
	caps, err := capabilities(s.builtins)
	if err != nil {
		return nil, err
	}
	packages := make([]ast.Ref, 0, len(s.packages))
	for _, name := range s.packages {
		ref, err := packageRef(name)
		if err != nil {
			return nil, err
		}
		packages = append(packages, ref)
	}
	caps.AllowNet = append(caps.AllowNet, s.allowNet...)
	c, err := compileWithin(compileLimit, files, caps)
	if err != nil {
		return nil, err
	}
	p := &Policy{
		sum:      from.Sum(),
		compiler: c.compiler,
		queries:  map[policy.Stage]*query{},
		rows:     findSurfaces(c.compiler, packages),
		settings: s,
	}
	for i, f := range files {
		p.files = append(p.files, FileInfo{Path: f.Name, Version: c.versions[i].String(), SHA256: f.Sum})
	}
	p.warnings = slices.Concat(c.warnings, shapeWarnings(c.compiler, p.rows, files))
	for _, row := range p.rows {
		if p.queries[row.Stage], err = prepare(c.compiler, row.Stage, row.Surfaces); err != nil {
			return nil, err
		}
	}
	if p.hiding, err = hiding(c.compiler, p.rows); err != nil {
		return nil, err
	}
	if p.store, err = newStore(ctx, c.compiler, from.Documents); err != nil {
		return nil, err
	}
	return p, nil
}

// Decide answers for one stage. See [policy.Policy].
func (p *Policy) Decide(ctx context.Context, in *policy.Input) policy.Decision {
	q := p.queries[in.Stage]
	if q == nil {
		return policy.Decision{
			Action: policy.Deny, Reason: policy.ReasonUncovered, Detail: "unknown stage",
			Layer: policy.LayerDefault, SHA256: p.sum,
		}
	}
	if q.memo == nil || ctx.Err() != nil {
		d, _ := p.decide(ctx, q, in, q.parts)
		return d
	}
	start := time.Now()
	k := keys.Get().(*key)
	defer keys.Put(k)
	if !k.set(in, q.parts) {
		d, _ := p.decide(ctx, q, in, q.parts)
		return d
	}
	if d := q.memo.get(k); d != nil {
		remembered := *d
		remembered.Remembered, remembered.Eval = true, time.Since(start)
		return remembered
	}
	d, whole := p.decide(ctx, q, in, q.parts)
	if whole {
		q.memo.put(k, d)
	}
	return d
}

// decide evaluates with the given parts of the input. whole tells that the
// evaluation came to its end, so that the answer depends on the input alone.
func (p *Policy) decide(ctx context.Context, q *query, in *policy.Input, want parts) (d policy.Decision, whole bool) {
	start := time.Now()
	defer func() {
		if r := recover(); r != nil {
			d, whole = policy.Failed(policy.ReasonError, fmt.Sprintf("panic in evaluation: %T", r)), false
		}
		d.SHA256, d.Eval = p.sum, time.Since(start)
	}()
	var answers []policy.Answer
	if len(q.surfaces) > 0 {
		var err error
		if answers, err = q.run(ctx, p, in, want); err != nil {
			return policy.Failed(failure(err)), false
		}
	}
	return policy.Combine(in.Stage, answers, p.settings.defaultAllow[in.Stage]), true
}

// Remembers tells whether the decisions of a stage are remembered: its rules
// reach no built-in function that depends on more than its arguments, and read
// neither the request's id nor its time.
func (p *Policy) Remembers(s policy.Stage) bool {
	q := p.queries[s]
	return q != nil && q.memo != nil
}

// Needs tells which computed parts of the input a stage can reach.
func (p *Policy) Needs(s policy.Stage) policy.Fields {
	if q := p.queries[s]; q != nil {
		return q.parts.fields() & available(s)
	}
	return 0
}

// SHA256 is the policy's hash: of the file's bytes for one file, else over the
// sorted lines "path NUL sha256 LF".
func (p *Policy) SHA256() string { return p.sum }

// Table lists what each stage asks, in the order of policy.Stages.
func (p *Policy) Table() []Row {
	rows := slices.Clone(p.rows)
	for i := range rows {
		rows[i].Surfaces = slices.Clone(rows[i].Surfaces)
	}
	return rows
}

// Files lists the files with the version that each was read as.
func (p *Policy) Files() []FileInfo { return slices.Clone(p.files) }

// Warnings lists what the authors of the files should know.
func (p *Policy) Warnings() []Warning { return slices.Clone(p.warnings) }

var _ policy.Policy = (*Policy)(nil)
