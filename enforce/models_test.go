package enforce_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/headgate/headgate/enforce"
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/redact"
)

func get(path string) *http.Request {
	return httptest.NewRequest(http.MethodGet, "/v1"+path, http.NoBody)
}

// probed is a policy that can be asked what is hopeless.
type probed struct {
	rules
	models []string // that are
}

func (p probed) Hopeless(_ context.Context, in *policy.Input, unknown policy.Fields) bool {
	return in.Stage == policy.PreChat && unknown.Has(policy.FieldMessages|policy.FieldFindings) && slices.Contains(p.models, in.Model)
}
func (p probed) Hidden(context.Context, *policy.Input) []string { return nil }
func (p probed) Current() policy.Policy                         { return p }

func TestModelsThatAreHopelessAreNotListed(t *testing.T) {
	const list = `{"object":"list", "data":[ {"id":"a"} ,{"id":"b","owned_by":"alice@example.com"},{"id":"c"}],"first_id":"a","has_more":false,"last_id":"c"}`
	for _, c := range []struct {
		hopeless []string
		reply    string
		want     string
	}{
		{nil, list, list},
		{[]string{"a"}, list, `{"object":"list", "data":[{"id":"b","owned_by":"alice@example.com"},{"id":"c"}],"first_id":"b","has_more":false,"last_id":"c"}`},
		{[]string{"b", "c"}, list, `{"object":"list", "data":[{"id":"a"}],"first_id":"a","has_more":false,"last_id":"a"}`},
		{[]string{"a", "b", "c"}, list, `{"object":"list", "data":[],"first_id":null,"has_more":false,"last_id":null}`},
		{[]string{"b"}, `[{"id":"a"},{"id":"b"}]`, `[{"id":"a"}]`},
	} {
		log := &book{}
		g := gate(t, rules{}, log, func(cfg *enforce.Config) { cfg.Policy = probed{models: c.hopeless} })
		w := exchange(g, get("/models"), jsonReply(200, c.reply))
		if w.Code != 200 || w.Body.String() != c.want || log.story() != "request allow, outcome complete" {
			t.Errorf("without %q: %d %s, audit %s", c.hopeless, w.Code, w.Body, log.story())
		}
	}
}

func TestAListWithoutAProberIsRedactedAndWhole(t *testing.T) {
	g := gate(t, rules{}, &book{}, func(c *enforce.Config) { c.Redact.Response = []redact.Selector{{Spec: "EMAIL"}} })
	w := exchange(g, get("/models"), jsonReply(200, `{"data":[{"id":"b","owned_by":"alice@example.com"}]}`))
	if want := `{"data":[{"id":"b","owned_by":"[EMAIL]"}]}`; w.Body.String() != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestAModelThatIsHopelessIsUnknown(t *testing.T) {
	policies := func(cfg *enforce.Config) { cfg.Policy = probed{models: []string{"b"}} }
	const unknown = `{"error":{"message":"the model does not exist, or you have no access to it","type":"invalid_request_error","param":null,"code":"not_found"}}`
	log := &book{}
	w := exchange(gate(t, rules{}, log, policies), get("/models/b"), func(*enforce.Reply, *http.Request) error {
		t.Error("it went upstream")
		return nil
	})
	if w.Code != http.StatusNotFound || w.Body.String() != unknown || log.story() != "request deny" {
		t.Errorf("%d %s, audit %s", w.Code, w.Body, log.story())
	}
	log = &book{}
	w = exchange(gate(t, rules{}, log, policies), get("/models/alias"), jsonReply(200, `{"id":"b"}`))
	if w.Code != http.StatusNotFound || w.Body.String() != unknown {
		t.Errorf("under another name: %d %s", w.Code, w.Body)
	}
	w = exchange(gate(t, rules{}, log, policies), get("/models/a"), jsonReply(200, `{"id":"a"}`))
	if w.Code != 200 || w.Body.String() != `{"id":"a"}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestAListThatIsNotUnderstood(t *testing.T) {
	for _, reply := range []string{`{}`, `{"data":{}}`, `{"data":[1]}`, `{"data":[{"name":"x"}]}`, `{"data":[],"Data":[{"id":"x"}]}`, `{"data":[{"id":"a","ID":"b"}]}`, `"x"`, `{`} {
		if w := exchange(gate(t, rules{}, &book{}, nil), get("/models"), jsonReply(200, reply)); w.Code != http.StatusBadGateway {
			t.Errorf("%s: %d %s", reply, w.Code, w.Body)
		}
	}
}

func TestRefusedFamilies(t *testing.T) {
	for path, want := range map[string]string{
		"/threads":                    "the Assistants API is not governed",
		"/threads/t/runs/r/steps/s":   "the Assistants API is not governed",
		"/uploads/u/parts":            "uploads in parts cannot be decided as a whole; send the file to /files",
		"/chat/completions/c":         "completions that the provider stores are not governed",
		"/vector_stores/v/search":     "vector stores are not governed",
		"/realtime/calls/c/accept":    "realtime sessions are not governed",
		"/fine_tuning/jobs/j/events":  "fine-tuning is not governed",
		"/videos/characters/c":        "videos are not governed",
		"/content_provenance_checks":  "content provenance checks are not governed",
		"/chat/completions/c/x/y/z/a": "this path is not governed",
	} {
		log := &book{}
		w := exchange(gate(t, rules{}, log, nil), get(path), nil)
		if log.lines[0].Reason != want || w.Code != 403 && w.Code != 404 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}
