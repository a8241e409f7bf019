package enforce_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/headgate/headgate/enforce"
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/httptool"
)

// TestHTTPTool: a call is decided and changed wherever its arguments stand, and
// so is its result.
func TestHTTPTool(t *testing.T) {
	p := rules{
		decide: func(in *policy.Input) policy.Decision {
			if strings.Contains(string(in.Args), "forbidden") || strings.Contains(string(in.Result), "forbidden") {
				return policy.Decision{Action: policy.Deny, Reason: "no"}
			}
			return policy.Decision{}
		},
		needs: map[policy.Stage]policy.Fields{policy.PreTool: policy.FieldArgs, policy.PostTool: policy.FieldResult},
	}
	const denied = `{"error":{"message":"tool ` + "`ticket`" + `: no","type":"policy_denied","param":null,"code":"policy_denied"}}`
	const deniedResult = `{"error":{"message":"result of tool ` + "`ticket`" + `: no","type":"policy_denied","param":null,"code":"policy_denied"}}`
	for _, tt := range []struct {
		name, method, url, media, body string
		reply                          func(*enforce.Reply, *http.Request) error
		sent                           string // path, query and body as they went upstream; "" for not at all
		status                         int
		want                           string
		story                          string
	}{
		{
			"allowed", "GET", "/tickets/7?q=x%20y", "", "", jsonReply(200, `{"a" : 1}`), "/tickets/7?q=x%20y ", 200, `{"a" : 1}`,
			"pre_tool allow, post_tool allow, outcome complete",
		},
		{"denied by the path", "DELETE", "/tickets/forbidden", "", "", nil, "", 403, denied, "pre_tool deny"},
		{"denied by the query", "GET", "/tickets/7?q=forbidden", "", "", nil, "", 403, denied, "pre_tool deny"},
		{"denied by the body", "PATCH", "/tickets/7", "application/json", `{"a":["forbidden"]}`, nil, "", 403, denied, "pre_tool deny"},
		{"denied by the form", "PUT", "/tickets/7", "application/x-www-form-urlencoded", `a=for%62idden`, nil, "", 403, denied, "pre_tool deny"},
		{
			"redacted", "POST", "/tickets/7?q=a@x.example", "application/json", `{ "a":"b@x.example", "n":1}`, jsonReply(200, `{"by":"c@x.example"}`),
			`/tickets/7?q=%5BEMAIL%5D { "a":"[EMAIL]", "n":1}`, 200, `{"by":"[EMAIL]"}`, "pre_tool redact_args, post_tool redact_result, outcome complete",
		},
		{"a path that cannot be redacted", "GET", "/tickets/a@x.example", "", "", nil, "", 403, "", "pre_tool deny"},
		{"a name in two places", "GET", "/tickets/7?id=8", "", "", nil, "", 400, "", "request deny"},
		{"a name twice", "GET", "/tickets/7?a=8&a=9", "", "", nil, "", 400, "", "request deny"},
		{"a method that no tool has", "HEAD", "/tickets/7", "", "", nil, "", 405, "", "request deny"},
		{"a body where none is", "GET", "/tickets/7", "", "x", nil, "", 400, "", "request deny"},
		{"another media type", "POST", "/tickets/7", "text/plain", "x", nil, "", 415, "", "request deny"},
		{
			"a text", "GET", "/tickets/7", "", "", answer(200, "text/plain; charset=utf-8", "mail c@x.example\n"), "/tickets/7 ", 200, "mail [EMAIL]\n",
			"pre_tool allow, post_tool redact_result, outcome complete",
		},
		{"a result denied", "GET", "/tickets/7", "", "", answer(200, "text/html", "forbidden"), "/tickets/7 ", 403, deniedResult, "pre_tool allow, post_tool deny, outcome denied"},
		{"an error denied", "GET", "/tickets/7", "", "", answer(404, "text/plain", "forbidden"), "/tickets/7 ", 403, deniedResult, "pre_tool allow, post_tool deny, outcome denied"},
		{"an error redacted", "GET", "/tickets/7", "", "", answer(404, "text/plain", "ask c@x.example"), "/tickets/7 ", 404, "ask [EMAIL]", "pre_tool allow, post_tool redact_result, outcome upstream_error"},
		{"an image", "GET", "/tickets/7", "", "", answer(200, "image/png", "\x89PNG"), "/tickets/7 ", 200, "\x89PNG", "pre_tool allow, post_tool allow, outcome complete"},
		{"bytes that are refused", "GET", "/tickets/7", "", "", answer(200, "application/zip", "PK"), "/tickets/7 ", 403, "", "pre_tool allow, post_tool deny, outcome denied"},
		{"nothing", "DELETE", "/tickets/7", "", "", answer(204, "", ""), "/tickets/7 ", 204, "", "pre_tool allow, post_tool allow, outcome complete"},
		{"a stream", "GET", "/tickets/7", "", "", stream("data: x\n\n", 100, nil), "/tickets/7 ", 502, "", "pre_tool allow, outcome upstream_error"},
		{"a reply that leads elsewhere", "GET", "/tickets/7", "", "", answer(302, "text/plain", "x"), "/tickets/7 ", 502, "", "pre_tool allow, outcome upstream_error"},
		{"another charset", "GET", "/tickets/7", "", "", answer(400, "text/plain; charset=utf-16", "x"), "/tickets/7 ", 502, "", "pre_tool allow, outcome upstream_error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log := &book{}
			router, err := wire.NewRouter([]wire.Served{{Dialect: httptool.Dialect{Tools: []httptool.Tool{{Pattern: "/tickets/{id}", Name: "ticket"}}}, Prefix: "/"}})
			if err != nil {
				t.Fatal(err)
			}
			g := gate(t, p, log, func(c *enforce.Config) {
				mcpRedaction(c)
				c.Router, c.Fallback = router, httptool.Dialect{}
				c.AllowUnscanned = map[string]bool{"binary": false}
			})
			r := httptest.NewRequest(tt.method, tt.url, strings.NewReader(tt.body))
			if tt.media != "" {
				r.Header.Set("Content-Type", tt.media)
			}
			sent := ""
			w := exchange(g, r, func(w *enforce.Reply, r *http.Request) error {
				body, _ := io.ReadAll(r.Body)
				sent = r.URL.RequestURI() + " " + string(body)
				return tt.reply(w, r)
			})
			if w.Code != tt.status || tt.want != "" && w.Body.String() != tt.want {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if sent != tt.sent {
				t.Errorf("upstream got %q, want %q", sent, tt.sent)
			}
			if log.story() != tt.story {
				t.Errorf("%s, want %s", log.story(), tt.story)
			}
		})
	}
}

// answer answers with a whole reply of some media type.
func answer(status int, media, body string) func(*enforce.Reply, *http.Request) error {
	return func(w *enforce.Reply, _ *http.Request) error {
		if media != "" {
			w.Header().Set("Content-Type", media)
		}
		w.WriteHeader(status)
		_, err := w.Write([]byte(body))
		return err
	}
}
