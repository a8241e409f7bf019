package wire_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/wire"
)

// paths is a dialect that has nothing but paths: "POST /a/{b}".
type paths []string

func (paths) Name() string                        { return "paths" }
func (paths) SetCredential(http.Header, string)   {}
func (paths) Refuse(r wire.Refusal) (int, []byte) { return r.Code.Status(), nil }
func (p paths) Endpoints() (list []wire.Endpoint) {
	for _, s := range p {
		method, path, _ := strings.Cut(s, " ")
		list = append(list, wire.Endpoint{Method: method, Path: path, Codec: codec(s)})
	}
	return list
}

// codec is one that is known by its path.
type codec string

func (c codec) Protocol() string { return string(c) }

func patterns(t *testing.T, prefix string, list ...string) *wire.Router {
	t.Helper()
	r, err := wire.NewRouter([]wire.Served{{Dialect: paths(list), Prefix: prefix}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPatternsMatch(t *testing.T) {
	const generate = "POST /models/{model}:generateContent"
	for _, tt := range []struct {
		name, pattern, path string
		want                wire.Params // nil: no match
	}{
		{"a whole segment", "POST /files/{id}", "/v1/files/f-1", wire.Params{"id": "f-1"}},
		{"text behind it", generate, "/v1/models/gemini-2.5:generateContent", wire.Params{"model": "gemini-2.5"}},
		{"text before it", "POST /x-{id}-y", "/v1/x-1-y", wire.Params{"id": "1"}},
		{"two of them", "POST /a/{b}/c/{d}", "/v1/a/1/c/2", wire.Params{"b": "1", "d": "2"}},
		{"the longest stands for it", generate, "/v1/models/a:generateContent:generateContent", wire.Params{"model": "a:generateContent"}},
		{"sub-delimiters", "POST /files/{id}", "/v1/files/a!$&'()*+,=:@~_", wire.Params{"id": "a!$&'()*+,=:@~_"}},
		{"nothing", "POST /files/{id}", "/v1/files/", nil},
		{"nothing before the text", generate, "/v1/models/:generateContent", nil},
		{"overlapping texts", "POST /ab{id}ba", "/v1/aba", nil},
		{"a further segment", "POST /files/{id}", "/v1/files/a/b", nil},
		{"a segment less", "POST /files/{id}", "/v1/files", nil},
		{"a trailing slash", "POST /files/{id}", "/v1/files/a/", nil},
		{"an escape", "POST /files/{id}", "/v1/files/a%62", nil},
		{"an escaped slash", "POST /files/{id}", "/v1/files/a%2Fb", nil},
		{"a path parameter", "POST /files/{id}", "/v1/files/a;b", nil},
		{"a dot segment", "POST /files/{id}", "/v1/files/.", nil},
		{"two dots", "POST /files/{id}", "/v1/files/..", nil},
		{"three are a name", "POST /files/{id}", "/v1/files/...", wire.Params{"id": "..."}},
		{"another case", generate, "/v1/models/a:GenerateContent", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			route, err := patterns(t, "/v1", tt.pattern).Route("POST", tt.path)
			if tt.want == nil {
				if !errors.Is(err, wire.ErrUnknownPath) {
					t.Errorf("%s leads to %v, %v", tt.path, route.Params, err)
				}
				return
			}
			if diff := cmp.Diff(tt.want, route.Params); diff != "" || err != nil {
				t.Errorf("%s: %v (-want +got)\n%s", tt.path, err, diff)
			}
		})
	}
}

// TestPatternsPrecedence: a path without wildcards comes first, then the one
// with most literal text, in whichever order they are listed.
func TestPatternsPrecedence(t *testing.T) {
	list := []string{"GET /tasks/{id}", "POST /tasks/{id}:cancel", "GET /tasks/all", "GET /{tenant}/{id}", "DELETE /tasks/{id}"}
	backwards := []string{list[4], list[3], list[2], list[1], list[0]}
	for _, l := range [][]string{list, backwards} {
		r := patterns(t, "/v1", l...)
		for _, tt := range []struct {
			method, path, want string
			err                error
		}{
			{"GET", "/v1/tasks/all", "GET /tasks/all", nil},
			{"GET", "/v1/tasks/k", "GET /tasks/{id}", nil},
			{"DELETE", "/v1/tasks/k", "DELETE /tasks/{id}", nil},
			{"POST", "/v1/tasks/k:cancel", "POST /tasks/{id}:cancel", nil},
			{"GET", "/v1/tasks/k:cancel", "", wire.ErrUnknownMethod},
			{"DELETE", "/v1/tasks/all", "", wire.ErrUnknownMethod},
			{"GET", "/v1/other/k", "GET /{tenant}/{id}", nil},
			{"POST", "/v1/other/k", "", wire.ErrUnknownMethod},
		} {
			route, err := r.Route(tt.method, tt.path)
			if c, _ := route.Codec().(codec); string(c) != tt.want || !errors.Is(err, tt.err) || route.Served == nil {
				t.Errorf("%s %s leads to %q, %v; want %q, %v", tt.method, tt.path, c, err, tt.want, tt.err)
			}
		}
		if diff := cmp.Diff([]string{"DELETE", "GET"}, r.Methods("/v1/tasks/k")); diff != "" {
			t.Errorf("methods (-want +got)\n%s", diff)
		}
	}
}

func TestPatternsInThePrefix(t *testing.T) {
	r := patterns(t, "/openai/deployments/{model}", "POST /chat/completions")
	route, err := r.Route("POST", "/openai/deployments/gpt/chat/completions")
	if err != nil || route.Params["model"] != "gpt" {
		t.Errorf("%v, %v", route.Params, err)
	}
	route, err = r.Route("POST", "/openai/deployments/gpt/else")
	if !errors.Is(err, wire.ErrUnknownPath) || route.Served == nil {
		t.Errorf("the nearest dialect of an unknown path is %v, %v", route.Served, err)
	}
	if route, _ := r.Route("POST", "/openai/deployments"); route.Served != nil {
		t.Errorf("a part of the prefix is near to %v", route.Served.Prefix)
	}
}

func TestRoutePath(t *testing.T) {
	r := patterns(t, "/v1", "POST /models/{model}:generate/{x}")
	route, err := r.Route("POST", "/v1/models/a:generate/b")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		model, want string // "" for an error
	}{
		{"c", "/v1/models/c:generate/b"},
		{"ft:c@1", "/v1/models/ft:c@1:generate/b"},
		{"", ""},
		{".", ""},
		{"..", ""},
		{"a/b", ""},
		{"a%2Fb", ""},
		{"a%", ""},
		{"a?b", ""},
		{"a#b", ""},
		{"a;b", ""},
		{"a b", ""},
		{"a\\b", ""},
		{"é", ""},
	} {
		got, err := route.Path(wire.Params{"model": tt.model, "x": "b"})
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("with %q: %q, %v", tt.model, got, err)
		}
	}
}

