package enforce

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/headgate/headgate/wire"
)

// kept are ids of things that a server keeps.
type kept []string

// References are the ids.
func (k kept) References() []string { return k }

// Created are the ids.
func (k kept) Created() []string { return k }

// sessions are the ids of sessions in a header and a query.
func (k *rpcKind) sessions(h http.Header, query url.Values) kept {
	if c, ok := k.codec.(wire.SessionCodec); ok {
		return c.Sessions(h, query)
	}
	return nil
}

// owns refuses a message in another caller's session, or about what another
// caller made.
func (k *rpcKind) owns(x *Exchange) *wire.Refusal {
	return x.owns(slices.Concat(k.sessions(x.r.Header, x.r.URL.Query()), k.asked.Refers))
}

// opens notes that the session which a reply's header names is the caller's.
func (k *rpcKind) opens(p *Reply) *wire.Refusal {
	_, ref := p.x.binds(k.sessions(p.x.w.Header(), nil), 0)
	return ref
}

// opensAt notes the same of the session in the address where a client is to
// send its messages.
func (k *rpcKind) opensAt(x *Exchange, address string) *wire.Refusal {
	u, err := url.Parse(address)
	if err != nil {
		return notUnderstood
	}
	_, ref := x.binds(k.sessions(nil, u.Query()), 0)
	return ref
}

// Interface guards
var (
	_ wire.Referrer = kept(nil)
	_ wire.Creator  = kept(nil)
)
