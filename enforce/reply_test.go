package enforce_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/headgate/headgate/audit"
	"github.com/headgate/headgate/enforce"
	"github.com/headgate/headgate/policy"
)

// reply answers 200 with a body of a content type.
func reply(contentTypes []string, body string) func(*enforce.Reply, *http.Request) error {
	return func(w *enforce.Reply, _ *http.Request) error {
		w.Header()["Content-Type"] = contentTypes
		w.WriteHeader(http.StatusOK)
		_, err := w.Write([]byte(body))
		return err
	}
}

// A body in another charset than it was scanned in would read otherwise at the
// client.
func TestAReplyInAForeignCharsetIsRefused(t *testing.T) {
	const whole = `{"choices":[{"index":0,"message":{"content":"words"},"finish_reason":"stop"}]}`
	streamed := event(0, "content", "words") + finish(0) + done
	for _, tt := range []struct {
		types []string
		body  string
		ok    bool
	}{
		{[]string{"application/json"}, whole, true},
		{[]string{"application/json; charset=UTF-8"}, whole, true},
		{[]string{`application/json; charset="us-ascii"`}, whole, true},
		{[]string{"application/json; charset=utf-7"}, whole, false},
		{[]string{"application/json; charset=utf-16"}, whole, false},
		{[]string{"application/json; charset=iso-2022-jp"}, whole, false},
		{[]string{"application/json", "application/json; charset=utf-7"}, whole, false},
		{[]string{"application/json", "text/event-stream"}, whole, false},
		{[]string{"text/event-stream; charset=utf-8"}, streamed, true},
		{[]string{"text/event-stream; charset=utf-7"}, streamed, false},
	} {
		w := exchange(gate(t, rules{}, &book{}, nil), chatRequest(prompt), reply(tt.types, tt.body))
		if tt.ok && (w.Code != http.StatusOK || w.Body.String() != tt.body) {
			t.Errorf("%q: %d %s", tt.types, w.Code, w.Body)
		}
		if !tt.ok && (w.Code != http.StatusBadGateway || strings.Contains(w.Body.String(), "words")) {
			t.Errorf("%q: %d %s", tt.types, w.Code, w.Body)
		}
	}
}

// What the upstream says after its header, trailers for one, was not looked at.
func TestNothingSetAfterTheHeaderReachesTheClient(t *testing.T) {
	for _, stage := range []string{"whole", "stream"} {
		upstream := func(w *enforce.Reply, _ *http.Request) error {
			body := `{"choices":[{"index":0,"message":{"content":"words"},"finish_reason":"stop"}]}`
			w.Header().Set("Content-Type", "application/json")
			if stage == "stream" {
				w.Header().Set("Content-Type", "text/event-stream")
				body = event(0, "content", "words") + finish(0) + done
			}
			w.Header().Set("Trailer", "X-Announced")
			w.Header().Set("X-Before", "kept")
			w.WriteHeader(http.StatusOK)
			w.Header().Set("X-Early", "a@example.com")
			_, err := w.Write([]byte(body))
			w.Header().Set("X-Announced", "a@example.com")
			w.Header().Set(http.TrailerPrefix+"X-Late", "a@example.com")
			return err
		}
		w := exchange(gate(t, rules{}, &book{}, withRedaction("EMAIL")), chatRequest(prompt), upstream)
		if w.Code != http.StatusOK || w.Header().Get("X-Before") != "kept" {
			t.Errorf("%s: %d %v", stage, w.Code, w.Header())
		}
		for name := range w.Header() {
			if strings.Contains(name, "X-Early") || strings.Contains(name, "X-Announced") || strings.Contains(name, "X-Late") || name == "Trailer" {
				t.Errorf("%s: %s reached the client", stage, name)
			}
		}
	}
}

// There are clients that read lines that are none of the format.
func TestAStrayLineRefusesTheStream(t *testing.T) {
	const bare = `{"choices":[{"index":0,"delta":{"content":"a@example.com"}}]}`
	for name, tt := range map[string]struct {
		body string
		ok   bool
	}{
		"bare JSON":                 {bare + "\n\n", false},
		"bare JSON beside data":     {bare + "\n" + event(0, "content", "x"), false},
		"data behind a blank":       {" data: " + bare + "\n\n", false},
		"data in capitals":          {"DATA: " + bare + "\n\n", false},
		"another field":             {"text: a@example.com\n\n", false},
		"a field by a CR":           {": ping\rtext: a@example.com\r\r", false},
		"a byte order mark within":  {"\ufeffdata: " + bare + "\n\n", false},
		"comments and known fields": {": ping\nevent: chunk\nid: 1\nretry: 10\n" + event(0, "content", "x"), true},
		"known fields, odd endings": {": ping\r\nevent:chunk\rid\n" + event(0, "content", "x"), true},
	} {
		for _, hold := range []bool{false, true} {
			p := rules{}
			if hold {
				p.needs = map[policy.Stage]policy.Fields{policy.PostChat: policy.FieldResponse}
			}
			log := &book{}
			w := exchange(gate(t, p, log, withRedaction("EMAIL")), chatRequest(prompt), stream(event(0, "content", "one ")+tt.body+finish(0)+done, 1000, nil))
			got := w.Body.String()
			if strings.Contains(got, "a@example.com") {
				t.Errorf("%s, held %v: went out: %q", name, hold, got)
			}
			if refused := strings.Contains(got, "the upstream's stream was not understood"); refused == tt.ok {
				t.Errorf("%s, held %v: %q", name, hold, got)
			}
			if !tt.ok && !strings.HasSuffix(log.story(), "outcome upstream_error") {
				t.Errorf("%s, held %v: audit %s", name, hold, log.story())
			}
		}
	}
}

