package enforce

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/headgate/headgate/principal"
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/coding"
)

// Admit governs the request: identity, path, body and the stages of the
// prompt. It answers true when the request may go on, and has then changed it
// (body, headers, credential); otherwise it has answered the client.
//
// reply is what the next handler must write to. It is nil for paths that pass
// unread, and then the next handler writes to the client as it is.
func (x *Exchange) Admit() (reply *Reply, ok bool) {
	defer func() {
		if v := recover(); v != nil {
			x.panicked(v)
			x.refuse(&wire.Refusal{Code: wire.CodeInternal, Reason: internalError})
			reply, ok = nil, false
		}
	}()
	return x.admit()
}

const internalError = "internal error"

// panicked tells the log where, but not with what: a panic's value may hold
// content.
func (x *Exchange) panicked(v any) {
	x.g.cfg.Logger.Error("panic, refusing", "request_id", x.id, "type", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
}

func (x *Exchange) admit() (*Reply, bool) {
	route, routeErr := x.g.cfg.Router.Route(x.r.Method, x.r.URL.EscapedPath())
	x.route = route
	if _, ok := route.Codec().(wire.ToolCodec); ok { // its path holds arguments
		x.endpoint = route.Pattern()
	}
	if ref := x.identify(); ref != nil {
		x.refuse(ref)
		return nil, false
	}
	if x.passes(routeErr) {
		return nil, x.pass()
	}
	if ref := x.checkEnvelope(routeErr); ref != nil {
		x.refuse(ref)
		return nil, false
	}
	body, ref := x.readBody()
	if ref == nil && x.route.Endpoint.Bodyless && !isEmpty(body) {
		ref = &wire.Refusal{Code: wire.CodeInvalidRequest, Reason: "this endpoint takes no body"}
	}
	if ref != nil {
		x.refuse(ref)
		return nil, false
	}
	if x.kind = kindOf(x.route.Codec()); x.kind == nil {
		x.refuse(&wire.Refusal{Code: wire.CodeNotFound, Reason: notGoverned})
		return nil, false
	}
	return x.kind.admit(x, body)
}

// isEmpty tells whether a body says nothing; some clients send an empty object
// where none is wanted.
func isEmpty(body []byte) bool {
	s := string(bytes.TrimSpace(body))
	return s == "" || s == "{}"
}

const notGoverned = "this path is not governed"

// identify finds out who asks. The client's credential is gone afterwards
// where principals are configured.
func (x *Exchange) identify() *wire.Refusal {
	if x.g.cfg.Identify == nil {
		x.who = *principal.Anonymous{}.Principal()
		return nil
	}
	who, err := x.g.cfg.Identify.Identify(x.r)
	principal.StripCredentials(x.r)
	if err == nil && who != nil {
		x.who = *who
		return nil
	}
	reason := "the credential is not known"
	switch {
	case errors.Is(err, principal.ErrNoCredential):
		reason = "no credential"
	case errors.Is(err, principal.ErrTwoCredentials):
		reason = "two credentials that differ"
	}
	return &wire.Refusal{Code: wire.CodeAuthentication, Reason: reason}
}

// passes tells whether the configuration lets the path through unread.
func (x *Exchange) passes(routeErr error) bool {
	path := x.r.URL.EscapedPath()
	governed := !errors.Is(routeErr, wire.ErrUnknownPath) || x.g.cfg.Router.Resembles(path)
	if x.g.cfg.Exempt != nil && x.g.cfg.Exempt(path, governed) {
		return true
	}
	return x.g.cfg.PassUnknown && !governed && !(upgrades(x.r) && x.route.Served != nil)
}

// pass lets a request through unread; the audit says so.
func (x *Exchange) pass() bool {
	rec := x.record("request")
	rec.Decision, rec.Reason, rec.Scanned, rec.RuleLayer = "allow", "passes unread by configuration", "none", "default"
	x.g.cfg.Observer.Decision("request", "allow", "default", 0)
	if ref := x.write(rec); ref != nil {
		x.answer(ref)
		return false
	}
	x.setUpstreamKey()
	return true
}

func upgrades(r *http.Request) bool {
	return r.Header.Get("Upgrade") != "" || r.Method == http.MethodConnect ||
		strings.Contains(strings.ToLower(strings.Join(r.Header.Values("Connection"), ",")), "upgrade")
}

// checkEnvelope refuses everything about a request, short of its body, that is
// not understood.
func (x *Exchange) checkEnvelope(routeErr error) *wire.Refusal {
	invalid := func(reason string) *wire.Refusal {
		return &wire.Refusal{Code: wire.CodeInvalidRequest, Reason: reason}
	}
	if upgrades(x.r) {
		return &wire.Refusal{Code: wire.CodeUpgrade, Reason: "only plain HTTP requests are governed here; do not upgrade"}
	}
	switch {
	case errors.Is(routeErr, wire.ErrUnknownMethod):
		return &wire.Refusal{Code: wire.CodeMethod, Reason: "this method is not governed on this path"}
	case routeErr != nil:
		return &wire.Refusal{Code: wire.CodeNotFound, Reason: notGoverned}
	case x.route.Codec() == nil:
		return &wire.Refusal{Code: wire.CodePolicyDenied, Reason: x.route.Endpoint.Refused}
	}
	if reason := checkQuery(x.r.URL.RawQuery); reason != "" {
		return invalid(reason)
	}
	if reason := checkMediaType(x.route.Endpoint, x.r.Header.Values("Content-Type")); reason != "" {
		return &wire.Refusal{Code: wire.CodeMediaType, Reason: reason}
	}
	coded, err := coding.Of(x.r.Header.Values("Content-Encoding"))
	if err != nil {
		x.w.Header().Set("Accept-Encoding", coding.Supported) // RFC 9110, section 15.5.16
		return &wire.Refusal{Code: wire.CodeMediaType, Reason: err.Error()}
	}
	x.coding = coded
	return nil
}

// checkQuery refuses parameters that could say something the body does not.
func checkQuery(raw string) string {
	if raw == "" {
		return ""
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return "the query cannot be read"
	}
	for name, v := range values {
		if len(v) > 1 && !strings.HasSuffix(name, "[]") { // which says that it is a list
			return "a query parameter is repeated"
		}
		if strings.EqualFold(strings.TrimSuffix(name, "[]"), "model") {
			return "the query names a model"
		}
	}
	return ""
}

func checkMediaType(e *wire.Endpoint, values []string) string {
	if e.Bodyless {
		return ""
	}
	accepted := e.Media
	if len(accepted) == 0 {
		accepted = []string{"application/json"}
	}
	want := "the body must be " + strings.Join(accepted, " or ") + ", in UTF-8"
	if len(values) != 1 {
		return want
	}
	media, params, err := mime.ParseMediaType(values[0])
	if err != nil || !slices.Contains(accepted, media) {
		return want
	}
	if strings.HasPrefix(media, "multipart/") {
		return "" // its parts have types of their own
	}
	for name, v := range params {
		if name != "charset" || !strings.EqualFold(v, "utf-8") {
			return want
		}
	}
	return ""
}
