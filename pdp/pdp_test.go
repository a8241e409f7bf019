package pdp_test

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/headgate/headgate/pdp"
	"github.com/headgate/headgate/policy"
)

func TestNew(t *testing.T) {
	p, log := &rules{}, &book{}
	for name, cfg := range map[string]pdp.Config{
		"no policy":    {Audit: log},
		"no audit":     {Policy: p},
		"an empty key": {Policy: p, Audit: log, Keys: [][]byte{[]byte("k"), {}}},
	} {
		if h, err := pdp.New(cfg); err == nil || h != nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestServes(t *testing.T) {
	for path, want := range map[string]bool{
		"/pdp/health": true, "/pdp/policy": true, "/pdp/policy?x=1": true,
		"/v1/data/cullis/policy/session": true, "/v1/data/cullis/policy/tool_call": true, "/v1/data/tako/policy": true,
		"/v1/data/anything/else": true, "/v1/data/": true, "/v1/integrations/cloudevents": true,

		"/": false, "/pdp": false, "/pdp/": false, "/pdp/policy/": false, "/pdp//policy": false, "//pdp/policy": false,
		"/pdp%2fpolicy": false, "/pdp/polic%79": false, "/PDP/policy": false, "/pdp/Policy": false, "/pdp/health/": false,
		"/v1/data": false, "/v1%2fdata/x": false, "/V1/data/x": false, "/v1//data/x": false,
		"/v1/integrations/cloudevents/": false, "/v1/integrations/": false, "/v1/chat/completions": false,
	} {
		h := handler(t, &rules{}, &book{}, nil)
		if got := h.Serves(httptest.NewRequest(http.MethodPost, path, nil)); got != want {
			t.Errorf("%s: served %v", path, got)
		}
		if want {
			continue
		}
		w := ask(h, path, sessionBody)
		refused(t, w, http.StatusNotFound, "no such endpoint")
	}
}

func TestHealth(t *testing.T) {
	log := &book{}
	h := handler(t, &rules{}, log, func(c *pdp.Config) { c.Anonymous = false })
	for method, body := range map[string]string{http.MethodGet: `{"status":"ok"}`, http.MethodHead: ""} {
		w := httptest.NewRecorder()
		h.Handle(w, httptest.NewRequest(method, "/pdp/health", nil), "")
		says(t, w, http.StatusOK, body)
	}
	if len(log.lines) != 0 {
		t.Errorf("health is audited: %+v", log.lines)
	}
}

func TestMethods(t *testing.T) {
	for path, allow := range map[string]string{
		"/pdp/health": "GET, HEAD", "/pdp/policy": "POST", "/v1/data/cullis/policy/session": "POST",
		"/v1/data/x": "POST", "/v1/integrations/cloudevents": "POST",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodPost, http.MethodOptions} {
			if strings.Contains(allow, method) {
				continue
			}
			log := &book{}
			w := httptest.NewRecorder()
			handler(t, &rules{}, log, nil).Handle(w, httptest.NewRequest(method, path, nil), "")
			refused(t, w, http.StatusMethodNotAllowed, "method")
			if got := w.Header().Get("Allow"); got != allow {
				t.Errorf("%s %s: Allow %q", method, path, got)
			}
			if rec := log.one(t); rec.Stage != "request" || rec.Decision != "deny" || log.refusals != 1 {
				t.Errorf("line %+v", rec)
			}
		}
	}
}

func TestBodies(t *testing.T) {
	big := strings.Repeat(" ", 1000)
	tests := []struct {
		name, body string
		headers    []string
		status     int
		message    string
	}{
		{"no media type", sessionBody, []string{"Content-Type", ""}, 415, "application/json"},
		{"another media type", sessionBody, []string{"Content-Type", "text/plain"}, 415, "application/json"},
		{"another charset", sessionBody, []string{"Content-Type", "application/json; charset=utf-16"}, 415, "UTF-8"},
		{"compressed", sessionBody, []string{"Content-Encoding", "gzip"}, 415, "Content-Encoding"},
		{"over the limit", sessionBody + big, nil, 413, "over the limit of 1000 bytes"},
		{"empty", "", nil, 400, "truncated at byte 0"},
		{"a list", "[]", nil, 400, "object"},
		{"a duplicate", `{"session_context":"initiator","session_context":"target"}`, nil, 400, "duplicate key at byte 31"},
		{"a case variant", strings.Replace(sessionBody, "target_org_id", "Target_org_id", 1), nil, 400, "differs from a known field by case"},
		{"trailing", sessionBody + "{}", nil, 400, "trailing data"},
		{"a null", strings.Replace(sessionBody, `"orgb"`, "null", 1), nil, 400, "target_org_id must be a string"},
		{"a number", strings.Replace(sessionBody, `"orga::a"`, "7", 1), nil, 400, "initiator_agent_id must be a string"},
		{"a missing id", strings.Replace(sessionBody, "target_agent_id", "target", 1), nil, 400, "target_agent_id is missing"},
		{"an empty id", strings.Replace(sessionBody, "orgb::b", "", 1), nil, 400, "target_agent_id is missing"},
		{"another context", strings.Replace(sessionBody, `"initiator",`, `"both",`, 1), nil, 400, "session_context must be initiator or target"},
		{"no context", `{"initiator_agent_id":"a","target_agent_id":"b"}`, nil, 400, "session_context is missing"},
		{"capabilities are a string", strings.Replace(sessionBody, `["kyc.read"]`, `"kyc.read"`, 1), nil, 400, "capabilities must be a list of strings"},
		{"a capability is a number", strings.Replace(sessionBody, `["kyc.read"]`, `[1]`, 1), nil, 400, "capabilities must be a list of strings"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			log := &book{}
			h := handler(t, &rules{}, log, func(c *pdp.Config) { c.MaxBody = 1000 })
			w := ask(h, "/pdp/policy", tt.body, tt.headers...)
			refused(t, w, tt.status, tt.message)
			rec := log.one(t)
			var answer struct{ Error struct{ Message string } }
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || rec.Reason != answer.Error.Message {
				t.Errorf("line says %q, answer %s", rec.Reason, w.Body)
			}
			if rec.Stage != "request" || rec.Protocol != "pdp" || rec.Endpoint != "/pdp/policy" || rec.RequestID != w.Header().Get(pdp.RequestIDHeader) {
				t.Errorf("line %+v", rec)
			}
		})
	}
}

