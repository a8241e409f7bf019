package wire

import (
	"errors"
	"fmt"
	"net/url"
	"path"
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
	Prefix  string // "/v1"
	Name    string // the operator's name for it, may be empty
}

// Route is what a path leads to.
type Route struct {
	Served *Served
	Codec  Codec
}

// Router finds the endpoint of a request by its method and its exact path.
type Router struct {
	served []Served
	paths  map[string]map[string]Route // path -> method
}

// NewRouter makes a router. Two dialects that claim one path are an error.
func NewRouter(served []Served) (*Router, error) {
	r := &Router{served: served, paths: map[string]map[string]Route{}}
	for i := range served {
		s := &served[i]
		for _, e := range s.Dialect.Endpoints() {
			at := strings.TrimSuffix(s.Prefix, "/") + e.Path
			if r.paths[at] == nil {
				r.paths[at] = map[string]Route{}
			}
			if other, taken := r.paths[at][e.Method]; taken {
				return nil, fmt.Errorf("%s %s is served twice, as %s and as %s", e.Method, at, other.Served.Dialect.Name(), s.Dialect.Name())
			}
			r.paths[at][e.Method] = Route{Served: s, Codec: e.Codec}
		}
	}
	return r, nil
}

// Route finds the endpoint. escaped is the path as it was sent
// ([net/url.URL.EscapedPath]); a path that needs decoding or cleaning is not
// the same path, and is unknown. The route's Served is set, where there is
// one, also with [ErrUnknownPath] and [ErrUnknownMethod], so that the refusal
// can be written in the nearest dialect.
func (r *Router) Route(method, escaped string) (Route, error) {
	methods, ok := r.paths[escaped]
	if !ok {
		return Route{Served: r.nearest(escaped)}, ErrUnknownPath
	}
	if route, ok := methods[method]; ok {
		return route, nil
	}
	for _, route := range methods {
		return Route{Served: route.Served}, ErrUnknownMethod
	}
	return Route{}, ErrUnknownMethod
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
		for governed := range r.paths {
			if plain == strings.ToLower(governed) {
				return true
			}
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

func (r *Router) nearest(escaped string) *Served {
	var best *Served
	for i := range r.served {
		s := &r.served[i]
		if strings.HasPrefix(escaped, s.Prefix) && (best == nil || len(s.Prefix) > len(best.Prefix)) {
			best = s
		}
	}
	return best
}
