package wire

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
)

// Errors of [Router.Route].
var (
	ErrUnknownPath   = errors.New("unknown path")
	ErrUnknownMethod = errors.New("unknown method")
)

// Served is a dialect below a path prefix.
type Served struct {
	Dialect Dialect
	Prefix  string // "/v1"; it may hold wildcards, as an [Endpoint]'s path may
	Name    string // the operator's name for it, may be empty
}

// Route is what a path leads to.
type Route struct {
	Served   *Served
	Endpoint *Endpoint
	Params   Params

	at pattern
}

// Codec is the endpoint's codec; nil where the path is unknown or refused.
func (r Route) Codec() Codec {
	if r.Endpoint == nil {
		return nil
	}
	return r.Endpoint.Codec
}

// Pattern is the route's path with its wildcards.
func (r Route) Pattern() string { return r.at.text }

// Path is the route's path with other parameters. It fails where one of them
// cannot stand in a path as it is.
func (r Route) Path(params Params) (string, error) { return r.at.fill(params) }

// Router finds the endpoint of a request by its method and its exact path.
type Router struct {
	served   []Served
	paths    map[string]*place // without wildcards
	patterns []*place          // with wildcards, those with most literal text first
}

// place is a path with its methods.
type place struct {
	at      pattern
	methods map[string]Route
}

// NewRouter makes a router. Two dialects that claim one path are an error.
func NewRouter(served []Served) (*Router, error) {
	r := &Router{served: served, paths: map[string]*place{}}
	for i := range served {
		s := &served[i]
		list := s.Dialect.Endpoints()
		for j := range list {
			if err := r.add(s, &list[j]); err != nil {
				return nil, err
			}
		}
	}
	slices.SortStableFunc(r.patterns, func(a, b *place) int { return b.at.literal() - a.at.literal() })
	return r, nil
}

func (r *Router) add(s *Served, e *Endpoint) error {
	at := parsePattern(strings.TrimSuffix(s.Prefix, "/") + e.Path)
	p := r.paths[at.text]
	if i := slices.IndexFunc(r.patterns, func(p *place) bool { return p.at.same(at) }); i >= 0 {
		p = r.patterns[i]
	}
	if p == nil {
		p = &place{at: at, methods: map[string]Route{}}
		if at.wild {
			r.patterns = append(r.patterns, p)
		} else {
			r.paths[at.text] = p
		}
	}
	if other, taken := p.methods[e.Method]; taken {
		return fmt.Errorf("%s %s is served twice, as %s and as %s", e.Method, at.text, other.Served.Dialect.Name(), s.Dialect.Name())
	}
	p.methods[e.Method] = Route{Served: s, Endpoint: e, at: at}
	return nil
}

// Route finds the endpoint. escaped is the path as it was sent
// ([net/url.URL.EscapedPath]); a path that needs decoding or cleaning is not
// the same path, and is unknown. The route's Served is set, where there is
// one, also with [ErrUnknownPath] and [ErrUnknownMethod], so that the refusal
// can be written in the nearest dialect.
func (r *Router) Route(method, escaped string) (Route, error) {
	p := r.find(escaped)
	if p == nil {
		return Route{Served: r.nearest(escaped)}, ErrUnknownPath
	}
	if route, ok := p.methods[method]; ok {
		route.Params, _ = route.at.match(escaped)
		return route, nil
	}
	for _, route := range p.methods {
		return Route{Served: route.Served}, ErrUnknownMethod
	}
	return Route{}, ErrUnknownMethod
}

func (r *Router) find(escaped string) *place {
	if p := r.paths[escaped]; p != nil {
		return p
	}
	for _, p := range r.patterns {
		if _, ok := p.at.match(escaped); ok {
			return p
		}
	}
	return nil
}

// Methods lists the methods that a path takes, sorted.
func (r *Router) Methods(escaped string) []string {
	if p := r.find(escaped); p != nil {
		return slices.Sorted(maps.Keys(p.methods))
	}
	return nil
}

// Resembles tells whether some server might take the escaped path for one that
// is governed: after decoding it (more than once), cutting off parameters,
// cleaning it, and without regard to case. Such a path never passes unread.
func (r *Router) Resembles(escaped string) bool {
	for range 4 {
		plain := escaped
		if i := strings.IndexAny(plain, ";\x00?#"); i >= 0 {
			plain = plain[:i]
		}
		plain = path.Clean("/" + strings.ToLower(strings.ReplaceAll(plain, "\\", "/")))
		if r.resembles(plain) {
			return true
		}
		next, err := url.PathUnescape(escaped)
		if err != nil {
			return true // not to be understood
		}
		if next == escaped {
			return false
		}
		escaped = next
	}
	return true
}

// resembles compares a path in lower case.
func (r *Router) resembles(plain string) bool {
	for governed := range r.paths {
		if plain == strings.ToLower(governed) {
			return true
		}
	}
	return slices.ContainsFunc(r.patterns, func(p *place) bool { return p.at.resembles(plain) })
}

func (r *Router) nearest(escaped string) *Served {
	var best *Served
	for i := range r.served {
		s := &r.served[i]
		if parsePattern(s.Prefix).begins(escaped) && (best == nil || len(s.Prefix) > len(best.Prefix)) {
			best = s
		}
	}
	return best
}