// endless is a body without an end that counts what was read of it.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	e.read += len(p)
	return len(p), nil
}

func TestReadsNoMoreThanTheLimit(t *testing.T) {
	h := handler(t, &rules{}, &book{}, nil)
	body := &endless{}
	r := httptest.NewRequest(http.MethodPost, "/v1/data/x", io.NopCloser(body))
	r.ContentLength = -1
	w := httptest.NewRecorder()
	h.Handle(w, r, "")
	refused(t, w, http.StatusRequestEntityTooLarge, "1000000 bytes")
	if body.read > pdp.DefaultMaxBody+64<<10 {
		t.Errorf("%d bytes were read", body.read)
	}
	r.ContentLength, body.read = pdp.DefaultMaxBody+1, 0
	w = httptest.NewRecorder()
	h.Handle(w, r, "")
	refused(t, w, http.StatusRequestEntityTooLarge, "")
	if body.read != 0 {
		t.Errorf("%d bytes were read of a body that says it is too long", body.read)
	}
}

func TestBodyThatBreaksOff(t *testing.T) {
	broken := io.MultiReader(strings.NewReader(sessionBody), iotestErr{})
	r := httptest.NewRequest(http.MethodPost, "/pdp/policy", broken)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	handler(t, &rules{}, &book{}, nil).Handle(w, r, "")
	refused(t, w, http.StatusBadRequest, "broke off")
}

type iotestErr struct{}