func TestPatternsResemble(t *testing.T) {
	r := patterns(t, "/v1", "POST /models/{model}:generate", "GET /files/{id}")
	for _, tt := range []struct {
		path string
		want bool
	}{
		{"/v1/models/a:generate", true},
		{"/V1/Models/A:Generate", true},
		{"/v1/models/a%3Agenerate", true},
		{"/v1/models/a%253Agenerate", true},
		{"/v1//models/a:generate", true},
		{"/v1/x/../models/a:generate/", true},
		{"/v1/models/a:generate;x=y", true},
		{"/v1/files/a%20b", true},
		{"/v1/files/..%2f..%2fv1%2ffiles%2fa", true},
		{"/v1\\files\\a", true},
		{"/v1/models/a:other", false},
		{"/v1/files", false},
		{"/v1/files/a/b", false},
		{"/health", false},
	} {
		if got := r.Resembles(tt.path); got != tt.want {
			t.Errorf("%s resembles a governed path: %t", tt.path, got)
		}
	}
}

// TestPatternsServedTwice: two patterns for the same paths are one place,
// whatever their wildcards are called.
func TestPatternsServedTwice(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		err  bool
	}{
		{"GET /files/{id}", "GET /files/{file}", true},
		{"GET /files/{id}", "DELETE /files/{file}", false},
		{"GET /files/{id}", "GET /files/{id}:x", false},
		{"GET /files/{id}", "GET /files/all", false},
		{"GET /files/{id}", "GET /files/{id}/{part}", false},
	} {
		_, err := wire.NewRouter([]wire.Served{{Dialect: paths{tt.a}, Prefix: "/v1"}, {Dialect: paths{tt.b}, Prefix: "/v1/"}})
		if (err != nil) != tt.err || err != nil && !strings.Contains(err.Error(), "is served twice") {
			t.Errorf("%s and %s: %v", tt.a, tt.b, err)
		}
	}
	r, err := wire.NewRouter([]wire.Served{{Dialect: paths{"GET /files/{id}"}, Prefix: "/v1"}, {Dialect: paths{"DELETE /files/{file}"}, Prefix: "/v1"}})
	if err != nil {
		t.Fatal(err)
	}
	for method, name := range map[string]string{"GET": "id", "DELETE": "file"} {
		if route, err := r.Route(method, "/v1/files/f"); err != nil || route.Params[name] != "f" {
			t.Errorf("%s: %v, %v", method, route.Params, err)
		}
	}
}
