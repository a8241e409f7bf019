package pdp_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/headgate/headgate/audit"
	"github.com/headgate/headgate/pdp"
	"github.com/headgate/headgate/policy"
)

// FuzzHandle holds that whatever is sent gets one answer, which is JSON, and
// leaves one line, which is there before the answer and can be written; that a
// decision is answered only where the policy was asked; and that nobody gets
// past a signature that is not the body's.
func FuzzHandle(f *testing.F) {
	const (
		text = "application/json"
		ce   = "application/cloudevents+json"
	)
	f.Add("/pdp/policy", text, "", sessionBody)
	f.Add("/pdp/policy", text, "sha256="+sign("k", "{}"), "{}")
	f.Add("/v1/data/cullis/policy/session", text, "x", `{"input":`+sessionBody+`}`)
	f.Add("/v1/data/cullis/policy/tool_call", text, "", toolBody)
	f.Add("/v1/data/tako/policy", text, "", `{"input":{"stage":"pre_chat","principal":{"roles":["a"]},"tools":[],"messages":[{"role":"user","text":"a@example.com"}]}}`)
	f.Add("/v1/data/tako/policy", text, "", `{"input":{"stage":"pre_tool","tool_name":"t","arguments":{"a":1},"findings":[{"type":"A","count":1,"at":""}]}}`)
	f.Add("/v1/data/tako/policy", text, "", `{"input":{"stage":"post_chat","response":{"choices":[{"text":"a","tool_calls":[{"name":"f","args":[]}]},{"text":"b"}],"text":"a\nb"}}}`)
	f.Add("/v1/data/tako/policy", text, "", `{"input":{"stage":"post_chat","response":{"text":"a"},"response_hash":"`+hiHash+`"}}`)
	f.Add("/v1/data/tako/policy", text, "", `{"input":{"stage":"post_tool","args":{},"result":[null],"unscanned":["image"]}}`)
	f.Add("/v1/data/tako/policy", text, "", `{"input":{"stage":"session",`+sessionBody[1:]+`}`)
	f.Add("/v1/data/%ff", "", "", "")
	f.Add("/v1/integrations/cloudevents", ce, "", `{"specversion":"1.0","id":"1","source":"/s","type":"t","x":1,"time":"2026-04-29T17:32:04Z","data":{"b":1}}`)
	f.Add("/v1/integrations/cloudevents", ce, "", `{"specversion":"1.0","id":"1","source":"/s","type":"t","data_base64":"YWJj"}`)
	f.Add("/v1/integrations/cloudevents", "text/plain", "%41", "abc")
	f.Add("/pdp/policy/", text, "", "{}")
	f.Fuzz(func(t *testing.T, path, contentType, header, body string) {
		target, err := url.ParseRequestURI(path)
		if err != nil || target.EscapedPath() == "/pdp/health" {
			return
		}
		p, log := &rules{needs: policy.FieldsAll}, &book{}
		h := handler(t, p, log, func(c *pdp.Config) { c.Keys = [][]byte{[]byte("k")} })
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.URL = target
		r.Header = http.Header{"Content-Type": {contentType}}
		for name, prefix := range map[string]string{
			"X-Atn-Signature": "/pdp/", "X-Cullis-Integration-Signature": "/v1/data/", "Ce-Subject": "/v1/integrations/",
		} {
			if header != "" && strings.HasPrefix(target.Path, prefix) {
				r.Header.Set(name, header)
			}
		}
		if strings.HasPrefix(target.Path, "/v1/integrations/") {
			for name, value := range map[string]string{"Ce-Id": header, "Ce-Source": "/s", "Ce-Type": "t", "Ce-Specversion": "1.0"} {
				r.Header.Set(name, value)
			}
		}
		w := &recorder{ResponseRecorder: httptest.NewRecorder(), log: log}
		h.Handle(w, r, "192.0.2.1")

		if !json.Valid(w.Body.Bytes()) || !utf8.Valid(w.Body.Bytes()) {
			t.Fatalf("not JSON: %q", w.Body)
		}
		rec := log.one(t)
		if w.before != 1 {
			t.Fatalf("%d lines before the answer", w.before)
		}
		if line := rec.AppendJSON(nil, 1, [32]byte{}); !json.Valid(line) {
			t.Fatalf("not a line: %q", line)
		}
		if w.Code >= 500 {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		asked := p.last.Stage != ""
		if decided := rec.Kind == audit.KindDecision && rec.Stage != "request"; decided != asked || decided && w.Code != http.StatusOK {
			t.Fatalf("asked %v, status %d, line %+v", asked, w.Code, rec)
		}
		if mac := strings.TrimPrefix(header, "sha256="); asked && header != "" && !strings.EqualFold(mac, sign("k", body)) {
			t.Fatalf("the policy was asked under the signature %q", header)
		}
	})
}

// recorder counts the lines that are there when the answer begins.
type recorder struct {
	*httptest.ResponseRecorder
	log    *book
	before int
}

func (r *recorder) WriteHeader(status int) {
	r.before = len(r.log.lines)
	r.ResponseRecorder.WriteHeader(status)
}
