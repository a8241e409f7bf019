package rego

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"github.com/headgate/headgate/policy"
)

// Policy is one compiled revision. It is immutable and safe for concurrent use.
type Policy struct {
	sum      string
	compiler *ast.Compiler
	store    *store
	queries  map[policy.Stage]*query
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

// settings are the parts of the configuration that a compiled policy holds.
type settings struct {
	packages     []string
	builtins     []string
	defaultAllow map[policy.Stage]bool
	timeout      time.Duration
	maxInput     int
}

// key identifies settings and sources in the process-wide cache.
func (s settings) key(sum string) string {
	var allow []policy.Stage
	for _, st := range policy.Stages() {
		if s.defaultAllow[st] {
			allow = append(allow, st)
		}
	}
	return fmt.Sprintf("%s %q %q %q %d %d", sum, s.packages, s.builtins, allow, s.timeout, s.maxInput)
}

// build compiles files into a policy.
func build(ctx context.Context, files []file, s settings) (*Policy, error) {
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
	c, err := compileWithin(compileLimit, files, caps)
	if err != nil {
		return nil, err
	}
	p := &Policy{
		sum:      sum(files),
		compiler: c.compiler,
		queries:  map[policy.Stage]*query{},
		rows:     findSurfaces(c.compiler, packages),
		settings: s,
	}
	for i, f := range files {
		p.files = append(p.files, FileInfo{Path: f.name, Version: c.versions[i].String(), SHA256: f.sum})
	}
	p.warnings = slices.Concat(c.warnings, shapeWarnings(c.compiler, p.rows, files))
	for _, row := range p.rows {
		if p.queries[row.Stage], err = prepare(c.compiler, row.Stage, row.Surfaces); err != nil {
			return nil, err
		}
	}
	data := inmem.New()
	txn, err := data.NewTransaction(ctx, storage.TransactionParams{})
	if err != nil {
		return nil, fmt.Errorf("policy data: %w", err)
	}
	p.store = &store{store: data, txn: txn}
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
	return p.decide(ctx, q, in, q.parts)
}

// decide evaluates with the given parts of the input.
func (p *Policy) decide(ctx context.Context, q *query, in *policy.Input, want parts) (d policy.Decision) {
	start := time.Now()
	defer func() {
		if r := recover(); r != nil {
			d = policy.Failed(policy.ReasonError, fmt.Sprintf("panic in evaluation: %T", r))
		}
		d.SHA256, d.Eval = p.sum, time.Since(start)
	}()
	var answers []policy.Answer
	if len(q.surfaces) > 0 {
		doc, err := newDocument(in, want, p.settings.maxInput)
		if err == nil {
			answers, err = q.run(ctx, p.store, p.compiler, doc, p.settings.timeout)
		}
		if err != nil {
			return policy.Failed(failure(err))
		}
	}
	return policy.Combine(in.Stage, answers, p.settings.defaultAllow[in.Stage])
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
