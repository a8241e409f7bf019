package rego

import (
	"context"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"github.com/headgate/headgate/policy/rego/content"
)

// store holds data with a read transaction that is never closed. Nothing is
// ever written, so there is nothing that it could block.
type store struct {
	store storage.Store
	txn   storage.Transaction
}

// newStore makes the store of the documents, and checks that no rule stands
// where they have a value.
func newStore(ctx context.Context, c *ast.Compiler, documents []content.Document) (*store, error) {
	root, err := content.Merge(documents)
	if err != nil {
		return nil, err
	}
	db := inmem.NewFromObjectWithOpts(root, inmem.OptReturnASTValuesOnRead(true), inmem.OptRoundTripOnWrite(false))
	txn, err := db.NewTransaction(ctx)
	if err != nil {
		return nil, fmt.Errorf("policy data: %w", err)
	}
	if errs := ast.CheckPathConflicts(c, storage.NonEmpty(ctx, db, txn)); len(errs) > 0 {
		faults := make([]Fault, 0, len(errs))
		for _, e := range errs {
			f := fault(e, "", ast.RegoV1)
			f.Reason += ": a data document has a value there; rename one of them"
			faults = append(faults, f)
		}
		return nil, compileError(faults)
	}
	return &store{store: db, txn: txn}, nil
}