func (iotestErr) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestUnknownDocuments(t *testing.T) {
	for _, path := range []string{
		"/v1/data/", "/v1/data/x", "/v1/data/cullis/policy", "/v1/data/cullis/policy/session/", "/v1/data/cullis/policy/tool%5fcall",
		"/v1/data/Tako/policy", "/v1/data//tako/policy", "/v1/data/atn/session/allow",
	} {
		p, log := &rules{}, &book{}
		says(t, ask(handler(t, p, log, nil), path, `{"input":{}}`), http.StatusOK, `{"result":null}`)
		if rec := log.one(t); rec.Stage != "request" || rec.Decision != "deny" || rec.Endpoint != path || log.refusals != 0 {
			t.Errorf("%s: line %+v", path, rec)
		}
		if p.last.Stage != "" {
			t.Errorf("%s: the policy was asked", path)
		}
	}
	log := &book{}
	h := handler(t, &rules{}, log, func(c *pdp.Config) { c.Anonymous = false })
	refused(t, ask(h, "/v1/data/x", "{}"), http.StatusUnauthorized, "")
	log = &book{}
	ask(handler(t, &rules{}, log, nil), "/v1/data/alice@example.com", "")
	if got := log.one(t).Endpoint; got != "/v1/data/[EMAIL]" {
		t.Errorf("endpoint %q in the log", got)
	}
}

func TestAuditFailureIsNoAnswer(t *testing.T) {
	event := []string{"Ce-Id", "1", "Ce-Source", "s", "Ce-Type", "t", "Ce-Specversion", "1.0"}
	for path, headers := range map[string][]string{
		"/pdp/policy": nil, "/v1/data/x": nil, "/v1/integrations/cloudevents": event, "/nowhere": nil,
	} {
		m := &meter{}
		w := ask(handler(t, &rules{}, &book{fails: true}, func(c *pdp.Config) { c.Observer = m }), path, sessionBody, headers...)
		refused(t, w, http.StatusServiceUnavailable, "cannot be audited")
		if got := strings.Join(m.told, ", "); !strings.HasSuffix(got, "audit failure, refusal unavailable") || strings.Count(got, "audit failure") != 1 {
			t.Errorf("%s: told %q", path, got)
		}
	}
}

func TestPanic(t *testing.T) {
	var out strings.Builder
	log := &book{}
	p := &rules{decide: func(*policy.Input) policy.Decision { panic(errors.New("secret")) }}
	h := handler(t, p, log, func(c *pdp.Config) { c.Logger = slog.New(slog.NewTextHandler(&out, nil)) })
	refused(t, ask(h, "/pdp/policy", sessionBody), http.StatusInternalServerError, "internal error")
	if rec := log.one(t); rec.Stage != "request" || rec.Decision != "deny" || rec.Reason != "internal error" {
		t.Errorf("line %+v", rec)
	}
	if strings.Contains(out.String(), "secret") || !strings.Contains(out.String(), "errors.errorString") {
		t.Errorf("log: %s", out.String())
	}
}

func TestManyAtOnce(t *testing.T) {
	log := &book{}
	p := &rules{needs: policy.FieldsAll, decide: func(in *policy.Input) policy.Decision {
		if in.Stage == policy.PreTool {
			return policy.Decision{Action: policy.RedactArgs, Redact: []policy.Selector{{Spec: "EMAIL"}, {Spec: "lit:" + in.Tool}}}
		}
		return policy.Decision{Action: policy.Deny, Reason: "no"}
	}}
	h := handler(t, p, log, nil)
	var wg sync.WaitGroup
	const workers, each = 8, 50
	for i := range workers {
		wg.Go(func() {
			for j := range each {
				path, body, want := "/pdp/policy", sessionBody, `{"decision":"deny","reason":"no"}`
				if (i+j)%2 == 0 {
					path, body = "/v1/data/tako/policy", `{"input":{"stage":"pre_tool","tool":"t","args":{"to":"a@example.com"}}}`
					want = `{"result":{"decision":"redact_args","mask":["EMAIL","lit:t"]}}`
				}
				if w := ask(h, path, body); w.Body.String() != want {
					t.Errorf("answer %s, want %s", w.Body, want)
				}
			}
		})
	}
	wg.Wait()
	if len(log.lines) != workers*each {
		t.Errorf("%d lines", len(log.lines))
	}
}
