package enforce_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/headgate/headgate/enforce"
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/redact"
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/anthropic"
)

func anthropicGate(t testing.TB, p rules, log *book, change func(*enforce.Config)) *enforce.Gate {
	t.Helper()
	return gate(t, p, log, func(c *enforce.Config) {
		router, err := wire.NewRouter([]wire.Served{{Dialect: anthropic.Dialect{}, Prefix: "/v1/messages"}})
		if err != nil {
			t.Fatal(err)
		}
		c.Router, c.Fallback = router, anthropic.Dialect{}
		if change != nil {
			change(c)
		}
	})
}

func TestMessageBatches(t *testing.T) {
	const body = `{"requests":[{"custom_id":"alice@example.com","params":{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"to bob@example.com"}]}},{"custom_id":"2","params":{"model":"%s","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}}]}`
	const reply = `{"id":"msgbatch_1","type":"message_batch","processing_status":"in_progress"}`
	p := rules{decide: func(in *policy.Input) policy.Decision {
		if in.Model == "bad" {
			return policy.Decision{Action: policy.Deny, Reason: "no"}
		}
		return policy.Decision{}
	}}
	log := &book{}
	g := func(log *book) *enforce.Gate {
		return anthropicGate(t, p, log, func(c *enforce.Config) { c.Redact.Request = []redact.Selector{{Spec: "EMAIL"}} })
	}
	w := exchange(g(log), post("/messages/batches", fmt.Sprintf(body, "n")), func(p *enforce.Reply, r *http.Request) error {
		var got strings.Builder
		if _, err := copyBody(&got, r); err != nil {
			return err
		}
		want := strings.NewReplacer("alice@example.com", "[EMAIL]", "bob@example.com", "[EMAIL]").Replace(fmt.Sprintf(body, "n"))
		if got.String() != want {
			t.Errorf("upstream got %s", got.String())
		}
		return jsonReply(200, reply)(p, r)
	})
	if w.Code != 200 || log.story() != "pre_chat redact_messages, pre_chat allow, request redact_messages, outcome complete" {
		t.Errorf("%d %s, audit %s", w.Code, w.Body, log.story())
	}
	log = &book{}
	w = exchange(g(log), post("/messages/batches", fmt.Sprintf(body, "bad")), nil)
	if w.Code != 403 || !strings.Contains(w.Body.String(), `"requests[1]: no"`) || log.story() != "pre_chat redact_messages, pre_chat deny" {
		t.Errorf("%d %s, audit %s", w.Code, w.Body, log.story())
	}
	for _, bad := range []string{`{}`, `{"requests":[]}`, `{"requests":[{}]}`, `{"requests":[{"params":{}}]}`, `{"requests":[{"params":{"model":"m"},"Params":{}}]}`, `{"requests":[],"Requests":[]}`} {
		if w := exchange(g(&book{}), post("/messages/batches", bad), nil); w.Code != 400 {
			t.Errorf("%s: %d %s", bad, w.Code, w.Body)
		}
	}
}

func TestResultsOfMessageBatches(t *testing.T) {
	const line = `{"custom_id":"%d","result":{"type":"succeeded","message":{"id":"msg","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":%q}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2}}}}`
	const expired = `{"custom_id":"3","result":{"type":"expired"}}`
	p := rules{
		needs: map[policy.Stage]policy.Fields{policy.PostChat: policy.FieldResponse},
		decide: func(in *policy.Input) policy.Decision {
			if strings.Contains(string(in.Response), "launch") {
				return policy.Decision{Action: policy.Deny, Reason: "no"}
			}
			return policy.Decision{}
		},
	}
	log := &book{}
	body := fmt.Sprintf(line, 1, "I am alice@example.com") + "\n" + fmt.Sprintf(line, 2, "launch") + "\n" + expired + "\n"
	w := exchange(anthropicGate(t, p, log, withRedaction("EMAIL")), get("/messages/batches/msgbatch_1/results"), textReply(body))
	want := fmt.Sprintf(line, 1, "I am [EMAIL]") + "\n" +
		`{"custom_id":"2","result":{"type":"errored","error":{"type":"error","error":{"type":"permission_error","message":"no"},"request_id":null}}}` + "\n" + expired + "\n"
	if w.Code != 200 || w.Body.String() != want {
		t.Errorf("%d\n got %s\nwant %s", w.Code, w.Body, want)
	}
	for _, bad := range []string{`{"custom_id":"1"}`, `{"custom_id":"1","result":{"type":"succeeded"}}`, `{"custom_id":"1","result":{"type":"succeeded","message":"words"}}`, "x"} {
		if w := exchange(anthropicGate(t, p, &book{}, nil), get("/messages/batches/b/results"), textReply(bad)); w.Code != 502 {
			t.Errorf("%s: %d %s", bad, w.Code, w.Body)
		}
	}
}
