package enforce

import (
	"github.com/headgate/headgate/binding"
	"github.com/headgate/headgate/wire"
)

// Bindings remember which caller made the things that an upstream keeps.
// [binding.Store] is one.
type Bindings interface {
	Bind(kind, id string, owner binding.Owner) error
	Owner(kind, id string) (owner binding.Owner, known bool, err error)
}

var (
	notYours  = &wire.Refusal{Code: wire.CodePolicyDenied, Reason: "the request refers to an id that this caller did not create here"}
	notBound  = &wire.Refusal{Code: wire.CodeUnavailable, Reason: "the reply's id cannot be bound to its caller"}
	notLooked = &wire.Refusal{Code: wire.CodeUnavailable, Reason: "the owner of an id cannot be looked up"}
)

func (x *Exchange) owner() binding.Owner {
	return binding.OwnerOf(x.who.TenantID, x.who.UserID, x.who.AgentID)
}

// owns refuses a request that refers to what another caller made, or nobody
// knows who.
func (x *Exchange) owns(req any) *wire.Refusal {
	r, ok := req.(wire.Referrer)
	if !ok || x.g.cfg.Bindings == nil {
		return nil
	}
	for _, id := range r.References() {
		if ref := x.ownsID(id); ref != nil {
			return ref
		}
	}
	return nil
}

// ownsID refuses an id that the caller may not name.
func (x *Exchange) ownsID(id string) *wire.Refusal {
	if x.g.cfg.Bindings == nil {
		return nil
	}
	owner, known, err := x.g.cfg.Bindings.Owner(x.route.Served.Dialect.Name(), id)
	switch {
	case err != nil:
		x.g.cfg.Logger.Error("the owner of an id cannot be looked up, refusing", "request_id", x.id, "error", err)
		return notLooked
	case known && owner != x.owner(), !known && !x.g.cfg.AllowForeignIDs:
		return notYours
	}
	return nil
}

// binds notes that what a reply speaks of belongs to the caller, before the
// caller sees it. from is how many of its ids were bound before.
func (x *Exchange) binds(c wire.Creator, from int) (bound int, ref *wire.Refusal) {
	if c == nil || x.g.cfg.Bindings == nil {
		return from, nil
	}
	ids := c.Created()
	for _, id := range ids[min(from, len(ids)):] {
		if err := x.g.cfg.Bindings.Bind(x.route.Served.Dialect.Name(), id, x.owner()); err != nil {
			x.g.cfg.Logger.Error("an id cannot be bound, refusing", "request_id", x.id, "error", err)
			return from, notBound
		}
	}
	return len(ids), nil
}
