package anthropic

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/headgate/headgate/wire"
)

func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		code   wire.Code
		status int
		kind   string
	}{
		{wire.CodePolicyDenied, 403, "permission_error"},
		{wire.CodeApprovalRequired, 403, "permission_error"},
		{wire.CodeAuthentication, 401, "authentication_error"},
		{wire.CodeInvalidRequest, 400, "invalid_request_error"},
		{wire.CodeNotFound, 404, "not_found_error"},
		{wire.CodeMethod, 405, "invalid_request_error"},
		{wire.CodeMediaType, 415, "invalid_request_error"},
		{wire.CodeTooLarge, 413, "request_too_large"},
		{wire.CodeUnavailable, 503, "api_error"},
		{wire.CodeUpstream, 502, "api_error"},
		{wire.CodeUpstreamTimeout, 504, "timeout_error"},
		{wire.CodeInternal, 500, "api_error"},
	} {
		status, body := Dialect{}.Refuse(wire.Refusal{Code: tt.code, Reason: "a \"reason\"\n"})
		var got struct {
			Type  string
			Error struct{ Type, Message string }
		}
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if status != tt.status || got.Type != "error" || got.Error.Type != tt.kind || got.Error.Message != "a \"reason\"\n" {
			t.Errorf("%s: %d %s", tt.code, status, body)
		}
	}
}

func TestDialect(t *testing.T) {
	h := http.Header{"Anthropic-Beta": {"x"}}
	Dialect{}.SetCredential(h, "key")
	if h.Get("x-api-key") != "key" || h.Get("anthropic-beta") != "x" || len(h) != 2 {
		t.Errorf("headers %v", h)
	}
	r, err := wire.NewRouter([]wire.Served{{Dialect: Dialect{}, Prefix: "/v1/messages"}})
	if err != nil {
		t.Fatal(err)
	}
	for path, protocol := range map[string]string{
		"/v1/messages": "anthropic.messages", "/v1/messages/count_tokens": "anthropic.count_tokens",
		"/v1/messages/": "", "/v1/messages/batches": "anthropic.batches", "/v1/messages/nowhere": "",
	} {
		route, err := r.Route(http.MethodPost, path)
		got := ""
		if err == nil {
			got = route.Codec().Protocol()
		}
		if got != protocol || route.Served == nil {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
}

func TestCountTokens(t *testing.T) {
	r, err := CountTokens{}.Reply([]byte(`{"input_tokens":14,"note":"words"}`))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Texts()) != 1 || len(r.Response().Choices) != 0 || r.Response().Usage != nil {
		t.Errorf("texts %v, response %s", r.Texts(), r.Response().JSON())
	}
	for _, body := range []string{`[]`, `{}`, `{"input_tokens":"14"}`, `{"input_tokens":1,"content":[]}`, `{"Input_tokens":1}`, `{"input_tokens":1`} {
		if _, err := (CountTokens{}).Reply([]byte(body)); err == nil {
			t.Errorf("%s: accepted", body)
		}
	}
	s := CountTokens{}.Stream(wire.StreamOptions{Assemble: true})
	if _, err := s.Event("ping", []byte(`{"type":"ping"}`)); err == nil {
		t.Error("a count that is streamed is accepted")
	}
	if s.Done() || len(s.Response().Choices) > 0 {
		t.Error("a stream that says nothing has said something")
	}
	if _, err := (CountTokens{}).Request(wire.Incoming{Body: []byte(`{"model":"m","messages":[]}`)}); err != nil {
		t.Error(err)
	}
}