// A detector looks at an event's other lines too: comments, its name, its id.
// What it finds there goes, with all lines beside the data.
func TestWordsBesideTheDataOfAnEvent(t *testing.T) {
	const secret = "a@example.com"
	for name, tt := range map[string]struct{ sent, want string }{
		"a comment":                {": ask " + secret + "\n\n" + event(0, "content", "x"), event(0, "content", "x")},
		"a clean comment":          {": ping\n\n" + event(0, "content", "x"), ": ping\n\n" + event(0, "content", "x")},
		"a comment beside data":    {": ask " + secret + "\n" + event(0, "content", "x"), event(0, "content", "x")},
		"a comment with CRLF":      {": ask " + secret + "\r\n" + event(0, "content", "x"), event(0, "content", "x")},
		"a comment behind a CR":    {": ping\r: ask " + secret + "\r" + event(0, "content", "x"), event(0, "content", "x")},
		"an event's name":          {"event: " + secret + "\n" + event(0, "content", "x"), event(0, "content", "x")},
		"an event's id":            {"id: " + secret + "\n" + event(0, "content", "x"), event(0, "content", "x")},
		"a name without data":      {"event: " + secret + "\n\n" + event(0, "content", "x"), event(0, "content", "x")},
		"a comment and an edit":    {": ask " + secret + "\n" + event(0, "content", "to "+secret+"."), event(0, "content", "to [EMAIL].")},
		"a clean line and an edit": {"id: 7\n" + event(0, "content", "to "+secret+"."), "id: 7\n" + event(0, "content", "to [EMAIL].")},
	} {
		w := exchange(gate(t, rules{}, &book{}, withRedaction("EMAIL")), chatRequest(prompt), stream(tt.sent+finish(0)+done, 1000, nil))
		if got, want := w.Body.String(), tt.want+finish(0)+done; got != want {
			t.Errorf("%s:\n got %q\nwant %q", name, got, want)
		}
	}
}

// A call is denied, and what stands beside its arguments goes with it.
func TestADeniedCallTakesWhatStandsBesideIt(t *testing.T) {
	deny := rules{decide: func(in *policy.Input) policy.Decision {
		if in.Stage == policy.PreTool {
			return policy.Decision{Action: policy.Deny, Reason: "no"}
		}
		return policy.Decision{}
	}}
	const call = `"tool_calls":[{"index":0,"id":"1","note":"a@example.com","function":{"name":"f","arguments":"{}","why":"b@example.com"}}]`
	for name, upstream := range map[string]func(*enforce.Reply, *http.Request) error{
		"stream": stream(`data: {"choices":[{"index":0,"delta":{`+call+`},"finish_reason":"tool_calls"}]}`+"\n\n"+done, 1000, nil),
		"json":   jsonReply(200, `{"choices":[{"index":0,"message":{`+call+`},"finish_reason":"tool_calls"}]}`),
	} {
		w := exchange(gate(t, deny, &book{}, withRedaction("EMAIL")), chatRequest(prompt), upstream)
		got := w.Body.String()
		if w.Code != http.StatusOK || !strings.Contains(got, "tool `f`: no") || strings.Contains(got, "example.com") || strings.Contains(got, "tool_calls") {
			t.Errorf("%s: %d %s", name, w.Code, got)
		}
	}
}

// A reply that is given up because too much of it would be held has a line that
// says so, and is unavailable where the line cannot be written.
func TestTooMuchHeldHasItsLine(t *testing.T) {
	part := "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"1\",\"function\":{\"arguments\":\"xxxxxxxxxxxx\"}}]}}]}\n\n"
	for name, tt := range map[string]struct {
		needs policy.Fields
		body  string
		story string
	}{
		"a held reply": {policy.FieldResponse, strings.Repeat(event(0, "content", "words"), 100), "pre_chat allow, post_chat deny, outcome denied"},
		"a held call":  {0, strings.Repeat(part, 100), "pre_chat allow, post_chat allow, post_chat deny, outcome denied"},
	} {
		fails := func(*audit.Record) bool { return false }
		log := &book{fails: func(r *audit.Record) bool { return fails(r) }}
		g := gate(t, rules{needs: map[policy.Stage]policy.Fields{policy.PostChat: tt.needs}}, log, func(c *enforce.Config) { c.MaxBody = 2000 })
		w := exchange(g, chatRequest(prompt), stream(tt.body, 500, nil))
		if w.Code != http.StatusForbidden || log.story() != tt.story {
			t.Errorf("%s: %d, audit %s", name, w.Code, log.story())
		}
		line := log.lines[len(log.lines)-2]
		if line.Reason != "more of the reply would have to be held than the limit allows" || line.RuleLayer != policy.LayerDefault {
			t.Errorf("%s: the line is %+v", name, line)
		}
		fails = func(r *audit.Record) bool {
			return r.Stage == string(policy.PostChat) && r.Decision == string(policy.Deny)
		}
		if w := exchange(g, chatRequest(prompt), stream(tt.body, 500, nil)); w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s, without its line: %d %s", name, w.Code, w.Body)
		}
	}
}
