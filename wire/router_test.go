package wire_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/openai"
)

func router(t *testing.T, prefixes ...string) *wire.Router {
	t.Helper()
	var served []wire.Served
	for _, p := range prefixes {
		served = append(served, wire.Served{Dialect: openai.Dialect{}, Prefix: p, Name: p})
	}
	r, err := wire.NewRouter(served)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRoute(t *testing.T) {
	r := router(t, "/v1", "/openai/v1")
	for _, tt := range []struct {
		method, path string
		served       string // the prefix, also of the nearest dialect of a refusal
		err          error
	}{
		{"POST", "/v1/chat/completions", "/v1", nil},
		{"POST", "/openai/v1/chat/completions", "/openai/v1", nil},
		{"PUT", "/v1/chat/completions", "/v1", wire.ErrUnknownMethod},
		{"POST", "/v1/chat/completions/", "/v1", wire.ErrUnknownPath},
		{"POST", "/v1/Chat/completions", "/v1", wire.ErrUnknownPath},
		{"POST", "/v1/%63hat/completions", "/v1", wire.ErrUnknownPath},
		{"POST", "//v1/chat/completions", "", wire.ErrUnknownPath},
		{"POST", "/v1/../v1/chat/completions", "/v1", wire.ErrUnknownPath},
		{"POST", "/v1/unheard/of", "/v1", wire.ErrUnknownPath},
		{"GET", "/", "", wire.ErrUnknownPath},
	} {
		route, err := r.Route(tt.method, tt.path)
		served := ""
		if route.Served != nil {
			served = route.Served.Prefix
		}
		if !errors.Is(err, tt.err) || served != tt.served || (err == nil) != (route.Codec() != nil) {
			t.Errorf("%s %s: %q, %v; want %q, %v", tt.method, tt.path, served, err, tt.served, tt.err)
		}
	}
}

func TestRouterRefusesAPathThatIsServedTwice(t *testing.T) {
	_, err := wire.NewRouter([]wire.Served{{Dialect: openai.Dialect{}, Prefix: "/v1"}, {Dialect: openai.Dialect{}, Prefix: "/v1/"}})
	if err == nil || !strings.Contains(err.Error(), "POST /v1/chat/completions is served twice") {
		t.Errorf("error %v", err)
	}
}

// TestResembles: whatever some server might take for the governed path.
func TestResembles(t *testing.T) {
	r := router(t, "/v1")
	for path, want := range map[string]bool{
		"/v1/chat/completions":               true,
		"/v1//chat/completions":              true,
		"/v1/chat/completions/":              true,
		"/v1/./chat/x/../completions":        true,
		"/V1/Chat/COMPLETIONS":               true,
		"/v1/%63hat/completions":             true,
		"/v1/%2563hat/completions":           true,
		"/v1%2fchat%2Fcompletions":           true,
		"/v1/chat/completions;a=b":           true,
		"/v1/chat/completions%3Fx":           true,
		"/v1/chat/completions%00.png":        true,
		`/v1\chat\completions`:               true,
		"/v1/%zz":                            true, // not to be understood
		"/v1/models":                         true,
		"/v1/nowhere":                        false,
		"/assets/app.js":                     false,
		"/v1/chat/completions/x/messages":    true,
		"/v1/chat/completions/x/nowhere":     false,
		"/prefix/v1/chat/completions":        false,
		"/v1/%25252525252525%36%33hat/nope/": true, // never plain
	} {
		if got := r.Resembles(path); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}

func TestStatusOfEveryCode(t *testing.T) {
	for code, want := range map[wire.Code]int{
		wire.CodePolicyDenied: http.StatusForbidden, wire.CodeApprovalRequired: http.StatusForbidden,
		wire.CodeAuthentication: http.StatusUnauthorized, wire.CodeInvalidRequest: http.StatusBadRequest,
		wire.CodeNotFound: http.StatusNotFound, wire.CodeMethod: http.StatusMethodNotAllowed,
		wire.CodeMediaType: http.StatusUnsupportedMediaType, wire.CodeTooLarge: http.StatusRequestEntityTooLarge,
		wire.CodeUpgrade: http.StatusUpgradeRequired, wire.CodeUnavailable: http.StatusServiceUnavailable,
		wire.CodeUpstream: http.StatusBadGateway, wire.CodeUpstreamTimeout: http.StatusGatewayTimeout,
		wire.CodeInternal: http.StatusInternalServerError, "unheard of": http.StatusInternalServerError,
	} {
		if got := code.Status(); got != want {
			t.Errorf("%s: %d, want %d", code, got, want)
		}
	}
}
